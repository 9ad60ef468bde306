"""Latency, energy and drops of a machine against the load that is offered to it.

Requests come at random, at a mean rate that is a share of what the machine takes at most. Nothing
is trained, as delays never depend on data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.errors import InputError
from pnnsim.explore.workers import InlineWorkers, LocalWorkers, Workers, run_all
from pnnsim.inference.chip import Chip
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.opened import Opened
from pnnsim.timing.ahead import planned
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.request_times import percentile_fs, request_times
from pnnsim.timing.run import run_fast

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Shares of the saturated rate that are offered.
SHARES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.1)

#: Percentiles of the latency by their names.
_PERCENTILES = {
    "p50": Fraction(50),
    "p95": Fraction(95),
    "p99": Fraction(99),
    "p999": Fraction(999, 10),
}
_FS_PER_S = 1e15

#: Rise of the 99th percentile over that of the lowest load up to which a machine is at ease.
_EASE = 2.0

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LoadPoint:
    """Figures at one load.

    Args:
        block: Samples of a block.
        share: Offered load over the saturated rate of the same block.
        offered_per_s: Mean rate of requests [Hz].
        p50: Median latency [s].
        p95: 95th percentile of the latency [s].
        p99: 99th percentile of the latency [s].
        p999: 99.9th percentile of the latency [s].
        energy: Energy of an inference [J].
        served_per_s: Rate of results [Hz].
        dropped: Share of requests that found the queue full.
    """

    block: int
    share: float
    offered_per_s: float
    p50: float
    p95: float
    p99: float
    p999: float
    energy: float
    served_per_s: float
    dropped: float


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """Figures of one block size against the load.

    Args:
        block: Samples of a block.
        saturation_per_s: Rate at which the machine takes samples that always wait [Hz].
        points: Figures at each load, the lowest first.
    """

    block: int
    saturation_per_s: float
    points: tuple[LoadPoint, ...]

    @property
    def ease_per_s(self) -> float:
        """Return the highest load up to which p99 stays below twice that of the lowest [Hz]."""
        most = self.points[0].offered_per_s
        for point in self.points:
            if point.p99 > _EASE * self.points[0].p99:
                break
            most = point.offered_per_s
        return most


@dataclass(frozen=True, slots=True)
class _Load:
    """What the points of a curve have in common."""

    base: Opened
    pairs: tuple[tuple[str, str], ...]
    samples: int
    queue: int | None


def load_curves(
    base: Opened,
    pairs: Pairs = (),
    *,
    blocks: Sequence[int] = (),
    shares: Sequence[float] = SHARES,
    samples: int = 2000,
    queue: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[LoadCurve]:
    """Return a curve for each block size.

    Args:
        base: Experiment.
        pairs: Values that are set in it.
        blocks: Samples of a block; that of the description where none is given.
        shares: Offered loads over the saturated rate; without a queue none above 1.
        samples: Requests at each load.
        queue: Requests that can wait; None for any number.
        workers: Processes on this computer, or 0 for this process; no figure depends on it.
        progress: Display of the points; None for silence.

    Raises:
        InputError: If a share or a number is out of range.
        BackendError: If the workers are gone.
    """
    if samples < 1:
        raise InputError(f"samples: got {samples}; expected at least 1")
    if not shares or any(not 0 < share <= 100 for share in shares):
        raise InputError(f"shares: got {list(shares)}; expected some above 0, at most 100")
    if any(block < 1 for block in blocks):
        raise InputError(f"blocks: got {list(blocks)}; expected at least 1 each")
    offered = sorted(share for share in shares if share < 1 or queue is not None)
    if not offered:
        raise InputError("shares: none is below 1; expected some, or a queue that ends")
    sizes = tuple(blocks) or (load_experiment(base, pairs).hardware.control.block,)
    context = _Load(base, tuple(pairs), samples, queue)
    pool: Workers
    pool = LocalWorkers(workers, _timed, context) if workers else InlineWorkers(_timed, context)
    if progress is not None:
        progress.start("offering loads", len(sizes) * (1 + len(offered)))
    report = None if progress is None else progress.advance
    try:
        saturated = run_all(pool, [(block, None) for block in sizes], report)
        rates = [figures["throughput_per_s"] for figures in saturated]
        tasks = [
            (block, share * rate)
            for block, rate in zip(sizes, rates, strict=True)
            for share in offered
        ]
        found = run_all(pool, tasks, report)
    finally:
        pool.close()
        if progress is not None:
            progress.finish()
    points = [
        _point(block, rate, figures, samples)
        for (block, rate), figures in zip(tasks, found, strict=True)
    ]
    return [
        LoadCurve(
            block,
            rate,
            tuple(
                _shared(point, rate) for point in points[i * len(offered) : (i + 1) * len(offered)]
            ),
        )
        for i, (block, rate) in enumerate(zip(sizes, rates, strict=True))
    ]


def _timed(context: _Load, task: tuple[int, float | None]) -> dict[str, float]:
    """Return the figures of a run at a rate [Hz], or of a saturated one, as workers do it."""
    block, rate = task
    experiment = load_experiment(context.base, [*context.pairs, ("control.block", str(block))])
    chip = Chip.nominal(experiment.hardware, experiment.network)
    seed = experiment.simulation.seed
    arrivals = (
        Arrivals(context.samples)
        if rate is None
        else poisson(context.samples, rate, seed, capacity=context.queue)
    )
    found = _by_recurrence(chip, arrivals)
    return _by_events(chip, arrivals) if found is None else found


def _by_events(chip: Chip, arrivals: Arrivals) -> dict[str, float]:
    """Return the figures of a run, whatever the machine does."""
    timing = time_run(chip, arrivals)
    metrics = timing_metrics(timing)
    base = timing.run.base
    latency_fs = np.repeat(base.result_fs - base.arrival_fs, timing.run.sample_counts())
    return {
        **{key: percentile_fs(latency_fs, q) / _FS_PER_S for key, q in _PERCENTILES.items()},
        "energy": metrics["energy_j"]["per_inference"],
        "throughput_per_s": metrics["throughput_per_s"],
        "dropped": float(metrics["queue"]["dropped"]),
    }


def _by_recurrence(chip: Chip, arrivals: Arrivals) -> dict[str, float] | None:
    """Return the same figures without events, a million requests in seconds; None where not so.

    How often actions happen does not depend on when samples come, so a saturated run counts them.
    """
    prices, work = chip.prices(), planned(chip.work())
    if prices.gated or not chip.memory.patient:
        return None
    times = request_times(work, arrivals)
    if times is None or len(times.result_fs) < 2:
        return None
    count, latency_fs = len(times.result_fs), times.result_fs - times.arrival_fs
    dynamic = EnergyLedger.from_trace(run_fast(work, count), prices).dynamic
    total = dynamic + prices.standing_w * times.makespan_fs / _FS_PER_S
    span = int(times.result_fs[-1] - times.result_fs[0])
    return {
        **{key: percentile_fs(latency_fs, q) / _FS_PER_S for key, q in _PERCENTILES.items()},
        "energy": total / count,
        "throughput_per_s": (count - 1) * _FS_PER_S / span,
        "dropped": float(len(times.dropped)),
    }


def _point(block: int, rate: float, figures: dict[str, float], samples: int) -> LoadPoint:
    return LoadPoint(
        block, 0.0, rate, figures["p50"], figures["p95"], figures["p99"], figures["p999"],
        figures["energy"], figures["throughput_per_s"], figures["dropped"] / samples,
    )  # fmt: skip


def _shared(point: LoadPoint, saturated: float) -> LoadPoint:
    return replace(point, share=point.offered_per_s / saturated)
