"""Detectors behind an amplifier of one pole: the wait before the capture and what it leaves.

What reaches the amplifier, and with which noise, is for the kinds to compute.
"""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

from pnnsim.common.units import from_fs
from pnnsim.devices.base import Active, Detector, Received, band_wait_fs
from pnnsim.devices.detectors.balanced_photodiode_params import BalancedPhotodiodeParams
from pnnsim.devices.detectors.crossbar_tia_params import CrossbarTiaParams
from pnnsim.devices.detectors.photodiode_params import PhotodiodeParams
from pnnsim.devices.detectors.voltage_amplifier_params import VoltageAmplifierParams
from pnnsim.physics import dynamics, photonic_detection

A = TypeVar(
    "A",
    bound=BalancedPhotodiodeParams | PhotodiodeParams | CrossbarTiaParams | VoltageAmplifierParams,
)


class AmplifiedDetector(Detector[A]):
    """Detector whose amplifier approaches each symbol exponentially and draws standing power."""

    def delay_fs(self, action: str) -> int:
        """Return the wait before the capture."""
        return {"detect": band_wait_fs(self.params)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of the amplifiers of all outputs beyond their standing power."""
        energy = self._amplifiers * (self.params.detection_energy or 0.0)
        return {"detect": energy}[action]

    @property
    def _amplifiers(self) -> int:
        """Return the amplifiers that are in use: one for each output."""
        return self.size.detectors

    def residue(self, active: Active) -> float:
        """Return what an exponential approach has left of the symbol before."""
        if not self.on(active, "settling"):
            return 0.0
        time_constant = dynamics.time_constant_from_bandwidth(self.params.bandwidth)
        return math.exp(-from_fs(self.delay_fs("detect")) / time_constant)

    def intensity_band(self, active: Active) -> float:
        """Return the band of the amplifier; none without light or with that noise off."""
        return self._band if self.on(active, "laser_noise") else 0.0

    @property
    def _band(self) -> float:
        """Return the noise bandwidth of the amplifier [Hz]."""
        return photonic_detection.single_pole_noise_bandwidth(self.params.bandwidth)


def with_beats(variance: Tensor, received: Received, responsivity: float, band: float) -> Tensor:
    """Return the variance of a current with what light and emission that beat add to it.

    Args:
        variance: Variance by all other noise [A^2], shape `(batch, n_out)`.
        received: What reaches the detector.
        responsivity: Photocurrent per optical power [A/W].
        band: Noise bandwidth [Hz].
    """
    if received.beats is None:
        return variance
    return variance + photonic_detection.emission_beat_variance(
        received.unit_input * received.beats, received.emission, responsivity, band
    )
