"""Heat that moves the rings of a bank: a gradient across the package, and their own light.

What stays here is where heat comes from; how a shifted ring weighs is for `mrr`.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.devices.weight_banks.ring_curve import RingCurve
from pnnsim.physics import photonic_thermal


@final
class RingHeat:
    """Heat of a bank's surroundings and of its light, as shifts of resonances.

    Args:
        params: Description of the bank.
        ring_power: Power of one line at logical 1 at a ring [W].
    """

    def __init__(self, params: MrrParams, ring_power: float) -> None:
        self._params = params
        self._ring_power = ring_power

    def gradient(self, edges: Tensor, like: Tensor) -> Tensor:
        """Return the shift of each ring by a linear gradient of temperature [m], as `like`.

        Args:
            edges: Temperature differences between opposite edges of a bank, along its outputs and
                along its inputs [K], shape `(2,)`.
            like: Weights of the bank, shape `(n_out, n_in)`.
        """
        rows, cols = self._params.rows, self._params.cols
        field = photonic_thermal.linear_gradient(edges.to(like), like.shape, (rows, cols))
        return self._params.thermal_shift * field

    def own(self, weight: Tensor) -> Tensor:
        """Return the shift of each ring by the light that it drops [m], as `weight`.

        Calibration has taken off the heat of the light that it used. What differs is the mean of
        lines at work; a ring does not follow single symbols, which are a thousand times as fast.

        Args:
            weight: Weights of rings, drop less through, shape `(n_out, n_in)`.
        """
        p = self._params
        if p.self_heating is None or p.heating_activity is None:
            return torch.zeros_like(weight)
        dropped = (1.0 + weight) / 2.0 * p.heating_activity * self._ring_power
        return p.self_heating * dropped

    @torch.no_grad()
    def from_neighbors(
        self, own: Tensor, before: Tensor | None, after: Tensor | None, curve: RingCurve
    ) -> Tensor:
        """Return by how much the heaters of the banks beside it change the weights of a bank.

        Calibration has met the heat of neighbors that hold weights of 0.

        Args:
            own: Weights of the bank, shape `(n_out, n_in)`.
            before: Weights of the bank in front; None for no such bank.
            after: Weights of the bank behind, likewise.
            curve: Curve of a ring.
        """
        rings, rest = curve.detuning(own), curve.detuning(torch.zeros_like(own[:1, :1]))
        heat = [None if w is None else curve.detuning(w) - rest for w in (before, after)]
        moved = rings + self.of_neighbors(heat[0], heat[1], rings)
        return (curve.weight(moved) - curve.weight(rings)) / curve.scale

    def of_neighbors(self, before: Tensor | None, after: Tensor | None, like: Tensor) -> Tensor:
        """Return the shift of each ring by the heaters of the banks beside it [m], as `like`.

        Banks lie side by side along their inputs, at whole pitches of the rings.

        Args:
            before: Shift of each ring of the bank in front [m]; None for no such bank.
            after: Shift of each ring of the bank behind [m], likewise.
            like: Rings of the bank, shape `(n_out, n_in)`.
        """
        p, (rows, cols) = self._params, like.shape
        gap = max(0, round((p.bank_spacing or 0.0) / p.ring_pitch) - 1)
        between = like.new_zeros((rows, gap))
        nothing = like.new_zeros((rows, 0))
        left = nothing if before is None else torch.cat([before.to(like), between], dim=1)
        right = nothing if after is None else torch.cat([between, after.to(like)], dim=1)
        field = torch.cat([left, torch.zeros_like(like), right], dim=1)
        added = photonic_thermal.spread_heat(
            field, p.ring_pitch, p.heater_crosstalk, p.ring_pitch, p.heater_decay_length
        )
        return added[:, left.shape[1] : left.shape[1] + cols]
