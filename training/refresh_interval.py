"""Accuracy, latency and energy against the time after which fading weights are written again.

Phase-change weights fade from the moment when they are written, and `control.refresh_interval`
writes them again while requests come. Too rarely, and samples meet old weights. Too often, and
samples meet a bank that is being written: those that have set out wait with their state in the
memory, which droops. Both come from the times of the events; the best interval
follows from the run.

Requests come at random for two hours. If they came at a fixed interval, they would meet a refresh
always or never wherever both intervals have a common multiple.

    python -m training.refresh_interval [--quick]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pnnsim import (
    Chip,
    Data,
    HardwareSpec,
    ParameterSet,
    ReLaXNet,
    Surrogate,
    TrainingParams,
    fit,
    load_spec,
    time_run,
    timing_metrics,
)
from pnnsim.inference.quality import share_correct
from pnnsim.learning import Labelled
from pnnsim.simulation.simulate import chip_outputs
from pnnsim.simulation.timing_pass import Timing
from pnnsim.timing.arrivals import poisson
from training.common import load, read_options
from training.figures import picture, spread, write_table
from training.held_out import opened
from training.hil_common import CHIP_SEED, network_of, part

#: Mean and deviation of the exponent with which cells fade.
CORNERS: dict[str, tuple[str, str]] = {
    # Rios et al., Sci. Adv., 2019: free of drift.
    "shipped": ("0", "0"),
    # The end of what the description allows an optical cell.
    "optical": ("0.005", "0.005"),
    # Electrical cells that are written full, and those that are nearly empty: the least and the
    # most of the statistics of Nandakumar et al., ICECS, 2019, rounded.
    "electrical": ("0.05", "0.01"),
    "electrical, worst": ("0.1", "0.045"),
}
#: The slow end of the description: one programmer for all cells of a bank. Then 16 ms of writing
#: and 20 s after which drift sets in fit into one run; with the shipped 128 cells at a time what
#: writing costs moves to intervals that are shorter by as much.
SLOW = ("weight_banks.parallel_cells", "1")
#: Not at all, and down to little more than both banks take to write, 33 ms [s].
INTERVALS = (None, 3600.0, 600.0, 60.0, 5.0, 0.5, 0.05)
#: For banks of 16 x 16, which take 2 ms.
QUICK_INTERVALS = (None, 60.0, 0.02)
#: Time in which the requests come [s]; a clock of 64 bit ends after two and a half hours.
HOURS = 7200.0
CHIPS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy, latency and energy at one interval.

    Args:
        interval: Time after which a bank is written again [s]; None for never.
        shares: Accuracy of each chip, by corner.
        p99: Latency that one of a hundred samples exceeds [s].
        energy: Energy of one inference [J].
        refresh_energy: Of it, the energy of refreshes without standing power [J].
        lifetime: Time until the cells are worn out by refreshes alone [s].
    """

    interval: float | None
    shares: dict[str, list[float]]
    p99: float
    energy: float
    refresh_energy: float
    lifetime: float


def machine(*settings: tuple[str, str], quick: bool) -> HardwareSpec:
    """Return the machine; the quick size has small banks."""
    small = [("weight_banks.rows", "16"), ("weight_banks.cols", "16")] if quick else []
    return load_spec("photonic_pcm", [*small, SLOW, *settings])


def corner(name: str, *, quick: bool) -> HardwareSpec:
    """Return the machine at one corner, as far as values go.

    Args:
        name: Name of the corner, a key of `CORNERS`.
        quick: Whether the machine is small.
    """
    exponent, deviation = CORNERS[name]
    return machine(
        ("weight_banks.drift_exponent", exponent),
        ("weight_banks.drift_spread", deviation),
        quick=quick,
    )


def timed(network: ReLaXNet, interval: float | None, samples: int, *, quick: bool) -> Timing:
    """Return when everything happens; that is the same in all corners.

    Args:
        network: What is computed.
        interval: Time after which a bank is written again [s]; None for never.
        samples: Samples of the run.
        quick: Whether the machine is small.
    """
    again = [] if interval is None else [("control.refresh_interval", f"{interval} s")]
    chip = Chip.nominal(machine(*again, quick=quick), network)
    return time_run(chip, poisson(samples, samples / HOURS, seed=0))


def trained(network: ReLaXNet, data: Data, seed: int, *, quick: bool) -> ParameterSet:
    """Return parameters that were trained on the nominal machine, which does not drift.

    Args:
        network: What is trained.
        data: Examples of the task.
        seed: Seed of the training.
        quick: Whether the machine is small and the training short.
    """
    surrogate = Surrogate(network, machine(quick=quick), seed=seed)
    fit(
        surrogate,
        data.train,
        data.validation,
        TrainingParams(epochs=20 if quick else 40, seed=seed),
    )
    return surrogate.parameter_set()


def measure(
    timing: Timing, chips: dict[str, list[Chip]], nets: Sequence[ParameterSet], test: Labelled
) -> Point:
    """Return the accuracy of every chip in one run, and the cost of the run.

    Args:
        timing: Times of the run.
        chips: Chips of each corner.
        nets: Trained parameters, one of each seed.
        test: Examples that arrive.
    """
    shares = {
        name: [
            share_correct(chip_outputs(chip, net, test.x, timing), test.y)
            for net in nets
            for chip in mine
        ]
        for name, mine in chips.items()
    }
    samples, found = timing.run.samples, timing_metrics(timing)
    interval = timing.chip.spec.control.refresh_interval
    return Point(
        interval,
        shares,
        found["latency_s"]["p99"],
        found["energy_j"]["per_inference"],
        found["refresh"]["energy_j"] / samples,
        math.inf if interval is None else timing.chip.weight_banks.endurance * interval,
    )


def row(point: Point) -> tuple[object, ...]:
    """Return a line of the table."""
    found = (spread([100 * share for share in each]) for each in point.shares.values())
    return (
        "never" if point.interval is None else f"{point.interval:g} s",
        *(f"{mean:.1f} ± {deviation:.1f}" for mean, deviation in found),
        point.p99,
        point.energy,
        point.refresh_energy,
        point.lifetime / 86400.0,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("refresh_interval", __doc__, 1, arguments)
    quick = options.quick
    data = load(options, "digits")
    network = network_of(data, quick=quick)
    test = part(opened(data).test, 200 if quick else len(data.test))
    nets = [trained(network, data, seed, quick=quick) for seed in range(options.seeds)]
    chips = {
        name: [
            Chip.nominal(corner(name, quick=quick), network).fabricate(CHIP_SEED, index)
            for index in range(2 if quick else CHIPS)
        ]
        for name in CORNERS
    }
    points = []
    for interval in QUICK_INTERVALS if quick else INTERVALS:
        points.append(measure(timed(network, interval, len(test), quick=quick), chips, nets, test))
        print(*row(points[-1]), flush=True)
    with picture(options.out / "refresh.png") as axes:
        # A refresh that is due when all is over never comes.
        at = [point.interval or HOURS for point in points]
        for name in CORNERS:
            found = [spread([100 * share for share in point.shares[name]]) for point in points]
            means, deviations = zip(*found, strict=True)
            axes.errorbar(at, means, deviations, marker="o", capsize=3, label=name)
        axes.set(xlabel="refresh interval [s]; the last is never", ylabel="accuracy [%]")
        axes.set_xscale("log")
        axes.legend(loc="lower center")
        late = axes.twinx()
        late.plot(at, [point.p99 for point in points], color="grey", linestyle=":")
        late.set(ylabel="latency p99 [s] (dotted)", yscale="log")
    names = [f"{name} [%]" for name in CORNERS]
    head = (
        "interval", *names, "p99 [s]", "energy [J]", "of it refresh [J]", "cells last [days]",
    )  # fmt: skip
    print(write_table(options.out, "refresh", head, [row(point) for point in points]))


if __name__ == "__main__":
    main()
