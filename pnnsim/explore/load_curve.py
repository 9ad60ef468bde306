"""Latency, energy and drops of a machine against the load that is offered to it.

Requests come at random, at a mean rate that is a share of what the machine takes at most. Nothing
is trained, as delays never depend on data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pnnsim.errors import InputError
from pnnsim.explore.workers import InlineWorkers, LocalWorkers, Workers, run_all
from pnnsim.inference.chip import Chip
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.opened import Opened
from pnnsim.timing.arrivals import Arrivals, poisson

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Shares of the saturated rate that are offered.
SHARES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.1)

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
    metrics = timing_metrics(time_run(chip, arrivals))
    return {
        "p50": metrics["latency_s"]["p50"],
        "p95": metrics["latency_s"]["p95"],
        "p99": metrics["latency_s"]["p99"],
        "energy": metrics["energy_j"]["per_inference"],
        "throughput_per_s": metrics["throughput_per_s"],
        "dropped": float(metrics["queue"]["dropped"]),
    }


def _point(block: int, rate: float, figures: dict[str, float], samples: int) -> LoadPoint:
    return LoadPoint(
        block, 0.0, rate, figures["p50"], figures["p95"], figures["p99"], figures["energy"],
        figures["throughput_per_s"], figures["dropped"] / samples,
    )  # fmt: skip


def _shared(point: LoadPoint, saturated: float) -> LoadPoint:
    return replace(point, share=point.offered_per_s / saturated)
