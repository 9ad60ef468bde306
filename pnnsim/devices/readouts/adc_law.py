"""Laws of analog-to-digital converters: effective bits, and figure of merit.

Fitted to the ADC survey of B. Murmann: medians (quantile regression) over the parts since 2010
between 1 MS/s and 300 GS/s with 3 to 12 effective bits whose node is stated. The figure of merit is
the energy of the conversion over 2^ENOB, so that both fields of a converter may follow a law.
"""

from __future__ import annotations

import math

from pnnsim.devices.laws import Input, Law

_SURVEY = "Murmann, ADC Performance Survey 1997-2025 (rev. 2025-06-09)"


def conversion_energy(enob: float, rate: float, node: float) -> float:
    """Return the energy of one conversion [J].

    Args:
        enob: Effective number of bits.
        rate: Conversions per time [Hz].
        node: Process node [m].
    """
    return float(
        10.0
        ** (
            -11.599
            + 0.608 * math.log10(1.0 + rate / 1e9)
            + 0.314 * (enob - 7.0)
            + 0.970 * math.log10(node / 28e-9)
        )
    )


def _figure_of_merit(enob: float, rate: float, node: float) -> float:
    """Return the energy of one conversion step [J]."""
    return float(conversion_energy(enob, rate, node) / 2.0**enob)


def _effective_bits(bits: float) -> float:
    """Return the effective number of bits."""
    return 0.81 * bits


ADC = Law(
    name="adc",
    formula="log10(E/J) = -11.599 + 0.608 log10(1 + f/1 GHz) + 0.314 (ENOB - 7) "
    "+ 0.970 log10(node/28 nm); the field is E / 2^ENOB",
    source=f"{_SURVEY}; median of 282 parts since 2010",
    points=282,
    scatter=(0.25, 7.6),
    inputs=(
        Input("enob", "effective number of bits", None, 3.0, 12.0),
        Input("rate", "conversion rate", "frequency", 1e6, 300e9),
        Input("node", "process node", "length", 3e-9, 180e-9, default=28e-9, least=1e-9),
    ),
    function=_figure_of_merit,
)

ENOB = Law(
    name="enob",
    formula="ENOB = 0.81 bits",
    source=f"{_SURVEY}; median of 147 parts since 2010 whose title states the resolution",
    points=147,
    scatter=(0.83, 1.13),
    inputs=(Input("bits", "resolution", None, 3.0, 14.0),),
    function=_effective_bits,
)
