"""Laws of transimpedance amplifiers: power, noise, and energy of one detection.

Fitted to the twelve published amplifiers of `POINTS`, of which nine state their noise. Below
0.6 GHz there is none: the bias of one stage, here 2 mW, is what is left of the power.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pnnsim.devices.laws import Input, Law

_BOLTZMANN = 1.380649e-23
#: Noise factor of a short channel, transconductance over current [1/V], supply [V], temperature.
_GAMMA, _GM_PER_CURRENT, _SUPPLY, _ROOM = 1.5, 10.0, 1.0, 300.0


class Amplifier(NamedTuple):
    """Published amplifier: bandwidth [Hz], power [W], noise [A/Hz^0.5] or None, node [m]."""

    name: str
    bandwidth: float
    power: float
    noise: float | None
    node: float


POINTS = (
    Amplifier("Patel et al., JSSC, 2022", 32e9, 47e-3, 16.9e-12, 16e-9),
    Amplifier("Zhang et al., LSSC 8, 273, 2025", 28e9, 32e-3, 16e-12, 28e-9),
    Amplifier("Xie et al., IWEM, 2021", 22.6e9, 38e-3, 10.9e-12, 45e-9),
    Amplifier("IEEE OJ-SSCS, 2024", 14.2e9, 11.4e-3, 6.4e-12, 22e-9),
    Amplifier("Zhang et al., Sensors 26, 465, 2026", 9.2e9, 6.6e-3, None, 40e-9),
    Amplifier("Atef, AICSP, 2013", 8e9, 2.03e-3, None, 40e-9),
    Amplifier("Ray and Hella, RFIC, 2015", 7e9, 15e-3, None, 130e-9),
    Amplifier("University of Calgary, modified RGC", 7e9, 7e-3, 31e-12, 130e-9),
    Amplifier("Atef, AICSP, 2014", 6e9, 12e-3, None, 90e-9),
    Amplifier("design study, 180 nm", 2.44e9, 18.3e-3, 11.9e-12, 180e-9),
    Amplifier("Vilnius Tech, CF-TIA", 1.1e9, 21e-3, 1.8e-12, 180e-9),
    Amplifier("Park et al., Micromachines 16, 153, 2025", 0.63e9, 23.6e-3, 2.31e-12, 180e-9),
)


def _power(bandwidth: float, noise: float, capacitance: float, node: float) -> float:
    """Return the power of one amplifier [W]: what speed takes, and what quiet takes.

    The second is the bias of an input transistor whose channel noise on the input capacitance stays
    within the noise: i_n^2 = (4 k T gamma / g_m) (2 pi C)^2 f^2 / 3.
    """
    speed = (2e-3 + 0.96e-12 * bandwidth) * math.sqrt(node / 28e-9)
    charge = (2.0 * math.pi * capacitance * bandwidth) ** 2
    transconductance = 4.0 * _BOLTZMANN * _ROOM * _GAMMA * charge / (3.0 * noise**2)
    return speed + _SUPPLY * transconductance / _GM_PER_CURRENT


def _noise(bandwidth: float) -> float:
    """Return the input-referred current noise density [A/Hz^0.5]."""
    return 2.9e-12 * math.sqrt(bandwidth / 1e9)


def _energy(bandwidth: float, noise: float, bits: float, capacitance: float, node: float) -> float:
    """Return the energy of one detection by an amplifier that is off between [J].

    It is on while it wakes and settles to half a bit, twice ln(2^(bits+1)) time constants.
    """
    wait = 2.0 * (bits + 1.0) * math.log(2.0) / (2.0 * math.pi * bandwidth)
    return wait * _power(bandwidth, noise, capacitance, node)


_BANDWIDTH = Input("bandwidth", "bandwidth", "frequency", 0.6e9, 32e9)
_NOISE = Input("noise", "noise density", "current_noise", 1e-12, 31e-12)
_CAPACITANCE = Input("capacitance", "input capacitance", "capacitance", 0.0, 1e-12, default=50e-15)
_NODE = Input("node", "process node", "length", 16e-9, 180e-9, default=28e-9, least=1e-9)

TIA_POWER = Law(
    name="tia_power",
    formula="P = (2 mW + 0.96 mW/GHz f) (node/28 nm)^0.5 + V (4kT gamma (2 pi C f)^2 / (3 i_n^2)) "
    "/ (10/V)",
    source="twelve amplifiers, JSSC, LSSC, AICSP, RFIC and others, 2013-2026",
    points=len(POINTS),
    scatter=(0.35, 2.8),
    inputs=(_BANDWIDTH, _NOISE, _CAPACITANCE, _NODE),
    function=_power,
)

TIA_NOISE = Law(
    name="tia_noise",
    formula="i_n = 2.9 pA/Hz^0.5 (f/1 GHz)^0.5",
    source="the amplifiers of law tia_power that state their noise, 2013-2026",
    points=9,
    scatter=(0.4, 2.5),
    inputs=(_BANDWIDTH,),
    function=_noise,
)

TIA_ENERGY = Law(
    name="tia_energy",
    formula="E = P 2 ln(2^(bits + 1)) / (2 pi f), P as of law tia_power",
    source="the amplifiers of law tia_power, switched off between detections",
    points=len(POINTS),
    scatter=TIA_POWER.scatter,
    inputs=(_BANDWIDTH, _NOISE, Input("bits", "bits", None, 1.0, 12.0), _CAPACITANCE, _NODE),
    function=_energy,
)
