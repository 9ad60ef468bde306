"""Yield: the share of fabricated chips that meet a requirement, and what the others fail by.

The network is trained once for each machine that differs in training. Chips are those of a run
with the same seed: chip 7 here is chip 7 there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pnnsim.errors import InputError
from pnnsim.explore.figures import figures_of
from pnnsim.explore.requirements import Requirement
from pnnsim.explore.study_spec import Pairs
from pnnsim.explore.trained import TrainedCache
from pnnsim.explore.trial_run import task_data
from pnnsim.explore.workers import InlineWorkers, LocalWorkers, Workers, run_all
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import Parameters, streams_of
from pnnsim.inference.quality import IMAGE_QUALITIES, TEXT_QUALITIES
from pnnsim.simulation.simulate import chip_outputs
from pnnsim.simulation.timing_pass import Timing, time_run, timing_metrics
from pnnsim.specs.experiment import Experiment, load_experiment
from pnnsim.specs.opened import Opened
from pnnsim.timing.arrivals import arrivals_of

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Standard deviations of an interval that holds the yield in 95 of 100 cases.
_Z = 1.959963984540054

#: Chips of one task, and failing chips that are looked into.
_CHUNK, _EXPLAINED = 20, 40


@dataclass(frozen=True, slots=True)
class Cause:
    """Non-ideality, and what it does to chips that fail.

    Args:
        non_ideality: Its name.
        rescued: Failing chips that meet the requirement without it.
        of: Failing chips that were looked into.
    """

    non_ideality: str
    rescued: int
    of: int


@dataclass(frozen=True, slots=True)
class ChipYield:
    """Yield of one machine.

    Args:
        settings: What was set in its description.
        chips: Quality of each chip, such as its accuracy.
        met: Whether each meets the requirement.
        figures: Figures of the run, the same for all chips.
        causes: Non-idealities by how many failing chips they explain.
    """

    settings: Pairs
    chips: tuple[dict[str, float], ...]
    met: tuple[bool, ...]
    figures: dict[str, float]
    causes: tuple[Cause, ...] = ()

    @property
    def share(self) -> float:
        """Return the share of chips that meet the requirement."""
        return sum(self.met) / len(self.met)

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the yield."""
        return wilson(sum(self.met), len(self.met))


def wilson(met: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Args:
        met: How many of the sample are.
        count: Size of the sample.

    Reference: Wilson, J. Am. Stat. Assoc. 22, 209, 1927.
    """
    share, spread = met / count, _Z * _Z / count
    center = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    # Rounding may leave 1e-17 at the ends.
    low = 0.0 if met == 0 else max(0.0, center - half)
    return low, 1.0 if met == count else min(1.0, center + half)


def chip_yields(
    base: Opened,
    variants: Sequence[Pairs],
    require: Requirement,
    *,
    chips: int,
    workers: int = 1,
    data_dir: Path | None = None,
    explain: bool = True,
    progress: Progress | None = None,
) -> list[ChipYield]:
    """Return the yield of several machines.

    Args:
        base: Experiment in which values are set.
        variants: What is set in each machine.
        require: What a chip must meet.
        chips: Chips of each machine.
        workers: Processes on this computer, or 0 for this process; no figure depends on it.
        data_dir: Where data sets are looked for first.
        explain: Whether failing chips are looked into.
        progress: Display of the chips; None for silence.

    Raises:
        InputError: If there are no chips.
        BackendError: If the workers are gone.
    """
    if chips < 1:
        raise InputError(f"chips: got {chips}; expected at least 1")
    cache = TrainedCache.at(None)
    machines = tuple(_machine(base, pairs, cache, data_dir) for pairs in variants)
    context = _Chips(base, machines, data_dir)
    pool: Workers
    pool = (
        LocalWorkers(workers, _qualities, context)
        if workers
        else InlineWorkers(_qualities, context)
    )
    try:
        return _yields(pool, context, require, chips, explain, progress)
    finally:
        pool.close()


@dataclass(frozen=True, slots=True)
class _Machine:
    """Machine whose chips are evaluated: its settings and its trained parameters."""

    pairs: Pairs
    parameters: Parameters


@dataclass(frozen=True, eq=False)
class _Chips:
    """What workers need for any chip of any machine; equal to itself alone, so that it hashes."""

    base: Opened
    machines: tuple[_Machine, ...]
    data_dir: Path | None


@dataclass(frozen=True, slots=True)
class _Task:
    """Chips of one machine, with some non-idealities off."""

    machine: int
    chips: tuple[int, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Timed:
    """Machine with its timing pass, and what its chips are measured on."""

    experiment: Experiment
    timing: Timing
    x: Any
    y: Any
    text: bool


def _machine(base: Opened, pairs: Pairs, cache: TrainedCache, data_dir: Path | None) -> _Machine:
    experiment = load_experiment(base, pairs)
    chip = Chip.nominal(experiment.hardware, experiment.network)
    return _Machine(pairs, cache.get(experiment, task_data(experiment, chip, data_dir)))


@lru_cache(maxsize=4)
def _timed(context: _Chips, machine: int) -> _Timed:
    experiment = load_experiment(context.base, context.machines[machine].pairs)
    chip = Chip.nominal(experiment.hardware, experiment.network)
    data = task_data(experiment, chip, context.data_dir)
    samples = data.samples(experiment.simulation.samples, streams=streams_of(chip))
    simulation = experiment.simulation
    timing = time_run(chip, arrivals_of(simulation, len(samples.x)), exact=simulation.exact)
    x, y = timing.served(samples.x), timing.served(samples.y)
    return _Timed(experiment, timing, x, y, data.text)


def _qualities(context: _Chips, task: _Task) -> list[dict[str, float]]:
    """Return the quality of each chip of a task, as workers do it."""
    timed = _timed(context, task.machine)
    parameters = context.machines[task.machine].parameters
    seed = timed.experiment.simulation.seed
    measures = TEXT_QUALITIES if timed.text else IMAGE_QUALITIES
    found = []
    for number in task.chips:
        chip = timed.timing.chip.fabricate(seed, number)
        outputs = chip_outputs(chip, parameters, timed.x, timed.timing, without=task.without)
        found.append({name: measure.of(outputs, timed.y) for name, measure in measures.items()})
    return found


def _yields(
    pool: Workers,
    context: _Chips,
    require: Requirement,
    chips: int,
    explain: bool,
    progress: Progress | None,
) -> list[ChipYield]:
    parts = [tuple(range(i, min(i + _CHUNK, chips))) for i in range(0, chips, _CHUNK)]
    tasks = [_Task(m, part) for m in range(len(context.machines)) for part in parts]
    found = _run(pool, tasks, "evaluating chips", progress)
    results = []
    for number, machine in enumerate(context.machines):
        timing = _timed(context, number).timing
        figures = figures_of({**timing_metrics(timing), "area_m2": timing.chip.areas()})
        own = found[number * len(parts) : (number + 1) * len(parts)]
        quality = tuple(entry for part in own for entry in part)
        met = tuple(not require.broken({**figures, **entry}) for entry in quality)
        results.append(ChipYield(machine.pairs, quality, met, figures))
    if not explain:
        return results
    return [
        replace(result, causes=_causes(pool, context, number, result, require, progress))
        for number, result in enumerate(results)
    ]


def _causes(
    pool: Workers,
    context: _Chips,
    machine: int,
    result: ChipYield,
    require: Requirement,
    progress: Progress | None,
) -> tuple[Cause, ...]:
    """Return which non-ideality, switched off alone, lets failing chips meet the requirement."""
    failing = [number for number, met in enumerate(result.met) if not met]
    if not failing or any(c.key in result.figures for c in require.broken(result.figures)):
        return ()  # nothing to explain, or the run itself fails with every chip
    step = -(-len(failing) // _EXPLAINED)
    chosen = tuple(failing[::step])
    names = sorted(_timed(context, machine).timing.chip.non_idealities)
    tasks = [_Task(machine, chosen, (name,)) for name in names]
    found = _run(pool, tasks, "looking into failing chips", progress)
    causes = [
        Cause(name, sum(not require.broken({**result.figures, **q}) for q in part), len(chosen))
        for name, part in zip(names, found, strict=True)
    ]
    return tuple(sorted(causes, key=lambda cause: (-cause.rescued, cause.non_ideality)))


def _run(
    pool: Workers, tasks: Sequence[_Task], name: str, progress: Progress | None
) -> list[list[dict[str, float]]]:
    if progress is not None:
        progress.start(name, len(tasks))
    found = run_all(pool, tasks, None if progress is None else progress.advance)
    if progress is not None:
        progress.finish()
    return found
