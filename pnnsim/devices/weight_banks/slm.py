"""Weight bank of intensity masks on a spatial light modulator."""

from __future__ import annotations

from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.rng import normal
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import (
    Active,
    ProgrammedWeights,
    State,
    WeightBank,
)
from pnnsim.devices.weight_banks.slm_params import SlmParams
from pnnsim.physics import photonic_modulation, quantize


@final
class MaskBank(WeightBank[SlmParams]):
    """Weight bank of two intensity masks on a light modulator, one for each sign.

        sources ──┬──▶ mask (+) ──▶ summed over lines ──▶ (+)
                  └──▶ mask (-) ──▶ summed over lines ──▶ (-)

    The mask of the other sign passes the light of its finite contrast, and pixels spill onto their
    neighbors.
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
