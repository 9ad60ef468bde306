"""Time, energy and area of one inference against the number of banks that a matrix is given.

A matrix of 64 x 64 has sixteen tiles of 16 x 16. A machine with sixteen banks multiplies it at
once; with fewer, each step is several products, and tiles are rewritten in the middle of a step.
There are three ways to order that: all banks multiply at once (`side by side`); half of them are
written while the other half multiplies (`written ahead`); or one multiplies at a time, so that the
others keep their tiles (`tile by tile`). A block of samples shares each rewriting. The network is a
ReLaX-Net with one weight set and 12 steps. Nothing is trained: time and energy do not depend on
data.

    python -m training.tiles_thesis --out runs/tiles
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pnnsim
from pnnsim import Chip, time_run, timing_metrics
from training.figures import machine_panels, write_table

MACHINES = ("photonic_mrr", "spintronic_mtj", "photonic_pcm")
BANKS = (1, 2, 4, 8, 16)
BLOCKS = (1, 64)
NETWORK = pnnsim.ReLaXNet(weight_sets=1, steps=12)
#: How many tiles are multiplied at once with so many banks.
ORDERS: dict[str, Callable[[int], int]] = {
    "side by side": lambda banks: banks,
    "written ahead": lambda banks: banks // 2,
    "tile by tile": lambda banks: 1,
}
STYLES = dict(zip(ORDERS, ("-", "--", ":"), strict=True))
#: Rows and columns of a bank.
TILE = 16
#: Blocks of a run: its first one, which finds banks written, weighs little then.
RUN = 40


@dataclass(frozen=True, slots=True)
class Point:
    """One machine with a number of banks.

    Args:
        machine: Name of the description.
        banks: Physical banks.
        order: How tiles follow each other.
        block: Samples of one block.
        folds: Products that make up a step.
        writes: Tiles written for each inference.
        interval_s: Time from one result to the next [s].
        energy_j: Energy of one inference, static power included [J].
        area_m2: Area of the parts that state one [m^2].
    """

    machine: str
    banks: int
    order: str
    block: int
    folds: int
    writes: float
    interval_s: float
    energy_j: float
    area_m2: float

    @property
    def row(self) -> tuple[object, ...]:
        """Return the columns of the table."""
        return (
            self.machine, self.banks, self.order, self.block, self.folds, self.writes,
            self.interval_s, self.energy_j, 1e6 * self.area_m2,
        )  # fmt: skip


def measure(machine: str, banks: int, order: str, block: int, drivers: int = 1) -> Point:
    """Time a machine with some banks, so many of which can be written at once.

    Args:
        machine: Name of the description.
        banks: Number of banks.
        order: Key of `ORDERS`.
        block: Samples of a block.
        drivers: Banks that can be written at once.
    """
    changes = {
        "weight_banks.count": banks,
        "weight_banks.rows": TILE,
        "weight_banks.cols": TILE,
        "control.block": block,
        "control.write_drivers": drivers,
        "memory.capacity": block,
        "control.parallel_tiles": ORDERS[order](banks),
    }
    settings = [(key, str(value)) for key, value in changes.items()]
    ahead = str(order == "written ahead").lower()
    spec = pnnsim.load_spec(machine, [*settings, ("control.prefetch", ahead)])
    chip = Chip.nominal(spec, NETWORK)
    found = timing_metrics(time_run(chip, RUN * block))
    return Point(
        machine, banks, order, block, chip.mapping.folds,
        found["counts"].get("weight_banks.write", 0) * chip.mapping.tiles / (RUN * block),
        found["interval_s"], found["energy_j"]["per_inference"], sum(chip.areas().values()),
    )  # fmt: skip


def draw(points: Sequence[Point], path: Path) -> None:
    """Write the figure: one column a machine, time above energy.

    Args:
        points: What was measured.
        path: File of the figure.
    """
    machines = list(dict.fromkeys(point.machine for point in points))
    aside = ("time for each inference [s]", "energy of one inference [J]")
    with machine_panels(path, machines, below=f"banks of {TILE} x {TILE}", aside=aside) as axes:
        for block, order in dict.fromkeys((point.block, point.order) for point in points):
            for column, machine in enumerate(machines):
                wanted = (machine, block, order)
                mine = [p for p in points if (p.machine, p.block, p.order) == wanted]
                for row, name in enumerate(("interval_s", "energy_j")):
                    axes[row][column].plot(
                        [p.banks for p in mine], [getattr(p, name) for p in mine], STYLES[order],
                        marker="o", markersize=3, label=f"block {block}, {order}",
                    )  # fmt: skip
        for each in axes.flat:
            each.set_xscale("log", base=2)
            each.xaxis.set_major_formatter("{x:g}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all points, print the table, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/tiles"), help="folder to write")
    parser.add_argument("--machines", nargs="+", default=list(MACHINES))
    parser.add_argument("--banks", nargs="+", type=int, default=list(BANKS))
    parser.add_argument("--blocks", nargs="+", type=int, default=list(BLOCKS))
    parser.add_argument("--drivers", type=int, default=1, help="banks that are written at once")
    options = parser.parse_args(arguments)
    points = [
        measure(machine, banks, order, block, options.drivers)
        for machine in options.machines
        for block in options.blocks
        for order in ORDERS
        for banks in options.banks
        # Sixteen banks need not write, and a single one has no other to keep or to write.
        if order == "side by side" or 1 < banks < 16
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    head = (
        "machine", "banks", "order", "block", "folds", "tiles written", "time [s]", "energy [J]",
        "area [mm2]",
    )  # fmt: skip
    print(write_table(options.out, "tiles", head, [point.row for point in points]))
    draw(points, options.out / "tiles.png")


if __name__ == "__main__":
    main()
