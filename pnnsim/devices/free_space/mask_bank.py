"""Compute with beams in free space: sources, masks, mirrors that choose between masks.

    source array ──▶ DMD ──▶ pair of masks of one bank ──▶ photodiodes or camera
                      └───▶ pair of masks of the next

What ends such a path is in `photodiode` and `camera`.
"""

from __future__ import annotations

from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.rng import normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import (
    Active,
    Encoder,
    ProgrammedWeights,
    State,
    Switch,
    WeightBank,
    wait_fs,
)
from pnnsim.devices.encoders.dmd_rows_params import DmdRowsParams
from pnnsim.devices.encoders.source_array_params import SourceArrayParams
from pnnsim.devices.switches.dmd_params import DmdSwitchParams
from pnnsim.devices.weight_banks.slm_params import SlmParams
from pnnsim.physics import dynamics, photonic_modulation, photonic_switch, quantize


@final
class MaskBank(WeightBank[SlmParams]):
    """Hold a matrix as two intensity masks on a light modulator, one for each sign.

    The mask of the other sign is dark, but not quite, and pixels spill onto their neighbors.
    """

    kind = "slm"
    Params = SlmParams
    deterministic = ("quantization", "pixel_leak", "contrast")
    non_idealities = (*deterministic, "pixel_spread", "settling")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, nothing for a mask that only absorbs, or one frame."""
        if action == "propagate":
            return to_fs(self.params.path_length / constants.c)
        if action == "mvm":
            return 0
        if action == "write":
            return to_fs(self.params.frame_time)
        raise KeyError(action)

    def setup_wait(self) -> float:
        """Return nothing: a frame includes its settling."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return nothing: a panel refreshes itself all the time, and that is static power."""
        return {"propagate": 0.0, "mvm": 0.0, "write": 0.0}[action]

    def static_power(self) -> float:
        """Return the power of as many panels as the banks take."""
        panels = -(-self.params.count // self.params.banks_per_panel)
        return panels * self.params.static_power

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw the relative transmission error of each pixel, shape `(2, n_out, n_in)`."""
        spread = normal((2, self.size.detectors, self.size.lines), generator)
        return {"pixel": self.params.pixel_spread * spread}

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the difference of both masks as light meets them."""
        masks = torch.stack(photonic_modulation.signed_masks(target))
        if self.on(active, "quantization"):
            masks = quantize.quantize(masks, self.params.bits, 0.0, 1.0)
        leak = self.params.pixel_leak if self.on(active, "pixel_leak") else 0.0
        floor = power_ratio(-self.params.contrast) if self.on(active, "contrast") else 0.0
        masks = photonic_modulation.mask_transmission(masks, floor, leak)
        if self.on(active, "pixel_spread") and "pixel" in state:
            masks = masks * (1.0 + state["pixel"].to(masks)).clamp(min=0.0)
        return ProgrammedWeights(masks[0] - masks[1], light=masks.sum(dim=0))

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return what the liquid crystal has left of the mask before."""
        return self.unsettled(elapsed, self.params.time_constant, active)

    @property
    def rest_weight(self) -> float:
        """Return the weight of two dark masks."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return losses times the split over rows and both masks."""
        losses = power_ratio(-self.params.mask_loss - self.params.excess_loss)
        return losses / (2 * self.params.rows * self.size.tiles_out)


@final
class MirrorSwitch(Switch[DmdSwitchParams]):
    """Light the masks of one bank with micro-mirrors.

    While mirrors move the light goes nowhere, so nothing of the bank before is left when they rest.
    """

    kind = "dmd"
    Params = DmdSwitchParams
    deterministic = non_idealities = ("leakage",)

    def delay_fs(self, action: str) -> int:
        """Return the time to load the rows, and that in which the mirrors come to rest."""
        load = photonic_switch.mirror_load_time(
            self.params.rows, self.params.clocks_per_row, self.params.clock
        )
        return {"route": to_fs(load + self.params.mirror_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of a move beyond what the controller draws anyway."""
        return {"route": self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the power of the array and its controller."""
        return self.params.static_power

    @property
    def transmission(self) -> float:
        """Return the reflectivity of a mirror that is on."""
        return power_ratio(-self.params.insertion_loss)

    def leakage(self, active: Active) -> float:
        """Return the light from mirrors that are off."""
        return power_ratio(-self.params.contrast) if self.on(active, "leakage") else 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return nothing: mirrors on their way are dark."""
        return torch.zeros_like(dwell)


@final
class SourceArray(Encoder[SourceArrayParams]):
    """Drive one light source per value; brightness carries a state in [0, 1]."""

    kind = "source_array"
    Params = SourceArrayParams
    deterministic = non_idealities = ("quantization",)

    def delay_fs(self, action: str) -> int:
        """Return the conversions of a converter's lines, or the wait for a source to settle."""
        if action == "convert":
            return self.params.turns(self.size.lines) * to_fs(self.params.conversion_time)
        if action == "encode":
            time_constant = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
            return wait_fs(self.params.settling_time, time_constant, self.params.bits)
        raise KeyError(action)

    def cost(self, action: str) -> float:
        """Return the conversions of every line; light itself is static power."""
        return self.size.lines * {"convert": self.params.dac_energy, "encode": 0.0}[action]

    def static_power(self) -> float:
        """Return the power of all sources and converters."""
        converters = self.params.standing_power(self.size.lines)
        return self.size.lines * self.params.electrical_power + converters

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.lines)

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the brightness: never negative, at most full scale."""
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, 0.0, 1.0)
        return state.clamp(0.0, 1.0)

    @property
    def full_scale(self) -> float:
        """Return the optical power of a source."""
        return self.params.electrical_power * self.params.efficiency

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of a source, from decibels."""
        return power_ratio(self.params.intensity_noise)


@final
class MirrorEncoder(Encoder[DmdRowsParams]):
    """Set the brightness of each line by the number of its mirrors that are on.

    A pattern is a number for each line, so the state always meets the steps of a patch. All of the
    time is that of the pattern: there is no converter before it.
    """

    kind = "dmd_rows"
    Params = DmdRowsParams
    deterministic = non_idealities = ("quantization", "contrast")

    def delay_fs(self, action: str) -> int:
        """Return the time to load a pattern and for its mirrors to rest."""
        load = photonic_switch.mirror_load_time(
            self.params.rows, self.params.clocks_per_row, self.params.clock
        )
        return {"convert": 0, "encode": to_fs(load + self.params.mirror_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of the patterns of every line."""
        return self.size.lines * {"convert": 0.0, "encode": self.params.pattern_energy}[action]

    def static_power(self) -> float:
        """Return what the light on all patches takes from the wall, and the array's own power."""
        light = self.params.source_power / self.params.source_efficiency
        return self.size.lines * light + self.params.static_power

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the brightness of every patch."""
        line = state.clamp(0.0, 1.0)
        if self.on(active, "quantization"):
            line = quantize.quantize_levels(state, self.params.mirrors_per_line + 1, 0.0, 1.0)
        if self.on(active, "contrast"):
            line = photonic_modulation.modulated_power(line, power_ratio(-self.params.contrast))
        return line

    @property
    def full_scale(self) -> float:
        """Return the power of a patch that is on."""
        return self.params.source_power * power_ratio(-self.params.insertion_loss)

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of the light, from decibels."""
        return power_ratio(self.params.source_noise)
