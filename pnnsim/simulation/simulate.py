"""Simulate a trained network on a machine: timing once, values on every chip.

This is where the two passes meet. It reads no files and writes none;
`pnnsim.simulation.experiment_run` does that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pnnsim.analysis.metrics import layout, metrics_from, setup_of
from pnnsim.common.units import from_fs
from pnnsim.errors import InputError, ScheduleError
from pnnsim.inference.accesses import AccessTable, accesses_from_trace
from pnnsim.inference.chip import Chip
from pnnsim.inference.inputs import SpecLike, Trained, as_examples, as_parameters, as_spec, as_whole
from pnnsim.inference.predict import (
    IMAGE_QUALITIES,
    Qualities,
    nominal_outputs,
    outputs,
    quality,
    share_correct,
    spread,
    streams_of,
    streams_of_core,
)
from pnnsim.mapping.plan import closed_form_fs
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.work import Work
from pnnsim.networks.parameters import ParameterSet
from pnnsim.timing.ahead import planned
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.multicore import AnyTrace, ParallelTrace
from pnnsim.timing.run import run_cores, run_fast, run_timing
from pnnsim.timing.self_check import check_run
from pnnsim.timing.trace import Trace

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Loss of the held state beyond which a warning is due: half a bit of a 4 bit signal.
_FADED = 1 / 32


@dataclass(frozen=True)
class Timing:
    """Hold a timing pass, which serves every chip and every input.

    Args:
        chip: The nominal chip that was timed.
        work: What it had to do; whether banks were written ahead of time is decided here.
        run: Who was busy with what, when, as far as it was simulated.
        prices: What actions and time cost.
        accesses: What each sample met.
    """

    chip: Chip
    work: Work
    run: AnyTrace
    prices: PriceTable
    accesses: AccessTable

    def served(self, requests: Tensor) -> Tensor:
        """Return what belongs to the samples, without the requests that were turned away."""
        if not len(self.run.dropped):
            return requests
        return requests[torch.from_numpy(self.run.served)]

    @cached_property
    def trace(self) -> Trace:
        """Return every span of the run, a row each: memory for all samples."""
        return self.run.expand()


def time_run(
    chip: Chip,
    samples: int | Arrivals,
    progress: Progress | None = None,
    *,
    exact: bool = False,
) -> Timing:
    """Run the timing pass for some samples.

    Args:
        chip: Any chip of the machine; delays never depend on fabrication.
        samples: Number of samples, which then come as fast as the machine takes them, or when they
            come.
        progress: Told of results as they come; None for silence.
        exact: Simulate every event, also where the run repeats itself.

    Raises:
        ScheduleError: If the work cannot be timed on this machine.
        InvariantError: If the run breaks a rule of the machine, which is a fault of pnnsim.
    """
    keeps, streams = chip.network.state == "keep", streams_of(chip)
    arrivals = Arrivals(samples) if isinstance(samples, int) else samples
    if progress is not None:
        progress.start("simulating events", arrivals.count)
    seen = 0

    def report(done: int, total: int) -> None:
        nonlocal seen
        if progress is not None:
            progress.advance(done - seen)
        seen = done

    if keeps and (not arrivals.saturated or arrivals.count % streams):
        raise ScheduleError(
            f"network.stateful: {arrivals.count} samples come; expected saturated arrivals "
            f"and a multiple of {streams}, control.block times control.cores, so that every stream "
            "goes on in every block"
        )
    work = planned(chip.work())
    run = run_cores(run_timing if exact else run_fast, work, arrivals, report)
    check_run(run, work, arrivals)
    if progress is not None:
        progress.finish()
    accesses = accesses_from_trace(
        run, chip.order, chip.mapping, chip.setup_age(), block=chip.spec.control.block
    )
    if not chip.memory.patient:
        _refuse_waits(chip, accesses)
    return Timing(chip, work, run, chip.prices(), accesses)


def _refuse_waits(chip: Chip, accesses: AccessTable) -> None:
    """Refuse a run in which a memory that cannot wait would have to.

    A loop gives each state back after one round. If the encoder, or the bank behind it, is not
    ready by then, the state is lost.
    """
    # A state that need not wait goes straight through the encoder; sums of few femtoseconds.
    late = accesses.held_s - from_fs(chip.delays().encode_fs)
    if not late.size or late.max() < 0.5e-15:
        return
    sample, step = np.unravel_index(int(late.argmax()), late.shape)
    short = float(late.max())
    around = from_fs(chip.memory.delay_fs("hold"))
    hint = "a longer loop, a faster switch, or a memory that waits"
    if not chip.spec.control.overlap:
        hint = "control.overlap: true, so that the switch moves while the state is in the loop"
    if chip.spec.control.refresh_interval is not None:
        hint += "; or no control.refresh_interval, as samples wait for a refresh"
    raise ScheduleError(
        f"memory: a round of the loop takes {around:.4g} s, {short:.4g} s too short for sample "
        f"{sample} before step {step}; expected at least {around + short:.4g} s, as a loop "
        f"cannot keep a state for longer. Hint: {hint}"
    )


@dataclass(frozen=True, slots=True)
class Result:
    """Hold everything that a simulation found.

    Args:
        metrics: Figures with the keys of the documentation, SI units in their names.
        timing: The timing pass behind them.
        wall_s: Seconds that the timing pass and the value pass took on this computer.
    """

    metrics: dict[str, Any]
    timing: Timing
    wall_s: dict[str, float]

    @property
    def trace(self) -> Trace:
        """Return the trace of the run."""
        return self.timing.trace


def simulate(
    spec: SpecLike,
    parameters: ParameterSet | Trained,
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    seed: int = 0,
    chips: int = 3,
    arrivals: Arrivals | None = None,
    exact: bool = False,
    any_machine: bool = False,
    qualities: Qualities = IMAGE_QUALITIES,
    progress: Progress | None = None,
) -> Result:
    """Simulate a trained network on a machine and on fabricated chips of it.

    Args:
        spec: Machine, or its name, path or description.
        parameters: Trained numbers, or the surrogate that holds them.
        x: Inputs, one sample each, `(batch, n_inputs)` or images; tensors, arrays or lists.
        y: Classes, whole numbers, shape `(batch,)`.
        seed: Seed of the chips.
        chips: Number of fabricated chips.
        arrivals: When the inputs come; as fast as the machine takes them where it is not given. An
            input that finds the queue full gets no answer, and accuracy is that of the others.
        exact: Simulate every event, also where the run repeats itself.
        any_machine: Accept parameters that were trained for another machine.
        qualities: What is measured of the answers, by the key of the metrics.
        progress: Told of the simulation; None for silence.

    Raises:
        InputError: If an argument cannot be meant, such as values that are not finite.
        ParameterError: If the parameters do not fit the network, or were trained for another
            machine and `any_machine` is not set.
        MappingError: If the network does not fit the machine.
    """
    spec, parameters = as_spec(spec), as_parameters(parameters)
    seed, chips = as_whole(seed, "seed", 0), as_whole(chips, "chips", 1)
    network = parameters.network
    parameters.check(network)
    parameters.check_machine(spec.sha256(), spec.name, any_machine=any_machine)
    x, y = as_examples(parameters, x, y)
    if arrivals is not None and arrivals.count != len(x):
        what = f"arrivals: are {arrivals.count} for {len(x)} samples; expected one for each"
        raise InputError(what)
    begin = time.perf_counter()
    nominal = Chip.nominal(spec, network)
    timing = time_run(nominal, arrivals or len(x), progress, exact=exact)
    x, y = timing.served(x), timing.served(y)
    timed = time.perf_counter()
    parts = [nominal.fabricate(seed, index) for index in range(chips)]
    nominally = nominal_outputs(nominal, parameters, x)
    really = [chip_answers(chip, parameters, x, timing) for chip in parts]
    metrics = {
        **{
            name: quality(measure(nominally, y), [measure(answers, y) for answers in really])
            for name, measure in qualities.items()
        },
        **timing_metrics(timing),
        "parameters": network.parameter_counts(),
        "macs_per_inference": network.macs_per_inference(),
        "area_m2": nominal.areas(),
        "warnings": [*spec.warnings(), *nominal.warnings(timing.work), *_faded(timing)],
    }
    evaluated = time.perf_counter()
    return Result(metrics, timing, {"timing": timed - begin, "values": evaluated - timed})


def ablation(
    timing: Timing,
    parameters: ParameterSet | Trained,
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    seed: int,
    chips: int,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Switch non-idealities off one at a time and say what accuracy each costs.

    Args:
        timing: The timing pass of as many samples.
        parameters: As for `simulate`, like the arguments that follow.
        x: Inputs.
        y: Classes.
        seed: Seed of the chips.
        chips: Number of fabricated chips.
        progress: Told of the non-idealities; None for silence.

    Returns:
        One entry for each non-ideality, the most costly first: its name, mean and standard
        deviation of the accuracy without it, and by how much the mean rises (`recovered`).

    Raises:
        InputError: If an argument cannot be meant, as for `simulate`.
    """
    parameters = as_parameters(parameters)
    seed, chips = as_whole(seed, "seed", 0), as_whole(chips, "chips", 1)
    x, y = as_examples(parameters, x, y)
    parts = [timing.chip.fabricate(seed, index) for index in range(chips)]
    x, y = timing.served(x), timing.served(y)

    def measure(without: Sequence[str]) -> list[float]:
        return [
            share_correct(chip_answers(c, parameters, x, timing, without=without), y) for c in parts
        ]

    names = sorted(timing.chip.non_idealities)
    if progress is not None:
        progress.start("explaining the gap", len(names))
    base = float(np.mean(measure(())))
    rows = []
    for name in names:
        found = spread("accuracy_without", measure((name,)))
        rows.append(
            {"non_ideality": name, **found, "recovered": found["accuracy_without_mean"] - base}
        )
        if progress is not None:
            progress.advance(1, name)
    if progress is not None:
        progress.finish()
    return sorted(rows, key=lambda row: (-row["recovered"], row["non_ideality"]))


def chip_answers(
    chip: Chip, parameters: ParameterSet, x: Tensor, timing: Timing, *, without: Sequence[str] = ()
) -> Tensor:
    """Return what a chip answers, each of its cores to the samples that it got."""
    if not isinstance(timing.run, ParallelTrace):
        return outputs(chip, parameters, x, timing.accesses, without=without)
    samples = [timing.run.samples_of_core(core) for core in range(len(timing.run.parts))]
    answers = [
        outputs(
            chip.core(core), parameters, x[torch.from_numpy(mine)], timing.accesses.select(mine),
            without=without, streams=streams_of_core(chip),
        )
        for core, mine in enumerate(samples)
    ]  # fmt: skip
    return torch.cat(answers)[torch.from_numpy(np.argsort(np.concatenate(samples)))]


def timing_metrics(timing: Timing) -> dict[str, Any]:
    """Return latency, throughput and energy of the run, what its set-up took, and its layout.

    This is the part of `metrics.json` that needs no weights.

    Args:
        timing: The timing pass.

    Raises:
        ScheduleError: The simulated latency is not the closed form; this is a bug of ours.
    """
    chip, network = timing.chip, timing.chip.network
    figures = metrics_from(
        timing.run,
        timing.prices,
        network=network,
        memory_capacity=chip.memory.capacity,
        closed_form_fs=closed_form_fs(timing.work),
    )
    figures["setup"] = setup_of(chip, timing.prices)
    figures["mapping"] = {**layout(chip.mapping), "written_ahead": timing.work.ahead}
    return figures


def _faded(timing: Timing) -> list[str]:
    """Return a warning where the memory loses a good part of the state while the banks change."""
    memory, folds = timing.chip.memory, timing.chip.mapping.folds
    # Each fold of a step finds what the folds before it have left.
    waits = timing.accesses.held_s
    held = float(waits.reshape(len(waits), -1, folds).sum(axis=-1).max())
    one = torch.ones(1, 1, dtype=torch.float64)
    kept = float(memory.hold(one, held * one, timing.chip.non_idealities))
    if kept > 1.0 - _FADED:
        return []
    return [
        f"memory: a state is held for up to {held:.3g} s and {kept:.1%} of it is left; accuracy "
        "falls with it. Hint: more banks, so that fewer are rewritten, or a better memory"
    ]
