"""Multiply lines by what the weight banks hold when each wave meets them.

The visits of a trace say which bank each wave met, what it held, what it had held before, and how
long ago. Waves that met the same are one matrix product; what differs from wave to wave enters as a
factor of the wave, never as a weight matrix of its own: `x W^T + r x (P - W)^T`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.components.base import Active, Held, Received, State
from pnnsim.rng import stream
from pnnsim.visits import UNWRITTEN, Ints, Visits

#: Waves whose individually programmed weights are in memory at once.
_CHUNK = 256

#: Ages within this ratio count as one, for banks whose weights change with age.
_AGE_RATIO = 1.05


@dataclass(frozen=True, slots=True)
class Read:
    """Say under which circumstances a chip is read.

    Args:
        active: Imperfections that are switched on.
        generator: Stream of the noise of reading; None for none.
        environment: What drifts, for each logical bank; empty where nothing does.
        programmed: Whether each programming has an error of its own.
    """

    active: Active
    generator: torch.Generator | None = None
    environment: Sequence[State] = ()
    programmed: bool = False


@dataclass(frozen=True, slots=True)
class _Product:
    """Hold the products of some waves, and those of the squares where noise is drawn."""

    signal: Tensor
    squares: Tensor | None
    spread: Tensor | None
    scale: Tensor


class BankProducts:
    """Hold the programmed banks of one evaluation and multiply by them.

    Args:
        chip: Nominal or fabricated.
        weight: Weight sets in [-1, 1], shape `(n_layer, n_out, n_in)`.
        visits: What each wave met, one row a wave or one row for all.
        read: Noise, drift, and which imperfections are on.
    """

    def __init__(self, chip: Chip, weight: Tensor, visits: Visits, read: Read) -> None:
        self._chip = chip
        self._weight = weight
        self._visits = visits
        self._read = read
        self._noisy = read.generator is not None
        self._leak = chip.switch.leakage(read.active)
        self._settled = visits.settled
        self._programmed: dict[tuple[int, int, int], Held] = {}
        self._errors: dict[int, Tensor | None] = {}

    def receive(self, line: Tensor, step: int) -> Received:
        """Return what reaches the detector in one step.

        Args:
            line: What the lines carry, shape `(batch, n_in)`.
            step: Step t of the network.
        """
        chip, product = self._chip, self._products(line, step)
        others = chip.mapping.used - 1
        absorbed = chip.weight_banks.absorbed * (1.0 + self._leak * others)
        unit_input = chip.unit_input * product.scale
        signal = product.signal
        if product.spread is not None:
            noise = torch.randn(signal.shape, generator=self._read.generator, dtype=torch.float64)
            signal = signal + product.spread.sqrt() * noise.to(signal)
        injected = self._injected(line, step)
        if injected is not None:
            signal = signal + injected / chip.detector.unit_current(unit_input)
        return Received(
            signal=signal,
            total=absorbed / product.scale * line.abs().sum(dim=1, keepdim=True),
            squares=product.squares,
            square_total=(absorbed / product.scale) ** 2 * (line**2).sum(dim=1, keepdim=True)
            if self._noisy
            else None,
            unit_input=unit_input,
            intensity_noise=chip.encoder.intensity_noise,
            emission=chip.switch.emission,
            conductance=chip.weight_banks.conductance,
        )

    def _products(self, line: Tensor, step: int) -> _Product:
        """Return the products of all waves, grouped by what they met."""
        visits = self._visits
        columns = [visits.bank, visits.replaced, visits.previous_bank, self._age_bins(step)]
        keys = np.column_stack([c[:, step] if c.ndim == 2 else c for c in columns])
        keys = np.column_stack([keys, visits.contents[:, step]])
        distinct, group = np.unique(keys, axis=0, return_inverse=True)
        if len(distinct) == 1:
            return self._product(line, step, distinct[0], slice(None))
        parts = []
        places = []
        for index, key in enumerate(distinct):
            waves = torch.from_numpy(np.flatnonzero(group.ravel() == index))
            parts.append(self._product(line[waves], step, key, waves))
            places.append(waves)
        back = torch.argsort(torch.cat(places))

        def joined(tensors: Sequence[Tensor | None]) -> Tensor | None:
            present = [tensor for tensor in tensors if tensor is not None]
            return torch.cat(present)[back] if present else None

        signal = torch.cat([part.signal for part in parts])[back]
        scales = [part.scale.expand(len(part.signal), 1) for part in parts]
        return _Product(
            signal,
            joined([part.squares for part in parts]),
            joined([part.spread for part in parts]),
            torch.cat(scales)[back],
        )

    def _product(self, line: Tensor, step: int, key: Ints, waves: slice | Tensor) -> _Product:
        """Return the products of waves that met the same."""
        bank, age_bin, contents = int(key[0]), int(key[3]), key[4:]
        held = self._held(bank, int(contents[bank]), age_bin)
        seen = self._seen(bank, contents, age_bin)
        signal = line @ seen.T
        if not self._settled:
            signal = self._with_residues(signal, line, step, key, waves)
        if self._read.programmed:
            signal = signal + self._programming_error(line, step, held, waves)
        squares = spread = None
        if self._noisy:
            power = line**2
            squares = power @ (seen**2).T
            variance = self._chip.weight_banks.read_variance(
                held.weights, _age_of(age_bin), self._read.active
            )
            spread = None if variance is None else power @ variance.T
        scale = torch.as_tensor(held.scale, dtype=line.dtype, device=line.device)
        return _Product(signal, squares, spread, scale)

    def _with_residues(
        self, signal: Tensor, line: Tensor, step: int, key: Ints, waves: slice | Tensor
    ) -> Tensor:
        """Mix in what is left of the replaced weights and of the bank that was left."""
        bank, replaced, previous, age_bin = (int(value) for value in key[:4])
        contents, active = key[4:], self._read.active
        since = self._column(self._visits.since_write_s, step, waves, line)
        left = self._chip.weight_banks.residue(since, active)
        old = self._held(bank, replaced, age_bin).weights
        new = self._held(bank, int(contents[bank]), age_bin).weights
        signal = signal + left * (line @ (old - new).T)
        if previous == bank:
            return signal
        left = self._chip.switch.residue(
            self._column(self._visits.dwell_s, step, waves, line), active
        )
        return signal + left * (line @ self._seen(previous, contents, age_bin).T - signal)

    def _seen(self, bank: int, contents: Ints, age_bin: int) -> Tensor:
        """Return the selected bank's weights and the leak of all others."""
        weights = self._held(bank, int(contents[bank]), age_bin).weights
        for other, weight_set in enumerate(contents):
            if self._leak and other != bank:
                weights = weights + self._leak * self._held(other, int(weight_set), age_bin).weights
        return weights

    def _held(self, bank: int, weight_set: int, age_bin: int) -> Held:
        """Return what a bank makes of a weight set at an age, once settled."""
        key = (bank, weight_set, age_bin)
        if key not in self._programmed:
            self._programmed[key] = self._program(*key)
        return self._programmed[key]

    def _program(self, bank: int, weight_set: int, age_bin: int) -> Held:
        banks = self._chip.weight_banks
        if weight_set == UNWRITTEN:
            return Held(torch.full_like(self._weight[0], banks.rest_weight))
        environment = self._read.environment[bank] if self._read.environment else {}
        state = {**self._chip.states[bank], **environment}
        target = self._weight[weight_set]
        return banks.program(target, state, self._read.active, _age_of(age_bin))

    def _programming_error(
        self, line: Tensor, step: int, held: Held, waves: slice | Tensor
    ) -> Tensor | float:
        """Return what the error of each wave's own programming adds to its product."""
        column = self._visits.write[:, step]
        numbers = column[waves] if isinstance(waves, slice) else column[waves.numpy()]
        distinct, which = np.unique(numbers, return_inverse=True)
        first = self._error(int(distinct[0]), held)
        if first is None:
            return 0.0
        if len(distinct) == 1:
            return line @ first.T
        added = torch.empty_like(line @ first.T)
        for start in range(0, len(line), _CHUNK):
            part = slice(start, start + _CHUNK)
            used, place = np.unique(which.ravel()[part], return_inverse=True)
            drawn = [self._error(int(distinct[index]), held) for index in used]
            each = torch.stack([error for error in drawn if error is not None])
            product = torch.bmm(each[torch.from_numpy(place.ravel())], line[part].unsqueeze(-1))
            added[part] = product.squeeze(-1)
        return added

    def _error(self, number: int, held: Held) -> Tensor | None:
        """Return the error of one programming, always the same for the same number."""
        if number in self._errors:
            return self._errors[number]
        chip = self._chip
        generator = stream(chip.seed, f"{chip.name}.weight_banks.write{number}", "write")
        error = chip.weight_banks.write_error(held.weights, generator, self._read.active)
        # The set-up's few programmings serve every wave; those of the run are met once or twice.
        if number < chip.mapping.used:
            self._errors[number] = error
        return error

    def _injected(self, line: Tensor, step: int) -> Tensor | None:
        """Return the current that the switch's last move has left on the outputs [A]."""
        dwell = self._column(self._visits.dwell_s, step, slice(None), line)
        return self._chip.switch.injection(dwell, self._read.active)

    def _age_bins(self, step: int) -> Ints:
        """Return the age of what each wave meets, as a power of `_AGE_RATIO`."""
        ages = self._visits.since_write_s[:, step]
        if not self._chip.weight_banks.ages:
            return np.zeros(len(ages), np.int64)
        # Unknown ages come last, so that they stay apart from any that is known.
        finite = np.where(np.isfinite(ages) & (ages > 0.0), ages, 1.0)
        bins = np.floor(np.log(finite) / math.log(_AGE_RATIO)).astype(np.int64)
        return np.where(np.isfinite(ages), bins, _NO_AGE)

    def _column(
        self, table: NDArray[np.float64], step: int, waves: slice | Tensor, like: Tensor
    ) -> Tensor:
        """Return one step of a table of the visits, for some waves, shape `(n_wave, 1)`."""
        column = torch.from_numpy(np.ascontiguousarray(table[:, step : step + 1])).to(like)
        return column if len(column) == 1 else column[waves]


_NO_AGE = 10**6


def _age_of(age_bin: int) -> float:
    """Return the age in the middle of a bin [s]."""
    return math.inf if age_bin == _NO_AGE else _AGE_RATIO ** (age_bin + 0.5)
