"""Detector of counted photoelectrons: two pixels for each output, read out together."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import noise_like
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.camera_params import CameraParams
from pnnsim.physics import counting, photonic_detection, quantize


@final
class Camera(Detector[CameraParams]):
    """Detector that subtracts the electrons of two pixels; shot noise is that of counting.

    Counts are drawn from the Poisson distribution itself, so that the regime of a few photons is as
    right as that of many; their gradient is that of their mean. Each exposure starts from empty
    pixels: nothing is left of the last one.
    """

    kind = "camera"
    Params = CameraParams
    deterministic = ("full_well", "quantization")
    non_idealities = (*deterministic, "shot_noise", "read_noise", "source_noise")

    def delay_fs(self, action: str) -> int:
        """Return exposure and readout, one after the other."""
        return {"detect": to_fs(self.params.exposure) + to_fs(self.params.readout_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of reading two pixels per output."""
        return 2 * self.size.detectors * {"detect": self.params.pixel_energy}[action]

    def static_power(self) -> float:
        """Return the power of the camera."""
        return self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the mean photocurrent of a power."""
        efficiency = photonic_detection.quantum_responsivity(
            self.params.quantum_efficiency, self.params.wavelength
        )
        return efficiency * unit_input

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where half of all lines, at full scale and weight, fill a pixel."""
        electrons = self._electrons_per_watt * power * self.size.lines / 2
        if electrons <= self.params.full_well:
            return ()
        return (
            f"detector.full_well: half of all lines at full scale free {electrons:.3g} electrons "
            f"in a pixel that holds {self.params.full_well:.3g}; expected fewer. Hint: a shorter "
            "exposure, or less light",
        )

    def intensity_band(self, active: Active) -> float:
        """Return the band of an exposure; none with that noise off."""
        if not self.on(active, "source_noise"):
            return 0.0
        return float(photonic_detection.integrator_noise_bandwidth(self.params.exposure))

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the difference of both pixels, counted, filled and converted."""
        signal = received.signal
        unit = self._electrons_per_watt * torch.as_tensor(received.unit_input, dtype=signal.dtype)
        pixels = torch.stack([received.total + signal, received.total - signal]) / 2.0
        # Calibration can leave a pixel a hair below dark; light has no such state.
        electrons = unit * pixels.clamp(min=0.0)
        if generator is not None:
            electrons = self._noisy(electrons, generator, active)
        if self.on(active, "full_well"):
            electrons = photonic_detection.full_well(electrons, self.params.full_well)
        if self.on(active, "quantization"):
            # A black level lets noise go below dark: as many steps again on the other side of 0.
            full = self.params.full_well
            electrons = quantize.quantize(electrons, self.params.bits + 1, -full, full)
        return (electrons[0] - electrons[1]) / unit

    def _noisy(self, electrons: Tensor, generator: torch.Generator, active: Active) -> Tensor:
        """Return counts in place of mean electrons, the mean of the dark ones taken off."""
        if self.on(active, "shot_noise"):
            dark = photonic_detection.carriers(self.params.dark_current, self.params.exposure)
            mean = electrons.clamp(min=0.0).double() + dark
            counted = torch.poisson(mean.detach(), generator=generator)
            electrons = (counting.straight_through(counted, mean) - dark).to(electrons)
        if self.on(active, "read_noise"):
            electrons = electrons + self.params.read_noise * noise_like(electrons, generator)
        return electrons

    @property
    def _electrons_per_watt(self) -> float:
        return photonic_detection.photoelectrons(
            1.0, self.params.quantum_efficiency, self.params.wavelength, self.params.exposure
        )
