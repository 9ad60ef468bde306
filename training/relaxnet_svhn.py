"""Classify house numbers with one weight set, with a few, and with one for each step.

Follows Fig. 5 of Tsuchiyama, Roehm, Mihana and Horisaki, arXiv:2511.00044: width 64, 12 steps, and
from 1 to 12 weight sets; then the plane of weight sets and steps. Error rates are on the test part
of the data set as it is found; `note.txt` states which.

    python -m training.relaxnet_svhn [--quick] [--choose] [--data-dir DIR]

What the paper does not state is assumed: relu, a residual of 1, the input at the first step, AdamW,
20 epochs, and inputs that are standardized pixel by pixel. The settings of the optimizer were
chosen with `--choose`, which trains a few on the training part and compares them on the validation
part. Every cell is trained on the training part; the network that runs on machines is the best on
the validation part, and only then is each cell measured, once, on the test part.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from pnnsim import Data, ReLaXNet, TaskParams, TrainingParams
from training.common import (
    RELU_MACHINES,
    RELU_SETTINGS,
    STATE_SCALE,
    Cells,
    Options,
    Trained,
    least,
    load,
    on_machines,
    read_options,
)
from training.figures import (
    against_sets,
    against_sets_head,
    draw_against_sets,
    picture,
    spread,
    write_table,
)

WEIGHT_SETS = (1, 2, 3, 4, 6, 8, 12)
STEPS = (1, 2, 4, 8, 12, 24)
DEPTH = 12
WIDTH = 64
SEEDS = 5
#: The settings of every cell, of which `CHOSEN` is one of `CANDIDATES`.
COMMON: dict[str, Any] = {
    "epochs": 20,
    "weight_rate": 10.0,
    "standardize": True,
    "state_scale": STATE_SCALE,
}
CANDIDATES: dict[str, dict[str, Any]] = {
    f"batch {batch}, rate {rate:g}, decay {decay:g}": {
        "batch": batch, "learning_rate": rate, "weight_decay": decay,
    }
    for batch, rate in ((64, 5e-4), (64, 1e-3), (128, 2e-3))
    for decay in (0.1, 0.5)
}  # fmt: skip
CHOSEN = "batch 128, rate 0.002, decay 0.5"
TRAINING = COMMON | CANDIDATES[CHOSEN]
#: Weight sets and seeds on which the candidates are compared.
COMPARED = (1, 4)
COMPARED_SEEDS = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("relaxnet_svhn", __doc__, SEEDS, arguments, choices=True)
    quick = options.quick
    weight_sets, all_steps = ((1, 2, 3), (1, 2, 3)) if quick else (WEIGHT_SETS, STEPS)
    depth, width = (3, 16) if quick else (DEPTH, WIDTH)
    data = load(options, "digits" if quick else "svhn")
    cells = Cells(options.out)
    brief = {"epochs": 2} if quick else {}
    if options.choose:
        print(_choose(options, data, cells, depth, width, brief))
        return

    def key(sets: int, steps: int, seed: int) -> str:
        return f"sets {sets} steps {steps} seed {seed}"

    def validation_error(sets: int, steps: int, seed: int) -> float:
        training = TrainingParams(seed=seed, **TRAINING | brief)
        network = network_for(data, sets, steps, width)
        trained = Trained(options.out, key(sets, steps, seed))
        found = cells.get(trained.key, lambda: trained.train(network, data, training))
        return 100.0 * found["validation_error"]

    def error(sets: int, steps: int, seed: int) -> float:
        trained = Trained(options.out, key(sets, steps, seed))
        return 100.0 * cells.get(f"test {trained.key}", lambda: trained.measure(data))["error"]

    seeds = range(options.seeds)
    plane = [(sets, steps) for steps in all_steps for sets in weight_sets if sets <= steps]
    # Seed by seed, so that a recipe that is stopped early has all cells of some seeds.
    found = {
        (sets, seed): validation_error(sets, depth, seed) for seed in seeds for sets in weight_sets
    }
    for sets, steps in plane:
        validation_error(sets, steps, 0)
    best = least(options, {sets: [found[sets, seed] for seed in seeds] for sets in weight_sets})
    errors = {sets: [error(sets, depth, seed) for seed in seeds] for sets in weight_sets}
    print(_sweep(options, errors, depth, width))
    print(_grid(options, {cell: error(*cell, 0) for cell in plane}))
    print(machines(options, ReLaXNet(weight_sets=best, steps=depth, hidden=width)))


def network_for(data: Data, sets: int, steps: int, width: int) -> ReLaXNet:
    """Return the network of a cell, for the inputs and classes of the data.

    Args:
        data: Examples of the task.
        sets: Number of weight sets.
        steps: Number of steps.
        width: Width N.
    """
    inputs, outputs = TaskParams(name=data.name).shape()
    return ReLaXNet(
        inputs=inputs, outputs=outputs, hidden=width, weight_sets=sets, steps=steps, residual=1.0
    )


def _choose(
    options: Options, data: Data, cells: Cells, depth: int, width: int, brief: dict[str, Any]
) -> str:
    """Compare the candidates on the validation part, and write what each reaches there."""
    rows = []
    for name, settings in islice(CANDIDATES.items(), 2 if options.quick else None):
        found = []
        for seed in range(1 if options.quick else COMPARED_SEEDS):
            training = TrainingParams(seed=seed, **COMMON | settings | brief)
            for sets in (sets for sets in COMPARED if sets <= depth):
                network = network_for(data, sets, depth, width)

                trained = Trained(options.out, f"{name}, sets {sets} seed {seed}")

                def compute(
                    trained: Trained = trained,
                    network: ReLaXNet = network,
                    training: TrainingParams = training,
                ) -> dict[str, float]:
                    return trained.train(network, data, training)

                cell = cells.get(trained.key, compute)
                found.append(100.0 * cell["validation_error"])
        mean, std = spread(found)
        rows.append((name, mean, std, len(found), "chosen" if name == CHOSEN else ""))
    head = ("settings", "validation error [%]", "std", "trainings", "")
    return write_table(options.out, "choice", head, sorted(rows, key=lambda row: row[1]))


def _sweep(options: Options, errors: dict[int, list[float]], depth: int, width: int) -> str:
    """Write error and hidden parameters against the number of weight sets."""
    rows = against_sets(errors, depth, width)
    with picture(options.out / "sweep.png") as axes:
        bars = axes.twinx()
        bars.bar(list(errors), [row[1] for row in rows], alpha=0.2, color="tab:orange")
        bars.set_ylabel("hidden parameters")
        # The bars behind the line, which would otherwise be drawn over it.
        axes.set_zorder(bars.get_zorder() + 1)
        axes.patch.set_visible(False)
        draw_against_sets(axes, rows, f"{depth} steps, N = {width}", "test error [%]")
    return write_table(options.out, "sweep", against_sets_head("error [%]"), rows)


def _grid(options: Options, grid: dict[tuple[int, int], float]) -> str:
    """Write the error over weight sets and steps."""
    all_sets = sorted({sets for sets, _ in grid})
    all_steps = sorted({steps for _, steps in grid})
    with picture(options.out / "grid.png") as axes:
        for sets in all_sets:
            steps = [step for step in all_steps if (sets, step) in grid]
            axes.plot(steps, [grid[sets, step] for step in steps], marker="o", label=f"{sets} sets")
        axes.set(xlabel="steps", ylabel="test error [%]")
        axes.legend()
    rows = [(steps, *(grid.get((sets, steps), "") for sets in all_sets)) for steps in all_steps]
    return write_table(options.out, "grid", ("steps", *(f"{sets} sets" for sets in all_sets)), rows)


def machines(options: Options, network: ReLaXNet) -> str:
    """Run the best network on two machines, with the settings of every cell.

    Args:
        options: Options of the command line.
        network: Best network of the cells.
    """
    quick = options.quick
    training = TRAINING | ({"epochs": 2} if quick else {})
    settings = [
        ("task.name", "digits" if quick else "svhn"),
        *((f"training.{name}", str(value).lower()) for name, value in training.items()),
        *RELU_SETTINGS,
        ("simulation.chips", "2" if quick else "3"),
        ("simulation.samples", "40" if quick else "2000"),
    ]
    return on_machines(options, RELU_MACHINES, network, settings)


if __name__ == "__main__":
    main()
