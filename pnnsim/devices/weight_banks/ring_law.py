"""Law of ring heaters: mean power that trims a resonance and sets a weight.

Fabrication spreads resonances as a random walk over distance. A heater only moves them to the red,
so each ring is moved from where it was made to its channel, and from there to its weight.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from pnnsim.devices.laws import Input, Law


class Heater(NamedTuple):
    """Published ring or disk with its heater: tuning efficiency [m/W]."""

    name: str
    efficiency: float


class TrimPower(NamedTuple):
    """Published or planned power of one ring's heater [W]."""

    name: str
    power: float


#: Tuning efficiencies, most of them derived from the power of a whole turn.
HEATERS = (
    Heater("microheater in resonant modulators, Sci. Rep., 2025", 0.36e-6),
    Heater("the same, substrate removed, Sci. Rep., 2025", 1.8e-6),
    Heater("microdisk, Zortman et al., Opt. Express 18, 23598, 2010", 1.8e-6),
    Heater("4 um disk, Opt. Express 21, 15706, 2013", 2.06e-6),
    Heater("heater in the guide, 32 x 100 GHz filter, arXiv:2411.15025, 2024", 2.27e-6),
    Heater("bias tuning, Li et al., JSSC 49, 1419, 2014", 1.18e-6),
)

#: Powers that are given for a ring, as measured or as planned by studies.
POINTS = (
    TrimPower("Zortman et al., 2010, fabrication alone", 0.231e-3),
    TrimPower("Zortman et al., 2010, with environment", 1.36e-3),
    TrimPower("Shiflett et al., ISCA, 2021, conservative", 3.1e-3),
    TrimPower("Shiflett et al., ISCA, 2021, moderate", 0.388e-3),
    TrimPower("Shiflett et al., ISCA, 2021, aggressive", 0.155e-3),
    TrimPower("SimPhony device library, 2024", 0.275e-3),
    TrimPower("Zhang et al., eLight, 2026", 0.186e-3),
)


def largest_of(count: float) -> float:
    """Return the expected largest of so many normal deviates, in standard deviations.

    Reference: G. Blom, Statistical Estimates and Transformed Beta-Variables, Wiley, 1958.
    """
    if count <= 1:
        return 0.0
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25))


def _power(
    linewidth: float,
    spectral_range: float,
    channels: float,
    span: float,
    thermal_shift: float,
    efficiency: float,
    walk: float,
    headroom: float,
    policy: str,
) -> float:
    """Return the mean heater power of one ring [W]."""
    spread = walk * math.sqrt(span / 1e-2)
    trim = {
        "aligned": spread * largest_of(channels),
        "any_channel": spread * largest_of(channels) + 0.5 * spectral_range / channels,
        "fixed_channel": 0.5 * spectral_range,
    }[policy]
    # Weights spread evenly over [-1, 1] need a mean detuning of pi/4 linewidths.
    weight = math.pi / 4.0 * linewidth
    return (trim + weight + thermal_shift * headroom) / efficiency


RING_TRIM = Law(
    name="ring_trim",
    formula="P = (trim + pi/4 linewidth + shift headroom) / efficiency; "
    "spread = walk (span/1 cm)^0.5; "
    "trim = spread E_max(channels) where the comb is aligned, half a channel more where any ring "
    "takes any channel, half a spectral range where it does not",
    source="Mohamed et al. (1 nm per root of cm, four wafers); tuning efficiencies of six heaters, "
    "powers of seven rings, 2010-2026",
    points=len(HEATERS) + len(POINTS),
    scatter=(0.35, 2.5),
    inputs=(
        Input("linewidth", "linewidth", "length", 0.01e-9, 1e-9),
        Input("spectral_range", "free spectral range", "length", 1e-9, 40e-9),
        Input("channels", "channels of a bus", None, 1.0, 64.0),
        Input("span", "extent of a row of rings", "length", 0.0, 0.15),
        Input("thermal_shift", "shift with temperature", "length_per_temperature"),
        Input(
            "efficiency", "tuning efficiency", "length_per_power", 0.1e-6, 2.5e-6, default=0.36e-6,
            least=1e-9,
        ),
        Input(
            "walk", "spread of resonances a centimetre apart", "length", 0.2e-9, 8e-9, default=1e-9
        ),
        Input(
            "headroom", "range of temperatures that heaters make up for", "temperature_difference",
            0.0, 80.0, default=0.0,
        ),
        Input(
            "policy", "which channel a ring takes", default="aligned",
            choices=("aligned", "any_channel", "fixed_channel"),
        ),
    ),
    function=_power,
)  # fmt: skip
