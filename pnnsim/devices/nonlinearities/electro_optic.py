"""Nonlinearity that modulates light by the detected signal."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.devices.base import Active, band_wait_fs
from pnnsim.devices.nonlinearities.base import Neurons
from pnnsim.devices.nonlinearities.electro_optic_params import ElectroOpticActivationParams
from pnnsim.physics import photonic_activation


@final
class ElectroOpticActivation(Neurons[ElectroOpticActivationParams]):
    """Nonlinearity of an interferometer that the detected signal drives.

        light ───────┬── arm ── phase shifter ──┬──▶ f(z)
                     └── arm ───────▲───────────┘
        z, detected ──▶ driver ─────┘        (Williamson et al., IEEE JSTQE 26, 2020)

    With the carrier `pump` the light is of constant power and f is an intensity in [0, 1]; with
    `signal` the light is the signal itself, which cannot be negative.
    """

    kind = "electro_optic"
    Params = ElectroOpticActivationParams

    @property
    def _wait_fs(self) -> int:
        return band_wait_fs(self.params)  # the driver's; the modulator's own is the encoder's

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return the transmitted intensity, `(1 - tap) cos^2(phase / 2)` times the carrier."""
        low = 0.0 if self.params.carrier == "signal" else -1.0
        driven = value.clamp(low, 1.0)
        p = self.params
        phase = photonic_activation.modulator_phase(driven, p.v_pi, p.bias_voltage, p.drive_voltage)
        passed = photonic_activation.interferometer_transmission(phase)
        if p.tap_fraction:
            passed = (1.0 - p.tap_fraction) * passed
        return passed * driven if self.params.carrier == "signal" else passed

    @property
    def range(self) -> tuple[float, float]:
        """Return dark and full brightness."""
        return 0.0, 1.0
