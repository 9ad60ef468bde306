"""Find the times for which a gated part is on: while it works, and while it keeps something.

A part that keeps a symbol, a result or a weight is on. Banks, switch and memory keep what they hold
all the time and are never gated; of the others

* the encoder keeps the symbol that it has settled on until the sample departs, and drives it then;
* the part that prepared an input last keeps it until the encoder takes the sample: the front end,
  or the converters of the encoder where the state stays analog;
* the front end also keeps what it adds ahead of f in each step. Of a network whose steps it works
  between, its buffer keeps the values of a sample from its input map to its result;
* the detector keeps the sums of folds until they are activated, or converted; those of several
  vectors are converted in each fold, and not kept;
* the readout keeps a result from the last activation until it is handed on. Numbers for digital
  steps go to the buffer as they are made.
"""

from __future__ import annotations

import numpy as np

from pnnsim.mapping.prices import EngineKeeps
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.trace import ACTIONS, Ints, Trace, core_of

#: Starts and ends of some stretches of time [fs].
Stretches = tuple[Ints, Ints]


def on_fs(trace: Trace | PeriodicTrace, component: str, engine_keeps: EngineKeeps) -> int:
    """Return for how long a component of one core is on where it is gated [fs].

    Args:
        trace: The run of the core.
        component: Name of the component.
        engine_keeps: What the digital engine keeps of a sample.
    """
    start, end = on_times(trace.base, component, engine_keeps)
    on = int((end - start).sum())
    if isinstance(trace, PeriodicTrace):
        # A window of one period, in which everything repeats already.
        opens = int(trace.base.end_fs[trace.end_row - 1])
        closes = opens + trace.period_fs
        inside = np.minimum(end, closes) - np.maximum(start, opens)
        on += trace.repeats * int(np.maximum(inside, 0).sum())
    return on


def on_times(
    trace: Trace,
    component: str,
    engine_keeps: EngineKeeps,
    *,
    core: int = 0,
    rows: Ints | None = None,
) -> Stretches:
    """Return starts and ends of the times in which a component is on, apart and ascending.

    Args:
        trace: The trace.
        component: Name of the component.
        engine_keeps: What the digital engine keeps of a sample.
        core: Core of the component.
        rows: Spans to look at, all those of some samples; every span where it is not given.
    """
    rows = np.arange(len(trace)) if rows is None else np.sort(rows)
    cores = np.array([core_of(unit) for unit in trace.units])
    here = rows[cores[trace.unit[rows]] == core]
    own = _of(trace, here, component)
    found = [(trace.start_fs[own], trace.end_fs[own]), _kept_input(trace, here, component)]
    if component == "encoder":
        found.append(_kept_symbols(trace, own))
    elif component == "front_end":
        found.append(_kept_values(trace, here, engine_keeps))
    elif component == "detector":
        found.append(_kept_sums(trace, here))
    elif component == "readout" and engine_keeps != "values":
        found.append(_kept_results(trace, here))
    starts, ends = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return _union(starts, ends)


def _union(start: Ints, end: Ints) -> Stretches:
    """Return stretches that overlap or touch as one, ascending."""
    order = np.argsort(start, kind="stable")
    start, end = start[order], np.maximum.accumulate(end[order])
    if not len(start):
        return start, end
    edges = np.flatnonzero(np.append(True, start[1:] > end[:-1]))
    return start[edges], end[np.append(edges[1:], len(start)) - 1]


def _of(trace: Trace, rows: Ints, component: str) -> Ints:
    """Return those of some rows that a component pays for."""
    mine = np.array([name == component for name in trace.components()])
    return np.asarray(rows[mine[trace.unit[rows]]], np.int64)


def _with(trace: Trace, rows: Ints, action: str) -> Ints:
    """Return those of some rows that have an action."""
    return np.asarray(rows[trace.action[rows] == ACTIONS.index(action)], np.int64)


def _ends_of_loop(trace: Trace, rows: Ints) -> tuple[Ints, Ints]:
    """Return the first encoding and the last activation of each sample, -1 where there is none.

    Returns:
        Rows, each of shape `(n_sample,)`.
    """
    encoder = _of(trace, rows, "encoder")
    encoder = encoder[trace.step[encoder] >= 0]
    activates = _with(trace, rows, "activate")
    first, last = np.full((2, trace.samples), -1, dtype=np.int64)
    first[trace.sample[encoder][::-1]] = encoder[::-1]
    last[trace.sample[activates]] = activates
    return first, last


def _outside(trace: Trace, rows: Ints) -> Ints:
    """Return those of some rows that serve a sample ahead of the loop or behind it."""
    return np.asarray(rows[(trace.sample[rows] >= 0) & (trace.step[rows] < 0)], np.int64)


def _kept_input(trace: Trace, rows: Ints, component: str) -> Stretches:
    """Return when a component keeps inputs that it prepared last, until the encoder takes them."""
    first, _ = _ends_of_loop(trace, rows)
    outside = _outside(trace, rows)
    inputs = outside[outside < first[trace.sample[outside]]]
    prepared = np.full(trace.samples, -1, dtype=np.int64)
    prepared[trace.sample[inputs]] = inputs
    kept = _of(trace, prepared[prepared >= 0], component)
    return trace.end_fs[kept], trace.start_fs[first[trace.sample[kept]]]


def _kept_symbols(trace: Trace, encoder: Ints) -> Stretches:
    """Return when the encoder keeps symbols that wait for their departure."""
    drives = _with(trace, encoder, "hold_symbol")
    settled = _with(trace, encoder, "encode")
    settled, drives = (
        rows[np.lexsort((trace.product[rows], trace.sample[rows]))] for rows in (settled, drives)
    )
    return trace.end_fs[settled], trace.start_fs[drives]


def _kept_values(trace: Trace, rows: Ints, engine_keeps: EngineKeeps) -> Stretches:
    """Return when the front end keeps more of a sample than its input."""
    maps = _with(trace, _of(trace, rows, "front_end"), "map_input")
    samples = trace.sample[maps]
    if engine_keeps == "values":
        return trace.end_fs[maps], trace.result_fs[samples]
    _, last = _ends_of_loop(trace, rows)
    if engine_keeps == "input":
        maps = samples = maps[:0]
    return trace.end_fs[maps], trace.end_fs[last[samples]]


def _kept_sums(trace: Trace, rows: Ints) -> Stretches:
    """Return when the detector keeps sums that further folds are added to."""
    detects = _with(trace, rows, "detect")
    if trace.folds == 1 or not len(detects):
        return trace.start_fs[detects[:0]], trace.end_fs[detects[:0]]
    product = trace.product
    detects = detects[np.lexsort((product[detects], trace.sample[detects]))]
    width = int(product.max()) + 1
    places = trace.sample * width + product
    released = np.concatenate([_with(trace, rows, name) for name in ("activate", "digitize")])
    ends = np.isin(places[detects], places[released])
    begins = np.append(True, ends[:-1])
    return trace.start_fs[detects[begins]], trace.end_fs[detects[ends]]


def _kept_results(trace: Trace, rows: Ints) -> Stretches:
    """Return when the readout keeps results, until the last that handles them begins to."""
    _, last = _ends_of_loop(trace, rows)
    outside = _outside(trace, rows)
    outputs = outside[outside > last[trace.sample[outside]]]
    handed = np.full(trace.samples, -1, dtype=np.int64)
    handed[trace.sample[outputs]] = outputs
    samples = np.flatnonzero((handed >= 0) & (last >= 0))
    return trace.end_fs[last[samples]], trace.start_fs[handed[samples]]
