"""Resistances in series, read as the time in which they discharge a capacitor.

Weights and inputs of a cell are signs; which of two junctions is in the path depends on the input.
"""

from __future__ import annotations

import math

from torch import Tensor

from pnnsim.physics._checks import Number, require, require_positive


def path_resistances(
    share: Tensor, resistance: Tensor | float, tmr: Tensor | float, transistor: Tensor | float
) -> Tensor:
    """Return the resistance of the path of each junction of a cell.

    Args:
        share: How anti-parallel a junction is, 0 to 1, any shape.
        resistance: Resistance when parallel [Ohm].
        tmr: Magnetoresistance ratio.
        transistor: Resistance of the transistor in its path [Ohm].

    Returns:
        `R (1 + TMR share) + R_transistor` [Ohm], as `share`.
    """
    return resistance * (1.0 + tmr * share) + transistor


def discharge_time(
    resistance: Number, capacitance: float, supply: float, threshold: float
) -> Number:
    """Return the time in which a resistance discharges a capacitor to a threshold.

    Args:
        resistance: Resistance of the whole column [Ohm].
        capacitance: Capacitance of its node [F].
        supply: Voltage at the start [V].
        threshold: Voltage at which the comparator trips [V].

    Returns:
        `R C ln(V_0 / V_th)` [s], as `resistance`.

    Reference: first-order discharge.
    """
    require_positive("discharge_time", capacitance=capacitance, threshold=threshold)
    require(supply > threshold, "discharge_time", "supply", supply, f"more than {threshold}")
    return resistance * (capacitance * math.log(supply / threshold))


def threshold_noise(resistance: float, deviation: float, supply: float, threshold: float) -> float:
    """Return by how much a resistance seems to vary as the voltage at the threshold is noisy.

    Args:
        resistance: Resistance of the whole column [Ohm].
        deviation: Standard deviation of the voltage, or of the threshold [V].
        supply: Voltage at the start [V].
        threshold: Voltage at which the comparator trips [V].

    Returns:
        Standard deviation `R s / (V_th ln(V_0 / V_th))` [Ohm]: time is off by `s` over the slope
        `V_th / (R C)`.
    """
    require_positive("threshold_noise", threshold=threshold)
    require(supply > threshold, "threshold_noise", "supply", supply, f"more than {threshold}")
    return resistance * deviation / (threshold * math.log(supply / threshold))
