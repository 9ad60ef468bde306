"""Law of links to the host: energy of a word, by its bits and by how far it goes."""

from __future__ import annotations

from typing import NamedTuple

from pnnsim.devices.laws import Input, Law


class Link(NamedTuple):
    """Published link: energy of a bit, both ends [J], and how far it goes."""

    name: str
    energy: float
    reach: str


POINTS = (
    Link("16 x 12 Gb/s I/O, 32 nm, 0.75 inch", 1.4e-12, "board"),
    Link("16 x 12 Gb/s I/O, 32 nm, 20 inch", 1.9e-12, "board"),
    Link("DAC-based transmitter, 56-112 Gb/s, 7 nm, lowest", 1.05e-12, "board"),
    Link("DAC-based transmitter, 56-112 Gb/s, 7 nm, highest", 2.6e-12, "board"),
    Link("Razavi, transmitter and receiver, lowest", 0.9e-12, "board"),
    Link("Razavi, transmitter and receiver, highest", 1.7e-12, "board"),
    Link("receiver, 30 Gb/s, ISSCC, 2017, 14 nm", 0.8e-12, "package"),
    Link("shared bus on a chip, 32 nm, ISAAC, ISCA, 2016", 0.054e-12, "chip"),
    Link("extra-short-reach transmitter, 50 Gb/s, 28 nm, Electronics 14, 1955, 2025", 0.42e-12,
         "package"),
)  # fmt: skip

#: Energy of a bit [J].
PER_BIT = {"board": 1.5e-12, "package": 0.6e-12, "chip": 0.054e-12}


def _energy(bits: float, reach: str) -> float:
    """Return the energy of one word [J]."""
    return bits * PER_BIT[reach]


LINK = Law(
    name="link",
    formula="E = bits x 1.5 pJ over a board, 0.6 pJ within a package, 0.054 pJ on a chip",
    source="nine transmitters, receivers and links, 12 to 112 Gb/s, 2012-2025",
    points=len(POINTS),
    scatter=(0.56, 1.78),
    inputs=(
        Input("bits", "bits of a word", None, 1.0, 64.0),
        Input("reach", "how far it goes", default="board", choices=("board", "package", "chip")),
    ),
    function=_energy,
)
