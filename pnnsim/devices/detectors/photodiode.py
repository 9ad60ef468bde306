"""Detector of two photodiodes for each output, each with an amplifier of its own."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.devices.base import Active, Received
from pnnsim.devices.detectors.base import AmplifiedDetector, with_beats
from pnnsim.devices.detectors.photodiode_params import PhotodiodeParams
from pnnsim.physics import photonic_detection


@final
class Photodiode(AmplifiedDetector[PhotodiodeParams]):
    """Detector that amplifies the light of either sign, then subtracts.

        (+) ──▶ photodiode ──▶ amplifier ──┐
                                           ├─ difference ──▶
        (-) ──▶ photodiode ──▶ amplifier ──┘

    Two amplifiers are noisier than one behind a balanced pair, and their gains are never equal, so
    a part of the light that both see stays in the difference.
    """

    kind = "photodiode"
    Params = PhotodiodeParams
    deterministic = ("saturation", "gain_mismatch", "settling")
    non_idealities = (*deterministic, "shot_noise", "amplifier_noise", "laser_noise")

    def static_power(self) -> float:
        """Return the power of two amplifiers per output; tiles sum on them."""
        return self._amplifiers * self.params.static_power

    @property
    def _amplifiers(self) -> int:
        """Return two amplifiers for each output."""
        return 2 * self.size.detectors

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the photocurrent of a power."""
        return self.params.responsivity * unit_input

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the difference of both currents, saturated, unequal and noisy."""
        signal = received.signal
        mismatch = self.params.gain_mismatch if self.on(active, "gain_mismatch") else 0.0
        if mismatch or self.on(active, "saturation"):
            bright, dark = (received.total + signal) / 2.0, (received.total - signal) / 2.0
            if self.on(active, "saturation"):
                full = self.params.saturation_power / received.unit_input
                bright = photonic_detection.saturated_power(bright, full)
                dark = photonic_detection.saturated_power(dark, full)
            signal = photonic_detection.unequal_difference(bright, dark, mismatch)
        if generator is None:
            return signal
        # Training learns from the noise that was drawn, not from how large it might have been.
        with torch.no_grad():
            deviation = self._noise_variance(received, active).sqrt_()
            deviation = deviation * (1.0 / self.unit_current(received.unit_input))
        return torch.addcmul(signal, deviation, noise_like(signal, generator))

    def _noise_variance(self, received: Received, active: Active) -> Tensor:
        """Return the variance of the difference in the detection band [A^2]."""
        band = self._band
        unit_current = self.unit_current(received.unit_input)
        variance = torch.zeros_like(received.signal)
        if self.on(active, "shot_noise"):
            current = unit_current * received.total + 2.0 * self.params.dark_current
            variance = variance + photonic_detection.shot_variance(current, band)
        if self.on(active, "amplifier_noise"):
            each = photonic_detection.amplifier_variance(self.params.amplifier_noise, band)
            variance = variance + 2.0 * each
        return with_beats(variance, received, self.params.responsivity, band)
