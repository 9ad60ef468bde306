"""Parameters of physical neural networks over the years, and a machine placed among them.

The chart follows Fig. 1 of Tsuchiyama et al. (arXiv:2511.00044). Only counts with a citation are in
the table, and what each of them counts is said: weights in hardware at once are another thing than
those of a model that is reloaded or streamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from matplotlib.figure import Figure

from pnnsim.analysis.report.style import COLORS, settings
from pnnsim.specs.experiment import Experiment
from pnnsim.specs.yaml_reader import parse_yaml

#: What the classes of a count are called.
CLASSES = {
    "H": "present in hardware",
    "T": "time-multiplexed or reloaded",
    "E": "emulated from measured devices",
    "S": "simulated",
}

_MARKS = {"H": ("o", True), "T": ("o", False), "E": ("s", False), "S": ("^", False)}
_SIZE, _DPI = (8.0, 5.0), 150


@dataclass(frozen=True, slots=True)
class Network:
    """Physical neural network that has been published.

    Args:
        year: Year of the publication.
        work: Its authors.
        platform: What carries the signals.
        count: How many.
        counts: What is counted.
        kind: Class of the count, a key of `CLASSES`.
        source: Citation.
        read: Whether the count was read in the work itself or second-hand.
    """

    year: int
    work: str
    platform: str
    count: int
    counts: str
    kind: str
    source: str
    read: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Counts of a machine and its network.

    Args:
        name: Name of the machine.
        hardware: Weights that its banks hold at once.
        parameters: Weights of all weight sets that the network applies by them.
    """

    name: str
    hardware: int
    parameters: int

    @property
    def kind(self) -> str:
        """Return the class of the network's parameters on this machine."""
        return "H" if self.parameters <= self.hardware else "T"


def history() -> tuple[Network, ...]:
    """Return the published networks, by year."""
    text = (files("pnnsim.explore") / "pnn_history.yaml").read_text("utf-8")
    document = parse_yaml(text, "pnn_history.yaml")
    assert isinstance(document.tree, list), "the table is a list"
    found = []
    for index, row in enumerate(document.tree):
        assert isinstance(row, dict), "its rows are sections"
        value = {key: str(item) for key, item in row.items()}
        source = str(document.sources.get((index, "count"), ""))
        found.append(
            Network(
                int(value["year"]), value["work"], value["platform"], int(value["count"]),
                value["counts"], value["class"], source, value["read"],
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda network: (network.year, network.work)))


def placed(experiment: Experiment) -> Placed:
    """Return the counts of a machine, which simulates nothing and trains nothing.

    Args:
        experiment: Machine and network.
    """
    banks, control = experiment.hardware.weight_banks, experiment.hardware.control
    return Placed(
        experiment.hardware.name,
        banks.count * banks.rows * banks.cols * control.cores,
        sum(m.outputs * m.inputs // m.groups for m in experiment.network.workload.matrices),
    )


def chart(machine: Placed | None, year: int) -> Figure:
    """Return the chart.

    Args:
        machine: Machine to place; None for none.
        year: Year at which it is placed.
    """
    with settings():
        drawing = Figure(figsize=_SIZE, layout="constrained")
        axes = drawing.add_subplot()
        rows = history()
        for kind, (mark, filled) in _MARKS.items():
            found = [row for row in rows if row.kind == kind]
            axes.scatter(
                [row.year for row in found],
                [row.count for row in found],
                marker=mark,
                facecolors=COLORS["sample"] if filled else "none",
                edgecolors=COLORS["sample"],
                label=CLASSES[kind],
            )
        for row in rows:
            axes.annotate(
                row.work, (row.year, row.count), xytext=(4, 3), textcoords="offset points",
                fontsize=6, color=COLORS["soft"],
            )  # fmt: skip
        if machine is not None:
            ink = COLORS["write"]
            points = [(machine.hardware, True), (machine.parameters, machine.kind == "H")]
            for number, filled in points:
                axes.scatter(
                    [year], [number], marker="D", edgecolors=ink, zorder=3,
                    facecolors=ink if filled else "none",
                )  # fmt: skip
            axes.annotate(
                machine.name, (year, machine.hardware), xytext=(7, -3), color=ink,
                textcoords="offset points", fontsize=8,
            )  # fmt: skip
        axes.margins(x=0.15)
        axes.set_yscale("log")
        axes.set_xlabel("year")
        axes.set_ylabel("weights, or what takes their place")
        axes.legend(fontsize=7, loc="upper left")
    return drawing


def table() -> str:
    """Return the table of `docs/reference/pnn-history.md`."""
    lines = ["| year | work | platform | count | of | class | read | source |", "|---" * 8 + "|"]
    lines += [
        f"| {n.year} | {n.work} | {n.platform} | {n.count:,} | {n.counts} | {n.kind} | {n.read} "
        f"| {n.source} |"
        for n in history()
    ]
    return "\n".join(lines) + "\n"
