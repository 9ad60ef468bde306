"""Invariants of eagerness: a part that could start does, and none starts before it may.

Args:
    run: The run, by sample and product.
    changes: Writes and moves that the plan has.
    gates: Jobs that program banks.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.blocks import engine_free_fs
from pnnsim.timing.invariants.digital_steps import results_taken_fs, served_fs
from pnnsim.timing.invariants.faults import Flags
from pnnsim.timing.invariants.gates import Gates
from pnnsim.timing.invariants.needs import LONG_AGO, Need, before, start_when_needs_are_met, where
from pnnsim.timing.invariants.passages import Passages
from pnnsim.timing.invariants.schedule import Changes
from pnnsim.timing.invariants.turns import blocks_in_turn, left_fs, samples_in_turn


def front_end_starts_when_it_can(run: Passages) -> None:
    """Check that the front end begins with a sample once the encoder took the one before.

    Guards "Saturated means that a sample arrives at the moment when the front_end can take it". A
    front end that does one job at a time also finishes the job before.
    """
    trace, rows = run.trace, run.input_rows
    taken = before(trace.start_fs[run.taken_rows[:, 0]])
    needs = [("the encoder took the sample before", taken)]
    if not run.saturated:
        needs.append(("the sample arrived", trace.arrival_fs))
    start_when_needs_are_met(run, rows[:, 0], [*needs, *_engine(run, rows[:, 0])])
    _follow_each_other(run, rows)


def encoder_starts_when_it_can(run: Passages, changes: Changes) -> None:
    """Check that the encoder takes the state of the next sample as soon as both are there.

    Guards "Within a step the samples follow each other as the parts free up", "the next block
    enters the loop when the last sample of this one has left it", "The encoder's period is
    T_encode plus the time for which bank and detector need the symbol, unless
    `encoder.double_buffered`, which lets the next symbol be prepared meanwhile", and without
    `control.overlap` that the switch moves first.
    """
    work, block = run.work, run.block
    order = samples_in_turn(run)
    sample, product = np.divmod(order, run.products)
    place, number = block[sample], np.arange(len(order))
    enters, leads = product == 0, sample == run.firsts[place]
    if work.delays.double_buffered:
        over = run.start(run.hold_symbol_rows) + run.train_fs
    else:
        over = run.end(run.hold_symbol_rows)
    driven = before(over.ravel()[order])
    ahead = (np.maximum(product - 1, 0), sample)
    state = run.end(run.hold_rows)[ahead[1], ahead[0]]
    sums = run.end(run.detect_rows)[ahead[1], ahead[0]]
    computed = run.end(run.compute_rows)[ahead[1], ahead[0]]
    mapped = run.end(run.input_rows[:, -1])[sample]
    left, flight = left_fs(run), work.control.blocks_in_flight
    taken = results_taken_fs(run)[run.lasts]
    begins = run.of_products("begins")[product] & ~enters
    digital = run.of_products("digital")[product]
    needs: list[Need] = [
        ("the input was mapped", where(enters, mapped)),
        ("the sums of the fold before were captured", where(~begins & ~enters, sums)),
        ("the state was held", where(begins & ~digital, state)),
        ("the digital steps before were done", where(begins & digital, computed)),
        ("the encoder was free of the symbol before", where(number > 0, driven)),
        (
            "a block before left the loop",
            where(enters & (place >= flight), left[np.maximum(place - flight, 0)]),
        ),
        (
            "the readout had a place",
            where(enters & (place > flight), taken[np.maximum(place - flight - 1, 0)]),
        ),
    ]
    if work.stateful:
        kept = run.end(run.hold_rows)[np.maximum(sample - work.control.block, 0), -1]
        needs.append(("the state of the sample before was held", where(enters & (place > 0), kept)))
    if not work.control.overlap:
        ready = _ready_fs(run, changes)[place, product]
        needs.append(("the bank was ready", where(leads, ready)))
    rows = run.encode_rows.reshape(-1, run.encode_rows.shape[-1])
    start_when_needs_are_met(run, run.taken_rows.ravel()[order], needs)
    _follow_each_other(run, rows)


def samples_depart_when_they_can(run: Passages, changes: Changes, gates: Gates) -> None:
    """Check that samples depart once encoded, switch at rest, nonlinearity free at capture.

    Guards "T_change runs in parallel with T_state" and "Refresh: samples wait". Light cannot wait,
    so a sample waits before it departs; what it then passes follows without a gap.
    """
    trace, work = run.trace, run.work
    order = samples_in_turn(run)
    sample, product = np.divmod(order, run.products)
    place = run.block[sample]
    rows = run.hold_symbol_rows.ravel()[order]
    encoded = run.end(run.encode_rows[..., -1]).ravel()[order]
    activates = run.of_products("activates")[product]
    converts = run.of_products("converts")[product]
    train_fs = run.train_fs.ravel()[order]
    activate_fs = np.zeros(len(rows), dtype=trace.end_fs.dtype)
    activate_fs[activates] = work.delays.activate_fs
    free = trace.start_fs[rows] + activate_fs + train_fs
    reserved = np.full(len(rows), LONG_AGO, dtype=free.dtype)
    reserved[activates] = before(free[activates])
    converter = np.full(len(rows), LONG_AGO, dtype=free.dtype)
    converter[converts] = before((free + work.delays.digitize_fs)[converts])
    converter[converter > LONG_AGO] -= activate_fs[converter > LONG_AGO]
    kept = before(trace.end_fs[rows])
    needs: list[Need] = [
        ("it was encoded", encoded),
        ("the lines were free of the symbol before", kept),
        ("the nonlinearity was free at its capture", reserved),
        ("the converter was free behind it", converter),
    ]
    if work.control.overlap:
        leads = sample == run.firsts[place]
        needs.append(("the bank was ready", where(leads, _ready_fs(run, changes)[place, product])))
    banks = trace.bank[run.mvm_rows].ravel()[order]
    start_when_needs_are_met(
        run,
        rows,
        needs,
        excused=lambda late, ready_fs: gates.kept(
            banks[late], ready_fs, trace.start_fs[rows[late]]
        ),
    )
    way = (run.hold_symbol_rows, run.propagate_rows, run.mvm_rows, run.detect_rows)
    start_when_needs_are_met(
        run, way[1].ravel(), [("it departed", run.start(run.hold_symbol_rows).ravel())]
    )
    for ahead, behind in pairwise(way[1:]):
        _follow(run, ahead, behind)
    ends, digitized = run.activate_rows >= 0, run.digitize_rows >= 0
    _follow(run, run.detect_rows, run.activate_rows, ends)
    _follow(run, run.activate_rows, run.hold_rows, run.hold_rows >= 0)
    _follow(run, run.activate_rows, run.digitize_rows, digitized & ends)
    _follow(run, run.detect_rows, run.digitize_rows, digitized & ~ends)


def readout_starts_when_it_can(run: Passages) -> None:
    """Check that the readout takes a result once there is one, and the one before is out.

    Guards "readout and front_end work on" while the next block is in the loop.
    """
    if run.work.converts:
        _digital_steps_start_when_they_can(run)
        return
    rows = run.output_rows
    done = run.end(run.activate_rows)[:, -1]
    needs = [
        ("the result was there", done),
        ("the result before was at the host", before(run.end(rows[:, -1]))),
    ]
    start_when_needs_are_met(run, rows[:, 0], [*needs, *_engine(run, rows[:, 0])])
    _follow_each_other(run, rows)


def _digital_steps_start_when_they_can(run: Passages) -> None:
    """Digital steps begin when their numbers are there and the steps before them are done.

    Guards "first come first served": of the samples that need digital steps, and of the last
    results among them.
    """
    rows = run.compute_rows[run.compute_rows >= 0]
    served = ("the steps before were done", served_fs(run)[run.compute_rows >= 0])
    start_when_needs_are_met(run, rows, [served, *_engine(run, rows)])
    _follow(run, run.compute_rows[:, -1:], run.output_rows[:, :1])
    _follow_each_other(run, run.output_rows)


def switch_moves_when_it_can(run: Passages, changes: Changes) -> None:
    """Check that the switch moves once the access before is through, and its bank written.

    Guards "the switch moves when the block's last sample is captured" and "T_change = T_write + T_
    switch"; without `control.overlap` it waits for the state.
    """
    moved = changes.route_rows >= 0
    written = where(changes.write_rows >= 0, run.end(changes.write_rows))
    needs = [
        ("the access before was over", access_over_fs(run)[moved]),
        ("the bank was written", written[moved]),
    ]
    start_when_needs_are_met(run, changes.route_rows[moved], needs)


def access_over_fs(run: Passages) -> Ints:
    """Return when the switch may leave before each access, shape `(n_block, n_product)`."""
    captured = run.end(run.detect_rows)[run.lasts]
    over = captured
    if not run.work.control.overlap:
        last = run.lasts
        done = np.where(run.hold_rows >= 0, run.end(run.hold_rows), run.end(run.activate_rows))
        done = np.where(run.compute_rows >= 0, run.end(run.compute_rows), done)
        if run.work.converts:
            done[:, -1] = run.end(run.digitize_rows)[:, -1]
        ends_step = (run.activate_rows >= 0) | (run.compute_rows >= 0)
        over = np.where(ends_step[last], done[last], captured)
    turns = blocks_in_turn(run)
    free = np.empty(over.size, dtype=over.dtype)
    free[turns] = before(over.ravel()[turns])
    return free.reshape(over.shape)


def _ready_fs(run: Passages, changes: Changes) -> Ints:
    """Return when the bank of each access is there; `LONG_AGO` where nothing had to be done."""
    changed = (changes.write_rows >= 0) | (changes.route_rows >= 0)
    done = np.maximum(run.end(changes.write_rows), run.end(changes.route_rows))
    return where(changed, np.maximum(access_over_fs(run), done))


def _follow_each_other(run: Passages, rows: Ints) -> None:
    """Refuse a stage that does not begin when the stage before it ends, shape `(n, n_stage)`."""
    for place in range(1, rows.shape[-1]):
        both = (rows[:, place - 1] >= 0) & (rows[:, place] >= 0)
        _follow(run, rows[:, place - 1], rows[:, place], both)


def _follow(run: Passages, ahead: Ints, behind: Ints, there: Flags | None = None) -> None:
    """Refuse spans that do not begin when others end, but for the engine of the front end.

    Of several vectors, the first one goes on when it has left the part ahead.

    Args:
        run: The run.
        ahead: Rows of the parts ahead, of the shape of `behind`.
        behind: Rows of the spans.
        there: Which of them there are; all where not given.
    """
    over_fs = run.trace.end_fs[ahead]
    if behind.shape == run.mvm_rows.shape:
        over_fs = over_fs - run.train_fs
    if there is not None:
        behind, over_fs = behind[there], over_fs[there]
    behind, over_fs = behind.ravel(), over_fs.ravel()
    over = ("the part ahead of it was done", over_fs)
    start_when_needs_are_met(run, behind, [over, *_engine(run, behind)])


def _engine(run: Passages, rows: Ints) -> list[Need]:
    """Return when the front end is done with the job before."""
    trace = run.trace
    if not len(rows) or trace.units[trace.unit[rows[0]]].partition(".")[0] != "front_end":
        return []
    return [("the front end was done with the job before", engine_free_fs(trace)[rows])]
