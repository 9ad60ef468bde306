"""Junctions of a crossbar: from weights to their states, conductances, and weights again.

Draws of a chip and flips of a moment are arguments here, as tensors; nothing is drawn, timed or
priced: that is `mtj_crossbar`.

Axes: `(n_out, n_in, 2, n_device)`, polarity (0 adds, 1 subtracts), then the junctions of a group.
"""

from __future__ import annotations

from functools import cached_property
from typing import final

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mtj_crossbar_params import MtjCrossbarParams
from pnnsim.devices.weight_banks.sub_arrays import SubArrays
from pnnsim.physics import dynamics, quantize, spintronic
from pnnsim.physics import spintronic_encoding as encoding


@final
class Junctions:
    """Layout of one weight on its junctions, with their nominal conductances.

    Args:
        params: Description of the bank.
        temperature: Temperature of the package [K].
    """

    def __init__(self, params: MtjCrossbarParams, temperature: float) -> None:
        self._params = params
        self._temperature = temperature
        self._series = params.encoding == "series"
        self.tmr = float(self.tmr_at(torch.zeros((), dtype=torch.float64)))
        states = torch.tensor([1.0, -1.0], dtype=torch.float64)
        ratio = torch.tensor(self.tmr, dtype=torch.float64)
        nominal = spintronic.junction_conductance(states, params.resistance, ratio)
        self.parallel, self.antiparallel = (float(value) for value in nominal)

    # what a description fixes

    @property
    def areas(self) -> Tensor:
        """Return the area of each junction of a group over the smallest, shape `(n_device,)`."""
        if self._params.encoding == "area":
            return encoding.area_factors(self._params.devices)
        return torch.ones(self._params.devices, dtype=torch.float64)

    @property
    def group(self) -> float:
        """Return the conductance of one group of like junctions over that of its smallest one."""
        return 1.0 / self._params.devices if self._series else float(self.areas.sum())

    @property
    def largest(self) -> float:
        """Return the conductance of the largest cell over that of the smallest junction."""
        return 1.0 / self._params.devices if self._series else float(self.areas.max())

    @property
    def swing(self) -> float:
        """Return the conductance of weight 1 [S]."""
        return self.group * (self.parallel - self.antiparallel)

    @property
    def mean(self) -> float:
        """Return the smallest junction's conductance at the share taken to be parallel [S]."""
        share = self._params.parallel_fraction
        return self.antiparallel + share * (self.parallel - self.antiparallel)

    def tmr_at(self, voltage: Tensor) -> Tensor:
        """Return the magnetoresistance ratio at the voltage of one cell [V], as `voltage`."""
        p = self._params
        across = voltage / p.devices if self._series else voltage
        nominal = torch.tensor(p.tmr, dtype=voltage.dtype, device=voltage.device)
        return spintronic.tmr_ratio(nominal, across, p.half_voltage, self._temperature, p.tmr_slope)

    # what becomes of a state

    @property
    def barrier(self) -> float:
        """Return the energy barrier over the thermal energy, in the package as warm as it is."""
        return spintronic.thermal_stability(self._params.barrier, self._temperature)

    @cached_property
    def write_error_rate(self) -> float:
        """Return the chance that one pulse fails, as described or from the macrospin."""
        p = self._params
        if p.write_error_rate is not None:
            return p.write_error_rate
        assert p.overdrive is not None  # a description without it is refused
        assert p.damping is not None
        assert p.anisotropy_field is not None
        pulse = torch.tensor(p.write_pulse, dtype=torch.float64)
        return float(
            spintronic.write_error_rate(
                pulse, p.overdrive, self.barrier, p.damping, p.anisotropy_field
            )
        )

    @cached_property
    def flip_rate(self) -> float:
        """Return how often heat flips a junction [1/s].

        Junctions are taken to be read all the time, an upper bound of what reading disturbs.
        """
        p = self._params
        barrier = torch.tensor(self.barrier, dtype=torch.float64)
        return float(dynamics.flip_rate(barrier, p.read_drive, p.attempt_time))

    def flip_probability(self, age: float) -> Tensor:
        """Return the chance that a junction is not in the state of some time [s] ago."""
        elapsed = torch.tensor(age, dtype=torch.float64)
        return dynamics.telegraph_flip_probability(elapsed, self.flip_rate, self.flip_rate)

    def missed(self, weight: Tensor, wrong: Tensor) -> Tensor:
        """Return by how much weights differ from those that were meant, as `weight`.

        Taken from nominal junctions: the error of a spread would be wrong by its percents.

        Args:
            weight: Weights that were meant, shape `(n_out, n_in)`.
            wrong: Which junctions are in the other state, shape `(n_out, n_in, 2, n_device)`.
        """
        meant = self.states(weight)
        both = (torch.where(wrong, 1.0 - meant, meant), meant)
        found, wanted = (self.cells(self.conductances(states)) for states in both)
        return self.weights(found - wanted)

    # from weights to junctions

    def levels(self, target: Tensor) -> Tensor:
        """Return the nearest weights that the encoding can hold, gradient straight through."""
        p = self._params
        if p.encoding == "series":
            half = encoding.series_levels(p.devices, self.tmr)
            return quantize.quantize_nearest(target, torch.cat([-half.flip(0)[:-1], half]))
        count = {
            "binary": 2,
            "ternary": 3,
            "thermometer": 2 * p.devices + 1,
            "area": 2 ** (p.devices + 1) - 1,
        }[p.encoding]
        return quantize.quantize_levels(target, count, -1.0, 1.0)

    def states(self, weight: Tensor) -> Tensor:
        """Return the states that are written for a weight: 1 parallel, 0 anti-parallel."""
        p = self._params
        if p.encoding == "binary":
            return encoding.complementary_states(weight)
        if p.encoding == "area":
            return encoding.area_states(weight, p.devices)
        if p.encoding == "series":
            return encoding.series_states(weight, p.devices, self.tmr).to(weight)
        return encoding.thermometer_states(weight, p.devices)

    def turned_alike(self, weight: Tensor) -> Tensor:
        """Return states between 0 and 1 that hold a weight without levels.

        All junctions of a group are turned by the same share; no device does that, but it is what
        a bank without quantization comes down to.
        """
        groups = torch.stack([weight.clamp(min=0.0), (-weight).clamp(min=0.0)], dim=-1)
        return groups.unsqueeze(-1).expand(*groups.shape, self._params.devices)

    # from junctions to weights

    def conductances(
        self,
        share: Tensor,
        *,
        resistance: Tensor | None = None,
        tmr: Tensor | None = None,
        stuck: Tensor | None = None,
        shorted: Tensor | None = None,
    ) -> Tensor:
        """Return the conductance of each junction [S], as `share`.

        Args:
            share: How parallel each junction is, 0 to 1, shape `(n_out, n_in, 2, n_device)`.
            resistance: Resistance of each junction over the nominal one; None for nominal ones.
            tmr: Magnetoresistance ratio likewise.
            stuck: Which junctions stay parallel (1) or anti-parallel (-1); None for none.
            shorted: Which junctions have a broken barrier (1); None for none.
        """
        p = self._params
        ohms = p.resistance / self.areas.to(share)
        ratio = torch.full_like(ohms, self.tmr)
        if resistance is not None:
            ohms = ohms * resistance.to(share)
        if tmr is not None:
            ratio = ratio * tmr.to(share)
        if stuck is not None:
            share = torch.where(stuck == 0.0, share, (stuck.to(share) + 1.0) / 2.0)
        found = spintronic.junction_conductance(2.0 * share - 1.0, ohms, ratio)
        if shorted is not None:
            found = torch.where(shorted > 0.0, 1.0 / p.short_resistance, found)
        return found

    def cells(self, junctions: Tensor) -> Tensor:
        """Return the conductance of what has a sense line of its own [S]: a junction, or a string.

        Args:
            junctions: Conductance of each junction [S], shape `(n_out, n_in, 2, n_device)`.

        Returns:
            Conductance [S], shape `(n_out, n_in, 2, n_cell)`.
        """
        if self._series:
            return encoding.group_conductance(junctions, series=True).unsqueeze(-1)
        return junctions

    def weights(self, cells: Tensor) -> Tensor:
        """Return the weights of cells, shape `(n_out, n_in)`."""
        return encoding.differential_weight(encoding.group_conductance(cells), self.swing)

    def wire_factor(self, cells: Tensor) -> Tensor:
        """Return what the wires leave of each cell's conductance, shape as `cells`.

        Places that the network does not use hold anti-parallel cells.

        Args:
            cells: Conductance [S], shape `(n_out, n_in, 2, n_cell)`.
        """
        p = self._params
        spare = self.antiparallel * self.areas
        spare = spare[:1] / p.devices if self._series else spare
        arrays = SubArrays(p.rows, p.cols, p.row_resistance, p.column_resistance)
        return arrays.wire_factor(cells, spare)
