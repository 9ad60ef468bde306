"""Turn light into current, with the noise that this costs."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.components.base import Active, Detector, Received, wait_fs
from pnnsim.params.detector import BalancedPhotodiodeParams
from pnnsim.physics import dynamics, photonic_detection
from pnnsim.units import from_fs, power_ratio


@final
class BalancedPhotodiode(Detector[BalancedPhotodiodeParams]):
    """Subtract the currents of two photodiodes and amplify the difference."""

    kind = "balanced_photodiode"
    Params = BalancedPhotodiodeParams
    deterministic = ("saturation", "settling")
    imperfections = (*deterministic, "shot_noise", "amplifier_noise", "laser_noise")

    def delay_fs(self, action: str) -> int:
        """Return the wait before the capture."""
        if action != "detect":
            raise KeyError(action)
        intrinsic = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
        return wait_fs(self.params.settling_time, intrinsic, self.params.bits)

    def cost(self, action: str) -> float:
        """Return nothing: an amplifier draws standing power only."""
        return {"detect": 0.0}[action]

    def static_power(self) -> float:
        """Return the power of one amplifier per output; tiles sum on one amplifier."""
        return self.size.lines * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the photocurrent of a power."""
        return self.params.responsivity * unit_input

    def residue(self, active: Active) -> float:
        """Return what an exponential approach has left of the symbol before."""
        if not self.on(active, "settling"):
            return 0.0
        time_constant = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
        return math.exp(-from_fs(self.delay_fs("detect")) / time_constant)

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the difference of both photocurrents, saturated and noisy."""
        signal = received.signal
        if self.on(active, "saturation"):
            full = self.params.saturation_power / received.unit_input
            bright = photonic_detection.saturated_power((received.total + signal) / 2, full)
            dark = photonic_detection.saturated_power((received.total - signal) / 2, full)
            signal = bright - dark
        if generator is None:
            return signal
        deviation = self._noise_variance(received, active).sqrt()
        deviation = deviation / self.unit_current(received.unit_input)
        noise = torch.randn(signal.shape, generator=generator, dtype=torch.float64)
        return signal + deviation * noise.to(signal)

    def _noise_variance(self, received: Received, active: Active) -> Tensor:
        """Return the variance of the current in the detection band [A^2]."""
        band = photonic_detection.single_pole_noise_bandwidth(self.params.bandwidth)
        unit_current = self.unit_current(received.unit_input)
        variance = torch.zeros_like(received.signal)
        if self.on(active, "shot_noise"):
            current = unit_current * received.total + 2.0 * self.params.dark_current
            variance = variance + photonic_detection.shot_variance(current, band)
        if self.on(active, "amplifier_noise"):
            variance = variance + photonic_detection.amplifier_variance(
                self.params.amplifier_noise, band
            )
        if self.on(active, "laser_noise"):
            assert received.squares is not None  # noise is drawn, so they were computed
            assert received.square_total is not None
            rejected = power_ratio(-self.params.common_mode_rejection) * received.square_total
            powers = unit_current**2 * (received.squares + rejected)
            variance = variance + received.intensity_noise * powers * band
        return variance
