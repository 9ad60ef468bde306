"""Classify images with four stages of convolutions, each applied once or many times.

Follows Köpüklü, Babaee, Hörmann and Rigoll, "Convolutional Neural Networks with Layer Reuse",
ICIP 2019, arXiv:1901.09615: LruNet at its published size, with N from 1 to 10 repetitions of each
stage. Then networks run on simulated machines: the accuracy of chips, the time of an image, and
what is saved by not rewriting banks between repetitions.

    python -m training.lrunet_images [--quick] [--task cifar10] [--data-dir DIR]

The publication trains for 300 epochs, with random crops, rotations and flips; here every network
sees the same number of training images, each of them once, so that nothing is augmented. Loss,
momentum, weight decay and dropout are the published ones; the step size follows one cycle.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pnnsim import (
    Chip,
    Data,
    LruModule,
    LruNet,
    PnnsimError,
    Surrogate,
    load_spec,
    simulate,
    time_run,
    timing_metrics,
)
from pnnsim.common.rng import stream
from pnnsim.inference.quality import share_correct
from pnnsim.learning import Labelled, score
from pnnsim.networks.lrunet_files import load as load_module
from pnnsim.networks.lrunet_files import save
from training.common import Cells, Options, least, load, read_options
from training.figures import picture, spread, write_table
from training.held_out import opened

#: The ends first, so that a recipe that is stopped early has them.
REPETITIONS = (1, 10, 4, 2, 8)
TASKS = ("fashion-mnist", "cifar10")
SEEDS = 1

#: Machine, and banks for its accuracy: few where those that are not selected leak into the one that
#: is, and as many as there are tiles where they do not.
ON_CHIPS = (("photonic_mrr", 2), ("spintronic_mtj", 192))
#: Test images and chips of an accuracy on a machine.
IMAGES, CHIPS = 32, 1
#: Banks for which latency and energy are compared; 183 hold all tiles.
BANKS = (2, 48, 96, 192)


@dataclass(frozen=True, slots=True)
class Budget:
    """Amount of training of one network.

    Args:
        images: Training images, each seen once; all of them where there are fewer.
        batch: Images of one step.
        rate: Largest step size of the cycle.
    """

    images: int = 32_000
    batch: int = 64
    rate: float = 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("lrunet_images", __doc__, SEEDS, arguments, tasks=TASKS)
    quick = options.quick
    data = load(options, "digits" if quick else options.task)
    budget = Budget(images=256, batch=32) if quick else Budget()
    cells = Cells(options.out)
    missed: dict[int, list[float]] = {}
    for seed in range(options.seeds):
        for n in (1, 2) if quick else REPETITIONS:
            key = f"{data.name} N {n} seed {seed}"
            result = cells.get(key, lambda n=n, seed=seed: train(options, data, n, seed, budget))
            missed.setdefault(n, []).append(100.0 * result["validation_error"])
    best = least(options, missed)
    found: dict[int, list[float]] = {n: [] for n in sorted(missed)}
    for n, shares in found.items():
        for seed in range(options.seeds):
            key = f"test {data.name} N {n} seed {seed}"
            result = cells.get(key, lambda n=n, seed=seed: measure(options, data, n, seed))
            shares.append(100.0 * result["accuracy"])
    print(_sweep(options, data.name, found))
    print(f"best mean accuracy on the validation part: N = {best}")
    print(_reuse(options, network_for(data.name, max(found))))
    print(_on_chips(options, data, [1] if quick else sorted({1, best})))


def network_for(task: str, repetitions: int) -> LruNet:
    """Return the network for a task: the published one, or a small one for the small digits.

    Args:
        task: Name of the task.
        repetitions: Applications of each stage, N.
    """
    shapes = {"digits": (1, 8), "fashion-mnist": (1, 28), "cifar10": (3, 32)}
    channels, side = shapes[task]
    return LruNet(
        channels=channels, side=side, repetitions=repetitions, stem=8 if task == "digits" else 64
    )


def train(options: Options, data: Data, n: int, seed: int, budget: Budget) -> dict[str, float]:
    """Train one network, save it, and measure it on the validation part.

    Args:
        options: Options of the command line.
        data: Examples of the task.
        n: Applications of each stage.
        seed: Seed of weights, order and dropout.
        budget: Amount of training.
    """
    begin = time.perf_counter()
    module = LruModule(network_for(data.name, n), seed=seed)
    module.to(memory_format=torch.channels_last)  # twice as quick on a CPU
    assert isinstance(data.train, Labelled)
    training_loss = learn(module, data.train, seed, budget)
    share, loss = score(module, data.validation)
    save(module, parameter_file(options.out, data.name, n, seed))
    return {
        "validation_error": 1.0 - share,
        "validation_loss": loss,
        "training_loss": training_loss,
        "wall_s": time.perf_counter() - begin,
    }


def measure(options: Options, data: Data, n: int, seed: int) -> dict[str, float]:
    """Return accuracy and loss [nats] of a saved network on the test part.

    Args:
        options: Options of the command line.
        data: Examples of the task.
        n: Applications of each stage.
        seed: Seed of its training.
    """
    module = load_module(parameter_file(options.out, data.name, n, seed))
    share, loss = score(module, opened(data).test)
    return {"accuracy": share, "loss": loss}


def parameter_file(folder: Path, task: str, n: int, seed: int) -> Path:
    """Return where the parameters of a cell are kept.

    Args:
        folder: Folder of the results.
        task: Name of the task.
        n: Applications of each stage.
        seed: Seed of the training.
    """
    return folder / f"{task}-n{n}-seed{seed}.safetensors"


def learn(module: LruModule, train: Labelled, seed: int, budget: Budget) -> float:
    """Show the images once, and return the mean loss of the last tenth of the steps [nats].

    Args:
        module: Network; trained in place.
        train: Training images.
        seed: Seed of order and dropout.
        budget: Amount of training.
    """
    generator = stream(seed, "batches", "train")
    # Dropout draws from torch's own generator: it is kept apart, and is the same for each seed.
    with torch.random.fork_rng():
        torch.random.set_rng_state(stream(seed, "dropout", "train").get_state())
        numbers = torch.randperm(len(train), generator=generator)[: budget.images]
        steps = torch.split(numbers, budget.batch)
        optimizer = torch.optim.SGD(
            module.parameters(), lr=budget.rate, momentum=0.9, weight_decay=5e-4
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=budget.rate, total_steps=len(steps), cycle_momentum=False
        )
        losses = []
        module.train()
        for number, batch in enumerate(steps):
            losses.append(_step(module, optimizer, *train.take(batch)))
            if not math.isfinite(losses[-1]):
                raise PnnsimError(
                    f"batch {number + 1}: loss {losses[-1]:g}; expected a finite number. Likely "
                    f"cause: the step size of {budget.rate:g} is too large"
                )
            cycle.step()
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last)


def _step(module: LruModule, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    loss = torch.nn.functional.cross_entropy(module(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def _sweep(options: Options, task: str, accuracies: dict[int, list[float]]) -> str:
    """Write accuracy, parameters and multiply-accumulates against the number of repetitions."""
    base = spread(accuracies[1])[0]
    rows = []
    for n, values in accuracies.items():
        network = network_for(task, n)
        mean, std = spread(values)
        rows.append(
            (
                n, network.parameter_counts()["total"],
                network.macs_per_inference()["total"] / 1e6, mean, std, len(values), mean - base,
            )
        )  # fmt: skip
    with picture(options.out / "sweep.png") as axes:
        axes.errorbar(
            list(accuracies), [row[3] for row in rows], [row[4] for row in rows],
            marker="o", capsize=3,
        )  # fmt: skip
        axes.axhline(base, linestyle="--", color="grey", label="no reuse")
        axes.set(xlabel="repetitions N", ylabel="test accuracy [%]", title=f"LruNet, {task}")
        axes.legend()
    head = ("N", "parameters", "MMACs", "accuracy [%]", "std", "seeds", "above N = 1")
    return write_table(options.out, "sweep", head, rows)


def _reuse(options: Options, network: LruNet) -> str:
    """Write what an image takes with tiles that all repetitions share, and with a copy for each."""
    rows = []
    for name, _ in ON_CHIPS[: 1 if options.quick else None]:
        for banks in (2, 40) if options.quick else BANKS:
            shared, copies = (
                _image(name, banks, network.model_copy(update={"shared": kept}))
                for kept in (True, False)
            )
            rows.append(
                (
                    name, banks, shared.writes, copies.writes, shared.time, copies.time,
                    shared.energy, copies.energy, copies.time / shared.time,
                    copies.energy / shared.energy,
                )
            )  # fmt: skip
    head = (
        "machine", "banks", "writes", "(copies)", "time [s]", "(copies)", "energy [J]",
        "(copies)", "times faster", "times less energy",
    )  # fmt: skip
    return write_table(options.out, "reuse", head, rows)


@dataclass(frozen=True, slots=True)
class _Image:
    """What an image takes that follows another, so that banks are as that one has left them.

    Args:
        writes: Banks that are written.
        time: Time [s].
        energy: Energy [J].
    """

    writes: int
    time: float
    energy: float


def _image(machine: str, banks: int, network: LruNet) -> _Image:
    """Return what the second image of a run adds to it.

    Args:
        machine: Name of the machine.
        banks: Number of its banks.
        network: What is computed.
    """
    chip = Chip.nominal(load_spec(machine, [("weight_banks.count", str(banks))]), network)
    one, two = (timing_metrics(time_run(chip, images)) for images in (1, 2))
    writes = [found["counts"].get("weight_banks.write", 0) for found in (one, two)]
    return _Image(
        writes[1] - writes[0],
        two["makespan_s"] - one["makespan_s"],
        two["energy_j"]["total"] - one["energy_j"]["total"],
    )


def _on_chips(options: Options, data: Data, repetitions: Sequence[int]) -> str:
    """Write the accuracy of simulated chips on the first images of the test part."""
    quick = options.quick
    images, chips = (20, 1) if quick else (IMAGES, CHIPS)
    assert isinstance(data.train, Labelled)
    x, y = opened(data).test.take(torch.arange(images))
    rows = []
    for n in repetitions:
        module = load_module(parameter_file(options.out, data.name, n, 0))
        with torch.no_grad():
            exact = share_correct(module(x), y)
        for name, banks in ON_CHIPS[: 1 if quick else None]:
            spec = load_spec(name, [("weight_banks.count", str(banks))])
            surrogate = Surrogate(module.trained(), spec)
            surrogate.calibrate(data.train.x[:images])
            figures = simulate(spec, surrogate, x, y, chips=chips).metrics
            found = figures["accuracy"]
            rows.append(
                (
                    name, banks, n, images, 100.0 * exact, 100.0 * found["surrogate"],
                    100.0 * found["hardware_mean"], 100.0 * found["hardware_std"],
                    figures["interval_s"], figures["energy_j"]["per_inference"],
                )
            )  # fmt: skip
    head = (
        "machine", "banks", "N", "images", "exact [%]", "nominal [%]", "chips [%]", "std",
        "interval [s]", "energy [J]",
    )  # fmt: skip
    return write_table(options.out, "machines", head, rows)


if __name__ == "__main__":
    main()
