"""Where the switch comes from, and which programming a sample meets, hold for any order of sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pnnsim.inference.accesses import AccessTable, accesses_from_trace
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.trace import Trace


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 0, 1), (1, 1, 0, 2)])
def test_the_switch_comes_from_the_bank_of_the_access_before(order: tuple[int, ...]) -> None:
    """Resident sets live in the banks of their numbers, and the switch rests on the first one."""
    network = ReLaXNet(hidden=8, weight_sets=3, steps=len(order), order=order)
    spec = load_spec("photonic_mrr", [("weight_banks.count", "3")])
    met = time_run(Chip.nominal(spec, network), 4).accesses
    at = order[0]
    origin = {}
    for sample in range(4):
        for step, bank in enumerate(order):
            assert met.bank[sample, step] == bank
            if bank != at:
                origin[sample, step], at = at, bank
                assert met.previous_bank[sample, step] == origin[sample, step]
                assert np.isfinite(met.dwell_s[sample, step])
    assert len(origin) >= 4 * 2
    # Ahead of its first move there is nothing that the switch could have left.
    still = next(step for step, bank in enumerate(order) if bank != order[0])
    assert np.isinf(met.dwell_s[0, :still]).all()


def run_that_repeats() -> PeriodicTrace:
    network = ReLaXNet(hidden=8, weight_sets=3, steps=3)
    run = time_run(Chip.nominal(load_spec("photonic_mrr"), network), 40).run
    assert isinstance(run, PeriodicTrace)
    assert not isinstance(run, Trace)
    return run


def test_numbers_of_rows_grow_by_those_of_a_period_though_rows_are_missing_at_the_end() -> None:
    """Three kinds of numbers: always the same, growing, and growing where the base ends early."""
    run = run_that_repeats()
    first, period, rows = run.first_sample, run.period_samples, run.end_row - run.first_row
    assert run.repeats > 2
    assert rows > 3
    sample = np.arange(run.base.samples)
    turns = (sample - first) // period
    short = np.where(sample >= first + period, 3, 0)
    column = np.stack([0 * sample + 7, 100 + rows * turns, 100 + rows * turns - short], axis=-1)
    found = run.rows_of(column)
    assert found.shape == (run.samples, 3)
    begin, end = first, first + period * (run.repeats + 1)
    expected = np.repeat(np.arange(run.repeats + 1), period)
    assert set(found[:, 0].tolist()) == {7}
    np.testing.assert_array_equal(found[begin:end, 1], 100 + rows * expected)
    np.testing.assert_array_equal(found[begin:end, 2], 100 + rows * expected)


def test_programmings_of_a_run_that_repeats_are_told_apart_by_the_rows_of_their_writes() -> None:
    network = ReLaXNet(hidden=8, weight_sets=3, steps=3)
    met = time_run(Chip.nominal(load_spec("photonic_mrr"), network), 40)
    trace, used = met.trace, 2
    writes = set(trace.rows("write").tolist())
    for sample in range(40):
        for step in range(3):
            number = int(met.accesses.write[sample, step])
            if number < used:
                assert number == met.accesses.bank[sample, step]
                continue
            row = number - used
            assert row in writes
            assert trace.bank[row] == met.accesses.bank[sample, step]
            assert trace.weight_set[row] == step


@pytest.mark.parametrize("machine", ["photonic_mrr", "spintronic_mtj"])
def test_any_sample_from_which_on_a_run_repeats_serves_as_the_first(machine: str) -> None:
    """Also the last one: then samples that repeat include those behind which rows are missing."""
    network = ReLaXNet(hidden=8, weight_sets=3, steps=3)
    blocks = [("control.block", "2"), ("memory.capacity", "2")]
    chip = Chip.nominal(load_spec(machine, blocks), network)
    run, exact = time_run(chip, 90).run, time_run(chip, 90, exact=True).accesses
    assert isinstance(run, PeriodicTrace)
    last = run.base.samples - 2 * run.period_samples
    assert last > run.first_sample
    for first in range(run.first_sample, last + 1):
        met = accesses_from_trace(
            replace(run, first_sample=first), chip.order, chip.mapping, chip.setup_age(), block=2
        )
        for name in AccessTable.__slots__:
            np.testing.assert_array_equal(getattr(met, name), getattr(exact, name), err_msg=name)
