"""Run one trial: resolve its experiment, time it, and train and evaluate it where needed.

It runs in worker processes, on this computer or another, and needs nothing but its arguments. It
has no store and no other trial; what fails is part of its outcome.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pnnsim.errors import PnnsimError, one_line
from pnnsim.explore.figures import YIELD, figures_of
from pnnsim.explore.requirements import Requirement
from pnnsim.explore.study_spec import Trial
from pnnsim.explore.trained import TrainedCache
from pnnsim.explore.trial import Outcome, Stage, TrialContext
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import streams_of
from pnnsim.inference.quality import IMAGE_QUALITIES, TEXT_QUALITIES
from pnnsim.learning.task_examples import Data, load_data
from pnnsim.simulation.simulate import counts_of, simulate
from pnnsim.simulation.timing_pass import faded, time_run, timing_metrics
from pnnsim.specs.experiment import Experiment, load_experiment
from pnnsim.specs.settings import TaskParams
from pnnsim.timing.arrivals import arrivals_of

#: Characters of a reason that a store keeps.
_LONGEST_REASON = 2000


def run_trial(context: TrialContext, trial: Trial, stage: Stage) -> Outcome:
    """Return the outcome of a trial, whatever becomes of it.

    Args:
        context: What it has in common with the others.
        trial: What it sets.
        stage: How far it is run.
    """
    begin = time.perf_counter()
    sha256, seed = "", None
    try:
        experiment = load_experiment(context.base, [*context.fixed, *trial.overrides])
        sha256, seed = experiment.sha256(), experiment.simulation.seed
        metrics = trial_metrics(context, experiment, stage)
        figures = figures_of(metrics)
        if context.require is not None and stage.trains:
            figures[YIELD] = chip_yield(context.require, metrics, figures)
    except PnnsimError as error:
        reason = str(error)
    except Exception as error:  # a study goes on whatever one of its trials does
        reason = f"fault of pnnsim: {type(error).__name__}: {error}"
    else:
        spent = time.perf_counter() - begin
        return Outcome(figures, tuple(metrics["warnings"]), sha256, seed, wall_s=spent)
    spent = time.perf_counter() - begin
    reason = one_line(reason.replace("\n", "; "), _LONGEST_REASON)
    return Outcome({}, (), sha256, seed, reason, spent)


def trial_metrics(context: TrialContext, experiment: Experiment, stage: Stage) -> dict[str, Any]:
    """Return the metrics of an experiment as far as a stage needs them.

    Args:
        context: What the trials have in common.
        experiment: What is run.
        stage: How far.
    """
    chip = Chip.nominal(experiment.hardware, experiment.network)
    data = task_data(experiment, chip, context.data_dir) if context.trains else None
    if not stage.trains:
        return _timing_metrics(experiment, chip, data)
    assert data is not None, "a study whose stage trains has data"
    simulation = experiment.simulation
    samples = data.samples(simulation.samples, streams=streams_of(chip))
    if stage.epochs is not None and stage.epochs < experiment.training.epochs:
        fewer = {"epochs": stage.epochs}
        experiment = _with_training(experiment, fewer)
    parameters = _cache(context.cache).get(experiment, data)
    result = simulate(
        chip,
        parameters,
        samples.x,
        samples.y,
        seed=simulation.seed,
        chips=simulation.chips,
        arrivals=arrivals_of(simulation, len(samples.x)),
        exact=simulation.exact,
        any_machine=True,
        qualities=TEXT_QUALITIES if data.text else IMAGE_QUALITIES,
    )
    warnings = [*experiment.own_warnings(), *result.metrics["warnings"]]
    return {**result.metrics, "warnings": warnings}


def chip_yield(
    require: Requirement, metrics: Mapping[str, Any], figures: Mapping[str, float]
) -> float:
    """Return the share of chips that meet a requirement.

    Args:
        require: What a chip must meet.
        metrics: Metrics with the quality of each chip.
        figures: Figures of the run, the same for all chips.
    """
    names = [name for name in ("accuracy", "loss_nats") if name in metrics]
    chips = zip(*(metrics[name]["chips"] for name in names), strict=True)
    met = [not require.broken({**figures, **dict(zip(names, c, strict=True))}) for c in chips]
    return sum(met) / len(met)


def _timing_metrics(experiment: Experiment, chip: Chip, data: Data | None) -> dict[str, Any]:
    """Return latency, energy and area, of as many samples as an evaluation would have."""
    wanted = experiment.simulation.samples
    if data is not None:
        count = len(data.samples(wanted, streams=streams_of(chip)).x)
    else:
        assert wanted is not None, "a study that trains nothing states its samples"
        count = wanted
    simulation = experiment.simulation
    timing = time_run(chip, arrivals_of(simulation, count), exact=simulation.exact)
    spec, network = experiment.hardware, experiment.network
    return {
        **timing_metrics(timing),
        **counts_of(network),
        "area_m2": chip.areas(),
        "warnings": [
            *experiment.own_warnings(), *spec.warnings(), *chip.warnings(timing.work),
            *faded(timing),
        ],
    }  # fmt: skip


def _with_training(experiment: Experiment, update: dict[str, Any]) -> Experiment:
    return replace(experiment, training=experiment.training.model_copy(update=update))


def task_data(experiment: Experiment, chip: Chip, data_dir: Path | None) -> Data:
    """Return the examples of an experiment's task, which have been downloaded before.

    Args:
        experiment: Experiment.
        chip: Its nominal chip.
        data_dir: Where data sets are looked for first.

    Raises:
        TaskError: If the data set is missing or damaged.
    """
    data = _task_data(experiment.task, data_dir)
    return data.in_sequences(experiment.training.sequence) if chip.stateful else data


@lru_cache(maxsize=4)
def _task_data(task: TaskParams, data_dir: Path | None) -> Data:
    return load_data(task, data_dir=data_dir, offline=True)


@lru_cache(maxsize=4)
def _cache(folder: Path | None) -> TrainedCache:
    return TrainedCache.at(folder)
