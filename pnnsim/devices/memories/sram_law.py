"""Laws of static memory: energy and leakage of a byte.

The energy is fitted to CACTI 7 (8-byte words, low standby power, 1 KiB to 1 MiB, 22 to 65 nm).
Wires do not shrink, so that it must not be extrapolated below 22 nm.
"""

from __future__ import annotations

from typing import NamedTuple

from pnnsim.devices.laws import Input, Law


class Memory(NamedTuple):
    """Published memory: capacity [byte], node [m], energy of a byte [J]."""

    name: str
    capacity: float
    node: float
    energy: float


POINTS = (
    Memory("Horowitz, ISSCC, 2014 (8 KiB)", 8192, 45e-9, 1.25e-12),
    Memory("Horowitz, ISSCC, 2014 (32 KiB)", 32768, 45e-9, 2.5e-12),
    Memory("Horowitz, ISSCC, 2014 (1 MiB)", 1048576, 45e-9, 12.5e-12),
)


def _energy(capacity: float, node: float) -> float:
    """Return the energy to read or to write a byte [J]."""
    return float(0.077e-12 * (capacity / 1024.0) ** 0.51 * (node / 22e-9) ** 1.94)


def _leakage(node: float) -> float:
    """Return the leakage of a byte [W], low standby power, in proportion to the cell's width."""
    return 0.125e-6 / 1024.0 * node / 22e-9


_NODE = Input("node", "process node", "length", 22e-9, 65e-9, default=22e-9, least=1e-9)

SRAM_ENERGY = Law(
    name="sram",
    formula="E/byte = 0.077 pJ (capacity/1 KiB)^0.51 (node/22 nm)^1.94",
    source="CACTI 7, HP Labs (44 memories, 22 to 65 nm); Horowitz, ISSCC, 2014 (three, 45 nm)",
    points=44 + len(POINTS),
    scatter=(0.5, 2.0),
    inputs=(Input("capacity", "capacity in bytes", None, 1024.0, 1048576.0), _NODE),
    function=_energy,
)

SRAM_LEAKAGE = Law(
    name="sram_leakage",
    formula="P/byte = 0.125 uW/KiB (node/22 nm)",
    source="CACTI 7, HP Labs (0.10 to 0.15 uW per KiB, low standby power, 22 nm)",
    points=11,
    scatter=(0.5, 2.0),
    inputs=(_NODE,),
    function=_leakage,
)
