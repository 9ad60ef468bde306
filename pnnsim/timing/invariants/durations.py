"""Invariant of durations: every span lasts as long as the machine says."""

from __future__ import annotations

import numpy as np

from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.passages import Passages


def spans_last_as_long_as_parts_take(run: Passages) -> None:
    """Each span takes the delay of its part; the encoder keeps its symbol through the capture.

    Guards the times of "Time of one step" (T_in, T_encode, T_MM, T_nonlinearity, T_memory,
    T_switch, T_write, T_out) and "A line keeps its symbol until the detector has integrated it".
    """
    trace, delays = run.trace, run.work.delays
    for stages, rows in (
        (delays.input, run.input_rows),
        (delays.encode, run.encode_rows),
        (delays.output, run.output_rows),
    ):
        for place, stage in enumerate(stages):
            _last(run, rows[..., place], stage.duration_fs)
    _last(run, run.hold_symbol_rows, delays.mvm_fs + delays.detect_fs)
    _last(run, run.propagate_rows, delays.propagate_fs)
    _last(run, run.mvm_rows, delays.mvm_fs)
    _last(run, run.detect_rows, delays.detect_fs)
    _last(run, run.activate_rows, delays.activate_fs)
    _last(run, run.hold_rows, delays.hold_fs)
    _last(run, trace.rows("route"), delays.route_fs)
    _last(run, trace.rows("write"), delays.write_fs)
    _last(run, trace.rows("refresh"), delays.write_fs)


def _last(run: Passages, rows: Ints, duration_fs: int) -> None:
    """Refuse spans that take another time than this [fs]."""
    rows = rows[rows >= 0]
    took = run.trace.end_fs[rows] - run.trace.start_fs[rows]
    wrong = first(np.asarray(took != duration_fs))
    if wrong is not None:
        fail(run.trace, int(rows[wrong]), f"takes {took[wrong]} fs; expected {duration_fs}")
