"""Writes ahead of time, drawn by hand: one character is one femtosecond, a digit is a sample."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings

from pnnsim.analysis.metrics import setup
from pnnsim.cli.app import main
from pnnsim.inference.chip import Chip
from pnnsim.mapping.plan import plan_blocks, plan_period
from pnnsim.mapping.policies import POLICIES
from pnnsim.mapping.tiling import map_network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.ahead import planned
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.run import run_fast
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import machine, machines


def writes(trace):
    """Return (bank, weight set, start) of each write."""
    rows = trace.rows("write")
    columns = (trace.bank[rows], trace.weight_set[rows], trace.start_fs[rows])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_single_bank_leaves_nothing_to_write_ahead():
    case = {"sets": 3, "steps": 3, "banks": 1, "samples": 4}
    assert machine(prefetch=True, **case).run().equals(machine(**case).run())


def test_two_banks_take_turns():
    # Set 2 goes into bank 0, which is free when step 0 is captured at 10, and step 2 departs when
    # it is written and the switch has moved, at 33. The driver then turns to bank 1.
    trace = machine(
        samples=2, sets=3, steps=3, banks=2, prefetch=True, route_fs=3, write_fs=20
    ).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6---------7---------8---------9---------0-
        front_end          00001111..............................................................................................
        encoder            ....00000....00000....00.........000...11............111....11...........111....11...........111......
        switch             ..........RRR.................RRR.................RRR.................RRR.................RRR.........
        weight_banks.path  ......0........0.................0...................1...................1...................1........
        weight_banks.0     .......0..WWWWWWWWWWWWWWWWWWWW....0...............WWWWWWWWWWWWWWWWWWWW....1...........................
        weight_banks.1     ................0.............WWWWWWWWWWWWWWWWWWWW....1...............WWWWWWWWWWWWWWWWWWWW....1.......
        detector           ........00.......00................00..................11..................11..................11.....
        nonlinearity       ..........00.......00................00..................11..................11..................11...
        memory             ............0........0.....................................1...................1......................
        readout            .......................................000.........................................................111
    """)  # noqa: E501
    assert writes(trace) == [(0, 2, 10), (1, 0, 30), (0, 1, 50), (1, 2, 70)]


def test_three_banks_write_earlier_than_the_step_before():
    # Set 3 goes into bank 1, whose set is needed later than that of bank 0; it is free at 19, while
    # step 2 is still to come. Two of four steps find their weights in place.
    trace = machine(
        samples=2, sets=4, steps=4, banks=3, prefetch=True, route_fs=3, write_fs=20
    ).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6---------7---------8---------9---------0----
        front_end          00001111.................................................................................................
        encoder            ....00000....00000....00000....00.........000...11111....11..........111....11111....11.........111......
        switch             ..........RRR......RRR.................RRR....RRR.................RRR....RRR.................RRR.........
        weight_banks.path  ......0........0........0.................0.......1..................1........1.................1........
        weight_banks.0     .......0...........................................1.....................................................
        weight_banks.1     ................0..WWWWWWWWWWWWWWWWWWWW....0..WWWWWWWWWWWWWWWWWWWW....1..WWWWWWWWWWWWWWWWWWWW....1.......
        weight_banks.2     .........................0.....................................................1.........................
        detector           ........00.......00.......00................00......11.................11.......11................11.....
        nonlinearity       ..........00.......00.......00................00......11.................11.......11................11...
        memory             ............0........0........0.........................1..................1........1....................
        readout            ................................................000...................................................111
    """)  # noqa: E501


def test_second_driver_writes_a_second_bank_beside_the_first():
    # Bank 1 is free at 19; a second driver need not wait until 30 for the first.
    trace = machine(
        samples=1, sets=3, steps=6, banks=2, prefetch=True, write_drivers=2, route_fs=3, write_fs=20
    ).run()
    assert writes(trace)[:2] == [(0, 2, 10), (1, 0, 19)]


def test_write_that_is_done_in_time_costs_nothing():
    # A write of 3 is over before the switch may move: latency as if all sets were resident.
    plan = {"steps": 6, "sets": 3, "samples": 1, "route_fs": 7}
    ahead = machine(banks=2, prefetch=True, write_fs=3, **plan).run()
    resident = machine(banks=3, **plan).run()
    assert ahead.result_fs.tolist() == resident.result_fs.tolist()


@given(machines(ahead=True))
@settings(max_examples=150, deadline=None)
def test_any_machine_that_writes_ahead_keeps_the_laws(case):
    trace = case.run()
    trace.check(case.work)


@given(machines(ahead=True))
@settings(max_examples=100, deadline=None)
def test_bank_in_use_is_never_chosen_while_there_is_another(case):
    if case.mapping.logical < 2:
        return
    before = None
    plan = plan_blocks(case.order, case.mapping, POLICIES[case.control.policy](ahead=True))
    for accesses, _ in zip(plan, range(4), strict=False):
        for access in accesses:
            assert not (access.write and access.bank == before)
            before = access.bank


@pytest.mark.parametrize("kind", sorted(POLICIES))
@pytest.mark.parametrize("prefetch", [True, False])
@pytest.mark.parametrize(("sets", "banks"), [(1, 1), (2, 2), (3, 2), (5, 3), (7, 4)])
def test_plan_repeats_when_it_says_so(sets, banks, prefetch, kind):
    policy = POLICIES[kind](prefetch)
    case = machine(sets=sets, steps=sets + 2, banks=banks)
    start, length = plan_period(case.order, case.mapping, policy)
    plan = plan_blocks(case.order, case.mapping, policy)
    blocks = [accesses for accesses, _ in zip(plan, range(start + 4 * length), strict=False)]
    for block in range(start, start + 3 * length):
        assert blocks[block] == blocks[block + length]


def steady(case, work):
    """Return the interval between results of a long run [fs]."""
    run = run_fast(work, 256 * case.control.block)
    if isinstance(run, PeriodicTrace):
        return Fraction(run.period_fs, run.period_samples)
    return Fraction(run.result_span_fs, run.samples - 1)


def both_plans(case):
    """Return the work as it is planned, its interval, and that without writes ahead [fs]."""
    never = case.control.model_copy(update={"prefetch": False})
    always = case.control.model_copy(update={"prefetch": True})
    chosen = planned(replace(case.work, control=always))
    return chosen, steady(case, chosen), steady(case, replace(case.work, control=never))


@given(machines(ahead=True))
@settings(max_examples=20, deadline=None)
def test_prefetch_never_makes_a_saturated_run_slower(case):
    assume(1 < case.mapping.logical < case.mapping.matrices)
    chosen, ahead, plain = both_plans(case)
    # A tie goes to the plan that writes nothing ahead.
    assert ahead < plain if chosen.ahead else ahead == plain


def test_three_sets_on_two_banks_are_written_when_they_are_needed():
    # Written ahead, each step needs a write, as the bank just used is spared; in place, only every
    # second one does.
    case = machine(sets=3, steps=3, banks=2, prefetch=True, route_fs=3, write_fs=1000)
    chosen, _, plain = both_plans(case)
    assert not chosen.ahead
    assert steady(case, case.work) > 1.4 * plain


def test_writes_that_hide_behind_other_steps_are_made_ahead():
    case = machine(sets=4, steps=4, banks=3, prefetch=True, route_fs=3, write_fs=20)
    chosen, ahead, plain = both_plans(case)
    assert chosen.ahead
    assert ahead < plain


def test_plan_that_was_chosen_is_in_the_metrics_and_the_map(capsys):
    ahead = ("control.prefetch", "true")
    network = ReLaXNet(weight_sets=3, steps=3)
    timing = time_run(Chip.nominal(load_spec("photonic_mrr", [ahead]), network), 40)
    metrics = timing_metrics(timing)
    never = time_run(Chip.nominal(load_spec("photonic_mrr"), network), 40)
    assert metrics["mapping"]["written_ahead"] is False
    assert metrics["interval_s"] == timing_metrics(never)["interval_s"]
    assert timing.trace.equals(never.trace)
    settings = ["--set", "network.weight_sets=3", "--set", "control.prefetch=true"]
    assert main(["map", "photonic_mrr", *settings, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written_ahead"] is False


def test_closed_form_knows_nothing_of_writes_ahead():
    assert machine(sets=3, steps=3, banks=2, prefetch=True).closed_form_fs() is None
    assert machine(sets=2, steps=3, banks=2, prefetch=True).closed_form_fs() is not None


def test_drivers_share_the_tiles_of_a_matrix():
    # 8 x 8 on banks of 4 x 4: four tiles; with three drivers two rounds, with eight two matrices.
    mapping = map_network(hidden=8, weight_sets=2, count=8, rows=4, cols=4)
    assert [mapping.write_rounds(n) for n in (1, 2, 3, 4, 8)] == [4, 2, 2, 1, 1]
    assert [mapping.writers(n) for n in (1, 3, 4, 7, 8)] == [1, 1, 1, 1, 2]
    times = [
        setup(mapping, write_time=1.0, write_energy=0.0, write_drivers=n).time_s
        for n in (1, 2, 4, 8)
    ]
    assert times == [8.0, 4.0, 2.0, 1.0]


def test_written_bank_is_never_multiplied_on_meanwhile():
    trace = machine(samples=40, sets=5, steps=7, banks=3, block=2, prefetch=True).run()
    uses, wrote = trace.rows("mvm"), trace.rows("write")
    for row in wrote:
        mine = uses[trace.bank[uses] == trace.bank[row]]
        inside = (trace.start_fs[mine] < trace.end_fs[row]) & (
            trace.end_fs[mine] > trace.start_fs[row]
        )
        assert not np.any(inside)
