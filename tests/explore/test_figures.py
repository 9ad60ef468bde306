"""The figures of a study are the numbers of a run's metrics, each with its dimension."""

from __future__ import annotations

from pnnsim.explore.figures import YIELD, dimensions, figures_of, needs_training
from pnnsim.explore.study_file import chip_dimensions
from pnnsim.simulation.experiment_run import run
from pnnsim.specs.experiment import load_experiment

SHORT = [("training.epochs", "1"), ("training.examples", "64"), ("simulation.samples", "16")]

#: Numbers of a run that are no figures of a machine.
OTHERS = ("counts.", "events.", "network.", "wall_s.", "accuracy.ablation", "task.", "band.")


def numbers(tree: object, prefix: str = "") -> set[str]:
    if isinstance(tree, dict):
        return {name for key, item in tree.items() for name in numbers(item, f"{prefix}{key}.")}
    if isinstance(tree, bool) or not isinstance(tree, int | float):
        return set()
    return {prefix.rstrip(".")}


def test_every_number_of_a_run_is_a_figure_and_every_figure_is_in_a_run() -> None:
    metrics = run(load_experiment("photonic_mrr", SHORT)).metrics
    known = dimensions()
    found = {key for key in numbers(metrics) if not key.startswith(OTHERS)}
    assert found - {"schema", "seed"} <= set(known)
    assert set(figures_of(metrics)) == (found | {"area_m2"}) - {"schema", "seed"}
    absent = set(known) - set(figures_of(metrics))
    kinds = ("loss_nats.", "area_m2.", "utilization.", "energy_j.by_action.")
    assert all(key == YIELD or key.startswith((*kinds, "energy_j.")) for key in absent), absent


def test_the_area_is_the_sum_of_the_parts() -> None:
    assert figures_of({"area_m2": {"encoder": 1.0, "readout": 2.5}})["area_m2"] == 3.5


def test_figures_of_outputs_need_training_and_others_do_not() -> None:
    needing = {key for key in dimensions() if needs_training(key)}
    assert {key.split(".")[0] for key in needing} == {"accuracy", "loss_nats", YIELD}
    assert not needing & set(chip_dimensions())
