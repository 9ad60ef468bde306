"""Deploy weights on spread chips and lose accuracy; train through the chips and get it back.

Four figures for each machine and task: the surrogate's accuracy, that of its weights on the chips,
that of weights trained on drawn non-idealities, and that of the surrogate's weights trained on
through each chip by physics-aware training (Wright, Onodera et al., Nature 601, 549, 2022). And two
that say how far the model is from a chip: the reality gap, root mean square of chip minus model
over the last states, before and after calibration by a thousand samples through each weight set.

    python -m training.hil_physics_aware [--quick] [--data-dir DIR] [--choose]

`--choose` tries step sizes of the training through the chip on the validation part, with a chip
that is none of those measured, and does nothing else.

Both machines are at a process corner, see `hil_common.CORNERS`, which is printed. Of
Fashion-MNIST, the first 6,000 training and 2,000 test images are used, as every image here passes
through simulated chips.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch

from pnnsim import Surrogate
from pnnsim.hil import calibrate, reality_gap
from pnnsim.learning.rules import Deploy, HardwareAware, PhysicsAware, Settings, measure, train
from training.common import Cells, Options, load, read_options
from training.figures import picture, spread, write_table
from training.held_out import opened
from training.hil_common import CORNERS, bench, copy_of, corner, network_of, part, trained

CHIPS = 5
TASKS = ("digits", "fashion-mnist")
TRAIN, TEST = 6000, 2000

#: Training of the model, and of the drawn model.
MODEL = Settings(epochs=40, batch=100, learning_rate=3e-3)
#: Training through the chip: few epochs, as every one of them takes time on the bench.
CHIP = {
    "digits": Settings(epochs=5, batch=100, learning_rate=3e-3),
    "fashion-mnist": Settings(epochs=6, batch=200, learning_rate=3e-3),
}
#: Step sizes that `--choose` tries, and the chip for that: the first that is not measured.
RATES, APART = (1e-3, 3e-3, 1e-2), CHIPS
#: Measurements of a calibration on each weight set, and inputs over which the gap is taken.
WAVES = 1000
GAP = 500
#: Loss of accuracy beyond which its recovery is a figure at all.
WORTH = 0.03


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--choose", action="store_true", help="try step sizes on validation data")
    own, rest = parser.parse_known_args(arguments)
    options = read_options("hil_physics_aware", __doc__, 1, rest)
    rows: list[tuple[object, ...]] = []
    for task in TASKS[:1] if options.quick else TASKS:
        for machine, settings in CORNERS.items():
            print(f"{machine} at {', '.join(f'{key} = {value}' for key, value in settings)}")
            if own.choose:
                rows += _tried(options, task, machine)
                head = ("machine", "task", "step size", "validation accuracy")
                print(write_table(options.out, "choice", head, rows))
            else:
                rows.append(_row(options, task, machine))
                print(_table(options, rows))


def _tried(options: Options, task: str, machine: str) -> list[tuple[object, ...]]:
    """Train through a chip apart with every step size, and measure on the validation part."""
    quick = options.quick
    data = load(options, task)
    examples = part(data.train, 200 if quick else TRAIN)
    spec, network = corner(machine, quick=quick), network_of(data, quick=quick)
    model = trained(Deploy(), spec, network, examples, Settings(2, 100) if quick else MODEL)
    rows = []
    for rate in RATES[:1] if quick else RATES:
        here, surrogate, rule = bench(spec, network, APART), copy_of(model), PhysicsAware()
        settings = replace(Settings(1, 100) if quick else CHIP[task], learning_rate=rate)
        train(rule, here, surrogate, examples, settings)
        rows.append((machine, task, rate, measure(rule, here, surrogate, data.validation)[0]))
    return rows


def _row(options: Options, task: str, machine: str) -> tuple[object, ...]:
    """Measure one machine on one task."""
    quick = options.quick
    data = load(options, task)
    examples = part(data.train, 200 if quick else TRAIN)
    test = part(opened(data).test, 100 if quick else TEST)
    spec, network = corner(machine, quick=quick), network_of(data, quick=quick)
    model = Settings(2, 100) if quick else MODEL
    settings = Settings(1, 100) if quick else CHIP[task]

    @cache
    def deployed() -> Surrogate:
        return trained(Deploy(), spec, network, examples, model)

    @cache
    def aware() -> Surrogate:
        return trained(HardwareAware(), spec, network, examples, model)

    def nominal() -> dict[str, float]:
        surrogate = deployed()
        with torch.no_grad():
            right = surrogate(test.x).argmax(dim=1) == test.y
        return {"accuracy": float(right.double().mean())}

    def on_chip(index: int) -> dict[str, float]:
        here, rule = bench(spec, network, index), PhysicsAware()
        found = {"deployed": measure(rule, here, deployed(), test)[0]}
        found["hardware_aware"] = measure(rule, here, aware(), test)[0]
        surrogate = copy_of(deployed())
        cost = train(rule, here, surrogate, examples, settings).cost
        found["physics_aware"] = measure(rule, here, surrogate, test)[0]
        return found | {"bench_s": cost.time_s, "bench_j": cost.energy_j}

    def gap_on(index: int) -> dict[str, float]:
        here, surrogate, x = bench(spec, network, index), deployed(), test.x[:GAP]
        here.load(surrogate.parameter_set())
        before = reality_gap(here, surrogate, x)
        found = calibrate(here, surrogate, samples=50 if quick else WAVES)
        return {"before": before, "after": reality_gap(here, surrogate, x, found)}

    cells = Cells(options.out)
    expected = cells.get(f"{task} {machine}", nominal)["accuracy"]
    chips = [
        cells.get(f"{task} {machine} chip {index}", lambda index=index: on_chip(index))
        for index in range(2 if quick else CHIPS)
    ]
    gaps = [
        cells.get(f"{task} {machine} chip {index} gap", lambda index=index: gap_on(index))
        for index in range(len(chips))
    ]
    figures = {
        name: spread([chip[name] for chip in chips])
        for name in ("deployed", "hardware_aware", "physics_aware", "bench_s", "bench_j")
    }
    lost = expected - figures["deployed"][0]
    won = figures["physics_aware"][0] - figures["deployed"][0]
    recovered = f"{won / lost:.0%}" if lost > WORTH else "-"
    return (
        machine, task, len(chips), expected, *figures["deployed"], *figures["hardware_aware"],
        *figures["physics_aware"], recovered, figures["bench_s"][0], figures["bench_j"][0],
        *(spread([gap[name] for gap in gaps])[0] for name in ("before", "after")),
    )  # fmt: skip


def _table(options: Options, rows: Sequence[tuple[object, ...]]) -> str:
    with picture(options.out / "accuracy.png") as axes:
        labels = ["deployed", "hardware-aware", "physics-aware"]
        for row in rows:
            line = axes.errorbar(
                labels, [row[4], row[6], row[8]], [row[5], row[7], row[9]], marker="o", capsize=3,
                label=f"{row[0]}, {row[1]}",
            )  # fmt: skip
            axes.axhline(float(str(row[3])), linestyle=":", color=line[0].get_color())
        axes.set(ylabel="accuracy; dotted: surrogate")
        axes.legend()
    head = (
        "machine", "task", "chips", "surrogate", "deployed", "std", "hardware-aware", "std",
        "physics-aware", "std", "recovered", "bench time [s]", "bench energy [J]", "gap",
        "gap, calibrated",
    )  # fmt: skip
    return write_table(options.out, "accuracy", head, rows)


if __name__ == "__main__":
    main()
