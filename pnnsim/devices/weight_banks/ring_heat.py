"""Heat that moves the rings of a bank: a gradient across the package, and their own light.

What stays here is where heat comes from; how a shifted ring weighs is for `mrr`.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.mrr_params import MrrParams
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
