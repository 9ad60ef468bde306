"""Latency, rate and energy of every shipped machine against how its loop is filled.

A loop that serves one sample at a time leaves its parts idle. A block of eight samples shares each
move of the switch; eight blocks in flight take turns on the banks; a double-buffered encoder
prepares the next symbol meanwhile, and costs twice the encoder. The network is a ReLaX-Net of 12
steps with one weight set, for which the switch never moves, or with two. Memories are given room
for eight states. Nothing is trained: time and energy do not depend on data.

    python -m training.pipelining --out runs/pipelining
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pnnsim
from pnnsim import Chip, PnnsimError, time_run, timing_metrics
from training.figures import write_table

#: Settings of each way to fill the loop, beside blocks of one sample.
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "one by one": (),
    "block 8": (("control.block", "8"),),
    "8 in flight": (("control.blocks_in_flight", "8"),),
    "8 in flight, double": (
        ("control.blocks_in_flight", "8"),
        ("encoder.double_buffered", "true"),
    ),
}
#: States for which a memory is given room.
STATES = 8
#: Samples of a run: its first ones weigh little then.
RUN = 2000


@dataclass(frozen=True, slots=True)
class Point:
    """One machine with one way to fill its loop.

    Args:
        machine: Name of the description.
        sets: Weight sets.
        way: Name of the way.
        first_s: Latency of the first sample [s].
        interval_s: Time from one result to the next [s].
        energy_j: Energy of one inference, static power included [J].
        bottleneck: Part with the largest lower bound of the interval.
        refused: Why the machine cannot do it; empty where it can.
    """

    machine: str
    sets: int
    way: str
    first_s: float = 0.0
    interval_s: float = 0.0
    energy_j: float = 0.0
    bottleneck: str = ""
    refused: str = ""


def measure(machine: str, sets: int, way: str, *, samples: int = RUN) -> Point:
    """Return the figures of a machine with one way to fill its loop.

    Args:
        machine: Name of a shipped machine.
        sets: Weight sets of the network.
        way: One of `WAYS`.
        samples: Samples of the run.
    """
    try:
        settings = [("control.block", "1"), *WAYS[way]]
        spec = pnnsim.load_spec(machine, settings)
        if WAYS[way] and pnnsim.load_spec(machine).to_tree()["memory"].get("capacity") is not None:
            settings.append(("memory.capacity", str(STATES)))
            spec = pnnsim.load_spec(machine, settings)
        network = pnnsim.ReLaXNet(weight_sets=sets, steps=12)
        found = timing_metrics(time_run(Chip.nominal(spec, network), samples))
    except PnnsimError as error:
        return Point(machine, sets, way, refused=str(error))
    return Point(
        machine,
        sets,
        way,
        found["latency_s"]["first"],
        found["interval_s"],
        found["energy_j"]["per_inference"],
        found["bottleneck"]["part"],
    )


def rows(points: Sequence[Point]) -> list[list[str]]:
    """Return the cells of the table."""
    return [
        [point.machine, str(point.sets), point.way]
        + (
            ["refused", "", "", ""]
            if point.refused
            else [
                f"{point.first_s * 1e9:.4g}",
                f"{point.interval_s * 1e9:.4g}",
                f"{point.energy_j * 1e9:.4g}",
                point.bottleneck,
            ]
        )
        for point in points
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every machine and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path("runs/pipelining"), help="Folder.")
    parser.add_argument("--quick", action="store_true", help="One machine, few samples.")
    options = parser.parse_args(arguments)
    machines = ["photonic_mrr"] if options.quick else list(pnnsim.available_specs())
    samples = 40 if options.quick else RUN
    points = [
        measure(machine, sets, way, samples=samples)
        for machine in machines
        for sets in (1, 2)
        for way in WAYS
    ]
    titles = ["machine", "sets", "loop", "first [ns]", "interval [ns]", "energy [nJ]", "bottleneck"]
    options.out.mkdir(parents=True, exist_ok=True)
    print(write_table(options.out, "pipelining", titles, rows(points)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
