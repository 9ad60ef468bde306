"""Train one chip by every rule, and compare what they reach with what they take on the bench.

Every rule begins with the same random weights and meets the same chip, at the corner of
`hil_common.CORNERS`. The figure shows accuracy on the validation part against time on the bench and
against energy, after each epoch; rules that train a model alone take host time and one write. The
table has the accuracy on the test part, measured once all rules have ended.

The network has sixteen lines: a rule that perturbs measures one direction among all its
parameters in a pass or two, so it needs passes in proportion to their number. SPSA and MGD get ten
times the epochs of the others, which is still far from what they would need; step sizes were chosen
on the validation part with another chip.

    python -m training.hil_rules [--quick] [--dry-run] [--machine NAME]

`--dry-run` writes the costs before anything is trained.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pnnsim import HardwareSpec, ReLaXNet
from pnnsim.hil import CostReport
from pnnsim.learning.rules import RULES, Settings, dry_run, make_rule, measure, train
from training.common import Options, load, read_options
from training.figures import write_table
from training.held_out import opened
from training.hil_common import CORNERS, bench, corner, network_of, part, surrogate_of

#: Step sizes; those of rules with a true gradient are the last.
RATES = {"dfa": 0.05, "augmented_dfa": 0.05, "local": 0.03, "spsa": 0.02, "mgd": 0.02}
RATE = 0.03

#: Epochs, and how many times as many rules get that perturb.
EPOCHS, LONGER = 20, {"spsa": 10, "mgd": 10}

#: Lines of the network, and its steps: rules without a backward pass learn little of what is far
#: from the output.
HIDDEN, STEPS = 16, 4

#: Epochs to which a cost is extrapolated beside the one of the run.
FAR = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """Machine, network and length of training that all rules have in common."""

    spec: HardwareSpec
    network: ReLaXNet
    examples: int
    epochs: int

    def settings(self, name: str, epochs: int | None = None) -> Settings:
        """Return the settings of one rule.

        Args:
            name: Name of the rule.
            epochs: Number of epochs; None for that of the stage.
        """
        own = self.epochs * LONGER.get(name, 1)
        return Settings(own if epochs is None else epochs, 100, RATES.get(name, RATE))

    def cost(self, name: str, epochs: int | None = None) -> CostReport:
        """Return the cost of a rule.

        Args:
            name: Name of the rule.
            epochs: As for `settings`.
        """
        return dry_run(
            make_rule(name), self.spec, self.network, examples=self.examples,
            settings=self.settings(name, epochs),
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--dry-run", action="store_true", help="write the costs and train nothing")
    parser.add_argument("--machine", choices=sorted(CORNERS), default="photonic_mrr")
    own, rest = parser.parse_known_args(arguments)
    options = read_options("hil_rules", __doc__, 1, rest)
    data = load(options, "digits")
    quick = options.quick
    examples = part(data.train, 200 if quick else len(data.train))
    validation = part(data.validation, 100 if quick else len(data.validation))
    spec, network = corner(own.machine, quick=quick), network_of(data, quick=quick)
    network = network.model_copy(update={"hidden": HIDDEN, "steps": min(STEPS, network.steps)})
    stage = Stage(spec, network, len(examples), 1 if quick else EPOCHS)
    print(_costs(options, stage))
    if own.dry_run:
        return
    curves: dict[str, list[tuple[CostReport, float]]] = {}
    ended = []
    for name in RULES:
        rule, here = make_rule(name), bench(spec, network, 0)
        surrogate = surrogate_of(network, spec, examples.x, 0)
        # Rules that leave the machine alone are measured once, at the end.
        watched = None if name in ("deploy", "hardware_aware") else validation
        outcome = train(rule, here, surrogate, examples, stage.settings(name), validation=watched)
        share, _ = measure(rule, here, surrogate, validation)
        curves[name] = [*outcome.curve, (outcome.cost, share)]
        ended.append((name, rule, here, surrogate, outcome.cost))
        print(f"{name}: {share:.3f} after {outcome.cost.time_s:.3g} s on the bench", flush=True)
    held_out = opened(data).test
    test = part(held_out, 100 if quick else len(held_out))
    rows = [
        _row(name, measure(rule, here, surrogate, test)[0], cost)
        for name, rule, here, surrogate, cost in ended
    ]
    _picture(options, curves)
    figures = {
        name: [{"accuracy": share, **cost.figures()} for cost, share in curve]
        for name, curve in curves.items()
    }
    (options.out / "curves.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    head = ("rule", "accuracy", *_HEAD)
    print(write_table(options.out, "rules", head, rows))


_HEAD = (
    "bench time [s]", "energy [J]", "samples", "writes", "states read", "forward", "write", "read",
    "host",
)  # fmt: skip


def _row(name: str, share: float, cost: CostReport) -> tuple[object, ...]:
    return (name, share, *_figures(cost))


def _figures(cost: CostReport) -> tuple[object, ...]:
    """Return totals, counts, and the share of the bench time of each kind of work."""
    shares = [f"{cost.time_share(kind):.1%}" for kind in ("forward", "write", "read", "host")]
    return (
        cost.time_s, cost.energy_j, cost.forward.count, cost.write.count, cost.read.count, *shares,
    )  # fmt: skip


def _costs(options: Options, stage: Stage) -> str:
    """Write the cost of every rule, and the time of a hundred epochs."""
    rows = [(name, *_figures(stage.cost(name)), stage.cost(name, FAR).time_s) for name in RULES]
    head = ("rule", *_HEAD, f"{FAR} epochs [s]")
    return write_table(options.out, "costs", head, rows)


def _picture(options: Options, curves: dict[str, list[tuple[CostReport, float]]]) -> None:
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    for name, curve in curves.items():
        shares = [share for _, share in curve]
        left.plot([cost.time_s for cost, _ in curve], shares, marker="o", label=name)
        right.plot([cost.energy_j for cost, _ in curve], shares, marker="o", label=name)
    left.set(xlabel="time on the bench [s]", ylabel="accuracy", xscale="log")
    right.set(xlabel="energy of the machine [J]", xscale="log")
    left.legend(fontsize="small")
    figure.savefig(options.out / "rules.png", dpi=150)


if __name__ == "__main__":
    main()
