"""Common parts of the recipes: arguments, cells, machines.

A recipe is a sweep of cells. Each cell is trained once and its result kept in `cells.json` of the
recipe's folder, so that a recipe which was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pnnsim import (
    Data,
    HardwareSpec,
    ReLaXNet,
    Surrogate,
    TrainingParams,
    fit,
    load_dataset,
    load_experiment,
    load_parameters,
    load_spec,
    run,
)
from pnnsim.learning import score
from training.figures import spread, write_table
from training.held_out import closed, opened

K = TypeVar("K", bound=Hashable)

#: State on the lines over the state in training. relu is the same at every scale; here it grows to
#: about fifty over the steps, and the lines end at 1.
STATE_SCALE = 1.0 / 256.0

#: Machines on which a recipe's best network runs with relu, and what this takes: the state grows
#: over the steps, so it must start far below the end of the lines and above a converter's step.
RELU_MACHINES = ("photonic_mzi", "freespace_dmd")
RELU_SETTINGS = (
    ("nonlinearity.function", "relu"),
    ("network.residual", "1.0"),
    ("training.state_scale", "0.015625"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line.

    Args:
        quick: Whether to run a size that only shows that everything works.
        data_dir: Where data sets are looked for first.
        out: Folder of the results.
        seeds: Number of seeds of the training.
        choose: Whether to compare settings on the validation part instead of measuring.
        offline: Whether never to download.
        task: Task that was chosen; empty where there is no choice.
    """

    quick: bool
    data_dir: Path | None
    out: Path
    seeds: int
    choose: bool = False
    offline: bool = False
    task: str = ""


def read_options(
    name: str,
    about: str | None,
    seeds: int,
    arguments: Sequence[str] | None,
    *,
    choices: bool = False,
    tasks: Sequence[str] = (),
) -> Options:
    """Read the command line of a recipe, and make its folder.

    Args:
        name: Name of the recipe.
        about: Its docstring.
        seeds: Seeds of the full size; the quick one has two.
        arguments: Words of the command line; those of the process where None.
        choices: Whether the recipe can compare settings.
        tasks: Tasks to choose from, the first by default; none where there is no choice.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m training.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a small size: does everything work?")
    parser.add_argument("--data-dir", type=Path, help="folder with data sets")
    parser.add_argument("--offline", action="store_true", help="never download a data set")
    parser.add_argument("--out", type=Path, help=f"folder of the results; runs/{name} by default")
    parser.add_argument("--seeds", type=int, help=f"seeds of the training; {seeds} by default")
    if choices:
        parser.add_argument(
            "--choose", action="store_true", help="compare settings on the validation part"
        )
    if tasks:
        parser.add_argument("--task", choices=tasks, default=tasks[0], help="data set to learn")
    given = parser.parse_args(arguments)
    folder = given.out or Path("runs") / (f"{name}-quick" if given.quick else name)
    folder.mkdir(parents=True, exist_ok=True)
    return Options(
        quick=given.quick,
        data_dir=given.data_dir,
        out=folder,
        seeds=given.seeds or (2 if given.quick else seeds),
        choose=choices and given.choose,
        offline=given.offline,
        task=given.task if tasks else "",
    )


def load(options: Options, name: str) -> Data:
    """Load a data set with its test part closed, and keep what its data are beside the results.

    Args:
        options: Options of the command line.
        name: Name of the data set.
    """
    data = load_dataset(name, data_dir=options.data_dir, offline=options.offline)
    note = f"{data.name}: {data.note}"
    (options.out / "note.txt").write_text(note + "\n", encoding="utf-8")
    print(note)
    return closed(data)


def ideal_machine(network: ReLaXNet) -> HardwareSpec:
    """Return a machine whose activation is relu and whose state is held as numbers.

    With every non-ideality off it computes the network of the paper in exact arithmetic. It has
    banks for every weight set, also where a matrix is larger than a bank.
    """
    tree = load_spec("photonic_mrr").to_tree()
    digital = load_spec("photonic_mzi", [("nonlinearity.function", "relu")]).to_tree()
    parts = {part: digital[part] for part in ("nonlinearity", "memory", "readout")}
    side = int(load_spec("photonic_mrr").weight_banks.rows)
    banks = network.weight_sets * (-(-network.hidden // side)) ** 2
    return load_spec({**tree, "name": "ideal", **parts}, [("weight_banks.count", str(banks))])


@dataclass(frozen=True, slots=True)
class Trained:
    """Ideal network of a cell, in a file.

    Args:
        folder: Folder of the recipe.
        key: Name of the cell.
    """

    folder: Path
    key: str

    @property
    def file(self) -> Path:
        """Return where the parameters are."""
        return self.folder / "networks" / f"{self.key.replace(' ', '-')}.safetensors"

    def train(self, network: ReLaXNet, data: Data, training: TrainingParams) -> dict[str, float]:
        """Train the network on the training part alone, and save its parameters.

        Args:
            network: What is trained.
            data: Examples of the task.
            training: Settings.

        Returns:
            Error rate and loss [nats] on the validation part, training loss [nats], best epoch,
            and time taken [s].
        """
        begin = time.perf_counter()
        surrogate = _ideal(network, training)
        if training.standardize:
            surrogate.standardize(data.pixels())
        history = fit(surrogate, data.train, data.validation, training, select=data.select)
        self.file.parent.mkdir(exist_ok=True)
        surrogate.parameter_set().save(self.file)
        return {
            "validation_error": 1.0 - history.validation_accuracy[history.best_epoch],
            "validation_loss": history.validation_loss[history.best_epoch],
            "training_loss": history.loss[-1],
            "best_epoch": history.best_epoch,
            "wall_s": time.perf_counter() - begin,
        }

    def measure(self, data: Data) -> dict[str, float]:
        """Return error rate and loss [nats] on the test part, which is opened for it."""
        parameters = load_parameters(self.file)
        surrogate = _ideal(parameters.network, TrainingParams())
        surrogate.load_parameter_set(parameters, any_machine=True)
        share, loss = score(surrogate, opened(data).test)
        return {"error": 1.0 - share, "loss": loss}


def _ideal(network: ReLaXNet, training: TrainingParams) -> Surrogate:
    return Surrogate(
        network,
        ideal_machine(network),
        seed=training.seed,
        non_idealities=(),
        state_scale=training.state_scale,
    )


def least(options: Options, found: Mapping[K, Sequence[float]]) -> K:
    """Return whose mean is least, and write the means as `choice.json` of the recipe's folder.

    Args:
        options: Options of the command line.
        found: Figures on the validation part, one for each seed.
    """
    means = {key: spread(values)[0] for key, values in found.items()}
    best = min(means, key=lambda key: means[key])
    choice = {"best": str(best), "validation": {str(key): mean for key, mean in means.items()}}
    (options.out / "choice.json").write_text(json.dumps(choice, indent=1) + "\n", encoding="utf-8")
    return best


class Cells:
    """Results of cells in a file; those that are missing are computed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "cells.json"
        self._known: dict[str, dict[str, float]] = {}
        if self._file.exists():
            self._known = json.loads(self._file.read_text(encoding="utf-8"))

    def get(self, key: str, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Return the result of a cell, computed now if it was not before.

        Args:
            key: Name of the cell.
            compute: Computes its result.
        """
        if key not in self._known:
            print(f"{key} …", end=" ", flush=True)
            self._known[key] = compute()
            scratch = self._file.with_suffix(".new")
            scratch.write_text(json.dumps(self._known, indent=1) + "\n", encoding="utf-8")
            scratch.replace(self._file)
            print({name: round(value, 4) for name, value in self._known[key].items()}, flush=True)
        return self._known[key]


def on_machines(
    options: Options,
    machines: Sequence[str],
    network: ReLaXNet,
    settings: Sequence[tuple[str, str]],
) -> str:
    """Train for some machines, run on simulated chips of them, and return the figures as a table.

    Args:
        options: Command line.
        machines: Names of machines.
        network: What is run, with banks for all of its weight sets.
        settings: What all have in common, as dotted key and text.
    """
    rows = []
    for name in machines:
        bank = load_spec(name).weight_banks
        tiles = -(-network.hidden // bank.rows) * -(-network.hidden // bank.cols)
        shape = [
            ("network.weight_sets", str(network.weight_sets)),
            ("network.steps", str(network.steps)),
            ("network.hidden", str(network.hidden)),
            ("weight_banks.count", str(network.weight_sets * tiles)),
        ]
        experiment = load_experiment(name, [*shape, *settings])
        metrics = run(experiment, data_dir=options.data_dir, offline=options.offline).metrics
        for figure in ("accuracy", "loss_nats"):
            if figure in metrics:
                found = metrics[figure]
                rows.append(
                    (
                        name, figure, found["surrogate"], found["hardware_mean"],
                        found["hardware_std"], metrics["latency_s"]["first"],
                        metrics["energy_j"]["per_inference"], metrics["throughput_per_s"],
                    )
                )  # fmt: skip
    head = (
        "machine", "figure", "surrogate", "chips mean", "chips std", "latency [s]",
        "energy [J]", "throughput [1/s]",
    )  # fmt: skip
    return write_table(options.out, "machines", head, rows)
