"""Simulate a trained network on a machine: timing once, values on every chip.

This is where the two passes meet. It reads no files and writes none; `pnnsim.job` does that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.components.base import State
from pnnsim.errors import ParameterError
from pnnsim.ledger import Prices
from pnnsim.metrics import metrics_from, setup
from pnnsim.parameters import ParameterSet
from pnnsim.products import Read
from pnnsim.rng import stream
from pnnsim.schedule import closed_form_fs
from pnnsim.spec import HardwareSpec
from pnnsim.timing import run_timing
from pnnsim.trace import Trace
from pnnsim.units import from_fs
from pnnsim.values import evaluate
from pnnsim.visits import Visits, nominal_visits, visits_from_trace

if TYPE_CHECKING:
    from pnnsim.progress import Progress

#: Part of a correlation time after which what drifts is advanced: 1 - exp(-0.1) is a tenth of it.
_DRIFT_STEP = 0.1


@dataclass(frozen=True, slots=True)
class Timing:
    """Hold a timing pass, which serves every chip and every input.

    Args:
        chip: The nominal chip that was timed.
        trace: Who was busy with what, when.
        prices: What actions and time cost.
        visits: What each wave met.
    """

    chip: Chip
    trace: Trace
    prices: Prices
    visits: Visits


def time_run(chip: Chip, waves: int, progress: Progress | None = None) -> Timing:
    """Run the timing pass for some waves.

    Args:
        chip: Any chip of the machine; delays never depend on fabrication.
        waves: Number of waves.
        progress: Told of results as they come; None for silence.

    Raises:
        ScheduleError: If the work cannot be timed on this machine.
    """
    order = chip.network.weight_set_order()
    if progress is not None:
        progress.start("simulating events", waves)
    seen = 0

    def report(done: int, total: int) -> None:
        nonlocal seen
        if progress is not None:
            progress.advance(done - seen)
        seen = done

    trace = run_timing(
        chip.delays(),
        order,
        mapping=chip.mapping,
        control=chip.spec.control,
        waves=waves,
        memory_capacity=chip.memory.capacity,
        progress=report,
    )
    if progress is not None:
        progress.finish()
    visits = visits_from_trace(trace, chip.network, chip.mapping, chip.setup_age())
    return Timing(chip, trace, chip.prices(), visits)


def outputs(
    chip: Chip,
    parameters: ParameterSet,
    x: Tensor,
    visits: Visits,
    *,
    without: Sequence[str] = (),
) -> Tensor:
    """Return what one chip answers, with all of its imperfections but some.

    The chip's temperature is advanced as its clock runs, in steps of a tenth of its correlation
    time; the same chip gives the same answers each time it is asked.

    Args:
        chip: Fabricated or nominal.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, n_inputs)`.
        visits: What each wave met.
        without: Names of imperfections to switch off.

    Returns:
        Outputs, shape `(batch, n_outputs)`.
    """
    active = chip.imperfections - frozenset(without)
    generator = stream(chip.seed, f"{chip.name}.detector", "read")
    answers = []
    with torch.no_grad():
        for waves, environment in _windows(chip, visits, len(x)):
            read = Read(active, generator, environment, programmed=True)
            answers.append(evaluate(chip, parameters, x[waves], visits.select(waves), read))
    return torch.cat(answers)


def ideal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what a chip without any imperfection answers: the network in exact arithmetic."""
    visits = nominal_visits(chip.network, chip.mapping)
    with torch.no_grad():
        return evaluate(chip, parameters, x, visits, Read(frozenset()))


def nominal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what the surrogate answers: nominal chip, settled, no noise."""
    visits = nominal_visits(chip.network, chip.mapping)
    with torch.no_grad():
        return evaluate(chip, parameters, x, visits, Read(chip.deterministic))


def share_correct(answers: Tensor, y: Tensor) -> float:
    """Return the share of waves whose largest output is their class."""
    return float((answers.argmax(dim=1) == y).double().mean())


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
    spec: HardwareSpec,
    parameters: ParameterSet,
    x: Tensor,
    y: Tensor,
    *,
    seed: int = 0,
    chips: int = 3,
    any_machine: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate a trained network on a machine and on fabricated chips of it.

    Args:
        spec: Machine.
        parameters: Trained numbers.
        x: Inputs, one wave each, shape `(batch, n_inputs)`.
        y: Classes, shape `(batch,)`.
        seed: Seed of the chips.
        chips: Number of fabricated chips.
        any_machine: Accept parameters that were trained for another machine.
        progress: Told of the simulation; None for silence.

    Raises:
        ParameterError: If the parameters do not fit the network, or were trained for another
            machine and `any_machine` is not set.
        MappingError: If the network does not fit the machine.
    """
    network = parameters.network
    parameters.check(network)
    if parameters.spec_sha256 not in ("", spec.sha256()) and not any_machine:
        raise ParameterError(
            f"parameters were trained for the machine {parameters.spec_sha256[:12]}, got "
            f"{spec.name} ({spec.sha256()[:12]}). Hint: train again, or pass any_machine=True"
        )
    begin = time.perf_counter()
    nominal = Chip.nominal(spec, network)
    timing = time_run(nominal, len(x), progress)
    timed = time.perf_counter()
    parts = [nominal.fabricate(seed, index) for index in range(chips)]
    accuracies = [share_correct(outputs(c, parameters, x, timing.visits), y) for c in parts]
    metrics = {
        "accuracy": {
            "surrogate": share_correct(nominal_outputs(nominal, parameters, x), y),
            **_spread("hardware", accuracies),
            "chips": accuracies,
        },
        **_timing_metrics(timing),
        "parameters": network.parameter_counts(),
        "macs_per_inference": network.macs_per_inference(),
        "area_m2": nominal.areas(),
        "warnings": [*spec.warnings(), *nominal.warnings()],
    }
    evaluated = time.perf_counter()
    return Result(metrics, timing, {"timing": timed - begin, "values": evaluated - timed})


def ablation(
    timing: Timing, parameters: ParameterSet, x: Tensor, y: Tensor, *, seed: int, chips: int
) -> list[dict[str, Any]]:
    """Switch imperfections off one at a time and say what accuracy each costs.

    Returns:
        One entry for each imperfection, the most costly first: its name, mean and standard
        deviation of the accuracy without it, and by how much the mean rises (`recovered`).
    """
    parts = [timing.chip.fabricate(seed, index) for index in range(chips)]

    def measure(without: Sequence[str]) -> list[float]:
        return [
            share_correct(outputs(c, parameters, x, timing.visits, without=without), y)
            for c in parts
        ]

    base = float(np.mean(measure(())))
    rows = []
    for name in sorted(timing.chip.imperfections):
        found = _spread("accuracy_without", measure((name,)))
        rows.append(
            {"imperfection": name, **found, "recovered": found["accuracy_without_mean"] - base}
        )
    return sorted(rows, key=lambda row: (-row["recovered"], row["imperfection"]))


def _timing_metrics(timing: Timing) -> dict[str, Any]:
    """Return latency, throughput and energy of the run, and what its set-up took."""
    chip, network = timing.chip, timing.chip.network
    closed_form = closed_form_fs(
        chip.delays(),
        network.weight_set_order(),
        mapping=chip.mapping,
        control=chip.spec.control,
    )
    figures = metrics_from(
        timing.trace,
        timing.prices,
        network=network,
        memory_capacity=chip.memory.capacity,
        closed_form_fs=closed_form,
    )
    prepared = setup(
        chip.mapping,
        write_time=from_fs(chip.weight_banks.delay_fs("write")),
        write_energy=chip.weight_banks.cost("write"),
        settle_time=chip.weight_banks.setup_wait(),
        power=sum(timing.prices.static_w.values()),
    )
    figures["setup"] = asdict(prepared)
    return figures


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return mean and sample standard deviation; a single value has no spread."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {f"{name}_mean": float(np.mean(values)), f"{name}_std": deviation}


def _windows(chip: Chip, visits: Visits, waves: int) -> Iterator[tuple[slice, tuple[State, ...]]]:
    """Yield consecutive waves and what has drifted when they come."""
    bank = chip.weight_banks
    generators = [
        stream(chip.seed, f"{chip.name}.weight_banks.{index}.environment", "read")
        for index in range(chip.mapping.used)
    ]
    states = [bank.environment(None, 0.0, generator) for generator in generators]
    times = np.broadcast_to(visits.time_s[:, 0], (waves,))
    window = np.floor((times - times[0]) / (_DRIFT_STEP * bank.correlation_time())).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(window)) + 1).tolist(), waves]
    last = times[0]
    for first, end in pairwise(edges):
        elapsed = float(times[first] - last)
        if elapsed > 0.0:
            states = [
                bank.environment(state, elapsed, generator)
                for state, generator in zip(states, generators, strict=True)
            ]
            last = times[first]
        yield slice(first, end), tuple(states)
