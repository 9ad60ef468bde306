"""Do the main job: load the data, train, simulate, write the run folder.

The only place where an experiment meets files and the clock. Everything that is found is in the
returned metrics; nothing is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pnnsim.analysis.bands.band import SAMPLES as BAND_SAMPLES
from pnnsim.analysis.bands.band import Band, bands
from pnnsim.analysis.bands.pairs import Drawn
from pnnsim.analysis.report.past_run import PastRun
from pnnsim.analysis.report.text import summary_table
from pnnsim.errors import UnsavedError
from pnnsim.inference.predict import streams_of
from pnnsim.inference.quality import IMAGE_QUALITIES, TEXT_QUALITIES
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.learning.examples import Labelled
from pnnsim.learning.fit import fit, make_surrogate
from pnnsim.learning.task_examples import Data, load_data
from pnnsim.networks.protocol import is_stateful
from pnnsim.simulation.ablation import ablation
from pnnsim.simulation.comparison import Comparison, side_by_side
from pnnsim.simulation.estimates import LONG, Estimate, estimate_run
from pnnsim.simulation.report_files import record_of_run, write_report_files
from pnnsim.simulation.result import Result
from pnnsim.simulation.run_folder import check_checkpoints, claim
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.experiment import Experiment
from pnnsim.timing.arrivals import arrivals_of

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Figures of a simulation that stand before the task.
_HEAD = ("schema", "pnnsim_version", "hardware", "spec_sha256", "seed", "network")
#: Spans beyond which a run is cut short before descriptions are drawn, as each would take as many.
_MANY_SPANS = 20_000


@dataclass(frozen=True, slots=True)
class JobResult:
    """Metrics of a run and the folder that holds its files.

    Args:
        metrics: Content of `metrics.json`.
        table: The same as a table for people.
        folder: Run folder; None where no files are written.
        notice: Why the run folder has another name than the one given; empty where it has not.
    """

    metrics: dict[str, Any]
    table: str
    folder: Path | None
    notice: str = ""


def run(
    experiment: Experiment,
    *,
    out: Path | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    offline: bool = False,
    checkpoints: Path | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
) -> JobResult:
    """Train, simulate and report.

    Args:
        experiment: What to do.
        out: Run folder to write; None for no files. That it can be written is proven first. If
            another run takes the name in the meantime, the folder is named NAME-2, NAME-3, ...
        force: Replace a run folder that exists; nothing else is ever replaced.
        data_dir: Where data sets are looked for first.
        offline: Never download a data set.
        checkpoints: Folder where training keeps its state, and from which it goes on if it was
            stopped; None for none.
        progress: Display of training and simulation; None for silence.
        announce: What shows, before it starts, how long a long run takes; None for nothing.

    Raises:
        OutputError: If the folder exists and may not be replaced, or cannot be written.
        UnsavedError: If it cannot be written after all; the error names the folder, one for
            temporary files, that holds the results, and has them itself.
        TaskError: If the data set is missing or damaged.
        TrainingError: If training diverges.
        MappingError: If the network does not fit the machine.
    """
    with ExitStack() as stack:
        target = None if out is None else stack.enter_context(claim(out, force=force))
        if checkpoints is not None:
            check_checkpoints(checkpoints, out)
        data = load_data(experiment.task, data_dir=data_dir, offline=offline, progress=progress)
        done = _work(experiment, data, progress, checkpoints, explain=True, announce=announce)
        metrics = done.metrics
        if target is None:
            return JobResult(metrics, summary_table(metrics), None)
        published = target.publish(lambda folder: _write(folder, experiment, done))
    table = summary_table(metrics, folder=published.folder)
    if published.problem:
        raise UnsavedError(published.problem, metrics, table, published.folder)
    return JobResult(metrics, table, published.folder, published.notice)


def compare(
    experiments: Sequence[tuple[str, Experiment | PastRun]],
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Run several experiments and put them side by side; no files are written.

    Args:
        experiments: Label and description of each, or a past run, which is taken as it is.
        data_dir: Where data sets are looked for first.
        offline: Never download a data set.
        progress: Display of training and simulation; None for silence.
    """
    rows = []
    drawn: list[Drawn | None] = []
    for label, experiment in experiments:
        if isinstance(experiment, PastRun):
            rows.append((label, dict(experiment.metrics)))
            drawn.append(experiment.draws)
            continue
        data = load_data(experiment.task, data_dir=data_dir, offline=offline, progress=progress)
        done = _work(experiment, data, progress)
        rows.append((label, done.metrics))
        drawn.append(done.band)
    return side_by_side(rows, drawn)


@dataclass(frozen=True, slots=True)
class _Done:
    """Figures of an experiment, and what they were made from."""

    metrics: dict[str, Any]
    surrogate: Surrogate | WorkloadSurrogate
    result: Result
    band: Band | None


def train_surrogate(
    experiment: Experiment,
    data: Data,
    progress: Progress | None = None,
    checkpoints: Path | None = None,
    begun: Callable[[Surrogate | WorkloadSurrogate, Labelled], None] | None = None,
) -> tuple[Surrogate | WorkloadSurrogate, Labelled]:
    """Return the trained surrogate of an experiment, and the samples that it is measured with.

    Args:
        experiment: What to do.
        data: Its data.
        progress: Display of the training; None for silence.
        checkpoints: Folder of the state of the training; None for none.
        begun: Called ahead of the training with the surrogate and the samples; None for nothing.

    Raises:
        PnnsimError: If the machine cannot run the network, or training diverges.
    """
    surrogate = make_surrogate(experiment.network, experiment.hardware, experiment.training)
    if is_stateful(experiment.network):
        data = data.in_sequences(experiment.training.sequence)
    samples = data.samples(experiment.simulation.samples, streams=streams_of(surrogate.chip))
    # What cannot be timed is refused now, not after the training.
    control = experiment.hardware.control
    time_run(surrogate.chip, min(len(samples), 2 * control.block * control.cores))
    if begun is not None:
        begun(surrogate, samples)
    if experiment.training.standardize and isinstance(surrogate, Surrogate):
        surrogate.standardize(data.pixels())
    fit(
        surrogate,
        data.train,
        data.validation,
        data.epochs(experiment.training),
        progress,
        select=data.select,
        checkpoints=checkpoints,
    )
    return surrogate, samples


def _work(
    experiment: Experiment,
    data: Data,
    progress: Progress | None,
    checkpoints: Path | None = None,
    *,
    explain: bool = False,
    announce: Callable[[str], None] | None = None,
) -> _Done:
    """Return the metrics of an experiment, and what they were made from.

    To explain the gap by switching non-idealities off takes as many evaluations as there are.
    """
    begin = time.perf_counter()

    def begun(surrogate: Surrogate | WorkloadSurrogate, samples: Labelled) -> None:
        if announce is not None:
            estimate = _estimate(experiment, data, surrogate, samples, explain=explain)
            if estimate.total_s > LONG:
                announce(estimate.sentence())

    surrogate, samples = train_surrogate(experiment, data, progress, checkpoints, begun)
    trained = time.perf_counter()
    simulation = experiment.simulation
    x, y = samples.x, samples.y
    parameters = surrogate.parameter_set()
    result = simulate(
        surrogate.chip,
        parameters,
        x,
        y,
        seed=simulation.seed,
        chips=simulation.chips,
        arrivals=arrivals_of(simulation, len(x)),
        exact=simulation.exact,
        qualities=TEXT_QUALITIES if data.text else IMAGE_QUALITIES,
        progress=progress,
    )
    if explain:
        result.metrics["accuracy"]["ablation"] = ablation(
            result.timing,
            parameters,
            x,
            y,
            seed=simulation.seed,
            chips=simulation.chips,
            progress=progress,
        )
    simulated = time.perf_counter()
    band = _band(experiment, result, len(x), progress)
    end = time.perf_counter()
    metrics = {
        **{name: result.metrics[name] for name in _HEAD},
        "task": {"name": data.name, "note": data.note, "samples": len(x)},
        **result.metrics,
        "band": None if band is None else band.as_metrics(),
        "warnings": [*experiment.own_warnings(), *result.metrics["warnings"]],
        "wall_s": {
            "train": trained - begin,
            **result.wall_s,
            "bands": end - simulated,
            "total": end - begin,
        },
    }
    return _Done(metrics, surrogate, result, band)


def _estimate(
    experiment: Experiment,
    data: Data,
    surrogate: Surrogate | WorkloadSurrogate,
    samples: Labelled,
    *,
    explain: bool,
) -> Estimate:
    """Return what a run is expected to take, before its training."""
    training = data.epochs(experiment.training)
    examples = min(training.examples or len(data.train), len(data.train))
    return estimate_run(
        surrogate,
        samples.x,
        samples=len(samples),
        steps=training.epochs * -(-examples // training.batch),
        batch=training.batch,
        chips=experiment.simulation.chips,
        passes=1 + explain * len(surrogate.chip.non_idealities),
    )


def _band(
    experiment: Experiment, result: Result, requests: int, progress: Progress | None
) -> Band | None:
    """Return the band of a run of so many requests; None where none was requested."""
    simulation = experiment.simulation
    if not simulation.band_draws:
        return None
    arrivals = arrivals_of(simulation, requests)
    if len(result.timing.run.base) > _MANY_SPANS:
        # A run that does not repeat itself is timed for its first samples, in whole blocks.
        control = experiment.hardware.control
        whole = control.block * control.cores
        arrivals = arrivals.first(min(requests, whole * -(-BAND_SAMPLES // whole)))
    return bands(
        experiment.hardware,
        experiment.network,
        draws=simulation.band_draws,
        seed=simulation.seed,
        samples=arrivals,
        progress=progress,
    )


def _write(folder: Path, experiment: Experiment, done: _Done) -> None:
    """Fill a run folder."""
    result = done.result
    (folder / "resolved.yaml").write_text(experiment.resolved(), encoding="utf-8")
    done.surrogate.parameter_set().save(folder / "parameters.safetensors")
    record = record_of_run(
        done.metrics,
        result.timing,
        predicted=result.predicted,
        classes=result.classes,
        band=done.band,
    )
    write_report_files(folder, done.metrics, result.timing, record)
