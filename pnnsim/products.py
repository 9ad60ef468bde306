"""Multiply lines by what the weight banks hold when each wave meets them.

The visits of a trace say which bank each wave met, what it held, what it had held before, and how
long ago. Waves that met the same are one matrix product; what differs from wave to wave enters as a
factor of the wave, never as a weight matrix of its own: `x W^T + r x (P - W)^T`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.components.base import Active, Held, Received, State
from pnnsim.rng import stream
from pnnsim.units import from_fs
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
        held: Tells what a logical bank makes of a weight set, in place of programming it; None to
            program it as the chip does.
    """

    active: Active
    generator: torch.Generator | None = None
    environment: Sequence[State] = ()
    programmed: bool = False
    held: Callable[[int, int], Held] | None = None


@dataclass(frozen=True, slots=True)
class _Product:
    """Hold the products of some waves, and what noise depends on where noise is drawn."""

    signal: Tensor
    total: Tensor
    scale: Tensor
    squares: Tensor | None
    square_total: Tensor | None
    beats: Tensor | None
    spread: Tensor | None


#: What noise depends on where none is drawn.
_QUIET = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class _Met:
    """Hold what waves meet in one bank, the leak of all others included.

    Args:
        seen: Weights, shape `(n_out, n_in)`.
        light: Light that reaches the outputs, over `scale`; one number where it is the same for
            every weight.
        scale: As of `Held`, shape `()` or `(n_out,)`.
        squares: Squared weights, and None where no noise is drawn.
        variance: Variance of each weight from read to read; None for nothing.
    """

    seen: Tensor
    light: Tensor
    scale: Tensor
    squares: Tensor | None
    variance: Tensor | None


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
        self._unit_input = chip.unit_input
        amplified = chip.switch.on(read.active, "emission")
        self._emission = chip.switch.emission * chip.weight_banks.transmission * amplified
        self._leak = chip.switch.leakage(read.active)
        self._settled = visits.settled
        self._programmed: dict[tuple[int, int, int], Held] = {}
        #: What all waves meet in each step, where they meet the same.
        self._alike = None
        if len(visits.bank) == 1:
            steps = range(visits.bank.shape[1])
            self._alike = np.concatenate([self._keys(step) for step in steps])
        self._met: dict[tuple[int, ...], _Met] = {}
        self._errors: dict[int, Tensor | None] = {}

    def receive(self, line: Tensor, step: int) -> Received:
        """Return what reaches the detector in one step.

        Args:
            line: What the lines carry, shape `(batch, n_in)`.
            step: Step t of the network.
        """
        chip = self._chip
        line = chip.weight_banks.respond(line, chip.encoder.full_scale, self._read.active)
        product = self._products(line, step)
        unit_input = self._unit_input * product.scale
        signal = product.signal
        if product.spread is not None:
            noise = torch.randn(signal.shape, generator=self._read.generator, dtype=torch.float64)
            signal = signal + product.spread.sqrt() * noise.to(signal)
        injected = self._injected(line, step)
        if injected is not None:
            signal = signal + injected / chip.detector.unit_current(unit_input)
        return Received(
            signal=signal,
            total=product.total,
            squares=product.squares,
            square_total=product.square_total,
            unit_input=unit_input,
            intensity_noise=chip.encoder.intensity_noise,
            emission=self._emission,
            conductance=chip.weight_banks.conductance,
            beats=product.beats,
        )

    def _products(self, line: Tensor, step: int) -> _Product:
        """Return the products of all waves, grouped by what they met."""
        if self._alike is not None:
            return self._product(line, step, self._alike[step], slice(None))
        keys = self._keys(step)
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
            signal=signal,
            total=torch.cat([part.total for part in parts])[back],
            scale=torch.cat(scales)[back],
            squares=joined([part.squares for part in parts]),
            square_total=joined([part.square_total for part in parts]),
            beats=joined([part.beats for part in parts]),
            spread=joined([part.spread for part in parts]),
        )

    def _keys(self, step: int) -> Ints:
        """Return what each wave meets: banks, age and contents, one row a wave or one for all."""
        visits = self._visits
        columns = [visits.bank, visits.replaced, visits.previous_bank]
        return np.column_stack(
            [*(c[:, step] for c in columns), self._age_bins(step), visits.contents[:, step]]
        )

    def _product(self, line: Tensor, step: int, key: Ints, waves: slice | Tensor) -> _Product:
        """Return the products of waves that met the same."""
        bank, age_bin, contents = int(key[0]), int(key[3]), key[4:]
        met = self._meet(bank, contents, age_bin)
        signal = line @ met.seen.T
        if not self._settled:
            signal = self._with_residues(signal, line, step, key, waves)
        if self._read.programmed:
            held = self._held(bank, int(contents[bank]), age_bin)
            signal = signal + self._programming_error(line, step, held, waves)
        # Without any imperfection a detector is ideal, and does not ask for the light.
        total = line.new_zeros(len(line), 1)
        if self._read.active:
            total = _summed(line.abs(), met.light)
        return _Product(signal, total, met.scale, *(self._noise(line, met) or _QUIET))

    @torch.no_grad()
    def _noise(
        self, line: Tensor, met: _Met
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None] | None:
        """Return what the noise depends on: squares, their total, beats and spread.

        There are no gradients: training learns from the noise that was drawn, not from how large it
        might have been.
        """
        if met.squares is None:
            return None
        power = line**2
        return (
            power @ met.squares.T,
            _summed(power, met.light**2),
            line.abs() @ met.squares.T if self._emission else None,
            None if met.variance is None else power @ met.variance.T,
        )

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
        return signal + left * (line @ self._meet(previous, contents, age_bin).seen.T - signal)

    def _meet(self, bank: int, contents: Ints, age_bin: int) -> _Met:
        """Return what waves meet, computed once for all steps."""
        key = (bank, age_bin, *contents.tolist())
        if key not in self._met:
            held = self._held(bank, int(contents[bank]), age_bin)
            seen = self._seen(bank, contents, age_bin)
            scale = torch.as_tensor(held.scale, dtype=seen.dtype, device=seen.device)
            light = self._light(bank, contents, age_bin) / scale
            squares = variance = None
            if self._noisy:
                squares = seen.detach() ** 2
                active = self._read.active
                variance = self._chip.weight_banks.read_variance(
                    held.weights.detach(), _age_of(age_bin), active
                )
            self._met[key] = _Met(seen, light, scale, squares, variance)
        return self._met[key]

    def _seen(self, bank: int, contents: Ints, age_bin: int) -> Tensor:
        """Return the selected bank's weights and the leak of all others."""
        weights = self._held(bank, int(contents[bank]), age_bin).weights
        for other, weight_set in enumerate(contents):
            if self._leak and other != bank:
                weights = weights + self._leak * self._held(other, int(weight_set), age_bin).weights
        return weights

    def _light(self, bank: int, contents: Ints, age_bin: int) -> Tensor | float:
        """Return the light that reaches the outputs, that which leaks from other banks included.

        Shape `(n_out, n_in)`, or one number where a bank passes the same for every weight.
        """
        everywhere = self._chip.weight_banks.absorbed

        def of(index: int) -> Tensor | float:
            light = self._held(index, int(contents[index]), age_bin).light
            return everywhere if light is None else light

        light = of(bank)
        for other in range(len(contents)):
            if self._leak and other != bank:
                light = light + self._leak * of(other)
        return light

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
        if self._read.held is not None:
            return self._read.held(bank, weight_set)
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
        if self._settled:
            return None
        chip = self._chip
        dwell = self._column(self._visits.dwell_s, step, slice(None), line)
        # It fades until the capture, not only until the wave departs.
        way_fs = [chip.weight_banks.delay_fs("propagate"), chip.weight_banks.delay_fs("mvm")]
        capture = from_fs(sum(way_fs) + chip.detector.delay_fs("detect"))
        return chip.switch.injection(dwell + capture, self._read.active)

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


def _summed(line: Tensor, light: Tensor) -> Tensor:
    """Return the light of all lines on each output, or on one for all where all get the same."""
    if light.dim() == 2:
        return line @ light.T
    return light * line.sum(dim=1, keepdim=True)


_NO_AGE = 10**6


def _age_of(age_bin: int) -> float:
    """Return the age in the middle of a bin [s]."""
    return math.inf if age_bin == _NO_AGE else _AGE_RATIO ** (age_bin + 0.5)
