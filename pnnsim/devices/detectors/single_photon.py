"""Detector of single photons: pairs of pixels whose diodes click or do not."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.single_photon_params import SinglePhotonParams
from pnnsim.physics import counting, photonic_detection


@final
class SinglePhoton(Detector[SinglePhotonParams]):
    """Detector that subtracts the clicks of two pixels, counted over gates and diodes.

    A diode registers some or none: with m photons in a gate it clicks with the chance 1 - exp(-m),
    and many diodes or gates are needed to count. The signal is clicks over those of logical 1 in
    weak light. One gate of one diode is a binary neuron (Ma et al., Nat. Commun. 16, 2025); many
    make a camera without reading noise. Intensity noise of sources is left out: it is far below
    the noise of counting a few photons.

    The gradient of a count is that of its mean.
    """

    kind = "single_photon"
    Params = SinglePhotonParams
    deterministic = ("saturation",)
    non_idealities = (*deterministic, "shot_noise", "dark_counts", "afterpulsing")

    def delay_fs(self, action: str) -> int:
        """Return all gates, one after the other."""
        p = self.params
        return {"detect": p.gates * (to_fs(p.gate_time) + to_fs(p.dead_time))}[action]

    def cost(self, action: str) -> float:
        """Return the energy of all gates of all diodes, two pixels for each output."""
        each = self._chances * self.params.gate_energy
        return 2 * self.size.detectors * {"detect": each}[action]

    def static_power(self) -> float:
        """Return the power of two pixels for each output."""
        return 2 * self.size.detectors * self.params.static_power

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the mean photocurrent of a power, an electron for each detected photon."""
        p = self.params
        return photonic_detection.quantum_responsivity(p.efficiency, p.wavelength) * unit_input

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where half of all lines, at full scale and weight, blind the diodes."""
        photons = self._events_per_watt * power * self.size.lines / 2
        if photons <= 1.0:
            return ()
        return (
            f"detector.cells: half of all lines at full scale bring {photons:.3g} detectable "
            "photons to a diode in one gate, of which it tells one; expected 1 at most. Hint: more "
            "cells, a shorter gate_time, or less light",
        )

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the difference of the clicks of both pixels, over those of logical 1."""
        signal = received.signal
        unit = self._events_per_watt * torch.as_tensor(received.unit_input, dtype=torch.float64)
        pixels = torch.stack([received.total + signal, received.total - signal]) / 2.0
        # Calibration can leave a pixel a hair below dark; light has no such state.
        events = unit * pixels.clamp(min=0.0).double()
        if generator is not None and self.on(active, "dark_counts"):
            events = events + self.params.dark_rate * self.params.gate_time
        clips = self.on(active, "saturation")
        clicks = self._chances * (counting.click_probability(events) if clips else events)
        if generator is not None:
            clicks = self._drawn(clicks, generator, active, clips=clips)
        return ((clicks[0] - clicks[1]) / (self._chances * unit)).to(signal)

    def _drawn(
        self, mean: Tensor, generator: torch.Generator, active: Active, *, clips: bool
    ) -> Tensor:
        """Return counts in place of mean clicks.

        Args:
            mean: Mean clicks of each pixel.
            generator: Stream of the read noise.
            active: Non-idealities that are switched on.
            clips: Whether a diode clicks once at most, so that counts are binomial; else Poisson.
        """
        p, clicks = self.params, mean
        if self.on(active, "shot_noise"):
            with torch.no_grad():
                if clips:
                    most = torch.full_like(mean, float(self._chances))
                    clicks = torch.binomial(most, mean / self._chances, generator=generator)
                else:
                    clicks = torch.poisson(mean, generator=generator)
        if self.on(active, "afterpulsing"):
            with torch.no_grad():
                after = torch.poisson(p.afterpulsing * clicks, generator=generator)
                clicks = (clicks + after) / (1.0 + p.afterpulsing)
        return counting.straight_through(clicks, mean)

    @property
    def _chances(self) -> int:
        """Return how often a pixel may click in one detection."""
        return self.params.gates * self.params.cells

    @property
    def _events_per_watt(self) -> float:
        """Return the photons that one diode detects in one gate, for each watt on its pixel."""
        p = self.params
        return photonic_detection.photoelectrons(
            1.0 / p.cells, p.efficiency, p.wavelength, p.gate_time
        )
