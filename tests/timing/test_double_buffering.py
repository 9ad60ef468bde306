"""Lines that prepare the next symbol while they keep one: schedules by hand, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from pnnsim.analysis.critical_path import critical_path
from pnnsim.inference.chip import Chip
from pnnsim.inference.chip_warnings import warnings_of
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs
from pnnsim.timing.periodic_trace import PeriodicTrace
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import machine, machines


def test_next_symbol_is_prepared_while_the_lines_keep_one() -> None:
    # T_encode 2, kept for 3: samples depart every 3, not every 5, once the front end keeps up. The
    # next symbol is begun when one departs, as there is a single place to prepare it.
    trace = machine(samples=5, block=5, sets=1, steps=2, double_buffered=True).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4------
        front_end          00001111222233334444..........................
        encoder            ....00..11..22..33..4400.11.22.33.44..........
        encoder.symbol     ......000.111.222.333.444000111222333444......
        weight_banks.path  ......0...1...2...3...4..0..1..2..3..4........
        weight_banks.0     .......0...1...2...3...4..0..1..2..3..4.......
        detector           ........00..11..22..33..44.00.11.22.33.44.....
        nonlinearity       ..........00..11..22..33..44.00.11.22.33.44...
        memory             ............0...1...2...3...4.................
        readout            ...............................000111222333444
    """)


def test_prepared_symbol_waits_for_the_switch_and_the_next_one_waits_for_it() -> None:
    # Both states are there before the switch rests at 25: one is prepared, and the other is begun
    # when it departs.
    trace = machine(samples=3, block=3, double_buffered=True).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---
        front_end          000011112222............................
        encoder            ....00..11..2200.........11.22..........
        encoder.symbol     ......000.111.222........000111222......
        switch             ..................RRRRRRR...............
        weight_banks.path  ......0...1...2..........0..1..2........
        weight_banks.0     .......0...1...2........................
        weight_banks.1     ..........................0..1..2.......
        detector           ........00..11..22.........00.11.22.....
        nonlinearity       ..........00..11..22.........00.11.22...
        memory             ............0...1...2...................
        readout            ...............................000111222
    """)


def test_nonlinearity_that_is_slower_than_lines_sets_the_pace() -> None:
    # Activations of 6 follow each other; symbols that are ready wait before they depart.
    trace = machine(samples=4, block=4, sets=1, steps=1, double_buffered=True, activate_fs=6).run()
    rows = trace.rows("propagate")
    assert trace.start_fs[rows].tolist() == [6, 12, 18, 24]
    rows = trace.rows("activate")
    assert trace.start_fs[rows].tolist() == [10, 16, 22, 28]


@given(machines(samples=(1, 1)))
@settings(max_examples=30, deadline=None)
def test_sample_alone_is_no_faster(case) -> None:
    case = replace(case, control=case.control.model_copy(update={"block": 1}))
    single = replace(case, delays=replace(case.delays, double_buffered=False))
    double = replace(case, delays=replace(case.delays, double_buffered=True))
    assert single.run().result_fs[0] == double.run().result_fs[0] == double.closed_form_fs()


@given(machines(samples=(150, 250)))
@settings(max_examples=12, deadline=None)
def test_no_machine_gets_slower_in_the_long_run(case) -> None:
    makespan = [
        replace(case, delays=replace(case.delays, double_buffered=double)).run_fast().makespan_fs
        for double in (False, True)
    ]
    assert makespan[1] <= makespan[0]


def test_saturated_recurrent_network_gets_to_the_pace_of_its_lines() -> None:
    # 12 products of 16 samples follow each other every max(T_encode, T_mvm + T_detect).
    network = ReLaXNet(inputs=6, hidden=64, outputs=3, weight_sets=1, steps=12)
    interval = {}
    for double in ("false", "true"):
        spec = load_spec(
            "photonic_mrr",
            [
                ("control.block", "16"),
                ("memory.capacity", "16"),
                ("encoder.double_buffered", double),
                ("front_end.macs_per_cycle", "1000000"),
                ("front_end.clock", "100 GHz"),
                ("encoder.symbol_rate", "100 GHz"),
                ("readout.conversion_time", "1 ps"),
            ],
        )
        timing = time_run(Chip.nominal(spec, network), 4096)
        run = timing.run
        assert isinstance(run, PeriodicTrace)
        interval[double] = run.period_fs / run.period_samples
        delays = timing.work.delays
        kept, encode = delays.hold_symbol_fs, delays.encode_fs
        pace = 12 * (max(encode, kept) if double == "true" else encode + kept)
        # A block drains before the next enters.
        assert pace <= interval[double] < pace * 1.2
    assert interval["true"] < interval["false"]


def test_second_set_of_drivers_takes_as_much_power_and_area_again() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=1, steps=2)
    for name in available_specs():
        specs = [load_spec(name), load_spec(name, [("encoder.double_buffered", "true")])]
        one, two = (Chip.nominal(spec, network).encoder for spec in specs)
        assert two.static_power() == pytest.approx(2 * one.static_power(), rel=1e-12, abs=0), name
        area = one.area()
        assert two.area() == (None if area is None else 2 * area), name


def test_lines_that_prepare_nothing_are_warned_of() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=1, steps=2)
    found = {}
    for block in (1, 4):
        settings = {"encoder.double_buffered": "true", "control.block": block, "memory.capacity": 4}
        spec = load_spec("photonic_mrr", [(key, str(value)) for key, value in settings.items()])
        chip = Chip.nominal(spec, network)
        found[block] = [w for w in warnings_of(chip, chip.work()) if "double_buffered" in w]
    assert found == {1: [found[1][0]], 4: []}
    assert "Hint: raise control.block" in found[1][0]


def test_time_that_a_prepared_place_is_taken_is_the_symbol_s_in_the_critical_path() -> None:
    path = critical_path(machine(samples=5, block=5, double_buffered=True).run())
    assert sum(item["share"] for item in path) == pytest.approx(1, rel=1e-12, abs=0)
