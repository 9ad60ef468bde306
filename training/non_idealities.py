"""Accuracy that each non-ideality of each machine costs, alone and with all others.

    python -m training.non_idealities                       every shipped machine; minutes each
    python -m training.non_idealities photonic_mrr --quick  one machine, hardly trained

A network is trained for each machine on digits. Fabricated chips then classify the held-out digits
with everything ideal, with one non-ideality on, and with all of them. Read the figures as losses
against `none`: what costs nothing alone may still cost with others, and what training has seen,
such as a quantizer, may even help.

Writes `non-idealities.csv`, `non-idealities.txt` and `non-idealities.png`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean, stdev

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pnnsim import available_specs, fit, load_dataset, load_experiment, time_run
from pnnsim.inference.predict import outputs
from pnnsim.inference.quality import share_correct
from pnnsim.learning import make_surrogate

#: Overrides of an experiment; the quick ones show only that the recipe runs.
FULL = (("simulation.chips", "5"),)
QUICK = (("training.epochs", "1"), ("simulation.chips", "1"), ("simulation.samples", "20"))

FOLDER = Path("runs/non-idealities")
NONE, ALL = "none", "all"


@dataclass(frozen=True, slots=True)
class Row:
    """Accuracy of a machine's chips under one condition.

    Args:
        machine: Name of the machine.
        non_ideality: The only one that is switched on; `none`, or `all` of them.
        accuracy_mean: Mean accuracy over the chips.
        accuracy_std: Standard deviation over the chips; 0 for one chip.
        chips: Number of chips.
        samples: Number of held-out examples.
    """

    machine: str
    non_ideality: str
    accuracy_mean: float
    accuracy_std: float
    chips: int
    samples: int


def study(machine: str, settings: Sequence[tuple[str, str]]) -> list[Row]:
    """Return the rows of one machine: none, each non-ideality from worst to harmless, all.

    Args:
        machine: Name of the description.
        settings: Keys and values that are changed.
    """
    experiment = load_experiment(machine, settings)
    data = load_dataset("digits")
    surrogate = make_surrogate(experiment.network, experiment.hardware, experiment.training)
    if experiment.training.standardize:
        surrogate.standardize(data.pixels())
    fit(surrogate, data.train, data.validation, experiment.training)
    simulation = experiment.simulation
    test = data.samples(simulation.samples)
    parameters, accesses = surrogate.parameter_set(), time_run(surrogate.chip, len(test)).accesses
    chips = [surrogate.chip.fabricate(simulation.seed, index) for index in range(simulation.chips)]
    known = surrogate.chip.non_idealities

    def row(name: str, active: frozenset[str]) -> Row:
        without = sorted(known - active)
        shares = [
            share_correct(outputs(chip, parameters, test.x, accesses, without=without), test.y)
            for chip in chips
        ]
        spread = stdev(shares) if len(shares) > 1 else 0.0
        return Row(machine, name, mean(shares), spread, len(chips), len(test))

    alone = [row(name, frozenset({name})) for name in sorted(known)]
    alone.sort(key=lambda found: found.accuracy_mean)
    return [row(NONE, frozenset()), *alone, row(ALL, known)]


def write(rows: Sequence[Row], folder: Path) -> str:
    """Write the table, twice, and the figure; return the table for people.

    Args:
        rows: Rows of all machines so far.
        folder: Folder of the results; made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "non-idealities.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)])
        table.writeheader()
        table.writerows(asdict(row) for row in rows)
    text = as_text(rows)
    (folder / "non-idealities.txt").write_text(text, encoding="utf-8")
    draw(rows, folder / "non-idealities.png")
    return text


def as_text(rows: Sequence[Row]) -> str:
    """Return one line for each row; the last column is the loss against no non-ideality."""
    ideal = {row.machine: row.accuracy_mean for row in rows if row.non_ideality == NONE}
    lines = [f"{'machine':18}{'non_ideality':34}{'accuracy %':>16}{'loss':>9}"]
    for row in rows:
        share = f"{100 * row.accuracy_mean:.2f} ± {100 * row.accuracy_std:.2f}"
        loss = 100 * (ideal[row.machine] - row.accuracy_mean)
        lines.append(f"{row.machine:18}{row.non_ideality:34}{share:>16}{loss:>9.2f}")
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw one panel for each machine: mean and deviation, and a line at the ideal machine.

    Args:
        rows: Rows of all machines.
        path: File of the figure.
    """
    machines = list(dict.fromkeys(row.machine for row in rows))
    panels = [[row for row in rows if row.machine == machine][::-1] for machine in machines]
    heights = [len(panel) + 2 for panel in panels]
    figure = Figure(figsize=(8.0, 0.24 * sum(heights) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
    for place, (machine, panel) in enumerate(zip(machines, panels, strict=True)):
        axes = figure.add_subplot(grid[place])
        axes.errorbar(
            [100 * row.accuracy_mean for row in panel],
            [row.non_ideality for row in panel],
            xerr=[100 * row.accuracy_std for row in panel],
            fmt="o",
            color="#1f6fb2",
            markersize=4,
            capsize=2,
        )
        axes.axvline(100 * panel[-1].accuracy_mean, color="#b8530b", linewidth=0.8)
        axes.grid(axis="y", color="#d6dbe1", linewidth=0.5)
        axes.set_title(machine, loc="left", fontsize=10)
        axes.tick_params(labelsize=8)
    figure.supxlabel("accuracy on held-out digits, one non-ideality at a time [%]", fontsize=9)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def main(arguments: Sequence[str] | None = None) -> None:
    """Study the machines of the command line, and print where the results are."""
    parser = argparse.ArgumentParser(prog="python -m training.non_idealities", description=__doc__)
    parser.add_argument("machines", nargs="*", help="Machines; all that are shipped by default.")
    parser.add_argument("--quick", action="store_true", help="One epoch, one chip, 20 examples.")
    parser.add_argument("--out", type=Path, default=FOLDER, help=f"Folder; {FOLDER} by default.")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for machine in options.machines or available_specs():
        rows += study(machine, QUICK if options.quick else FULL)
        # Written after each machine: what is done is kept if a later one is interrupted.
        table = write(rows, options.out)
    print(table)
    print(f"Table and figure: {options.out}")


if __name__ == "__main__":
    main()
