"""Nonlinearities of passive optics: a squared field, a bleached absorber."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Nonlinearity, band_wait_fs
from pnnsim.devices.nonlinearities.base import Neurons
from pnnsim.devices.nonlinearities.passive_params import SaturableAbsorberParams, SquareLawParams
from pnnsim.physics import photonic_activation


@final
class SquareLaw(Neurons[SquareLawParams]):
    """Nonlinearity of a photodiode, which squares the field that carries the signal."""

    kind = "square_law"
    Params = SquareLawParams

    @property
    def _wait_fs(self) -> int:
        return band_wait_fs(self.params)

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the power of a field of that amplitude, both relative to full scale."""
        return photonic_activation.square_law(value)

    @property
    def range(self) -> tuple[float, float]:
        """Return dark and full brightness."""
        return 0.0, 1.0


@final
class SaturableAbsorber(Nonlinearity[SaturableAbsorberParams]):
    """Nonlinearity of an absorber that the light of the signal bleaches."""

    kind = "saturable_absorber"
    Params = SaturableAbsorberParams

    def delay_fs(self, action: str) -> int:
        """Return the wait for the absorber."""
        return {"activate": to_fs(self.params.response_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one activation of every neuron."""
        return self.size.hidden * {"activate": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the light of all neurons at full scale, taken from the wall."""
        return self.size.hidden * self.params.full_scale_power / self.params.source_efficiency

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the transmitted power relative to full scale; there is no negative light."""
        power = self.params.full_scale_power * value.clamp(0.0, 1.0)
        passed = power * photonic_activation.absorber_transmission(
            power,
            self.params.saturable_absorption,
            self.params.saturation_power,
            self.params.residual_absorption,
        )
        return passed / self.params.full_scale_power

    @property
    def range(self) -> tuple[float, float]:
        """Return dark, and the output at full scale."""
        full = torch.ones(1, dtype=torch.float64)
        return 0.0, float(self.activate(full, None, None, frozenset()))
