"""Spend the same number of hidden parameters on an RNN, a ReLaX-Net and a DNN.

The claim of Tsuchiyama, Roehm, Mihana and Horisaki, arXiv:2511.00044: at equal parameter count a
ReLaX-Net beats both. All have 12 steps; an RNN spends the budget on one wide weight set, a DNN on
twelve narrow ones, a ReLaX-Net on two or four between.

    python -m training.relaxnet_budget [--quick] [--data-dir DIR]

Everything else is as in `relaxnet_svhn`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pnnsim import ReLaXNet, TaskParams, TrainingParams
from training.common import Cells, Options, Trained, least, load, read_options
from training.figures import picture, spread, write_table
from training.relaxnet_svhn import DEPTH, TRAINING, machines

#: Hidden parameters: as many as 1, 2, 4 and 12 weight sets of width 64 have.
BUDGETS = (4160, 8320, 16640, 49920)
#: Weight sets of the RNN, of two ReLaX-Nets, and of the DNN.
WEIGHT_SETS = (1, 2, 4, 12)
SEEDS = 3
#: Lines of the shipped machines: a wider network does not fit one bank.
LINES = 64


def width_of_budget(budget: int, weight_sets: int) -> int:
    """Return the greatest width N whose weight sets, of N^2 + N parameters each, are affordable.

    Args:
        budget: Number of parameters.
        weight_sets: Number of weight sets.
    """
    return (math.isqrt(1 + 4 * (budget // weight_sets)) - 1) // 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("relaxnet_budget", __doc__, SEEDS, arguments)
    quick = options.quick
    budgets, weight_sets = ((72, 240), (1, 2, 3)) if quick else (BUDGETS, WEIGHT_SETS)
    depth = 3 if quick else DEPTH
    data = load(options, "digits" if quick else "svhn")
    inputs, outputs = TaskParams(name=data.name).shape()
    cells = Cells(options.out)
    settings = TRAINING | ({"epochs": 2} if quick else {})
    networks = {
        (budget, sets): ReLaXNet(
            inputs=inputs, outputs=outputs, hidden=width_of_budget(budget, sets),
            weight_sets=sets, steps=depth, residual=1.0,
        )
        for budget in budgets
        for sets in weight_sets
    }  # fmt: skip
    chosen_by: dict[tuple[int, int], list[float]] = {key: [] for key in networks}
    for seed in range(options.seeds):
        training = TrainingParams(seed=seed, **settings)
        for (budget, sets), network in networks.items():
            trained = Trained(options.out, f"budget {budget} sets {sets} seed {seed}")

            def compute(
                trained: Trained = trained,
                network: ReLaXNet = network,
                training: TrainingParams = training,
            ) -> dict[str, float]:
                return trained.train(network, data, training)

            found = cells.get(trained.key, compute)
            chosen_by[budget, sets].append(100.0 * found["validation_error"])
    fits = [key for key, network in networks.items() if network.hidden <= LINES]
    best = networks[least(options, {key: chosen_by[key] for key in fits})]
    errors: dict[tuple[int, int], list[float]] = {key: [] for key in networks}
    for (budget, sets), found in errors.items():
        for seed in range(options.seeds):
            trained = Trained(options.out, f"budget {budget} sets {sets} seed {seed}")
            cell = cells.get(f"test {trained.key}", lambda trained=trained: trained.measure(data))
            found.append(100.0 * cell["error"])
    print(_table(options, networks, errors))
    print(machines(options, best))


def _table(
    options: Options,
    networks: dict[tuple[int, int], ReLaXNet],
    errors: dict[tuple[int, int], list[float]],
) -> str:
    """Write error against parameters, and mark in each row whether it is the best of its budget."""
    rows = []
    budgets = sorted({budget for budget, _ in networks})
    for (budget, sets), network in networks.items():
        mean, std = spread(errors[budget, sets])
        rivals = [spread(errors[key])[0] for key in networks if key[0] == budget]
        counts = network.parameter_counts()
        rows.append(
            (
                budget, _name(network), sets, network.hidden, counts["hidden"], counts["total"],
                mean, std, len(errors[budget, sets]), "best" if mean == min(rivals) else "",
            )
        )  # fmt: skip
    with picture(options.out / "budget.png") as axes:
        for sets in dict.fromkeys(sets for _, sets in networks):
            found = [spread(errors[budget, sets]) for budget in budgets]
            label = f"{_name(networks[budgets[0], sets])}, {sets} weight sets"
            axes.errorbar(
                budgets, [mean for mean, _ in found], [std for _, std in found], marker="o",
                capsize=3, label=label,
            )  # fmt: skip
        axes.set(xlabel="hidden parameters", ylabel="test error [%]", xscale="log")
        axes.legend()
    head = (
        "budget", "network", "weight sets", "width", "hidden parameters", "all parameters",
        "error [%]", "std", "seeds", "",
    )  # fmt: skip
    return write_table(options.out, "budget", head, rows)


def _name(network: ReLaXNet) -> str:
    return {1: "rnn", network.steps: "dnn"}.get(network.weight_sets, "relaxnet")


if __name__ == "__main__":
    main()
