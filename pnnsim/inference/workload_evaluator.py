"""Evaluate any workload on a chip, for simulator and surrogate alike.

Values are tensors of a batch. A use of a matrix passes the products of `pnnsim.mapping.products`:
each on the bank that the accesses name, with what that bank makes of its content. What becomes a
number on its way is scaled to lines and converter by ranges, and everything between is computed as
in exact arithmetic. Nothing here depends on events, prices, or how parameters were trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor

from pnnsim.inference.accesses import NO_SYMBOL, AccessTable
from pnnsim.inference.bank_models import BankModel
from pnnsim.inference.corrections import Corrections
from pnnsim.inference.mvm import BankMvm, Observe
from pnnsim.inference.partial_sums import averaged, fold_lines, unfold_product
from pnnsim.inference.ranges import InputRange, Ranges
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.inference.vectors import by_channel, flat, placed, vectors_of, with_residual
from pnnsim.mapping.products import Product
from pnnsim.networks.operator_functions import activate, compute
from pnnsim.networks.reference import last_uses
from pnnsim.networks.workload import MACHINE, Digital, Mvm

#: Vectors of one batch at most: what 64 lines carry then takes some megabytes in float32.
MOST_VECTORS = 32_768


class WorkloadEvaluator:
    """Workload on the banks of a chip.

    Args:
        banks: What the banks of a chip hold, and the noise of reading it.
        numbers: Parameters by the names of the workload.
        scales: Largest weight of each row of each matrix, over which it was written, shape
            `(n_output,)`.
        ranges: Ranges of lines and converters.
        exact: Whether lines have no ends, and activations by name are those of the network.
        corrections: Corrections of converted sums.
        probe: What looks at each product; None for nothing.
    """

    def __init__(
        self,
        banks: SwitchedBanks,
        numbers: Mapping[str, Tensor],
        scales: Sequence[Tensor],
        ranges: Ranges,
        *,
        exact: bool = False,
        corrections: Corrections | None = None,
        probe: Observe | None = None,
    ) -> None:
        self._exact = exact
        self._corrections = corrections or Corrections()
        self._probe = probe
        self._banks = banks
        self._chip = chip = banks.chip
        self._noise = banks.noise
        self._workload = chip.network.workload
        self._numbers = numbers
        self._scales = scales
        self._ranges = ranges
        self._residue = chip.detector.residue(banks.noise.active)
        self._last = last_uses(self._workload)
        passed = groupby(enumerate(chip.passage.products), key=lambda item: item[1].step)
        self._products = [list(group) for _, group in passed]

    def run(self, x: Tensor, accesses: AccessTable) -> Tensor:
        """Return the outputs of some samples, shape `(batch, *output)`.

        Args:
            x: Inputs, shape `(batch, *input)`.
            accesses: What each sample met, one row a sample or one row for all.
        """
        workload = self._workload
        passing = _Passing(self, accesses, len(x))
        like = next(iter(self._numbers.values()))
        values = {0: x.to(like.dtype) if workload.values[0].dtype == "float" else x.long()}
        use = 0
        for number, step in enumerate(workload.steps):
            if isinstance(step, Digital):
                values[number + 1] = compute(
                    step.operator,
                    [values[source] for source in step.sources],
                    constants=step.constants,
                    parameters=[self._numbers[name] for name in step.parameters],
                    like=like.new_empty(len(x)),
                )
            else:
                values[number + 1] = passing.use(use, step, values)
                use += 1
            for gone in self._last.get(number, ()):
                del values[gone]
        return values[workload.output]


class _Passing:
    """Some samples on their way through the banks."""

    def __init__(self, evaluator: WorkloadEvaluator, accesses: AccessTable, samples: int) -> None:
        self._of = evaluator
        self._chip = evaluator._chip
        self._samples = samples
        self._accesses = accesses
        self._mvm = BankMvm(evaluator._banks, accesses)
        self._held = torch.from_numpy(accesses.held_s)
        self._captured: Tensor | None = None

    def use(self, use: int, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
        """Return what one use of a matrix makes, shape `(batch, *value)`.

        Args:
            use: Number of the use.
            step: The step.
            values: Values so far.
        """
        of = self._of
        products = of._products[use]
        vectors = vectors_of(values[step.source], step)
        scaling = self._scaling(use, products, step, values)
        lines = vectors if scaling is None else scaling.to_lines(vectors)
        sums = [
            self._product(lines if scaling is not None else None, vectors, number, product)
            for number, product in products
        ]
        made, line = [captured for captured, _ in sums], sums[-1][1]
        matrix = of._workload.matrices[step.matrix]
        weight = of._numbers[matrix.name]
        gain = 1.0 if step.gain is None else of._numbers[step.gain]
        bias = 0.0 if step.bias is None else of._numbers[step.bias]
        folds = self._chip.mapping.folds_of(step.matrix)
        if products[-1][1].activates:
            y = unfold_product(made, folds, matrix.outputs)
            y = self._rescaled(y, scaling, weight, step.matrix) * gain + bias
            y = self._activated(y, step, values, line)
            if products[-1][1].converts:
                y = self._chip.digitize(y, self._chip.nonlinearity.range, of._noise.active)
            elif use + 1 == len(of._products):
                y = self._chip.readout.read(y, self._chip.nonlinearity.range, of._noise.active)
        else:
            converted = self._converted(made, products, lines)
            y = unfold_product(converted, folds, matrix.outputs)
            y = self._rescaled(y, scaling, weight, step.matrix) * gain + bias
            y = placed(y, step, values)
            if step.inject is not None:
                y = y + values[step.inject]
            if step.activation is not None:
                y = activate(step.activation, y)
            return with_residual(y, step, values)
        y = placed(y, step, values)
        if step.residual is not None and step.residual[0] != step.source:
            y = with_residual(y, step, values)
        return y

    def _scaling(
        self,
        use: int,
        products: Sequence[tuple[int, Product]],
        step: Mvm,
        values: Mapping[int, Tensor],
    ) -> InputRange | None:
        """Return the range of the numbers that a use reads; None where its state stays analog."""
        if not products[0][1].digital:
            return None
        numbers = by_channel(values[step.source])
        signed = self._chip.signed_lines
        return self._of._ranges.input(use, numbers, matrix=step.matrix, signed=signed)

    def _product(
        self, numbers: Tensor | None, state: Tensor, number: int, product: Product
    ) -> tuple[Tensor, Tensor]:
        """Return what the detector captures of one product, and what the lines carried.

        Args:
            numbers: Vectors as lines are to carry them; None where the state stays analog.
            state: The state, shape `(batch, 1, n_input)`, where it does.
            number: Number of the product.
            product: The product.
        """
        chip, noise = self._chip, self._of._noise
        if self._of._exact:
            line = state if numbers is None else numbers
        elif numbers is not None:
            line = chip.encoder.encode(numbers, converted=True, active=noise.active)
        else:
            held = self._held[:, number].reshape(-1, 1, 1).to(state)
            kept = chip.memory.hold(state, held, noise.active)
            # What the front end hands over is converted once.
            converted = not chip.memory.analog or number == 0
            line = chip.encoder.encode(kept, converted=converted, active=noise.active)
        content = chip.mapping.contents[product.content]
        mine = fold_lines(line, content.fold, chip.mapping)
        if chip.spec.control.reads > 1:
            mine = mine.repeat_interleave(chip.spec.control.reads, dim=1)
        mine = mine.flatten(0, 1)
        received = self._mvm.receive(mine, number, vectors=product.vectors)
        captured = chip.detector.detect(received, noise.generator, noise.active)
        if self._of._probe is not None:
            self._of._probe(number, mine, captured, product.vectors)
        captured = captured.reshape(self._samples, product.vectors, -1)
        captured = self._after_symbols(captured, number)
        return averaged(captured, content.fold, chip.mapping), line

    def _after_symbols(self, captured: Tensor, number: int) -> Tensor:
        """Return what is captured with what the detector has left of the vector before.

        The vector before the first one is the last one of the product before, where that belonged
        to the same sample.
        """
        before, self._captured = self._captured, captured[:, -1:]
        residue = self._of._residue
        if not residue:
            return captured
        own = self._accesses.symbol_back[:, number] != NO_SYMBOL
        own = own & (self._accesses.symbol_offset[:, number] == 0)
        first = captured[:, :1]
        if before is not None:
            mask = torch.from_numpy(own).reshape(-1, 1, 1)
            first = torch.where(mask, before, first)
        return torch.lerp(captured, torch.cat([first, captured[:, :-1]], dim=1), residue)

    def _converted(
        self, made: Sequence[Tensor], products: Sequence[tuple[int, Product]], lines: Tensor
    ) -> list[Tensor]:
        """Return captured sums as numbers: those of single vectors added ahead of the converter.

        Args:
            made: What was captured in each product.
            products: The products and their numbers.
            lines: Vectors as lines are to carry them.
        """
        corrections, reads = self._of._corrections, self._chip.spec.control.reads
        if corrections.measures:
            lines = self._chip.encoder.encode(lines, converted=True, active=frozenset())
        found: list[Tensor] = []
        waiting: Tensor | None = None
        expected: Tensor | None = None
        for captured, (number, product) in zip(made, products, strict=True):
            total = captured if waiting is None else waiting + captured
            if corrections.measures:
                sums = corrections.expected(product.content, lines)
                expected = sums if waiting is None or expected is None else expected + sums
            if not product.converts:
                waiting = total
                found.append(torch.zeros_like(captured))
                continue
            waiting = None
            most = self._of._ranges.sum(number, total)
            numbers = self._chip.digitize(total / most, (-1.0, 1.0), self._of._noise.active)
            numbers = numbers.reshape(len(numbers), -1, reads, numbers.shape[-1]).mean(dim=2) * most
            found.append(corrections.corrected(number, numbers, expected))
        return found

    def _rescaled(
        self, sums: Tensor, scaling: InputRange | None, weight: Tensor, matrix: int
    ) -> Tensor:
        """Return products in the units of the network, from sums in those of lines and banks.

        What the offset of the lines adds is known: the weights times it.
        """
        product = sums * self._of._scales[matrix]
        if scaling is None:
            return product
        shape = self._of._workload.matrices[matrix]
        return product * scaling.span + scaling.of_offset(weight, shape)

    def _activated(
        self, y: Tensor, step: Mvm, values: Mapping[int, Tensor], line: Tensor
    ) -> Tensor:
        """Return the state behind the nonlinearity, with what the lines still carry."""
        noise = self._of._noise
        if step.inject is not None:
            y = y + flat(values[step.inject], y)
        if self._of._exact and step.activation not in (None, MACHINE):
            y = activate(str(step.activation), y)
        else:
            y = self._chip.nonlinearity.activate(y, None, noise.generator, noise.active)
        if step.residual is not None and step.residual[0] == step.source:
            y = y + step.residual[1] * line
        return y


def evaluate_workload(
    model: BankModel,
    numbers: Mapping[str, Tensor],
    scales: Sequence[Tensor],
    ranges: Ranges,
    x: Tensor,
    accesses: AccessTable,
    noise: NoiseContext,
    *,
    exact: bool = False,
    corrections: Corrections | None = None,
    probe: Observe | None = None,
) -> Tensor:
    """Return the outputs of a network as a chip computes them, shape `(batch, *output)`.

    Args:
        model: What the banks of a chip make of the matrices (`written_matrices`).
        numbers: Parameters by the names of the workload; gradients flow to them.
        scales: Scale of each row of each matrix.
        ranges: Ranges of lines and converters.
        x: Inputs, shape `(batch, *input)`.
        accesses: What each sample met, one row a sample or one row for all.
        noise: Noise, and which non-idealities are on.
        exact: As for `WorkloadEvaluator`.
        corrections: Corrections of converted sums; none where not given.
        probe: As for `WorkloadEvaluator`.
    """
    banks = SwitchedBanks(model, noise)
    evaluator = WorkloadEvaluator(
        banks, numbers, scales, ranges, exact=exact, corrections=corrections, probe=probe
    )
    most = max(product.vectors for product in model.chip.passage.products)
    each = max(1, MOST_VECTORS // most)
    outputs = [
        evaluator.run(x[first : first + each], accesses.select(slice(first, first + each)))
        for first in range(0, len(x), each)
    ]
    return torch.cat(outputs) if len(outputs) > 1 else outputs[0]
