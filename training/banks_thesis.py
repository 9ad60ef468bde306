"""Latency and energy of one inference against the number of weight sets, for few and many banks.

The case of a time-multiplexed network is that weights which stay are cheap to use again and weights
that are rewritten are not. This recipe puts it in the terms of hardware: the same network of 12
steps, with L_W = 1 (RNN) to 12 (DNN) weight sets, on machines with K = 1, 2, 4 and 12 banks of
thermal rings, magnetic tunnel junctions and phase-change cells. As long as L_W <= K all sets stay;
beyond, banks are rewritten on the way. Nothing is trained: time and energy do not depend on data.

Latency is that of a sample for which the encoder is free when it comes: T_in, and from then on
until the result is at the host, the change back to the bank of step 0 included. Samples follow each
other without a gap, so that energy is that of a machine in full use.

    python -m training.banks_thesis --out runs/banks
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import pnnsim
from pnnsim import Chip, time_run, timing_metrics
from training.figures import machine_panels

MACHINES = ("photonic_mrr", "spintronic_mtj", "photonic_pcm")
BANKS = (1, 2, 4, 12)
STEPS = 12
#: A multiple of every period that a rewriting plan of these sizes has would be long; the mean over
#: this many samples is within a few per cent of it.
WAVES = 240


@dataclass(frozen=True, slots=True)
class Point:
    """One network on one machine.

    Args:
        machine: Name of the description.
        banks: Banks, K.
        weight_sets: Weight sets, L_W.
        latency_s: Mean latency, waiting for the sample before left out [s].
        energy_j: Energy of one inference, static power included [J].
        writes: Writes of a bank for each inference.
    """

    machine: str
    banks: int
    weight_sets: int
    latency_s: float
    energy_j: float
    writes: float


def measure(machine: str, banks: int, weight_sets: int, *, steps: int, samples: int) -> Point:
    """Time one network on one machine.

    Args:
        machine: Name of the description.
        banks: Number of banks, K.
        weight_sets: Number of weight sets, L_W.
        steps: Number of steps, L_T.
        samples: Samples of the run.
    """
    spec = pnnsim.load_spec(machine, [("weight_banks.count", str(banks))])
    network = pnnsim.ReLaXNet(weight_sets=weight_sets, steps=steps)
    chip = Chip.nominal(spec, network)
    timing = time_run(chip, samples)
    found = timing_metrics(timing)
    base, number = timing.run.base, timing.run.sample_counts()
    rows = base.rows("encode")
    rows = rows[base.step[rows] == 0]
    begin = np.empty(base.samples, dtype=np.int64)
    begin[base.sample[rows]] = base.start_fs[rows]
    latency_fs = base.result_fs - begin + chip.delays().input_fs
    return Point(
        machine,
        banks,
        weight_sets,
        float(np.average(latency_fs, weights=number)) / 1e15,
        found["energy_j"]["per_inference"],
        found["counts"].get("weight_banks.write", 0) / samples,
    )


def table(points: list[Point]) -> str:
    """Return the points as text."""
    lines = ["machine           K  L_W   latency        energy         writes per inference"]
    lines += [
        f"{p.machine:16s} {p.banks:2d}  {p.weight_sets:3d}   {p.latency_s:.4e} s   "
        f"{p.energy_j:.4e} J   {p.writes:.2f}"
        for p in points
    ]
    return "\n".join(lines)


def draw(points: list[Point], path: Path) -> None:
    """Write the figure: one column a machine, latency above energy, one line for each K.

    Args:
        points: What was measured.
        path: File of the figure.
    """
    machines = list(dict.fromkeys(point.machine for point in points))
    aside = ("mean latency [s]", "energy of one inference [J]")
    with machine_panels(path, machines, below="weight sets L_W", aside=aside) as axes:
        for banks in dict.fromkeys(point.banks for point in points):
            for column, machine in enumerate(machines):
                mine = [p for p in points if (p.machine, p.banks) == (machine, banks)]
                for row, name in enumerate(("latency_s", "energy_j")):
                    axes[row][column].plot(
                        [p.weight_sets for p in mine], [getattr(p, name) for p in mine],
                        marker="o", markersize=3, label=f"K = {banks}",
                    )  # fmt: skip
        for each in axes.flat:
            each.xaxis.get_major_locator().set_params(integer=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure all points, print the table, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/banks"), help="folder to write")
    parser.add_argument("--machines", nargs="+", default=list(MACHINES))
    parser.add_argument("--banks", nargs="+", type=int, default=list(BANKS))
    parser.add_argument("--steps", type=int, default=STEPS, help="steps L_T, and the largest L_W")
    parser.add_argument("--samples", type=int, default=WAVES)
    options = parser.parse_args(arguments)
    points = [
        measure(machine, banks, sets, steps=options.steps, samples=options.samples)
        for machine in options.machines
        for banks in options.banks
        for sets in range(1, options.steps + 1)
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    print(table(points))
    rows = json.dumps([asdict(point) for point in points], indent=1)
    (options.out / "banks.json").write_text(rows + "\n", encoding="utf-8")
    draw(points, options.out / "banks.png")


if __name__ == "__main__":
    main()
