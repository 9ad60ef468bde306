"""Law of thermo-electric coolers: power from the heat that a package takes up.

The coefficient of performance of an ideal cooler is that of textbooks; products reach half of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pnnsim.devices.laws import Input, Law

#: Figure of merit ZT of bismuth telluride at 300 K, and the share of the ideal that is reached.
_ZT, _REACHED = 0.75, 0.5


class Practice(NamedTuple):
    """What products are said to reach, mostly without a temperature difference."""

    name: str
    low: float
    high: float


POINTS = (
    Practice("product glossary, 40 K", 0.3, 0.5),
    Practice("product glossary, power of two to four times the load", 0.25, 0.5),
    Practice("butterfly packages, 1 to 5 W pumped with 2 to 8 W", 0.5, 0.625),
    Practice("thermal design notes, single stage", 0.3, 0.7),
)


def ideal_performance(cold: float, hot: float) -> float:
    """Return the largest heat pumped over the power taken.

    Args:
        cold: Temperature of the cold side [K].
        hot: Temperature of the hot side, above that [K].

    Raises:
        ValueError: If no single stage reaches so far.
    """
    root = math.sqrt(1.0 + _ZT)
    found = cold / (hot - cold) * (root - hot / cold) / (root + 1.0)
    if found <= 0.0:
        raise ValueError(
            f"no single stage pumps heat from {cold:g} K to {hot:g} K; expected a nearer heat sink"
        )
    return found


def _power(heat: float, temperature: float, hot_side: float) -> float:
    """Return the power of the cooler [W]; none where heat flows out by itself."""
    if hot_side <= temperature:
        return 0.0
    return heat / (_REACHED * ideal_performance(temperature, hot_side))


COOLER = Law(
    name="cooler",
    formula="P = heat / (0.5 COP), COP = T_c/(T_h - T_c) ((1 + ZT)^0.5 - T_h/T_c) "
    "/ ((1 + ZT)^0.5 + 1), ZT = 0.75",
    source="A. F. Ioffe, Semiconductor Thermoelements, 1957; half of it by product practice "
    "(eight coefficients of performance)",
    points=2 * len(POINTS),
    scatter=(0.6, 1.7),
    inputs=(
        Input("heat", "heat in the package", "power", 0.0, 100.0),
        Input("temperature", "temperature of the chip", "temperature", 250.0, 350.0),
        Input(
            "hot_side", "temperature of the heat sink", "temperature", 273.0, 370.0, default=320.0
        ),
    ),
    function=_power,
    basis="derived",
)
