"""Encoder of micro-mirrors, a patch of them for each line."""

from __future__ import annotations

from typing import final

from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import (
    Active,
    Encoder,
)
from pnnsim.devices.encoders.dmd_rows_params import DmdRowsParams
from pnnsim.physics import photonic_modulation, photonic_switch, quantize


@final
class MirrorEncoder(Encoder[DmdRowsParams]):
    """Encoder that sets the brightness of each line by the number of its mirrors that are on.

    A pattern is a number for each line, so the state is always rounded to the steps of a patch. All
    of the time is that of the pattern: there is no converter before it.
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
        """Return the electrical power of the light on all patches, and the array's own."""
        light = self.params.source_power / self.params.source_efficiency
        return self.params.sets * (self.size.lines * light + self.params.static_power)

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

    @property
    def one_source(self) -> bool:
        """Return true: one source lights the whole array."""
        return True
