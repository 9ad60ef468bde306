"""Several blocks in the loop at once: schedules by hand, whose turn it is, and what that gains."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pnnsim.errors import ScheduleError
from pnnsim.inference.chip import Chip
from pnnsim.inference.chip_warnings import warnings_of
from pnnsim.mapping.bounds import interval_bounds_fs
from pnnsim.mapping.delays import Stage
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.run import run_timing
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import delay_sets, machine, machines, pipelines
from tests.timing.test_timing_reference import recurrence


def test_two_blocks_share_the_moves_of_the_switch_between_two_banks() -> None:
    # One sample in each. Both are served on bank 0 before the switch moves; 2 and 3 come in when 0
    # and 1 have left. The encoder has prepared a symbol when the switch rests.
    trace = machine(samples=4, blocks_in_flight=2).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6-------
        front_end          00001111.2222.................3333..................................
        encoder            ....000001111100......0001111122......2223333322......22233333......
        switch             ...............RRRRRRR.........RRRRRRR.........RRRRRRR..............
        weight_banks.path  ......0....1..........0....1..........2....3..........2....3........
        weight_banks.0     .......0....1..........................2....3.......................
        weight_banks.1     .......................0....1..........................2....3.......
        detector           ........00...11.........00...11.........22...33.........22...33.....
        nonlinearity       ..........00...11.........00...11.........22...33.........22...33...
        memory             ............0....1..........................2....3..................
        readout            ............................000..111........................222..333
    """)


def test_blocks_that_come_late_overlap_with_those_in_the_loop() -> None:
    # T_in is 6, and 0 goes on alone until 1 has come. Then both take turns; 2 comes in when 0 has
    # left.
    slow = (Stage("front_end", "map_input", 6),)
    case = machine(samples=3, blocks_in_flight=2, sets=1, banks=1, steps=3, input=slow)
    assert drawn(case.run()) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6----
        front_end          000000111111........222222.......................................
        encoder            ......00000....00000111110000011111222221111122222....22222......
        weight_banks.path  ........0........0....1....0....1....2....1....2........2........
        weight_banks.0     .........0........0....1....0....1....2....1....2........2.......
        detector           ..........00.......00...11...00...11...22...11...22.......22.....
        nonlinearity       ............00.......00...11...00...11...22...11...22.......22...
        memory             ..............0........0....1.........1....2.........2...........
        readout            .................................000............111...........222
    """)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"banks": 1}, r"a bank for each weight set, got 1 logical banks .*weight_banks\.count"),
        ({"overlap": False}, r"control\.overlap: without it the switch waits"),
        ({"block": 3}, r"memory for 6 states, got a capacity of 4.*memory\.capacity"),
    ],
)
def test_blocks_that_cannot_share_the_loop_are_refused_with_the_reason(case, why) -> None:
    refused = replace(machine(samples=4, blocks_in_flight=2, **case), memory_capacity=4)
    with pytest.raises(ScheduleError, match=r"control\.blocks_in_flight: got 2 .*" + why):
        refused.run()


def test_networks_that_keep_their_state_have_one_block_in_flight() -> None:
    work = replace(machine(samples=4, blocks_in_flight=2).work, stateful=True)
    with pytest.raises(ScheduleError, match="the block before has ended"):
        run_timing(work, 4)


@given(machines(samples=(60, 120), ahead=True) | pipelines(samples=(60, 120)))
@settings(max_examples=40, deadline=None)
def test_no_machine_is_faster_than_its_bottleneck_allows(case) -> None:
    run = case.run_fast()
    if isinstance(run, PeriodicTrace):
        bound = max(interval_bounds_fs(case.work).values())
        assert Fraction(run.period_fs, run.period_samples) >= bound


def test_report_names_the_bottleneck_and_blocks_in_flight_move_it() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=1, steps=12)
    found = []
    for flight in ("1", "8"):
        changes = [
            ("control.blocks_in_flight", flight),
            ("memory.capacity", flight),
            ("front_end.macs_per_cycle", "100000"),
            ("front_end.clock", "100 GHz"),
        ]
        chip = Chip.nominal(load_spec("photonic_mrr", changes), network)
        timing = time_run(chip, 200)
        left_out = [text for text in warnings_of(chip, timing.work) if "keeps" in text]
        assert len(left_out) == (flight == "8")
        metrics = timing_metrics(timing)
        # The last results of a run, which share the loop with fewer others, come a little faster.
        assert metrics["interval_s"] == pytest.approx(
            metrics["bottleneck"]["interval_s"], rel=0.05, abs=0
        )
        found.append(metrics)
    assert [metrics["bottleneck"]["part"] for metrics in found] == ["loop", "encoder"]
    assert found[1]["interval_s"] < found[0]["interval_s"] / 2


@given(pipelines())
@settings(max_examples=100, deadline=None)
def test_any_pipeline_keeps_the_times_of_the_recurrence(case) -> None:
    trace = case.run()
    arrival, result, departure = recurrence(case)
    assert trace.arrival_fs.tolist() == list(arrival.values())
    assert trace.result_fs.tolist() == list(result.values())
    rows = trace.rows("propagate")
    where = zip(trace.sample[rows].tolist(), trace.product[rows].tolist(), strict=True)
    assert dict(zip(where, trace.start_fs[rows].tolist(), strict=True)) == departure


@given(pipelines(samples=(30, 150)))
@settings(max_examples=30, deadline=None)
def test_any_pipeline_gives_the_same_columns_both_ways(case) -> None:
    fast, exact = case.run_fast(), case.run()
    assert fast.expand().equals(exact)


@given(pipelines(), st.lists(st.integers(0, 60), min_size=12, max_size=12), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_any_pipeline_keeps_the_invariants_under_arrivals_and_refreshes(case, gaps, more) -> None:
    times = np.cumsum(gaps)[: case.samples].tolist()
    case = replace(case, arrivals=Arrivals(case.samples, tuple(times)))
    case.run()
    if case.delays.write_fs:
        interval = (case.mapping.used * case.delays.write_fs + more) * 1e-15
        control = case.control.model_copy(update={"refresh_interval": interval})
        replace(case, control=control).run()


@given(delay_sets(), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_enough_blocks_in_flight_bring_the_interval_to_that_of_the_encoder(delays, steps) -> None:
    # With an output map the front end would work for both ends in turns.
    delays = replace(delays, output=delays.output[:1])
    case = machine(delays, sets=1, steps=steps, banks=1)
    bounds = interval_bounds_fs(case.work)
    loop, slowest = bounds.pop("loop"), bounds["encoder"]
    # Where another part is slower, a turn that waits for a state may keep it waiting; an input that
    # comes during a turn is there for the next one.
    assume(0 < slowest == max(bounds.values()) and delays.input_fs * steps < slowest)
    flight = math.ceil(loop / slowest) + 2
    assume(flight <= 6)
    case = machine(
        delays, sets=1, steps=steps, banks=1, samples=40 * flight, blocks_in_flight=flight
    )
    run = case.run_fast()
    assert isinstance(run, PeriodicTrace)
    assert Fraction(run.period_fs, run.period_samples) == slowest
    assert max(interval_bounds_fs(case.work).values()) == slowest
