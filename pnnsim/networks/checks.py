"""Whether the parts of a workload agree: ranges, order, shapes, names.

The first contradiction is raised, with the step it is found in. Hardware is not considered: that a
workload is right does not mean that a machine can run it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pnnsim.errors import WorkloadError
from pnnsim.networks import operators
from pnnsim.networks.operator_constants import MOST, is_number, is_whole, shown
from pnnsim.networks.operator_rules import places
from pnnsim.networks.parts import MACHINE, Carried, Digital, Gather, Matrix, Mvm, Shape, Value

#: Axes of a value or a parameter.
_AXES = 3
_NAME_LENGTH = 300


def check(
    values: Sequence[Value],
    matrices: Sequence[Matrix],
    steps: Sequence[Mvm | Digital],
    output: int,
    carried: Sequence[Carried],
    shapes: Mapping[str, Shape],
) -> None:
    """Refuse parts that do not make a workload; they are those of `Workload`.

    Args:
        values: Input, and what each step makes.
        matrices: Stationary operands.
        steps: Work.
        output: Number of the value that is given.
        carried: Values that start the next sample.
        shapes: Shape of each parameter.

    Raises:
        WorkloadError: At the first contradiction.
    """
    for name, several in (
        ("values", values),
        ("matrices", matrices),
        ("steps", steps),
        ("carried", carried),
    ):
        _check_tuple(name, several)
    if len(values) != len(steps) + 1:
        raise WorkloadError(
            f"values: got {len(values)}; expected the input and one for each of the {len(steps)} "
            "steps"
        )
    for number, value in enumerate(values):
        _check_value(f"value {number}", value)
    for name, shape in shapes.items():
        _check_name("shapes", name)
        _check_shape(f"parameter {name}", shape, least=0)
    _check_matrices(matrices, shapes)
    used = {matrix.name for matrix in matrices}
    for number, step in enumerate(steps):
        where = f"step {number}"
        if isinstance(step, Mvm):
            made = _made_by_mvm(where, step, number, values, matrices, shapes)
            used.update(name for name in (step.bias, step.gain) if name is not None)
        elif isinstance(step, Digital):
            made = _made_by_digital(where, step, number, values, shapes)
            used.update(step.parameters)
        else:
            raise WorkloadError(f"{where}: is {shown(step)}; expected an Mvm or a Digital")
        if made != values[number + 1]:
            raise WorkloadError(
                f"{where}: makes {_text(made)}; value {number + 1} is {_text(values[number + 1])}"
            )
    idle = set(range(len(matrices))) - {s.matrix for s in steps if isinstance(s, Mvm)}
    if idle:
        raise WorkloadError(f"matrix {min(idle)} ({matrices[min(idle)].name}): no step uses it")
    if used != set(shapes):
        raise WorkloadError(f"parameter {shown(min(set(shapes) - used))}: no step uses it")
    _check_number("output", output, len(values), "a value")
    _check_carried(carried, values, steps)


def _check_tuple(where: str, several: object) -> None:
    """Refuse lists and other things that could change."""
    if not isinstance(several, tuple):
        raise WorkloadError(f"{where}: is a {type(several).__name__}; expected a tuple")


def _check_value(where: str, value: Value) -> None:
    """Refuse values of no shape or type."""
    if not isinstance(value, Value) or value.dtype not in ("float", "int"):
        raise WorkloadError(f"{where}: is {shown(value)}; expected a Value of type float or int")
    _check_shape(where, value.shape, least=1)


def _check_shape(where: str, shape: Shape, *, least: int) -> None:
    """Refuse what is no shape of few axes."""
    good = isinstance(shape, tuple) and least <= len(shape) <= _AXES
    if not good or not all(is_whole(size) and size >= 1 for size in shape):
        raise WorkloadError(
            f"{where}: has shape {shown(shape)}; expected {least} to {_AXES} sizes of at least 1"
        )
    if math.prod(shape) > MOST:
        raise WorkloadError(f"{where}: has shape {shown(shape)}; expected at most 2^40 numbers")


def _check_name(where: str, name: object) -> None:
    """Refuse what is no name that can be printed."""
    good = isinstance(name, str) and 0 < len(name) <= _NAME_LENGTH and name.isprintable()
    if not good:
        raise WorkloadError(
            f"{where}: has the name {shown(name)}; expected 1 to {_NAME_LENGTH} printable "
            "characters"
        )


def _check_matrices(matrices: Sequence[Matrix], shapes: Mapping[str, Shape]) -> None:
    """Refuse matrices that are named twice, have no parameter, or no shape."""
    names: set[str] = set()
    for number, matrix in enumerate(matrices):
        where = f"matrix {number}"
        if not isinstance(matrix, Matrix):
            raise WorkloadError(f"{where}: is {shown(matrix)}; expected a Matrix")
        _check_name(where, matrix.name)
        where = f"{where} ({matrix.name})"
        if matrix.name in names:
            raise WorkloadError(f"{where}: its name is taken; expected another")
        names.add(matrix.name)
        sizes = (matrix.outputs, matrix.inputs, matrix.groups)
        if not all(is_whole(size) and 1 <= size <= MOST for size in sizes):
            raise WorkloadError(
                f"{where}: outputs, inputs and groups are {shown(sizes)}; expected whole numbers "
                "of at least 1"
            )
        if matrix.bits is not None and not (is_whole(matrix.bits) and 1 <= matrix.bits <= 16):
            raise WorkloadError(f"{where}: bits is {shown(matrix.bits)}; expected 1 to 16")
        if matrix.scaling not in ("row", "matrix"):
            raise WorkloadError(
                f"{where}: scaling is {shown(matrix.scaling)}; expected row or matrix"
            )
        if matrix.outputs % matrix.groups or matrix.inputs % matrix.groups:
            raise WorkloadError(
                f"{where}: {matrix.groups} groups of {matrix.outputs} outputs and {matrix.inputs} "
                "inputs; expected a divisor of both"
            )
        _check_parameter(where, matrix.name, (matrix.shape,), shapes)


def _check_parameter(
    where: str, name: object, allowed: Sequence[Shape], shapes: Mapping[str, Shape]
) -> None:
    """Refuse a parameter that is not declared with one of several shapes."""
    if not isinstance(name, str) or name not in shapes:
        raise WorkloadError(f"{where}: parameter {shown(name)} has no shape; expected it in shapes")
    if shapes[name] not in allowed:
        expected = " or ".join(str(shape) for shape in allowed)
        raise WorkloadError(
            f"{where}: parameter {name} has shape {shapes[name]}; expected {expected}"
        )


def _check_number(where: str, number: object, count: int, what: str) -> None:
    """Refuse what is no number of one of several things."""
    if not is_whole(number) or not 0 <= number < count:  # type: ignore[operator]
        raise WorkloadError(
            f"{where}: {shown(number)} is not the number of {what}; expected 0 to {count - 1}"
        )


def _made_by_mvm(
    where: str,
    step: Mvm,
    number: int,
    values: Sequence[Value],
    matrices: Sequence[Matrix],
    shapes: Mapping[str, Shape],
) -> Value:
    """Return what a use of a matrix makes."""
    _check_number(f"{where}: matrix", step.matrix, len(matrices), "a matrix")
    matrix = matrices[step.matrix]
    where = f"{where} ({matrix.name})"
    for read in step.sources:
        _check_number(f"{where}: source", read, number + 1, "a value that is made by then")
    source = values[step.source]
    if source.dtype != "float":
        raise WorkloadError(f"{where}: reads numbers of type {source.dtype}; expected float")
    if not isinstance(step.barrier, bool):
        raise WorkloadError(f"{where}: barrier is {shown(step.barrier)}; expected true or false")
    made = Value(crossed(where, step.gather, source.shape, matrix))
    if step.bias is not None:
        _check_parameter(where, step.bias, ((matrix.outputs,),), shapes)
    if step.gain is not None:
        _check_parameter(where, step.gain, ((), (matrix.outputs,)), shapes)
    known = (None, MACHINE, *sorted(operators.ACTIVATIONS))
    if step.activation not in known:
        raise WorkloadError(
            f"{where}: unknown activation {shown(step.activation)}; expected none, "
            f"{', '.join(str(name) for name in known[1:])}"
        )
    added = [] if step.inject is None else [("inject", step.inject)]
    if step.residual is not None:
        if not is_number(step.residual[1]):
            raise WorkloadError(
                f"{where}: residual factor is {shown(step.residual[1])}; expected a finite number"
            )
        added.append(("residual", step.residual[0]))
    for name, other in added:
        if values[other] != made:
            raise WorkloadError(
                f"{where}: {name} is {_text(values[other])}; expected {_text(made)}"
            )
    return made


def crossed(where: str, gather: Gather | None, shape: Shape, matrix: Matrix) -> Shape:
    """Return the shape behind a matrix.

    Args:
        where: Start of a message.
        gather: How vectors are taken from a map; None for vectors as they stand.
        shape: Shape of what feeds it.
        matrix: The matrix.

    Raises:
        WorkloadError: If it cannot be fed with it.
    """
    if gather is None:
        if len(shape) > 2 or shape[-1] != matrix.inputs:
            raise WorkloadError(
                f"{where}: source has shape {shape}; expected ({matrix.inputs},) or "
                f"(vectors, {matrix.inputs})"
            )
        return (*shape[:-1], matrix.outputs)
    _check_gather(where, gather)
    taps = math.prod(gather.kernel)
    if len(shape) != 3 or shape[0] * taps != matrix.inputs:
        raise WorkloadError(
            f"{where}: source has shape {shape} and kernel {gather.kernel}; expected a map with "
            f"{matrix.inputs} values at a place"
        )
    if shape[0] % matrix.groups:
        raise WorkloadError(
            f"{where}: {matrix.groups} groups of {shape[0]} channels; expected a divisor"
        )
    try:
        return (matrix.outputs, *places(gather, shape[1], shape[2]))
    except WorkloadError as error:
        raise WorkloadError(f"{where}: {error}") from None


def _check_gather(where: str, gather: Gather) -> None:
    """Refuse kernels, strides and dilations below 1 and paddings below 0."""
    pairs = (
        ("kernel", gather.kernel, 1),
        ("stride", gather.stride, 1),
        ("padding", gather.padding, 0),
        ("dilation", gather.dilation, 1),
    )
    for name, pair, least in pairs:
        good = isinstance(pair, tuple) and len(pair) == 2
        if not good or not all(is_whole(size) and least <= size <= MOST for size in pair or ()):
            raise WorkloadError(
                f"{where}: {name} is {shown(pair)}; expected two whole numbers of at least {least}"
            )


def _made_by_digital(
    where: str, step: Digital, number: int, values: Sequence[Value], shapes: Mapping[str, Shape]
) -> Value:
    """Return what a digital step makes."""
    _check_tuple(f"{where}: sources", step.sources)
    _check_tuple(f"{where}: constants", step.constants)
    _check_tuple(f"{where}: parameters", step.parameters)
    for source in step.sources:
        _check_number(f"{where}: source", source, number + 1, "a value that is made by then")
    for name in step.parameters:
        if not isinstance(name, str) or name not in shapes:
            raise WorkloadError(
                f"{where}: parameter {shown(name)} has no shape; expected it in shapes"
            )
    try:
        applied = operators.apply(
            step.operator,
            [values[source] for source in step.sources],
            constants=step.constants,
            parameters=[shapes[name] for name in step.parameters],
        )
    except WorkloadError as error:
        raise WorkloadError(f"{where}: {error}") from None
    if (step.operations, step.bytes) != (applied.operations, applied.bytes):
        raise WorkloadError(
            f"{where}: {step.operator}: states {shown(step.operations)} operations and "
            f"{shown(step.bytes)} bytes; expected {applied.operations} and {applied.bytes}"
        )
    return applied.value


def _check_carried(
    carried: Sequence[Carried], values: Sequence[Value], steps: Sequence[Mvm | Digital]
) -> None:
    """Refuse states that replace what is no constant, or something of another shape."""
    targets: set[int] = set()
    for number, state in enumerate(carried):
        where = f"carried {number}"
        if not isinstance(state, Carried):
            raise WorkloadError(f"{where}: is {shown(state)}; expected a Carried")
        _check_number(f"{where}: source", state.source, len(values), "a value")
        _check_number(f"{where}: target", state.target, len(values), "a value")
        if not is_number(state.initial):
            raise WorkloadError(
                f"{where}: initial is {shown(state.initial)}; expected a finite number"
            )
        step = steps[state.target - 1] if state.target else None
        if not isinstance(step, Digital) or step.operator != "constant":
            raise WorkloadError(
                f"{where}: replaces value {state.target}; expected one that a constant makes"
            )
        if state.target in targets:
            raise WorkloadError(f"{where}: replaces value {state.target} again; expected once")
        targets.add(state.target)
        if values[state.source] != values[state.target]:
            raise WorkloadError(
                f"{where}: is {_text(values[state.source])}; value {state.target} is "
                f"{_text(values[state.target])}"
            )


def _text(value: Value) -> str:
    return f"{value.dtype} {value.shape}"
