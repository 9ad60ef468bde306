"""Weight bank of micro-rings, one for each wavelength and weight."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.recent_results import Kept, content
from pnnsim.common.rng import noise_like, normal, uniform
from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, Size, State, WeightBank, settling
from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.devices.weight_banks.ring_buses import ways_on_buses, weights_on_buses
from pnnsim.devices.weight_banks.ring_curve import RingCurve
from pnnsim.devices.weight_banks.ring_heat import RingHeat
from pnnsim.physics import (
    dynamics,
    photonic_thermal,
    quantize,
)

#: Calibrated weight sets that are stored: two for each of as many sets as networks have.
_KEPT = 64

#: Part of what a weight is off that a round corrects where light interferes: rings that carry
#: each other's light would overshoot with all of it, and some never come back.
_PART = 0.7


@final
class RingBank(WeightBank[MrrParams]):
    """Weight bank of add-drop rings (Tait et al., Sci. Rep. 7, 7430, 2017).

        bus in ──o──o──o──▶ through port ──▶ photodiode (-)
                 │  │  │
        bus out ◀┴──┴──┴─── drop port ─────▶ photodiode (+)

    Each ring weighs one wavelength; the weight is drop minus through. Its achievable interval is
    not symmetric, so a logical weight w in [-1, 1] is held as `scale * w`, and `scale` is part of
    the transmission.
    """

    kind = "mrr"
    Params = MrrParams
    corrects_drift = True
    deterministic = ("quantization",)
    non_idealities = (
        *deterministic,
        "crosstalk",
        "interference",
        "bus_drift",
        "heater_crosstalk",
        "bank_crosstalk",
        "resonance_error",
        "temperature",
        "gradient",
        "self_heating",
        "write_repeatability",
        "settling",
    )

    def __init__(self, params: MrrParams, size: Size) -> None:
        super().__init__(params, size)
        self._curve = RingCurve(params)
        self._scale = self._curve.scale
        self._calibrated: Kept[Tensor] = Kept(_KEPT)
        self._heat: Kept[Tensor] = Kept(_KEPT)
        self._warmth = RingHeat(params, size.line_power * self.split_power_fraction)

    @property
    def absent(self) -> frozenset[str]:
        """Return the heat of neighboring banks where there is none, or no distance is given."""
        reached = self.params.tuning == "thermal" and self.params.bank_spacing is not None
        return frozenset() if reached else frozenset({"bank_crosstalk"})

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, the ring's response, or the time of one programming."""
        if action == "propagate":
            return to_fs(self.params.path_length * self.params.group_index / constants.c)
        if action == "mvm":
            return to_fs(dynamics.settling_time(self._curve.response, self.params.bits))
        if action == "write":
            return to_fs(self._write_time)
        raise KeyError(action)

    @property
    def _write_time(self) -> float:
        p = self.params
        return p.calibration_rounds * settling(p.settling_time, p.time_constant, p.bits)

    def setup_wait(self) -> float:
        """Return the time until the slow part of the heat has settled to half a bit."""
        left = self.params.slow_fraction * 2.0 ** (self.params.bits + 1)
        return self.params.slow_time_constant * math.log(left) if left > 1.0 else 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the converters' energy of one programming; light and heat are standing power."""
        tiles = self.size.tiles_out * self.size.tiles_in
        rings = tiles * self.params.rows * self.params.cols
        energy = rings * self.params.calibration_rounds * self.params.round_energy
        return {"propagate": 0.0, "mvm": 0.0, "write": energy}[action]

    def static_power(self) -> float:
        """Return heat and drivers of every ring of every bank, selected or not."""
        return self._rings * (self.params.hold_power + (self.params.driver_power or 0.0))

    def overload(self, power: float) -> tuple[str, ...]:
        """Return a warning where one wavelength alone heats the ring that drops it."""
        at_ring = power * self.split_power_fraction
        if at_ring <= self.params.ring_power_limit:
            return ()
        return (
            f"weight_banks.ring_power_limit: {at_ring:.3g} W of one wavelength meets each ring; "
            f"expected at most {self.params.ring_power_limit:.3g} W, beyond which it heats itself",
        )

    def area(self) -> float:
        """Return the area of all rings at their pitch, and of what keeps banks apart."""
        p, apart = self.params, self.params.bank_spacing or 0.0
        return self._rings * p.ring_pitch**2 + p.count * p.rows * p.ring_pitch * apart

    @property
    def _rings(self) -> int:
        return self.params.count * self.params.rows * self.params.cols

    # values

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw each ring's resonance [m] as calibration leaves it, and its phase on the bus [rad].

        Shapes are `(n_out, n_in)`. A bus is so much longer than a wavelength that its phases may be
        any at all.
        """
        shape = (self.size.detectors, self.size.lines)
        spread = normal(shape, generator)
        return {
            "resonance": self.params.resonance_error * spread,
            "bus_phase": 2.0 * math.pi * uniform(shape, generator),
        }

    def environment(
        self, previous: State | None, elapsed: float, generator: torch.Generator
    ) -> State:
        """Return temperature errors [K], drifts of phases on the bus [rad] and a gradient [K].

        All are Ornstein-Uhlenbeck processes of the time of the temperature.
        """
        rings, time = (self.size.detectors, self.size.lines), self.params.temperature_time
        wandering = {
            "temperature": (rings, self.params.temperature_error),
            "bus_drift": (rings, self.params.bus_drift or 0.0),
            "gradient": ((2,), self.params.gradient_error or 0.0),
        }
        state: State = {}
        for name, (shape, deviation) in wandering.items():
            noise = normal(shape, generator)
            state[name] = deviation * noise
            if previous is not None:
                state[name] = dynamics.ornstein_uhlenbeck_step(
                    previous[name], torch.tensor(elapsed), deviation, time, noise
                )
        return state

    def correlation_time(self) -> float:
        """Return the correlation time of the temperature."""
        return self.params.temperature_time

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return drop minus through of every ring, in logical units.

        Calibration measures the bank as it is and corrects each weight by what it is off, once a
        round; so light that leaks between channels, or interferes on its bus, is corrected as far
        as the rings reach. What stays are the steps of the heaters' converters, and resonances and
        phases that moved since.
        """
        target = target.clamp(-1.0, 1.0)
        bus_phase = self._bus_phase(target, state, active)
        command = self._calibrate(target, bus_phase, active)
        if bus_phase is not None and self.on(active, "bus_drift") and "bus_drift" in state:
            bus_phase = bus_phase + state["bus_drift"].to(target)
        shift = self._shift(command.detach(), state, active)
        heated = self._heats_neighbors(active)
        if shift is None and not heated and not self.on(active, "crosstalk"):
            return ProgrammedWeights(command)
        ways = ways_on_buses(bus_phase, self.params, self._curve.spectral_range)
        return ProgrammedWeights(self._measure(command, shift, ways, active, heated=heated))

    def _bus_phase(self, target: Tensor, state: State, active: Active) -> Tensor | None:
        """Return the phases between the rings of a chip; None where light does not interfere."""
        interferes = self.params.bus == "coherent" and self.on(active, "interference")
        if not (interferes and self.on(active, "crosstalk") and "bus_phase" in state):
            return None
        return state["bus_phase"].to(target)

    def _heats_neighbors(self, active: Active) -> bool:
        """Return whether calibration leaves a part of the neighbors' heat."""
        thermal = self.params.tuning == "thermal" and self.params.heater_crosstalk > 0.0
        return thermal and self.on(active, "heater_crosstalk")

    def _calibrate(self, target: Tensor, bus_phase: Tensor | None, active: Active) -> Tensor:
        """Return the weights to which the rings are set, in steps of their converters."""
        if not self.on(active, "crosstalk"):
            # The first measurement finds nothing to correct.
            return self._converted(target, active)
        flags = (self.on(active, "quantization"), self.on(active, "crosstalk"))
        chip = () if bus_phase is None else content(bus_phase)
        corrected = self._calibrated.get(
            (*content(target), *chip, *flags),
            lambda: self._corrected(target.detach(), bus_phase, active),
        )
        # Weights follow their targets, so gradients pass straight through.
        return corrected + (target - target.detach())

    def _corrected(self, target: Tensor, bus_phase: Tensor | None, active: Active) -> Tensor:
        """Return the command after all rounds: of light that does not interfere, for all chips."""
        command, wanted = self._converted(target, active), target
        ways = ways_on_buses(bus_phase, self.params, self._curve.spectral_range)
        part = 1.0 if ways is None else _PART
        for _ in range(self.params.calibration_rounds - 1):
            wanted = wanted + part * (target - self._measure(command, None, ways, active))
            command = self._converted(wanted, active)
        return command

    def _converted(self, wanted: Tensor, active: Active) -> Tensor:
        """Return the nearest weights that a ring can be set to."""
        reach = self.params.usable_range * -self._curve.low / self._scale
        if self.on(active, "quantization"):
            # The converter spans what the ring reaches; a symmetric range keeps weight 0 exact.
            wanted = quantize.quantize(wanted, self.params.bits, -reach, reach)
        return wanted.clamp(-reach, 1.0)

    def _measure(
        self,
        command: Tensor,
        shift: Tensor | None,
        ways: Tensor | None,
        active: Active,
        *,
        heated: bool = False,
    ) -> Tensor:
        """Return the effective weights when the rings are set to `command`.

        `heated` adds what setting all rings at once has left: each moves while the others do.
        """
        detuning = self._curve.detuning(command)
        if heated:
            rings = detuning.detach()
            detuning = detuning + self._heat.get(content(rings), lambda: self._heat_left(rings))
        if shift is not None:
            detuning = detuning + shift
        if not self.on(active, "crosstalk"):
            return self._curve.weight(detuning) / self._scale
        ring = (self._curve.spectral_range, self._curve.amplitude)
        return weights_on_buses(detuning, ways, self.params, ring) / self._scale

    def _heat_left(self, detuning: Tensor) -> Tensor:
        """Return what calibration leaves of the neighbors' heat, as a detuning [m]."""
        pitch = self.params.ring_pitch
        return photonic_thermal.calibration_residue(
            detuning,
            self.params.calibration_rounds,
            pitch=pitch,
            strength=self.params.heater_crosstalk,
            reference_distance=pitch,
            decay_length=self.params.heater_decay_length,
        )

    def beside(
        self,
        own: ProgrammedWeights,
        before: ProgrammedWeights | None,
        after: ProgrammedWeights | None,
        active: Active,
    ) -> ProgrammedWeights:
        """Return the weights that the heaters of neighboring banks leave.

        A bank is calibrated while the others hold weights of 0.
        """
        if "bank_crosstalk" in self.absent or not self.on(active, "bank_crosstalk"):
            return own
        beside = [None if bank is None else bank.weights for bank in (before, after)]
        added = self._warmth.from_neighbors(own.weights, beside[0], beside[1], self._curve)
        return replace(own, weights=own.weights + added)

    def _shift(self, command: Tensor, state: State, active: Active) -> Tensor | None:
        """Return how far each resonance is from where it was put [m]; None where exactly there."""
        shifts = []
        if self.on(active, "resonance_error") and "resonance" in state:
            shifts.append(state["resonance"])
        if self.on(active, "temperature") and "temperature" in state:
            shifts.append(self.params.thermal_shift * state["temperature"])
        if self.on(active, "gradient") and "gradient" in state:
            shifts.append(self._warmth.gradient(state["gradient"], command))
        if self.on(active, "self_heating") and self.params.self_heating:
            shifts.append(self._warmth.own(self._scale * command))
        return sum(shifts[1:], shifts[0]).to(command) if shifts else None

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw the spread of repeated programmings, the same for every weight."""
        if not self.on(active, "write_repeatability"):
            return None
        return self.params.write_repeatability * noise_like(held, generator)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return what a heater and its substrate have left of the last change."""
        if not self.on(active, "settling"):
            return torch.zeros_like(elapsed)
        return dynamics.two_time_constant_residue(
            elapsed,
            self.params.time_constant,
            self.params.slow_time_constant,
            self.params.slow_fraction,
        )

    @property
    def rest_weight(self) -> float:
        """Return the weight of an unheated ring: all of the light goes through."""
        return max(-1.0, self._curve.low / self._scale)

    @property
    def transmission(self) -> float:
        """Return losses times the split over all rows that share a line, at weight 1."""
        passed = self.params.through_loss * (self.params.channels_per_bus - 1)
        losses = power_ratio(-self.params.excess_loss - passed)
        return self._scale * losses / (self.params.rows * self.size.tiles_out)

    @property
    def absorbed(self) -> float:
        """Return the light on both photodiodes: what is not dropped goes through."""
        return 1.0 / self._scale

    @cached_property
    def split_power_fraction(self) -> float:
        """Return the power of one line that meets one ring, as a fraction."""
        return power_ratio(-self.params.excess_loss) / (self.params.rows * self.size.tiles_out)
