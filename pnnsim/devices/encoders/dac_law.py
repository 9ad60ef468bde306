"""Law of digital-to-analog converters: energy of a conversion.

Fitted by least squares to the 48 parts of the survey since 2010 that state rate, resolution, power
and node. Energy hardly grows with resolution: clock, drivers and load dominate.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pnnsim.devices.laws import Input, Law


class Converter(NamedTuple):
    """Published converter: resolution, rate [Hz], node [m], energy of a conversion [J]."""

    name: str
    bits: float
    rate: float
    node: float
    energy: float


#: Single parts of the survey.
POINTS = (
    Converter("Li, 2020", 4.0, 56e9, 22e-9, 2.857e-12),
    Converter("Kim, 2019", 6.0, 28e9, 40e-9, 3.679e-12),
    Converter("Kossel, 2021", 7.0, 112e9, 7e-9, 1.402e-12),
    Converter("Caragiulo, 2020", 8.0, 14e9, 16e-9, 3.571e-12),
    Converter("Tan, 2018", 8.0, 112e9, 16e-9, 3.08e-12),
    Converter("Kim, 2019", 12.0, 1e9, 14e-9, 12.5e-12),
    Converter("Huang, 2021", 14.0, 10e9, 28e-9, 17.7e-12),
)


def _energy(bits: float, rate: float, node: float) -> float:
    """Return the energy of one conversion [J]."""
    return float(
        10.0
        ** (
            -11.412
            + 0.284 * math.log10(1.0 + rate / 1e9)
            + 0.137 * (bits - 8.0)
            + 1.004 * math.log10(node / 28e-9)
        )
    )


DAC = Law(
    name="dac",
    formula="log10(E/J) = -11.412 + 0.284 log10(1 + f/1 GHz) + 0.137 (bits - 8) "
    "+ 1.004 log10(node/28 nm)",
    source="Caragiulo, Daigle, Murmann, DAC Performance Survey 1996-2021; 48 parts since 2010",
    points=48,
    scatter=(0.40, 2.95),
    inputs=(
        Input("bits", "resolution", None, 4.0, 16.0),
        Input("rate", "conversion rate", "frequency", 1e9, 224e9),
        Input("node", "process node", "length", 7e-9, 180e-9, default=28e-9, least=1e-9),
    ),
    function=_energy,
)
