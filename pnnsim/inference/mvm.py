"""Multiply lines by what the weight banks hold when each sample meets them.

The accesses of a trace say which bank each sample met, what it held, what it had held before, and
how long ago. Samples that met the same are one matrix product. What the last programming and the
last move have left is part of that matrix where it is the same for all of them; where it differs
from sample to sample it enters as a factor of the sample: `x W^T + r x (P - W)^T`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import from_fs
from pnnsim.devices.base import ProgrammedWeights, Received
from pnnsim.inference.accesses import AccessTable, Ints
from pnnsim.inference.programming import EffectiveWeights, Programmed, age_bins

#: Samples whose individually programmed weights are in memory at once.
_CHUNK = 256

#: Some samples: neighbors, or by their places.
Samples = slice | Tensor

#: What is left of something: the same for all samples, or for each its own, shape `(n_sample, 1)`.
Share = float | Tensor

Number = TypeVar("Number", bound=np.generic)

_ALL = slice(None)


@dataclass(frozen=True, slots=True)
class _Key:
    """Say what samples met: banks, age and contents."""

    bank: int
    replaced: int
    previous: int
    age_bin: int
    contents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Product:
    """Hold the products of some samples, and what noise depends on where noise is drawn."""

    signal: Tensor
    total: Tensor
    scale: Tensor | float
    squares: Tensor | None
    square_total: Tensor | None
    beats: Tensor | None
    spread: Tensor | None


@dataclass(frozen=True, slots=True)
class _Left:
    """Hold what is left of something when each sample comes.

    Args:
        shares: One column a sample, or one for all, shape `(n_step, n_sample)`.
        alike: What all samples of a step have, or None where they differ.
    """

    shares: Tensor
    alike: list[float | None]

    @staticmethod
    def over(shares: Tensor) -> _Left:
        """Return shares of shape `(n_sample, n_step)` as they are asked for."""
        alike = (shares == shares[:1]).all(dim=0).tolist()
        firsts = shares[0].tolist()
        each = [first if same else None for first, same in zip(firsts, alike, strict=True)]
        return _Left(shares.T.contiguous(), each)

    def share(self, step: int, samples: Samples, like: Tensor) -> Share:
        """Return the share of some samples in a step, of the type of `like`."""
        alike = self.alike[step]
        if alike is not None:
            return alike
        mine = self.shares[step][samples]
        if samples is not _ALL and bool((mine == mine[0]).all()):
            return float(mine[0])
        return mine.to(like).unsqueeze(1)


#: What noise depends on where none is drawn.
_QUIET = (None, None, None, None)


class BankProducts:
    """Multiply some samples by the programmed banks of a chip.

    Args:
        programmed: What the banks hold.
        accesses: What each sample met, one row a sample or one row for all.
    """

    def __init__(self, programmed: Programmed, accesses: AccessTable) -> None:
        self._programmed = programmed
        self._chip = chip = programmed.chip
        self._read = read = programmed.read
        self._accesses = accesses
        self._unit_input = chip.unit_input
        amplified = chip.switch.on(read.active, "emission")
        self._emission = chip.switch.emission * chip.weight_banks.transmission * amplified
        self._age_bins = age_bins(accesses, chip.weight_banks.ages)
        #: Whether a sample meets anything else than the one before it, shape `(n_sample - 1,
        #: n_step)`, and whether any does in a step; bank by bank, since numpy is slow along a short
        #: axis.
        met = [accesses.bank, accesses.replaced, accesses.previous_bank, self._age_bins]
        met += list(np.moveaxis(accesses.contents, -1, 0))
        self._changes = np.any([column[1:] != column[:-1] for column in met], axis=0)
        self._changing = self._changes.any(axis=0).tolist()
        self._heat = self._light = self._injected = None
        if not accesses.settled:
            dwell = torch.from_numpy(accesses.dwell_s)
            self._heat = _Left.over(
                chip.weight_banks.residue(torch.from_numpy(accesses.since_write_s), read.active)
            )
            self._light = _Left.over(chip.switch.residue(dwell, read.active))
            # It fades until the capture, not only until the sample departs.
            way_fs = [chip.weight_banks.delay_fs("propagate"), chip.weight_banks.delay_fs("mvm")]
            capture = from_fs(sum(way_fs) + chip.detector.delay_fs("detect"))
            self._injected = chip.switch.injection(dwell + capture, read.active)

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
        if product.spread is not None and self._read.generator is not None:
            noise = noise_like(signal, self._read.generator)
            signal = torch.addcmul(signal, product.spread.sqrt(), noise)
        if self._injected is not None:
            injected = self._injected[:, step : step + 1].to(signal)
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
        """Return the products of all samples, grouped by what they met."""
        groups = self._groups(step)
        if len(groups) == 1:
            return self._product(line, step, *groups[0])
        parts = [self._product(line[samples], step, key, samples) for key, samples in groups]
        back = _order_of([samples for _, samples in groups])

        def joined(of: Callable[[_Product], Tensor]) -> Tensor:
            together = torch.cat([of(part) for part in parts])
            return together if back is None else together[back]

        def joined_where_drawn(of: Callable[[_Product], Tensor | None]) -> Tensor | None:
            present = [of(part) for part in parts]
            kept = [tensor for tensor in present if tensor is not None]
            together = torch.cat(kept) if kept else None
            return together if together is None or back is None else together[back]

        def scale(part: _Product) -> Tensor:
            each = torch.as_tensor(part.scale).to(part.signal).reshape(1, -1)
            return each.expand(len(part.signal), -1)

        return _Product(
            signal=joined(lambda part: part.signal),
            total=joined(lambda part: part.total),
            scale=joined(scale),
            squares=joined_where_drawn(lambda part: part.squares),
            square_total=joined_where_drawn(lambda part: part.square_total),
            beats=joined_where_drawn(lambda part: part.beats),
            spread=joined_where_drawn(lambda part: part.spread),
        )

    def _groups(self, step: int) -> list[tuple[_Key, Samples]]:
        """Return what samples met, and which of them did, in the order of their first samples."""
        if not self._changing[step]:
            return [(self._key(0, step), _ALL)]
        starts = np.flatnonzero(self._changes[:, step]) + 1
        edges = [0, *starts.tolist(), len(self._accesses.bank)]
        runs: dict[_Key, list[tuple[int, int]]] = {}
        for first, end in pairwise(edges):
            runs.setdefault(self._key(first, step), []).append((first, end))
        return [(key, _samples_of(mine)) for key, mine in runs.items()]

    def _key(self, sample: int, step: int) -> _Key:
        accesses = self._accesses
        return _Key(
            int(accesses.bank[sample, step]),
            int(accesses.replaced[sample, step]),
            int(accesses.previous_bank[sample, step]),
            int(self._age_bins[sample, step]),
            tuple(accesses.contents[sample, step].tolist()),
        )

    def _product(self, line: Tensor, step: int, key: _Key, samples: Samples) -> _Product:
        """Return the products of samples that met the same."""
        met = self._programmed.meet(key.bank, key.contents, key.age_bin)
        terms = self._left_over(line, step, key, samples, met)
        apart: Tensor | None = None
        if self._read.programmed:
            held = self._programmed.held(key.bank, key.contents[key.bank], key.age_bin)
            numbers = _rows(self._accesses.write[:, step], samples)
            if (numbers == numbers[0]).all():
                error = self._programmed.error(int(numbers[0]), held)
                if error is not None:
                    terms = [*terms, (1.0, error)]
            else:
                apart = self._apart(line, numbers, held)
        signal = _weighted(line, terms)
        if apart is not None:
            signal = signal + apart
        # Without any non-ideality a detector is ideal, and does not ask for the light.
        total = (
            _summed(line.abs(), met.light) if self._read.active else line.new_zeros(len(line), 1)
        )
        return _Product(signal, total, met.scale, *(self._noise(line, met) or _QUIET))

    @torch.no_grad()
    def _noise(
        self, line: Tensor, met: EffectiveWeights
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None] | None:
        """Return what the noise depends on: squares, their total, beats and spread.

        There are no gradients: training learns from the noise that was drawn, not from how large it
        might have been.
        """
        if met.squares is None:
            return None
        power = line**2
        return (
            _times(power, met.squares),
            _summed(power, met.light**2),
            _times(line.abs(), met.squares) if self._emission else None,
            None if met.variance is None else _times(power, met.variance),
        )

    def _left_over(
        self, line: Tensor, step: int, key: _Key, samples: Samples, met: EffectiveWeights
    ) -> list[tuple[Share, Tensor]]:
        """Return the weights that samples meet before all has settled, each with its share."""
        terms: list[tuple[Share, Tensor]] = [(1.0, met.seen)]
        if self._heat is None or self._light is None:
            return terms
        programmed = self._programmed
        old = programmed.held(key.bank, key.replaced, key.age_bin)
        new = programmed.held(key.bank, key.contents[key.bank], key.age_bin)
        left = programmed.in_units(old.weights, old.scale, new.scale) - new.weights
        terms.append((self._heat.share(step, samples, line), left))
        if key.previous == key.bank:
            return terms
        light = self._light.share(step, samples, line)
        last = programmed.meet(key.previous, key.contents, key.age_bin)
        before = programmed.in_units(last.seen, last.scale, met.scale)
        return [*((share * (1.0 - light), weights) for share, weights in terms), (light, before)]

    def _apart(self, line: Tensor, numbers: Ints, held: ProgrammedWeights) -> Tensor | None:
        """Return what the errors of different programmings add to the products of samples."""
        if self._programmed.error(int(numbers[0]), held) is None:
            return None
        added = []
        for start in range(0, len(line), _CHUNK):
            part = slice(start, start + _CHUNK)
            used, place = np.unique(numbers[part], return_inverse=True)
            drawn = [self._programmed.error(int(number), held) for number in used]
            each = torch.stack([error for error in drawn if error is not None])
            product = torch.bmm(each[torch.from_numpy(place.ravel())], line[part].unsqueeze(-1))
            added.append(product.squeeze(-1))
        return torch.cat(added)


def _weighted(line: Tensor, terms: Sequence[tuple[Share, Tensor]]) -> Tensor:
    """Return the sum of all `share * line @ weights^T`; shares that are numbers cost no product."""
    alike = [
        weights if share == 1.0 else share * weights
        for share, weights in terms
        if isinstance(share, float) and share
    ]
    signal = _times(line, sum(alike[1:], alike[0])) if alike else None
    for share, weights in terms:
        if isinstance(share, Tensor):
            signal = _times(share * line, weights, signal)
    assert signal is not None  # some share is a sample's own, or there is one that is not zero
    return signal


def _times(line: Tensor, weights: Tensor, added: Tensor | None = None) -> Tensor:
    """Return `line @ weights^T`, added in place to what is there where anything is.

    BLAS multiplies many short rows half as fast again by a matrix whose memory is in the order in
    which it is read, so the transpose is laid out: nothing to do where weights are kept so.
    """
    across = weights.T.contiguous()
    return line @ across if added is None else added.addmm_(line, across)


def _summed(line: Tensor, light: Tensor | float) -> Tensor:
    """Return the light of all lines on each output, or on one for all where all get the same."""
    if isinstance(light, Tensor) and light.dim() == 2:
        return _times(line, light)
    return light * line.sum(dim=1, keepdim=True)


def _rows(column: NDArray[Number], samples: Samples) -> NDArray[Number]:
    """Return the entries of some samples; a single row stands for every sample."""
    if len(column) == 1:
        return column
    return column[samples if isinstance(samples, slice) else samples.numpy()]


def _samples_of(runs: Sequence[tuple[int, int]]) -> Samples:
    """Return the samples of one run, or of several."""
    if len(runs) == 1:
        return slice(*runs[0])
    return torch.cat([torch.arange(first, end) for first, end in runs])


def _order_of(groups: Sequence[Samples]) -> Tensor | None:
    """Return where each sample is once groups are laid one behind the other; None for in order."""
    if all(isinstance(samples, slice) for samples in groups):
        return None
    places = [torch.arange(w.start, w.stop) if isinstance(w, slice) else w for w in groups]
    return torch.argsort(torch.cat(places))
