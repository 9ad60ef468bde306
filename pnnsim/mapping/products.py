"""What one sample of a workload takes on a machine: products on banks, and digital work between.

A use of a matrix is a *step*; where the matrix is folded, each fold is a *product* of its own.
Steps whose states pass from nonlinearity to encoder without becoming numbers form a chain. Between
chains values are numbers: they leave through the converter of the readout, the digital engine works
on them, and they come back through that of the encoder. There are no times and no banks here.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from pnnsim.errors import MappingError
from pnnsim.mapping.buffering import buffered
from pnnsim.mapping.folding import Fold
from pnnsim.mapping.tiling import Mapping
from pnnsim.networks.workload import MACHINE, Digital, Mvm, Workload


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a sample with what a bank holds.

    Args:
        step: Number of the use of a matrix.
        fold: Fold of its matrix.
        content: What the bank must hold.
        vectors: Vectors of the sample that cross the bank one after the other, each as often as it
            is read.
        lines: Lines that are priced for each vector; 1 where prices are those of whole states.
        rows: Detectors that are priced for each vector; 1 likewise.
        cells: States, or numbers, behind the detector that are priced for each vector; 1 likewise.
        begins: Whether it is the first product of its step.
        digital: Whether its vectors come from numbers, which the encoder converts.
        activates: Whether the nonlinearity is applied to what was captured.
        converts: Whether the readout turns what was captured into numbers.
        leaves: Whether the digital engine goes on with the sample behind it.
        operations: Operations of the digital engine behind it, a multiply-accumulate each.
        bytes: Bytes of weight memory that these read.
    """

    step: int
    fold: int
    content: int
    vectors: int = 1
    lines: int = 1
    rows: int = 1
    cells: int = 1
    begins: bool = True
    digital: bool = False
    activates: bool = True
    converts: bool = False
    leaves: bool = False
    operations: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """Work of the digital engine on one sample.

    Args:
        operations: Operations, a multiply-accumulate each.
        bytes: Bytes of weight memory that are read.
    """

    operations: int = 0
    bytes: int = 0

    @staticmethod
    def of(steps: list[Digital]) -> Job:
        """Return digital steps as one job."""
        return Job(sum(s.operations for s in steps), sum(s.bytes for s in steps))


@dataclass(frozen=True, slots=True)
class Passage:
    """Everything that one sample takes.

    Args:
        products: Products in their order.
        input: Digital work ahead of the first product.
        output: Digital work behind the last; that of `products[-1]` comes first.
        live: Numbers that the buffer of the digital engine holds at once for a sample; 0 where
            values do not become numbers on their way.
        moved: Numbers that are written to it or read from it for a sample.
    """

    products: tuple[Product, ...]
    input: Job
    output: Job
    live: int = 0
    moved: int = 0


def passage_of(
    workload: Workload, mapping: Mapping, operators: Set[str] = frozenset(), *, reads: int = 1
) -> Passage:
    """Return what one sample of a workload takes.

    Sums of one vector wait behind the detector for those of its other folds. Of several vectors,
    each is converted in each fold, and the sums are those of numbers. A vector that is read several
    times is encoded, multiplied, detected and converted each time; its mean is one of numbers.

    Args:
        workload: What is computed.
        mapping: How its matrices are cut.
        operators: Activations by name that the machine's nonlinearity is. It computes them where
            one state goes through all steps; otherwise values are numbers, and the digital engine
            does.
        reads: Times that each vector crosses its bank.

    Raises:
        MappingError: There is no product, or the machine's nonlinearity needs sums of several
            vectors, or several reads of one, at once.
    """
    uses = [(at, step) for at, step in enumerate(workload.steps) if isinstance(step, Mvm)]
    if not uses:
        raise MappingError(
            "network: uses no matrix on banks; expected at least one. Hint: place a layer on banks"
        )
    readers = _readers(workload)
    machine = operators | {MACHINE}
    analog = [_stays_analog(workload, at, readers[at + 1], machine) for at, _ in uses]
    whole = _is_one_state(workload, uses, analog, mapping, machine)
    if not whole:
        machine = frozenset({MACHINE})
        analog = [_stays_analog(workload, at, readers[at + 1], machine) for at, _ in uses]
    before: list[list[Digital]] = [[]]
    for step in workload.steps:
        if isinstance(step, Digital):
            before[-1].append(step)
        else:
            before.append([])
    products: list[Product] = []
    for number, (at, use) in enumerate(uses):
        vectors = workload.vectors(at)
        activates = use.activation in machine
        if activates and reads > 1:
            raise MappingError(
                f"control.reads: got {reads}, but the state of step {number} goes on to the "
                "machine's activation as it was captured; expected 1, as means are those of "
                "numbers. Hint: a longer detector.integration_time, or an activation by name"
            )
        made = _step(number, use, mapping, vectors=vectors * reads, whole=whole)
        folds = mapping.folds_of(use.matrix)
        enters = not whole and (number == 0 or not analog[number - 1])
        made = [replace(product, digital=enters) for product in made]
        if activates:
            outputs = mapping.shapes[use.matrix].outputs
            if vectors > 1 and _sums(folds):
                raise MappingError(
                    f"network: step {number} adds {len(folds)} folds of {vectors} vectors ahead of "
                    "the machine's activation; expected one vector, as the detector keeps no more. "
                    "Hint: raise weight_banks.cols, or take an activation by name"
                )
            made = [replace(product, activates=False) for product in made[:-1]] + [
                replace(made[-1], activates=True, cells=1 if whole else outputs)
            ]
            converted = {len(made) - 1}
        else:
            made = [replace(product, activates=False) for product in made]
            apart = vectors * reads > 1
            converted = {n for n in range(len(made)) if apart or _ends_rows(folds, n)}
        if not whole and not analog[number]:
            made = [replace(product, converts=n in converted) for n, product in enumerate(made)]
            job = Job.of(before[number + 1]) if number + 1 < len(uses) else Job()
            made[-1] = replace(
                made[-1],
                leaves=True,
                operations=job.operations + _own_operations(use, made, mapping, vectors, activates),
                bytes=job.bytes,
            )
        products += made
    live = moved = 0
    if not whole:
        # Reads of one vector are those of one symbol, and their mean is one number.
        written = sum(p.vectors // reads * p.cells for p in products if p.converts)
        entering = sum(p.vectors // reads * p.lines for p in products if p.digital)
        states = [at + 1 for (at, _), stays in zip(uses, analog, strict=True) if stays]
        live, moved = buffered(workload, written, entering, states)
    return Passage(tuple(products), Job.of(before[0]), Job.of(before[-1]), live, moved)


def _readers(workload: Workload) -> list[set[int]]:
    """Return the steps that read each value; -1 stands for what comes behind the last one."""
    readers: list[set[int]] = [set() for _ in workload.values]
    for number, step in enumerate(workload.steps):
        for source in step.sources:
            readers[source].add(number)
    for value in (workload.output, *(carried.source for carried in workload.carried)):
        readers[value].add(-1)
    return readers


def _stays_analog(workload: Workload, at: int, readers: set[int], machine: Set[str]) -> bool:
    """Return whether the state that a step makes is read by the next step alone, as it is.

    Args:
        workload: What is computed.
        at: Number of the step.
        readers: Steps that read its value.
        machine: Names of the activations that the nonlinearity computes.
    """
    step = workload.steps[at]
    assert isinstance(step, Mvm)
    if at + 1 == len(workload.steps) or step.activation not in machine:
        return False
    following, value = workload.steps[at + 1], at + 1
    if not isinstance(following, Mvm) or following.source != value or following.gather is not None:
        return False
    alone = readers == {at + 1} and workload.vectors(at) == 1
    return alone and _own_residual(step) and _own_residual(following)


def _own_residual(step: Mvm) -> bool:
    """Return whether what is added behind f is what the lines carry, if anything is."""
    return step.residual is None or step.residual[0] == step.source


def _is_one_state(
    workload: Workload,
    uses: list[tuple[int, Mvm]],
    analog: list[bool],
    mapping: Mapping,
    machine: Set[str],
) -> bool:
    """Return whether one state of one width goes through all steps and out.

    Such a sample passes the converters of the machine once: on its way in and on its way out.
    """
    last = uses[-1][1]
    square = mapping.shapes[0].outputs == mapping.shapes[0].inputs
    first = workload.values[uses[0][1].source].shape
    return (
        mapping.uniform
        and square
        and all(analog[:-1])
        and last.activation in machine
        and _own_residual(last)
        and workload.vectors(uses[-1][0]) == 1
        and len(first) == 1
    )


def _step(number: int, use: Mvm, mapping: Mapping, *, vectors: int, whole: bool) -> list[Product]:
    """Return the products of a step, one for each fold of its matrix."""
    first = mapping.first_contents[use.matrix]
    return [
        Product(
            step=number,
            fold=place,
            content=first + place,
            vectors=vectors,
            lines=1 if whole else len(fold.tile.inputs),
            rows=1 if whole else mapping.copies(fold) * len(fold.tile.outputs),
            cells=1 if whole else len(fold.tile.outputs),
            begins=not place,
        )
        for place, fold in enumerate(mapping.folds_of(use.matrix))
    ]


def _sums(folds: tuple[Fold, ...]) -> bool:
    """Return whether outputs are sums over several folds."""
    return len({fold.tile.outputs for fold in folds}) < len(folds)


def _ends_rows(folds: tuple[Fold, ...], number: int) -> bool:
    """Return whether a fold is the last of those with its outputs."""
    return number + 1 == len(folds) or folds[number + 1].tile.outputs != folds[number].tile.outputs


def _own_operations(
    use: Mvm, made: list[Product], mapping: Mapping, vectors: int, activates: bool
) -> int:
    """Return the operations that turn converted numbers into the value of a step.

    Each number is scaled and added to its sum, whose first term is the bias. A state behind the
    machine's nonlinearity is there already. What is injected or added behind f counts once a
    number where that is done digitally, and so does an activation by name.
    """
    outputs = vectors * mapping.shapes[use.matrix].outputs
    count = 0
    if not activates:
        count += sum(product.cells * product.vectors for product in made if product.converts)
        count += outputs * ((use.activation is not None) + (use.inject is not None))
    own = use.residual is None or (activates and use.residual[0] == use.source)
    return count + (0 if own else outputs)
