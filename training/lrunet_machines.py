"""Run a network of convolutions on noisy machines, and recover its accuracy by what they can do.

LruNet (Köpüklü et al., arXiv:1901.09615) on Fashion-MNIST, its images shrunk to 14 x 14 pixels by
means of 2 x 2, with a stem of 16 channels. A trained network goes to machines as it is, and after
one more epoch in which noise is added behind each convolution. Ranges, spare rows and the
calibration of each chip are those that every network gets; only the reads of a vector are varied.

    python -m training.lrunet_machines [--quick] [--data-dir DIR] [--seeds 1]

Which of the two is run first, as the better one, is chosen on the validation part, with a chip that
the test does not use. A cell is one chip with one number of reads, so that a recipe which is
stopped loses one of them at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy

from pnnsim import Chip, Data, LruModule, LruNet, Surrogate, load_spec, time_run, timing_metrics
from pnnsim.common.rng import stream
from pnnsim.inference.quality import share_correct
from pnnsim.learning import Examples, Labelled, score
from pnnsim.networks.lrunet_files import load as load_module
from pnnsim.networks.lrunet_files import save
from pnnsim.networks.network_parameters import NetworkParameters, load_network_parameters
from pnnsim.simulation.chip_calibration import calibration_of
from pnnsim.simulation.simulate import chip_outputs
from training.common import Cells, Options, least, load, read_options
from training.figures import picture, spread, write_table
from training.held_out import Closed, opened

SEEDS = 1

#: Machines and what is set on them. Banks that are not selected leak into the one that is where
#: light is switched: there are two, which are written for a block of images. Currents do not leak.
BLOCKED = (("weight_banks.count", "2"), ("control.block", "500"), ("memory.capacity", "500"))
MACHINES = (
    ("photonic_mrr", BLOCKED),
    ("photonic_pcm", BLOCKED),
    ("spintronic_mtj", (("weight_banks.count", "49"),)),
)

#: Noise behind each convolution, over the deviation of each channel; 0 for no further epoch.
NOISES = (0.0, 0.1)
#: Number of the chip on which it is chosen, and its machine and reads.
CHOSEN_ON, CHOICE = 100, ("photonic_mrr", 8)


@dataclass(frozen=True, slots=True)
class Size:
    """Amount of work of a network.

    Args:
        epochs: Epochs of the training without noise.
        images: Test images of a chip.
        chips: Chips of a machine.
        reads: Reads of a vector.
        choice: Validation images of a choice.
    """

    epochs: int
    images: int
    chips: int
    reads: tuple[int, ...]
    choice: int = 200


#: By applications of each stage, N.
SIZES = {
    1: Size(5, images=1000, chips=3, reads=(8, 1)),
    10: Size(2, images=100, chips=1, reads=(8, 4, 2, 1), choice=50),
}
QUICK = {1: Size(1, images=20, chips=1, reads=(2, 1), choice=20)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("lrunet_machines", __doc__, SEEDS, arguments)
    data = shrunk(load(options, "digits" if options.quick else "fashion-mnist"))
    cells = Cells(options.out)
    rows = []
    for n, size in (QUICK if options.quick else SIZES).items():
        for seed in range(1 if options.quick else options.seeds):
            best = prepared(options, data, cells, size, n=n, seed=seed)
            # What is wanted most comes first, so that a recipe that is stopped early has it.
            for noise, reads in product(sorted(NOISES, key=best.__ne__), size.reads):
                for machine, settings in MACHINES[: 1 if options.quick else None]:
                    job = Job(options.out, machine, settings, n, seed, noise)
                    rows.append(_row(cells, job, data, size, reads))
    print(_table(options, sorted(rows, key=lambda row: row[:4])))


def shrunk(data: Data) -> Data:
    """Return data whose images have half the side, each pixel the mean of four; digits as are."""
    if data.name == "digits":
        return data

    def half(part: Examples) -> Examples:
        if isinstance(part, Closed):
            return Closed(half(part.part))
        assert isinstance(part, Labelled)
        return replace(part, x=avg_pool2d(part.x.reshape(-1, 1, 28, 28), 2).flatten(1))

    return replace(
        data, train=half(data.train), validation=half(data.validation), test=half(data.test)
    )


def network_for(task: str, n: int) -> LruNet:
    """Return the network for a task.

    Args:
        task: Name of the task.
        n: Applications of each stage.
    """
    small = task == "digits"
    side, stem = (8, 8) if small else (14, 16)
    return LruNet(channels=1, side=side, stem=stem, repetitions=n, dropout=0.1)


def parameter_file(folder: Path, n: int, seed: int, noise: float) -> Path:
    """Return where the parameters of a network are kept.

    Args:
        folder: Folder of the results.
        n: Applications of each stage.
        seed: Seed of the training.
        noise: Noise of its last epoch; 0 for none.
    """
    return folder / f"n{n}-seed{seed}-noise{noise:g}.safetensors"


def prepared(options: Options, data: Data, cells: Cells, size: Size, *, n: int, seed: int) -> float:
    """Train a network, once more with noise, and return the noise that is best on validation.

    Args:
        options: Options of the command line.
        data: Examples, whose test part is closed.
        cells: Results so far.
        size: Amount of work.
        n: Applications of each stage.
        seed: Seed of the training.
    """
    network = network_for(data.name, n)
    file = parameter_file(options.out, n, seed, 0.0)

    def first() -> dict[str, float]:
        return trained(LruModule(network, seed=seed), data, file, size.epochs, rate=0.1, seed=seed)

    cells.get(f"train N {n} seed {seed}", first)
    errors: dict[float, list[float]] = {}
    for noise in NOISES:
        hard = parameter_file(options.out, n, seed, noise)

        def again(noise: float = noise, hard: Path = hard) -> dict[str, float]:
            module = load_module(file)
            return trained(module, data, hard, 1, rate=0.02, seed=seed, noise=noise)

        if noise:
            cells.get(f"noise {noise:g} N {n} seed {seed}", again)
        machine, reads = CHOICE
        job = Job(options.out, machine, dict(MACHINES)[machine], n, seed, noise)
        found = cells.get(
            f"choice {job.name} reads {reads}",
            lambda job=job, reads=reads: job.evaluated(
                data, data.validation, size.choice, reads, CHOSEN_ON
            ),
        )
        errors[noise] = [1.0 - found["accuracy"]]
    return least(options, errors)


def trained(
    module: LruModule,
    data: Data,
    file: Path,
    epochs: int,
    *,
    rate: float,
    seed: int,
    noise: float = 0.0,
) -> dict[str, float]:
    """Train a module, save it, and measure it without noise on the validation part.

    Args:
        module: Network; trained in place.
        data: Examples.
        file: Where it is saved.
        epochs: Passes over the training part.
        rate: Largest step size of the one cycle.
        seed: Seed of order, dropout and noise.
        noise: Noise behind each convolution, over the deviation of its channel.
    """
    begin = time.perf_counter()
    module.to(memory_format=torch.channels_last)
    assert isinstance(data.train, Labelled)
    generator = stream(seed, "batches", "train")
    steps = epochs * (len(data.train) // 64)
    optimizer = torch.optim.SGD(
        module.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=steps, cycle_momentum=False
    )
    # Dropout and noise draw from torch's own generator, which is kept apart.
    with torch.random.fork_rng(), noisy(module, noise):
        torch.random.set_rng_state(stream(seed, "dropout", "train").get_state())
        module.train()
        for _ in range(epochs):
            order = torch.randperm(len(data.train), generator=generator)
            for batch in order[: len(order) // 64 * 64].split(64):
                x, y = data.train.take(batch)
                loss = cross_entropy(module(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                cycle.step()
    module.eval()
    save(module, file)
    share, loss_nats = score(module, data.validation)
    return {
        "validation_error": 1.0 - share,
        "validation_loss": loss_nats,
        "wall_s": time.perf_counter() - begin,
    }


@contextmanager
def noisy(module: nn.Module, noise: float) -> Iterator[None]:
    """Add noise behind each convolution, in proportion to the deviation of each channel.

    Args:
        module: Network.
        noise: Deviation of the noise over that of the channel in the batch; 0 for none.
    """

    def add(_: nn.Module, __: tuple[Tensor], made: Tensor) -> Tensor:
        deviation = made.detach().std(dim=(0, 2, 3), keepdim=True)
        return made + noise * deviation * torch.randn_like(made)

    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    hooks = [part.register_forward_hook(add) for part in convolutions if noise]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True, slots=True)
class Job:
    """One trained network on one machine.

    Args:
        folder: Folder of the results.
        machine: Name of the machine.
        settings: What is set on it, as dotted key and text.
        n: Applications of each stage.
        seed: Seed of the training.
        noise: Noise of the last epoch; 0 for none.
    """

    folder: Path
    machine: str
    settings: Sequence[tuple[str, str]]
    n: int
    seed: int
    noise: float

    @property
    def name(self) -> str:
        """Return the name of the job in the keys of its cells."""
        return f"{self.machine} N {self.n} seed {self.seed} noise {self.noise:g}"

    def module(self) -> LruModule:
        """Return the trained network."""
        return load_module(parameter_file(self.folder, self.n, self.seed, self.noise))

    def ranged(self, data: Data) -> NetworkParameters:
        """Return the parameters with ranges that training images fill, kept in a file.

        Args:
            data: Examples.
        """
        file = self.folder / f"{self.name.replace(' ', '-')}.safetensors"
        if not file.exists():
            surrogate = Surrogate(self.module().trained(), load_spec(self.machine, self.settings))
            assert isinstance(data.train, Labelled)
            surrogate.calibrate(data.train.x[:256])
            surrogate.parameter_set().save(file)
        return load_network_parameters(file)

    def evaluated(
        self, data: Data, part: Examples, images: int, reads: int, chip: int
    ) -> dict[str, float]:
        """Return the accuracy of one chip on the first images of a part, and what they cost.

        Args:
            data: Examples, of which those of training fix the ranges.
            part: Examples that are measured.
            images: Number of them.
            reads: Reads of a vector.
            chip: Number of the chip.
        """
        parameters = self.ranged(data)
        spec = load_spec(self.machine, [*self.settings, ("control.reads", str(reads))])
        timing = time_run(Chip.nominal(spec, parameters.network), images)
        x, y = part.take(torch.arange(images))
        real = timing.chip.fabricate(0, chip)
        figures = timing_metrics(timing)
        taken = calibration_of(timing, parameters)["calibration"]
        with torch.no_grad():
            exact = share_correct(self.module()(x), y)
        return {
            "accuracy": share_correct(chip_outputs(real, parameters, x, timing), y),
            "exact": exact,
            "energy_j": figures["energy_j"]["per_inference"],
            "interval_s": figures["makespan_s"] / images,
            "calibration_j": taken["energy_j"],
            "calibration_s": taken["time_s"],
        }


def _row(cells: Cells, job: Job, data: Data, size: Size, reads: int) -> tuple[str | float, ...]:
    """Return the figures of one network on the chips of a machine."""
    found = [
        cells.get(
            f"test {job.name} reads {reads} images {size.images} chip {chip}",
            lambda chip=chip: job.evaluated(data, opened(data).test, size.images, reads, chip),
        )
        for chip in range(size.chips)
    ]
    mean, std = spread([100.0 * each["accuracy"] for each in found])
    exact = 100.0 * found[0]["exact"]
    return (
        job.machine, job.n, job.noise, reads, size.images, size.chips, exact, mean, std,
        exact - mean, found[0]["energy_j"], found[0]["interval_s"], found[0]["calibration_j"],
        found[0]["calibration_s"],
    )  # fmt: skip


def _table(options: Options, rows: Sequence[tuple[str | float, ...]]) -> str:
    """Write the figures, and draw accuracy against energy."""
    with picture(options.out / "machines.png") as axes:
        for machine, n, noise in dict.fromkeys(row[:3] for row in rows):
            mine = [row for row in rows if row[:3] == (machine, n, noise)]
            label = f"{machine}, N = {n}" + (", noise" if noise else "")
            axes.plot([row[10] for row in mine], [row[7] for row in mine], "o-", label=label)
        axes.set(xscale="log", xlabel="energy of an image [J]", ylabel="accuracy of chips [%]")
        axes.legend()
    head = (
        "machine", "N", "noise", "reads", "images", "chips", "exact [%]", "chips [%]", "std",
        "lost", "energy [J]", "interval [s]", "calibration [J]", "calibration [s]",
    )  # fmt: skip
    return write_table(options.out, "machines", head, rows)


if __name__ == "__main__":
    main()
