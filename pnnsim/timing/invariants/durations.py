"""Invariants of durations and amounts: every span lasts, and counts, what the machine says."""

from __future__ import annotations

import numpy as np

from pnnsim.mapping.actions import PREPARING, Ints
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.passages import Passages


def spans_last_as_long_as_parts_take(run: Passages) -> None:
    """Check that spans take the delays of parts, and symbols are kept through the capture.

    Guards the times of "Time of one step" (T_in, T_encode, T_MM, T_nonlinearity, T_memory,
    T_switch, T_write, T_out) and "A line keeps its symbol until the detector has integrated it".
    """
    trace, delays = run.trace, run.work.delays
    for stages, rows in (
        (delays.input, run.input_rows),
        (delays.entering, run.encode_rows),
        (delays.output, run.output_rows),
    ):
        for place, stage in enumerate(stages):
            _last(run, rows[..., place], stage.duration_fs)
    train_fs = run.train_fs
    _last(run, run.hold_symbol_rows, train_fs + delays.mvm_fs + delays.detect_fs)
    _last(run, run.propagate_rows, train_fs + delays.propagate_fs)
    _last(run, run.mvm_rows, train_fs + delays.mvm_fs)
    _last(run, run.detect_rows, train_fs + delays.detect_fs)
    _last(run, run.activate_rows, train_fs + delays.activate_fs)
    _last(run, run.digitize_rows, train_fs + delays.digitize_fs)
    _last(run, run.compute_rows, np.broadcast_to(run.work.jobs_fs, run.compute_rows.shape))
    _last(run, run.hold_rows, delays.hold_fs)
    _last(run, trace.rows("route"), delays.route_fs)
    _last(run, trace.rows("write"), delays.write_fs)
    _last(run, trace.rows("refresh"), delays.write_fs)


def spans_count_what_is_priced(run: Passages) -> None:
    """Check that spans count the vectors of samples, or their lines, states or operations.

    Guards "Energy = sum of (times an action happened) x (its price)".
    """
    vectors = run.of_products("vectors")
    lines, rows, cells = (vectors * run.of_products(name) for name in ("lines", "rows", "cells"))
    _count(run, run.encode_rows, lines[:, None])
    counted: list[tuple[Ints, Ints | int]] = [
        (run.hold_symbol_rows, vectors),
        (run.propagate_rows, vectors),
        (run.mvm_rows, vectors),
        (run.detect_rows, rows),
        (run.activate_rows, cells),
        (run.hold_rows, cells),
        (run.digitize_rows, cells),
        (run.compute_rows, run.of_products("operations")),
        (run.input_rows, 1),
        (run.output_rows, 1),
        *((run.trace.rows(action), 1) for action in PREPARING),
    ]
    for passed, amount in counted:
        _count(run, passed, amount)


def _count(run: Passages, rows: Ints, amount: Ints | int) -> None:
    """Refuse spans that count another amount than this."""
    wanted = np.broadcast_to(amount, rows.shape)[rows >= 0]
    rows = rows[rows >= 0]
    counted = run.trace.amount[rows]
    wrong = first(np.asarray(counted != wanted))
    if wrong is not None:
        fail(run.trace, int(rows[wrong]), f"counts {counted[wrong]}; expected {wanted[wrong]}")


def _last(run: Passages, rows: Ints, duration_fs: Ints | int) -> None:
    """Refuse spans that take another time than this [fs]."""
    expected = np.broadcast_to(duration_fs, rows.shape)[rows >= 0]
    rows = rows[rows >= 0]
    took = run.trace.end_fs[rows] - run.trace.start_fs[rows]
    wrong = first(np.asarray(took != expected))
    if wrong is not None:
        fail(run.trace, int(rows[wrong]), f"takes {took[wrong]} fs; expected {expected[wrong]}")
