"""Blocks of samples that a run must have had, by its requests and by when the encoder took them.

Which part a sample passed when is the business of `pnnsim.timing.invariants.passages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pnnsim.common.times import after_all, in_order
from pnnsim.mapping.actions import Columns, Ints
from pnnsim.mapping.work import Work


class Requests(Protocol):
    """Requests that a run was to serve; `pnnsim.timing.arrivals.Arrivals` are such."""

    @property
    def count(self) -> int:
        """Number of requests."""

    @property
    def times_fs(self) -> Sequence[int] | None:
        """Time of each [fs]; None where each comes when the front end can take it."""

    @property
    def capacity(self) -> int | None:
        """Requests that can wait; None for any number."""


def firsts_of(trace: Columns, work: Work, requests: Requests) -> Ints:
    """Return the first sample of each block of a run, shape `(n_block,)`.

    Args:
        trace: The run.
        work: What was to be done.
        requests: What it was to serve.
    """
    stage = work.delays.encode[0]
    rows = trace.rows(stage.action)
    rows = rows[(trace.unit[rows] == trace.units.index(stage.unit)) & (trace.product[rows] == 0)]
    taken = np.full(trace.samples, after_all(trace.end_fs), dtype=trace.start_fs.dtype)
    np.minimum.at(taken, trace.sample[rows], trace.start_fs[rows])
    return firsts_at(taken, trace, work, requests, saturated=requests.times_fs is None)


def firsts_at(
    taken: Ints, trace: Columns, work: Work, requests: Requests | None, *, saturated: bool
) -> Ints:
    """Return the first sample of each block.

    A block is the first sample plus those already waiting when the encoder takes it, at most B.

    Args:
        taken: When the encoder takes each sample [fs].
        trace: The trace.
        work: What was to be done.
        requests: Whom the run was to serve, where this is known.
        saturated: Whether samples come as fast as they are taken, so that some always wait.
    """
    samples, most = len(taken), work.control.block
    if saturated or most == 1:
        return np.arange(0, samples, most, dtype=np.int64)
    room = requests.capacity if requests is not None and requests.capacity else most
    there = np.searchsorted(trace.arrival_fs, taken, side="right") - np.arange(samples) - 1
    size = (1 + np.clip(there, 0, min(most - 1, room))).tolist()
    firsts = [0]
    while firsts[-1] + size[firsts[-1]] < samples:
        firsts.append(firsts[-1] + size[firsts[-1]])
    return np.array(firsts, dtype=np.int64)


def saturated_of(trace: Columns, taken: Ints, inputs: Ints, requests: Requests | None) -> bool:
    """Return whether samples came as fast as the front end took them.

    Args:
        trace: The trace.
        taken: When the encoder takes each sample [fs].
        inputs: Row of the first stage of each sample.
        requests: Whom the run was to serve; where this is not known, arrivals show it.
    """
    if requests is not None:
        return requests.times_fs is None
    arrivals = trace.arrival_fs
    free = np.maximum(taken[:-1], engine_free_fs(trace)[inputs[1:]])
    return bool(arrivals[0] == 0 and np.all(arrivals[1:] == free))


def engine_free_fs(trace: Columns) -> Ints:
    """Return when the digital engine was done with the job before each of its own, `(n_span,)`.

    Ahead of its first job, and for every other span, that is long ago.
    """
    lanes = [n for n, unit in enumerate(trace.units) if unit.partition(".")[0] == "front_end"]
    jobs = np.flatnonzero(np.isin(trace.unit, lanes))
    jobs = jobs[in_order(jobs, trace.start_fs[jobs])]
    free = np.full(len(trace), np.iinfo(np.int64).min, dtype=trace.end_fs.dtype)
    free[jobs[1:]] = trace.end_fs[jobs[:-1]]
    return free
