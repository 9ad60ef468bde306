"""Switches between fibers: moved mirrors and amplifying gates."""

from __future__ import annotations

from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, Switch, wait_fs
from pnnsim.devices.switches.fiber_params import FiberMemsSwitchParams, SoaSwitchParams
from pnnsim.physics import dynamics, photonic_detection, photonic_switch


@final
class FiberMemsSwitch(Switch[FiberMemsSwitchParams]):
    """Switch that turns a mirror or moves a fiber to another output; dark on the way."""

    kind = "fiber_mems"
    Params = FiberMemsSwitchParams
    deterministic = non_idealities = ("leakage",)

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        return {"route": to_fs(self.params.switching_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of moving every switch."""
        return self.params.count * {"route": self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the power of all switches at rest."""
        return self.params.count * self.params.static_power

    @property
    def transmission(self) -> float:
        """Return the transmission of one switch: a mirror reaches every bank at once."""
        return power_ratio(-self.params.insertion_loss)

    def leakage(self, active: Active) -> float:
        """Return the light that falls into an unselected fiber."""
        return power_ratio(-self.params.crosstalk) if self.on(active, "leakage") else 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return nothing: there is no light until the mirror rests."""
        return torch.zeros_like(dwell)

    @property
    def endurance(self) -> float:
        """Return how many moves a switch survives."""
        return self.params.endurance


@final
class SoaSwitch(Switch[SoaSwitchParams]):
    """Switch of amplifying gates behind a passive splitter; they add spontaneous emission.

                      ┌─ gate ─ bank 0
        line ── 1:L ──┤
                      └─ gate ─ bank 1

    Gain makes up for the split, at the price of noise.
    """

    kind = "soa"
    Params = SoaSwitchParams
    deterministic = ("leakage",)
    non_idealities = (*deterministic, "settling", "emission")

    def delay_fs(self, action: str) -> int:
        """Return the wait after a move."""
        wait = wait_fs(self.params.settling_time, self._time_constant, self.params.bits)
        return {"route": wait}[action]

    def cost(self, action: str) -> float:
        """Return the energy of closing one gate and opening another at every splitter."""
        return self.params.count * {"route": self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the power of the one open gate of every splitter; closed ones take none."""
        return self.params.count * self.params.gate_power

    @property
    def transmission(self) -> float:
        """Return the gain of a gate behind the split over all banks."""
        return photonic_switch.gate_transmission(
            self.size.banks, self._gain, power_ratio(-self.params.splitter_loss)
        )

    def leakage(self, active: Active) -> float:
        """Return what a closed gate still passes, relative to an open one."""
        return power_ratio(-self.params.extinction) if self.on(active, "leakage") else 0.0

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left after the dwell."""
        return self.unsettled(dwell, self._time_constant, active)

    @property
    def emission(self) -> float:
        """Return the spontaneous emission in one line's mode behind the open gate."""
        frequency = constants.c / self.params.wavelength
        figure = power_ratio(self.params.noise_figure)
        return photonic_detection.amplifier_emission(figure, self._gain, frequency)

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where the lines together saturate a gate."""
        together = self.params.channels * power * self.transmission
        if together <= self.params.saturation_power:
            return ()
        return (
            f"switch.saturation_power: {self.params.channels} lines at full scale leave a gate "
            f"with {together:.3g} W; expected at most {self.params.saturation_power:.3g} W, at "
            "which its gain has halved",
        )

    @property
    def _gain(self) -> float:
        return power_ratio(self.params.gain)

    @property
    def _time_constant(self) -> float:
        return dynamics.time_constant_from_rise_time(self.params.rise_time)
