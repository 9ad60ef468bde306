"""Synthetic measurements with known truth, one generator for each kind of measurement.

Formulas are written out here in NumPy and share no code with the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """One synthetic measurement: columns with units, what is known, and the truth in SI."""

    columns: dict[str, Array]
    known: dict[str, str]
    truth: dict[str, float]

    def csv(self) -> str:
        rows = zip(*self.columns.values(), strict=True)
        lines = [",".join(f"{value:.12g}" for value in row) for row in rows]
        return "\n".join([",".join(self.columns), *lines]) + "\n"


def ring(random: np.random.Generator) -> Curves:
    """Through and drop [dB] of a ring at three heater powers, two resonances in each spectrum."""
    radius, index = 10e-6, random.uniform(4.0, 4.3)
    around = 2 * math.pi * radius
    r, loss = random.uniform(0.96, 0.985), random.uniform(300.0, 900.0)
    resonance, efficiency = 1550e-9 + random.uniform(-1e-9, 1e-9), random.uniform(0.2, 0.3) * 1e-6
    a = 10 ** (-loss * around / 20)
    levels = {"through": random.uniform(-8, -2), "drop": random.uniform(-9, -3)}
    bend, slope = random.uniform(-2, 0), random.uniform(-1, 1)
    columns: dict[str, list[Array]] = {"wavelength": [], "power": [], "through": [], "drop": []}
    axis = np.linspace(1538e-9, 1564e-9, 1041)
    for power in (0.0, 2e-3, 4e-3):
        phase = 2 * np.pi * index * around * (1 / axis - 1 / (resonance + efficiency * power))
        below = 1 - 2 * r * r * a * np.cos(phase) + (r * r * a) ** 2
        ports = {
            "through": (r * r * a * a - 2 * r * r * a * np.cos(phase) + r * r) / below,
            "drop": (1 - r * r) ** 2 * a / below,
        }
        along = (axis - 1551e-9) / 13e-9
        columns["wavelength"].append(axis * 1e9)
        columns["power"].append(np.full(axis.shape, power * 1e3))
        for port, passed in ports.items():
            noise = random.normal(0, 0.1, axis.shape)
            base = levels[port] + slope * along + bend * along**2
            columns[port].append(10 * np.log10(passed) + base + noise)
    flat = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Curves(
        {
            "wavelength [nm]": flat["wavelength"],
            "heater_power [mW]": flat["power"],
            "through [dB]": flat["through"],
            "drop [dB]": flat["drop"],
        },
        {"ring_radius": "10 um"},
        {
            "resonance": resonance,
            "self_coupling": r,
            "ring_loss": loss,
            "group_index": index,
            "heater_efficiency": efficiency,
        },
    )


def fringe(random: np.random.Generator) -> Curves:
    """Transmission of an interferometer against heater power."""
    for_pi, phase = random.uniform(20e-3, 28e-3), random.uniform(-1, 1)
    level, floor = random.uniform(-3, -0.5), 10 ** random.uniform(-2.0, -1.3)
    power = np.linspace(0, 60e-3, 121)
    passed = floor + (1 - floor) * np.sin((phase + np.pi * power / for_pi) / 2) ** 2
    measured = 10 ** (level / 10) * passed + random.normal(0, 0.004, power.shape)
    return Curves(
        {"heater_power [mW]": power * 1e3, "transmission": np.maximum(measured, 0)},
        {"time_constant": "1.22 us"},
        {
            "pi_power": for_pi,
            "phase_offset": phase,
            "level": level,
            "extinction": floor,
            "switching_energy": for_pi * 1.22e-6,
        },
    )


def step(random: np.random.Generator) -> Curves:
    """Response of one pole in volts."""
    tau, first, last = (
        random.uniform(5e-6, 20e-6),
        random.uniform(-0.2, 0.2),
        random.uniform(0.8, 2),
    )
    time = np.linspace(0, 80e-6, 161)
    response = last + (first - last) * np.exp(-time / tau) + random.normal(0, 0.01, time.shape)
    return Curves(
        {"time [us]": time * 1e6, "response [V]": response},
        {},
        {"time_constant": tau, "response_at_once": first, "response_settled": last},
    )


def photodiode(random: np.random.Generator) -> Curves:
    """Current of a saturating photodiode."""
    slope, dark, limit = (
        random.uniform(0.7, 1.1),
        random.uniform(2e-6, 5e-6),
        random.uniform(4e-3, 9e-3),
    )
    power = np.linspace(0.05e-3, 5e-3, 100)
    current = slope * power / (1 + power / limit) + dark + random.normal(0, 1e-6, power.shape)
    return Curves(
        {"optical power [mW]": power * 1e3, "current [uA]": current * 1e6},
        {},
        {"responsivity": slope, "dark_current": dark, "inverse_saturation": 1 / limit},
    )


def noise(random: np.random.Generator) -> Curves:
    """Noise density of an amplifier: white, 1/f below a corner, one pole above."""
    density, corner = random.uniform(4e-12, 9e-12), 10 ** random.uniform(4.5, 5.5)
    edge = random.uniform(2e9, 6e9)
    frequency = np.geomspace(1e3, 2e10, 200)
    power = density**2 * (1 + corner / frequency) / (1 + (frequency / edge) ** 2)
    measured = np.sqrt(power * 10 ** (random.normal(0, 0.3, frequency.shape) / 10))
    return Curves(
        {"frequency [MHz]": frequency * 1e-6, "noise [pA/Hz^0.5]": measured * 1e12},
        {},
        {"noise_density": density, "corner_frequency": corner, "bandwidth": edge},
    )


def loop(random: np.random.Generator) -> Curves:
    """Resistance of a junction, field up and down."""
    parallel, ratio = random.uniform(4e3, 8e3), random.uniform(0.8, 1.6)
    coercive, offset = random.uniform(30e-3, 60e-3), random.uniform(-8e-3, 8e-3)
    up = np.linspace(-0.1, 0.1, 101)
    field = np.concatenate([up, up[::-1][1:]])
    rising = np.arange(field.size) < up.size
    state = np.where(rising, field > offset + coercive, field > offset - coercive)
    resistance = parallel * (1 + ratio * state) + random.normal(0, 30, field.shape)
    return Curves(
        {"field [mT]": field * 1e3, "resistance [kohm]": resistance * 1e-3},
        {},
        {
            "resistance": parallel,
            "tmr": ratio,
            "coercive_field": coercive,
            "offset_field": offset,
        },
    )


def switching(random: np.random.Generator) -> Curves:
    """Thermally activated switching at two pulse lengths, counted."""
    barrier, critical = random.uniform(40, 70), random.uniform(60e-6, 120e-6)
    columns: list[tuple[float, float, float, float]] = []
    for pulse in (10e-9, 1e-6):
        middle = 1 - (math.log(pulse / 1e-9)) / barrier
        for drive in np.linspace(middle - 0.08, middle + 0.02, 15):
            chance = -math.expm1(-pulse / 1e-9 * math.exp(-barrier * (1 - drive)))
            count = float(random.binomial(1000, chance))
            columns.append((drive * critical * 1e6, pulse * 1e9, count, 1000.0))
    current, pulses, count, trials = (np.array(each) for each in zip(*columns, strict=True))
    return Curves(
        {"current [uA]": current, "pulse [ns]": pulses, "switched": count, "trials": trials},
        {"read_current": "10 uA"},
        {"barrier": barrier, "critical_current": critical, "read_drive": 10e-6 / critical},
    )


def write_errors(random: np.random.Generator) -> Curves:
    """Failed writes of a macrospin against pulse length, counted."""
    overdrive, damping = random.uniform(1.8, 2.6), random.uniform(0.01, 0.03)
    rate = damping * 1.76085963e11 * 0.3 / (1 + damping**2)
    pulse = np.linspace(2e-9, 8e-9, 25)
    below = overdrive * np.exp(2 * (overdrive - 1) * rate * pulse) - 1
    chance = -np.expm1(-(np.pi**2) / 4 * 60 * (overdrive - 1) / below)
    errors = random.binomial(100_000, chance).astype(float)
    return Curves(
        {"pulse [ns]": pulse * 1e9, "errors": errors, "trials": np.full(pulse.shape, 1e5)},
        {"barrier": "60", "anisotropy_field": "0.3 T"},
        {"overdrive": overdrive, "damping": damping},
    )


def drift(random: np.random.Generator) -> Curves:
    """Drift of 30 cells whose exponents differ."""
    mean, spread = random.uniform(0.04, 0.08), random.uniform(0.008, 0.015)
    time = np.geomspace(1, 1e5, 30)
    cells = [(i, random.normal(mean, spread), random.uniform(5, 20)) for i in range(30)]
    level = [
        first
        * (np.maximum(time, 20) / 20) ** -exponent
        * np.exp(random.normal(0, 0.01, time.shape))
        for _, exponent, first in cells
    ]
    return Curves(
        {
            "time [s]": np.tile(time, 30),
            "conductance [uS]": np.concatenate(level),
            "cell": np.repeat(np.arange(30.0), time.size),
        },
        {},
        {"drift_exponent": mean, "drift_spread": spread},
    )


GENERATORS: dict[str, Callable[[np.random.Generator], Curves]] = {
    "ring-spectrum": ring,
    "mzi-fringe": fringe,
    "step-response": step,
    "photodiode": photodiode,
    "noise-spectrum": noise,
    "mtj-loop": loop,
    "mtj-switching": switching,
    "mtj-write-errors": write_errors,
    "pcm-drift": drift,
}
