"""Evaluate a network on a chip: the only evaluator, for simulator and surrogate alike.

Whole batches of waves are tensor operations; the simulator passes a fabricated chip, noise streams
and the visits of a trace, the surrogate a nominal chip, no noise and nominal visits. This file does
not know SimPy, prices, or how parameters were trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.components.base import Active, Light, State
from pnnsim.parameters import ParameterSet
from pnnsim.rng import normal, stream
from pnnsim.visits import UNWRITTEN, Visits

#: Waves whose individually programmed weights are held in memory at once.
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Read:
    """Say under which circumstances a chip is read.

    Args:
        active: Imperfections that are switched on.
        generator: Stream of the detector's noise; None for none.
        environment: What drifts, for each logical bank; empty where nothing does.
        programmed: Whether each programming has an error of its own.
    """

    active: Active
    generator: torch.Generator | None = None
    environment: Sequence[State] = ()
    programmed: bool = False


def evaluate(chip: Chip, parameters: ParameterSet, x: Tensor, visits: Visits, read: Read) -> Tensor:
    """Return the network's outputs as a chip computes them.

    Args:
        chip: Nominal or fabricated.
        parameters: Trained numbers; gradients flow to them where they are asked for.
        x: Inputs, shape `(batch, n_inputs)`.
        visits: What each wave met, one row a wave or one row for all.
        read: Noise, drift, and which imperfections are on.

    Returns:
        Outputs, shape `(batch, n_outputs)`.
    """
    network, active = chip.network, read.active
    banks = _Banks(chip, parameters, visits, read)
    first = network.injection == "first"
    drive = chip.front_end.map_input(
        x, parameters.input_weight, parameters.input_bias if first else None
    )
    state = torch.relu(drive) if first else torch.zeros_like(drive)
    order = network.weight_set_order()
    for step, weight_set in enumerate(order):
        # An analog state meets a converter once, when the front end hands it over.
        converted = step == 0 or not chip.memory.analog
        line = chip.encoder.encode(state, converted=converted, active=active)
        captured = chip.detector.detect(banks.light(line, step), read.generator, active)
        value = parameters.gain[weight_set] * captured + parameters.bias[weight_set]
        if not first:
            value = value + drive
        activated = chip.nonlinearity.activate(value)
        state = activated + network.residual * line if network.residual else activated
        if step < network.steps - 1:
            held = torch.from_numpy(visits.held_s[:, step + 1 : step + 2]).to(state)
            state = chip.memory.hold(state, held, active)
    result = chip.readout.read(state, active)
    return chip.front_end.map_output(result, parameters.output_weight, parameters.output_bias)


class _Banks:
    """Multiply lines by what the banks hold when each wave meets them."""

    def __init__(self, chip: Chip, parameters: ParameterSet, visits: Visits, read: Read) -> None:
        self._chip = chip
        self._weight = parameters.weight
        self._visits = visits
        self._read = read
        self._leak = chip.switch.leakage(read.active)
        self._deviation = chip.weight_banks.write_deviation(read.active) if read.programmed else 0.0
        self._programmed: dict[tuple[int, int], Tensor] = {}
        self._errors: dict[int, Tensor] = {}
        self._settled = visits.settled

    def light(self, line: Tensor, step: int) -> Light:
        """Return what reaches the detector in one step.

        Waves that met the same contents are one matrix product. Residues are factors of the wave,
        never a weight matrix of its own: `x W^T + r x (P - W)^T`.
        """
        chip, visits = self._chip, self._visits
        keys = np.column_stack(
            [
                visits.bank[:, step],
                visits.replaced[:, step],
                visits.previous_bank[:, step],
                visits.contents[:, step],
            ]
        )
        noisy = self._read.generator is not None
        distinct, group = np.unique(keys, axis=0, return_inverse=True)
        if len(distinct) == 1:
            signal, squares = self._product(line, step, distinct[0], slice(None), noisy)
        else:
            signal = line.new_empty(line.shape[0], self._weight.shape[1])
            squares = torch.empty_like(signal) if noisy else None
            for index, key in enumerate(distinct):
                waves = torch.from_numpy(np.flatnonzero(group.ravel() == index))
                part, part_squares = self._product(line[waves], step, key, waves, noisy)
                signal[waves] = part
                if squares is not None and part_squares is not None:
                    squares[waves] = part_squares
        absorbed = chip.weight_banks.absorbed * (1.0 + self._leak * (chip.mapping.used - 1))
        return Light(
            signal=signal,
            total=absorbed * line.sum(dim=1, keepdim=True),
            squares=squares,
            square_total=absorbed**2 * (line**2).sum(dim=1, keepdim=True) if noisy else None,
            unit_current=chip.detector.responsivity * chip.unit_power,
            unit_power=chip.unit_power,
            intensity_noise=chip.encoder.intensity_noise,
        )

    def _product(
        self, line: Tensor, step: int, key: np.ndarray, waves: slice | Tensor, noisy: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the product, and that of the squares, for waves with one key."""
        weights = self._seen(int(key[0]), key[3:])
        signal = line @ weights.T
        if not self._settled:
            signal = self._with_residues(signal, line, step, key, waves)
        if self._deviation:
            signal = signal + self._programming_error(line, step, waves)
        return signal, (line**2) @ (weights**2).T if noisy else None

    def _with_residues(
        self, signal: Tensor, line: Tensor, step: int, key: np.ndarray, waves: slice | Tensor
    ) -> Tensor:
        """Mix in what is left of the replaced weights and of the bank that was left."""
        bank, replaced, previous = (int(value) for value in key[:3])
        contents, visits, active = key[3:], self._visits, self._read.active
        since = torch.from_numpy(visits.since_write_s[:, step : step + 1])[waves].to(line)
        left = self._chip.weight_banks.residue(since, active)
        old = self._held(bank, replaced) - self._held(bank, int(contents[bank]))
        signal = signal + left * (line @ old.T)
        if previous == bank:
            return signal
        dwell = torch.from_numpy(visits.dwell_s[:, step : step + 1])[waves].to(line)
        left = self._chip.switch.residue(dwell, active)
        return signal + left * (line @ self._seen(previous, contents).T - signal)

    def _seen(self, bank: int, contents: np.ndarray) -> Tensor:
        """Return the selected bank's weights and the leak of all others."""
        weights = self._held(bank, int(contents[bank]))
        if not self._leak:
            return weights
        others = [
            self._held(other, int(held)) for other, held in enumerate(contents) if other != bank
        ]
        return weights + self._leak * sum(others[1:], others[0]) if others else weights

    def _held(self, bank: int, weight_set: int) -> Tensor:
        """Return what a bank makes of a weight set, once settled."""
        if (bank, weight_set) not in self._programmed:
            self._programmed[bank, weight_set] = self._program(bank, weight_set)
        return self._programmed[bank, weight_set]

    def _program(self, bank: int, weight_set: int) -> Tensor:
        if weight_set == UNWRITTEN:
            return torch.full_like(self._weight[0], self._chip.weight_banks.rest_weight)
        environment = self._read.environment[bank] if self._read.environment else {}
        state = {**self._chip.states[bank], **environment}
        return self._chip.weight_banks.program(self._weight[weight_set], state, self._read.active)

    def _programming_error(self, line: Tensor, step: int, waves: slice | Tensor) -> Tensor:
        """Return what the error of each wave's own programming adds to its product."""
        column = self._visits.write[:, step]
        numbers = column[waves] if isinstance(waves, slice) else column[waves.numpy()]
        distinct, which = np.unique(numbers, return_inverse=True)
        if len(distinct) == 1:
            return line @ self._error(int(distinct[0])).to(line).T
        added = torch.empty_like(line @ self._weight[0].T)
        for start in range(0, len(line), _CHUNK):
            part = slice(start, start + _CHUNK)
            used, place = np.unique(which[part], return_inverse=True)
            errors = torch.stack([self._error(int(distinct[index])) for index in used]).to(line)
            each = errors[torch.from_numpy(place)]
            added[part] = torch.bmm(each, line[part].unsqueeze(-1)).squeeze(-1)
        return added

    def _error(self, number: int) -> Tensor:
        """Return the error of one programming, always the same for the same number."""
        chip = self._chip
        known = self._errors.get(number)
        if known is not None:
            return known
        generator = stream(chip.seed, f"{chip.name}.weight_banks.write{number}", "write")
        error = self._deviation * normal(tuple(self._weight.shape[1:]), generator)
        # The set-up's few programmings serve every wave; those of the run are met once or twice.
        if number < chip.mapping.used:
            self._errors[number] = error
        return error
