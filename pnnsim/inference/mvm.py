"""Multiply lines by what the weight banks hold when each sample meets them.

The accesses of a trace say which bank each sample met, what it held, what it had held before, and
how long ago. Samples that met the same are one matrix product. What the last programming and the
last move have left is part of that matrix where it is the same for all of them; where it differs
from sample to sample it enters as a factor of the sample: `x W^T + r x (P - W)^T`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import from_fs
from pnnsim.devices.base import ProgrammedWeights, Received
from pnnsim.inference.accesses import AccessTable, Ints
from pnnsim.inference.bank_models import SETTLED, age_bins, age_of
from pnnsim.inference.light_noise import dephase, draw_intensity
from pnnsim.inference.sample_groups import (
    ALL,
    Left,
    Met,
    Products,
    Samples,
    order_of,
    rows_of,
    samples_of,
)
from pnnsim.inference.switched_banks import EffectiveWeights, SwitchedBanks
from pnnsim.inference.weighted_sums import Share, light_of, times, weighted_sum

#: What looks at each product: its number, its lines, what is captured of them, and the vectors of a
#: sample.
Observe = Callable[[int, Tensor, Tensor, int], None]

#: Samples whose individually programmed weights are in memory at once.
_CHUNK = 256


class BankMvm:
    """Matrix-vector products of some samples with the banks of a machine.

    Args:
        banks: What the banks hold, and the noise of reading it.
        accesses: What each sample met, one row a sample or one row for all.
    """

    def __init__(self, banks: SwitchedBanks, accesses: AccessTable) -> None:
        self._banks = banks
        self._chip = chip = banks.chip
        self._noise = noise = banks.noise
        self._accesses = accesses
        self._unit_input = chip.unit_input
        self._intensity_band = chip.detector.intensity_band(noise.active)
        amplified = chip.switch.on(noise.active, "emission")
        self._emission = chip.switch.emission * chip.weight_banks.transmission * amplified
        since = accesses.since_write_s
        ages = chip.weight_banks.ages
        self._age_bins = age_bins(since) if ages else np.full(since.shape, SETTLED)
        #: Whether a sample meets anything else than the one before it, shape `(n_sample - 1,
        #: n_step)`, and whether any does in a step; bank by bank, since numpy is slow along a short
        #: axis.
        met = [accesses.bank, accesses.replaced, accesses.previous_bank, self._age_bins]
        met += list(np.moveaxis(accesses.contents, -1, 0))
        self._changes = np.any([column[1:] != column[:-1] for column in met], axis=0)
        self._changing = self._changes.any(axis=0).tolist()
        self._vectors = 1
        self._heat = self._light = None
        #: Time from the last move to the capture [s], `(n_sample, n_step)`; None for long ago.
        self._since_move: Tensor | None = None
        if not accesses.settled:
            dwell = torch.from_numpy(accesses.dwell_s)
            self._heat = Left.over(
                chip.weight_banks.residue(torch.from_numpy(accesses.since_write_s), noise.active)
            )
            self._light = Left.over(chip.switch.residue(dwell, noise.active))
            # A charge fades until the capture, not only until the sample departs.
            way_fs = [chip.weight_banks.delay_fs("propagate"), chip.weight_banks.delay_fs("mvm")]
            capture = from_fs(sum(way_fs) + chip.detector.delay_fs("detect"))
            self._since_move = dwell + capture
            work = chip.work() if any(p.vectors > 1 for p in chip.passage.products) else None
            #: Time from one vector of each product to the next [s].
            self._interval_s = (
                [from_fs(work.period_fs(p)) for p in work.products] if work is not None else []
            )

    def receive(self, line: Tensor, step: int, *, vectors: int = 1) -> Received:
        """Return what reaches the detector in one product.

        Args:
            line: What the lines carry, shape `(batch, n_in)`: of each sample its vectors, one
                behind the other.
            step: Number of the product.
            vectors: Vectors of each sample.
        """
        self._vectors = vectors
        chip = self._chip
        line = chip.weight_banks.respond(line, chip.encoder.full_scale, self._noise.active)
        if chip.encoder.on(self._noise.active, "phase_noise"):
            delay = chip.weight_banks.path_delay
            line = dephase(line, chip.encoder, delay, self._noise.generator)
        laser = draw_intensity(line, chip.encoder, self._intensity_band, self._noise.generator)
        mvm = self._grouped(line, laser, step)
        unit_input = self._unit_input * mvm.scale
        signal = mvm.signal
        if mvm.spread is not None and self._noise.generator is not None:
            drawn = noise_like(signal, self._noise.generator)
            signal = torch.addcmul(signal, mvm.spread.sqrt(), drawn)
        injected = self._injected(step)
        if injected is not None:
            signal = signal + injected.to(signal) / chip.detector.unit_current(unit_input)
        return Received(
            signal=signal,
            total=mvm.total,
            unit_input=unit_input,
            fluctuation=mvm.fluctuation,
            laser=laser if chip.encoder.one_source else None,
            emission=self._emission,
            conductance=chip.weight_banks.conductance,
            beats=mvm.beats,
        )

    def _injected(self, step: int) -> Tensor | None:
        """Return the current that the last move has left on each output [A]; None for none."""
        if self._since_move is None:
            return None
        ends = (self._accesses.previous_bank[:, step], self._accesses.bank[:, step])
        previous, bank = map(torch.from_numpy, ends)
        since = self._since_move[:, step]
        if self._vectors > 1:
            since = (since[:, None] + self._passed(step)).flatten()
            previous, bank = (each.repeat_interleave(self._vectors) for each in (previous, bank))
        return self._chip.switch.injection(since, previous, bank, self._noise.active)

    def _passed(self, step: int) -> Tensor:
        """Return the time from the first vector of a product to each [s], shape `(n_vector,)`."""
        return self._interval_s[step] * torch.arange(self._vectors, dtype=torch.float64)

    def _grouped(self, line: Tensor, laser: Tensor | None, step: int) -> Products:
        """Return the products of all samples, grouped by what they met."""
        noise = None if laser is None else laser * line
        groups = self._groups(step)
        if len(groups) == 1:
            return self._mvm(line, noise, step, *groups[0])
        rows = [self._rows_of(samples) for _, samples in groups]
        parts = [
            self._mvm(line[mine], None if noise is None else noise[mine], step, key, samples)
            for mine, (key, samples) in zip(rows, groups, strict=True)
        ]
        return Products.cat(parts, order_of(rows))

    def _faded(
        self, left: Callable[[Tensor, Tensor], Tensor], step: int, samples: Samples, like: Tensor
    ) -> Tensor:
        """Return what is left when each vector comes, shape `(n_sample * n_vector, 1)`.

        Args:
            left: What is left some time after the last write, and the last move.
            step: Number of the product.
            samples: Which samples.
            like: Tensor of the type that is needed, with a row for each vector.
        """
        passed = self._passed(step)
        columns = (self._accesses.since_write_s, self._accesses.dwell_s)
        since, dwell = (
            (torch.from_numpy(rows_of(column[:, step], samples))[:, None] + passed).flatten()
            for column in columns
        )
        found = left(since, dwell)
        if len(found) < len(like):
            found = found.repeat(len(like) // len(found))
        return found.to(like).unsqueeze(1)

    def _heat_left(self, since: Tensor, dwell: Tensor) -> Tensor:
        return self._chip.weight_banks.residue(since, self._noise.active)

    def _light_left(self, since: Tensor, dwell: Tensor) -> Tensor:
        return self._chip.switch.residue(dwell, self._noise.active)

    def _rows_of(self, samples: Samples) -> Samples:
        """Return the rows of the vectors of some samples."""
        count = self._vectors
        if count == 1:
            return samples
        if isinstance(samples, slice):
            return slice(samples.start * count, samples.stop * count)
        return (samples[:, None] * count + torch.arange(count)).flatten()

    def _groups(self, step: int) -> list[tuple[Met, Samples]]:
        """Return what samples met, and which of them did, in the order of their first samples."""
        if not self._changing[step]:
            return [(self._key(0, step), ALL)]
        starts = np.flatnonzero(self._changes[:, step]) + 1
        edges = [0, *starts.tolist(), len(self._accesses.bank)]
        runs: dict[Met, list[tuple[int, int]]] = {}
        for first, end in pairwise(edges):
            runs.setdefault(self._key(first, step), []).append((first, end))
        return [(key, samples_of(mine)) for key, mine in runs.items()]

    def _key(self, sample: int, step: int) -> Met:
        accesses = self._accesses
        return Met(
            int(accesses.bank[sample, step]),
            int(accesses.replaced[sample, step]),
            int(accesses.previous_bank[sample, step]),
            age_of(int(self._age_bins[sample, step])),
            tuple(accesses.contents[sample, step].tolist()),
        )

    def _mvm(
        self, line: Tensor, noise: Tensor | None, step: int, key: Met, samples: Samples
    ) -> Products:
        """Return the products of samples that met the same.

        Args:
            line: What their lines carry on the mean.
            noise: Intensity noise of the lines, as `line`.
            step: Step t of the network.
            key: What they met.
            samples: Which samples they are.
        """
        mean, line = line, line if noise is None else line + noise
        met = self._banks.meet(key.bank, key.contents, key.age)
        terms = self._left_over(line, step, key, samples, met)
        apart: Tensor | None = None
        model = self._banks.model
        if model.errs:
            held = model.effective(key.bank, key.contents[key.bank], key.age)
            numbers = rows_of(self._accesses.write[:, step], samples)
            if len(numbers) > 1:
                numbers = np.repeat(numbers, self._vectors)
            if (numbers == numbers[0]).all():
                error = model.write_error(int(numbers[0]), held)
                if error is not None:
                    terms = [*terms, (1.0, error)]
            else:
                apart = self._apart(line, numbers, held)
        signal = weighted_sum(line, terms)
        if apart is not None:
            signal = signal + apart
        if met.offset is not None:
            signal = signal + met.offset.to(signal)
        # Without any non-ideality a detector is ideal, and needs no light to be known.
        total = (
            light_of(line.abs(), met.light) if self._noise.active else line.new_zeros(len(line), 1)
        )
        fluctuation = None if noise is None else light_of(noise.detach(), met.light)
        return Products(signal, total, fluctuation, met.scale, *self._noise_of(mean, met))

    @torch.no_grad()
    def _noise_of(self, line: Tensor, met: EffectiveWeights) -> tuple[Tensor | None, Tensor | None]:
        """Return what the noise depends on: beats and spread, each None for none.

        There are no gradients: training learns from the noise that was drawn, not from how large it
        might have been.
        """
        beats = self._emission and self._noise.generator is not None
        return (
            times(line.abs(), met.seen.detach() ** 2) if beats else None,
            None if met.variance is None else times(line**2, met.variance),
        )

    def _left_over(
        self, line: Tensor, step: int, key: Met, samples: Samples, met: EffectiveWeights
    ) -> list[tuple[Share, Tensor]]:
        """Return the weights that samples meet before all has settled, each with its share."""
        terms: list[tuple[Share, Tensor]] = [(1.0, met.seen)]
        if self._heat is None or self._light is None:
            return terms
        banks, model = self._banks, self._banks.model
        old = model.effective(key.bank, key.replaced, key.age)
        new = model.effective(key.bank, key.contents[key.bank], key.age)
        left = banks.in_units_of(new.scale, old) - new.weights
        heat: Share = (
            self._heat.share(step, samples, line)
            if self._vectors == 1
            else self._faded(self._heat_left, step, samples, line)
        )
        terms.append((heat, left))
        if key.previous == key.bank:
            return terms
        light: Share = (
            self._light.share(step, samples, line)
            if self._vectors == 1
            else self._faded(self._light_left, step, samples, line)
        )
        last = banks.meet(key.previous, key.contents, key.age)
        before = banks.in_units_of(met.scale, last)
        return [*((share * (1.0 - light), weights) for share, weights in terms), (light, before)]

    def _apart(self, line: Tensor, numbers: Ints, held: ProgrammedWeights) -> Tensor | None:
        """Return what the errors of different programmings add to the products of samples."""
        if self._banks.model.write_error(int(numbers[0]), held) is None:
            return None
        added = []
        for start in range(0, len(line), _CHUNK):
            part = slice(start, start + _CHUNK)
            used, place = np.unique(numbers[part], return_inverse=True)
            drawn = [self._banks.model.write_error(int(number), held) for number in used]
            each = torch.stack([error for error in drawn if error is not None])
            product = torch.bmm(each[torch.from_numpy(place.ravel())], line[part].unsqueeze(-1))
            added.append(product.squeeze(-1))
        return torch.cat(added)
