"""Traces of workloads that are damaged on purpose are refused, and sound ones pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pnnsim.errors import InvariantError
from pnnsim.timing.run import run_timing
from pnnsim.timing.trace import Trace
from tests.timing.planted import Fault, edit, find, in_order, later, without
from tests.timing.workloads import NUMBERS, Job, convolution, dense, job

#: Drawn in `test_workload_drawn`.
CONV = job(convolution(activation="relu"), banks=1, samples=2, jobs_fs=(5,))
FOLDS = job(convolution(channels=2), banks=1, samples=2, jobs_fs=(0, 5))
#: The nonlinearity of the machine ahead of the converter.
ACTIVE = job(convolution(activation="machine"), banks=1, samples=2, jobs_fs=(5,))
#: Two matrices with a digital step between.
DENSE = job(dense(4, 4, 3, between="scale"), banks=2, samples=3, block=3, jobs_fs=(3, 4))
ALONE = job(dense(4, 4, 3), banks=2, jobs_fs=(3, 4))
APART = job(dense(4, 4, 3), banks=2, samples=2, jobs_fs=(3, 4), overlap=False)
SLOW = job(
    dense(4, 3), delays=replace(NUMBERS, digitize_fs=20), banks=1, samples=3, block=3, jobs_fs=2
)

FAULTS: list[Fault] = []
Damage = Callable[[Trace], Trace]


def planted(case: Job, message: str) -> Callable[[Damage], Damage]:
    """Enter a damage into the table, under the name of the function."""

    def enter(damage: Damage) -> Damage:
        FAULTS.append(Fault(damage.__name__, case.work, case.requests, damage, message))
        return damage

    return enter


def shifted(trace: Trace, row: int, by_fs: int) -> Trace:
    """Return the trace with all that a sample does from a span on moved in time."""
    sample = trace.sample[row]
    moved = by_fs * ((trace.sample == sample) & (trace.start_fs >= trace.start_fs[row]))
    times = {name: getattr(trace, name) + moved for name in ("start_fs", "end_fs")}
    return in_order(
        edit(replace(trace, **times), sample, result_fs=trace.result_fs[sample] + by_fs)
    )


# Amounts.


@planted(CONV, r"detector detect, sample 1.* counts 7; expected 8")
def vectors_that_are_not_counted(trace):
    return edit(trace, find(trace, "detect", 1), amount=7)


@planted(CONV, r"encoder.dac convert, sample 0.* counts 4; expected 16")
def conversions_counted_by_vector_and_not_by_line(trace):
    return edit(trace, find(trace, "convert", 0), amount=4)


@planted(CONV, r"encode, sample 1.* counts 17; expected 16")
def line_counted_twice(trace):
    return edit(trace, find(trace, "encode", 1), amount=17)


@planted(CONV, r"hold_symbol, sample 0.* counts 1; expected 4")
def symbols_counted_as_one(trace):
    return edit(trace, find(trace, "hold_symbol", 0), amount=1)


@planted(FOLDS, r"readout digitize, sample 1.* counts 16; expected 8")
def fold_converted_twice(trace):
    return edit(trace, find(trace, "digitize", 1, nth=1), amount=16)


@planted(CONV, r"front_end compute, sample 0.* counts 8; expected 16")
def digital_work_without_its_activation(trace):
    return edit(trace, find(trace, "compute", 0), amount=8)


@planted(FOLDS, r"write.* counts 4; expected 1")
def write_counted_by_vectors(trace):
    return edit(trace, find(trace, "write"), amount=4)


# Trains of vectors.


@planted(CONV, r"hold_symbol, sample 1.* takes 20 fs; expected 21")
def symbols_that_end_before_the_last_vector_is_captured(trace):
    row = find(trace, "hold_symbol", 1)
    return in_order(edit(trace, row, end_fs=trace.end_fs[row] - 1))


@planted(CONV, "starts before its cause")
def vector_that_is_captured_before_it_has_come(trace):
    row = find(trace, "detect", 1)
    return edit(trace, row, start_fs=trace.start_fs[row] - 1)


@planted(CONV, "starts later than its cause")
def vector_that_waits_on_its_way(trace):
    row = find(trace, "mvm", 1)
    return edit(trace, row, start_fs=trace.start_fs[row] + 1)


@planted(ACTIVE, "starts later than its cause")
def train_that_passes_the_nonlinearity_too_fast(trace):
    row = find(trace, "activate", 1)
    return in_order(edit(trace, row, end_fs=trace.end_fs[row] - 1))


@planted(SLOW, "starts while the lane is busy until 50")
def converter_with_two_samples_at_once(trace):
    return shifted(trace, find(trace, "hold_symbol", 2), -3)


@planted(SLOW, "waits for nothing since .* when the converter was free behind it")
def departure_after_the_converter_was_free(trace):
    return shifted(trace, find(trace, "hold_symbol", 2), 3)


# What becomes of numbers.


@planted(CONV, r"is on the lane of another part; expected readout")
def conversion_by_the_encoder(trace):
    return edit(trace, find(trace, "digitize", 1), unit=trace.units.index("encoder.dac"))


@planted(CONV, r"compute, sample 1.* starts before the steps before were done, at 57 fs")
def digital_work_ahead_of_its_numbers(trace):
    row = find(trace, "compute", 1)
    trace = edit(trace, row, cause=find(trace, "detect", 1))
    return later(trace, row, -2)


@planted(DENSE, "starts later than its cause")
def digital_work_of_a_sample_that_waits_for_nothing(trace):
    return later(trace, find(trace, "compute", 2, 1), 4)


@planted(CONV, r"compute, sample 1.* takes 6 fs; expected 5")
def digital_work_that_takes_longer(trace):
    return later(trace, find(trace, "compute", 1), 1, longer=True)


@planted(ALONE, "encoder.dac convert.* starts before the digital steps before were done")
def vector_converted_ahead_of_its_digital_steps(trace):
    rows = np.array([find(trace, "convert", 0, 1), find(trace, "encode", 0, 1)])
    columns = {name: getattr(trace, name)[rows] - 3 for name in ("start_fs", "end_fs")}
    trace = edit(trace, rows, **columns)
    return in_order(edit(trace, rows[0], cause=find(trace, "digitize", 0, 0)))


@planted(DENSE, "starts while the lane is busy")
def two_jobs_of_the_engine_at_once(trace):
    row, behind = find(trace, "compute", 1, 0), find(trace, "compute", 2, 0)
    return in_order(edit(trace, row, end_fs=trace.start_fs[behind] + 1))


@planted(APART, "starts before the access before was over")
def switch_that_moves_before_the_digital_steps_are_done(trace):
    row = find(trace, "route")
    return later(edit(trace, row, cause=find(trace, "digitize", 0, 0)), row, -3)


@planted(CONV, "map_output, sample 1.* starts later than its cause")
def result_that_waits(trace):
    return later(trace, find(trace, "map_output", 1), 2)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found(fault: Fault) -> None:
    trace = run_timing(fault.work, fault.requests)
    trace.check(fault.work, fault.requests)
    damaged = fault.damage(trace)
    assert isinstance(damaged, Trace)
    with pytest.raises(InvariantError, match=fault.message):
        damaged.check(fault.work, fault.requests)


@pytest.mark.parametrize(
    "action",
    ["encode", "hold_symbol", "mvm", "detect", "activate", "digitize", "compute"],
)
def test_missing_span_is_found(action: str) -> None:
    trace = ACTIVE.run()
    row = find(trace, action, 1, 0)
    # Its effects start when it ended; give them its interval, so that only the count is wrong.
    effects = np.flatnonzero(trace.cause == row)
    broken = without(edit(trace, effects, start_fs=trace.start_fs[row]), row)
    text = f"sample 1 has 0 {action} spans at step 0; expected 1|starts before its cause"
    with pytest.raises(InvariantError, match=text):
        broken.check(ACTIVE.work)


def test_span_that_no_product_has_is_found() -> None:
    trace = CONV.run()
    row = find(trace, "digitize", 1)
    with pytest.raises(InvariantError, match="sample 0 has 2 digitize spans at step 0; expected 1"):
        edit(trace, row, sample=0).check(CONV.work)
