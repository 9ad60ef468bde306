"""Detector of balanced photodiodes, with or without a local oscillator."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import power_ratio
from pnnsim.devices.base import Active, Received
from pnnsim.devices.detectors.balanced_photodiode_params import BalancedPhotodiodeParams
from pnnsim.devices.detectors.base import AmplifiedDetector, with_beats
from pnnsim.physics import photonic_detection

_NOISES = ("shot_noise", "amplifier_noise")


@final
class BalancedPhotodiode(AmplifiedDetector[BalancedPhotodiodeParams]):
    """Detector that subtracts the currents of two photodiodes and amplifies the difference.

        bank ───────────┐            With a local oscillator the pair reads a field with its sign,
                      50:50 ──▶ +-   without one the difference of two powers.
        oscillator ─────┘

    Fields of banks whose products add have a pair each, whose currents join on one amplifier.
    """

    kind = "balanced_photodiode"
    Params = BalancedPhotodiodeParams
    deterministic = ("saturation", "settling")
    non_idealities = (*deterministic, *_NOISES, "laser_noise")

    def static_power(self) -> float:
        """Return one amplifier per output, and the local oscillator of every pair."""
        amplifiers = self.size.detectors * self.params.static_power
        power, efficiency = self._oscillator, self.params.local_oscillator_efficiency
        if power is None or efficiency is None:
            return amplifiers
        return amplifiers + self.size.detectors * self._pairs * power / efficiency

    @property
    def _oscillator(self) -> float | None:
        return self.params.local_oscillator_power

    @property
    def _pairs(self) -> int:
        """Return the number of pairs, each with all its light, that share one amplifier.

        Powers of several banks count as if they met one pair.
        """
        return 1 if self._oscillator is None else self.size.tiles_in

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the photocurrent of a power, or of a field that interferes."""
        if self._oscillator is None:
            return self.params.responsivity * unit_input
        if not isinstance(unit_input, Tensor):
            unit_input = torch.tensor(unit_input, dtype=torch.float64)
        return photonic_detection.homodyne_current(
            unit_input, self._oscillator, 0.0, self.params.responsivity
        )

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the difference of both photocurrents, saturated and noisy."""
        signal = received.signal
        if self.on(active, "saturation"):
            signal = self._saturated(received)
        if self.on(active, "laser_noise"):
            signal = self._with_common_mode(signal, received)
        noisy = received.beats is not None or any(self.on(active, name) for name in _NOISES)
        if generator is None or not noisy:
            return signal
        # Training learns from the noise that was drawn, not from how large it might have been.
        with torch.no_grad():
            deviation = self._noise_variance(received, active).sqrt_()
        return torch.addcmul(signal, deviation, noise_like(signal, generator))

    def _saturated(self, received: Received) -> Tensor:
        """Return the signal of photodiodes whose response falls at strong light."""
        full = self.params.saturation_power
        if self._oscillator is None:
            return photonic_detection.saturated_difference(
                received.signal, received.total, full / received.unit_input
            )
        plus, minus = self._interfering(received)
        difference = photonic_detection.saturated_difference(plus - minus, plus + minus, full)
        return self._current(difference) / self.unit_current(received.unit_input)

    def _interfering(self, received: Received) -> tuple[Tensor, Tensor]:
        """Return the powers on both photodiodes of a pair that a local oscillator lights [W].

        Pairs that share an amplifier are taken to share the signal: what they differ by is small
        against the local oscillator.
        """
        assert self._oscillator is not None  # or nothing would interfere
        unit = torch.as_tensor(received.unit_input, dtype=received.signal.dtype)
        field = unit.sqrt() * received.signal / self._pairs
        return photonic_detection.homodyne_powers(field, self._oscillator)

    def _current(self, power: Tensor) -> Tensor:
        """Return what all pairs of an output make of a power on one photodiode of each [A]."""
        return self._pairs * self.params.responsivity * power

    def _with_common_mode(self, signal: Tensor, received: Received) -> Tensor:
        """Return the signal and the noise of both photodiodes' light that is not rejected."""
        gain = photonic_detection.common_mode_gain(power_ratio(self.params.common_mode_rejection))
        if self._oscillator is None:
            noise = received.fluctuation
            return signal if noise is None else signal + gain * noise
        if received.laser is None:
            return signal
        plus, minus = self._interfering(received)
        noise = self._current(plus + minus) * received.laser
        return signal + gain * noise / self.unit_current(received.unit_input)

    def _noise_variance(self, received: Received, active: Active) -> Tensor:
        """Return the variance in the detection band, in logical units."""
        unit_power = self.unit_current(received.unit_input) ** 2
        band = self._band
        if self._oscillator is None:
            light = received.unit_input * received.total
        else:
            plus, minus = self._interfering(received)
            light = plus + minus
        variance = torch.zeros_like(light)
        if self.on(active, "shot_noise"):
            current = self._current(light) + 2.0 * self._pairs * self.params.dark_current
            variance = variance + photonic_detection.shot_variance(current, band)
        if self.on(active, "amplifier_noise"):
            variance = variance + photonic_detection.amplifier_variance(
                self.params.amplifier_noise, band
            )
        variance = with_beats(variance, received, self.params.responsivity, band)
        return variance / unit_power
