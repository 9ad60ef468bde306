"""Schedules drawn by hand: see `tests.timing.drawings`; those of folds are apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pnnsim.errors import ScheduleError
from pnnsim.mapping.delays import Stage
from pnnsim.timing.run import run_timing
from pnnsim.timing.trace import ACTIONS
from tests.timing.drawings import QUICK, by_hand, drawn
from tests.timing.machines import machine


def test_block_1_overlapped_moves_the_switch_beside_the_state():
    # The move of 7 is longer than T_state of 5: the encoder waits 2 before each second step.
    trace = machine(samples=2).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4-------
        front_end          00001111........................................
        encoder            ....00000....00..000...11...111....11..111......
        switch             ..........RRRRRRR....RRRRRRR....RRRRRRR.........
        weight_banks.path  ......0..........0..........1..........1........
        weight_banks.0     .......0.....................1..................
        weight_banks.1     ..................0.....................1.......
        detector           ........00.........00.........11.........11.....
        nonlinearity       ..........00.........00.........11.........11...
        memory             ............0.....................1.............
        readout            .......................000...................111
    """)


def test_block_1_without_overlap_does_one_thing_after_the_other():
    trace = machine(samples=2, overlap=False).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6-
        front_end          00001111......................................................
        encoder            ....00000...........00000..........11111...........11111......
        switch             .............RRRRRRR........RRRRRRR.........RRRRRRR...........
        weight_banks.path  ......0...............0..............1...............1........
        weight_banks.0     .......0..............................1.......................
        weight_banks.1     .......................0..............................1.......
        detector           ........00..............00.............11..............11.....
        nonlinearity       ..........00..............00.............11..............11...
        memory             ............0..............................1..................
        readout            ............................000............................111
    """)


def test_block_2_shares_a_move_and_the_last_block_may_be_short():
    # Samples 0 and 1 access bank 0, then both access bank 1; sample 2 is a block of its own. Sample
    # 1 is encoded at 9, when the bank has responded to sample 0.
    trace = machine(samples=3, block=2).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5-------
        front_end          00001111.2222.............................................
        encoder            ....000001111100......00011111...22...222....22..222......
        switch             ...............RRRRRRR.........RRRRRRR....RRRRRRR.........
        weight_banks.path  ......0....1..........0....1..........2..........2........
        weight_banks.0     .......0....1..........................2..................
        weight_banks.1     .......................0....1.....................2.......
        detector           ........00...11.........00...11.........22.........22.....
        nonlinearity       ..........00...11.........00...11.........22.........22...
        memory             ............0....1..........................2.............
        readout            ............................000..111...................222
    """)


def test_block_2_without_overlap_moves_after_the_last_hold():
    trace = machine(samples=3, block=2, overlap=False).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6---------7-
        front_end          00001111.2222...........................................................
        encoder            ....0000011111...........0000011111..........22222...........22222......
        switch             ..................RRRRRRR.............RRRRRRR.........RRRRRRR...........
        weight_banks.path  ......0....1...............0....1..............2...............2........
        weight_banks.0     .......0....1...................................2.......................
        weight_banks.1     ............................0....1..............................2.......
        detector           ........00...11..............00...11.............22..............22.....
        nonlinearity       ..........00...11..............00...11.............22..............22...
        memory             ............0....1...................................2..................
        readout            .................................000..111............................222
    """)


def test_block_5_keeps_the_encoder_busy_and_moves_once():
    # Departures follow each other at T_encode + drive = 5. The last sample is captured at 30, and
    # the switch moves for 7; sample 0 has been encoded meanwhile.
    trace = machine(samples=5, block=5).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6-----
        front_end          00001111.2222.3333.4444...........................................
        encoder            ....000001111122222333334444400......00011111222223333344444......
        switch             ..............................RRRRRRR.............................
        weight_banks.path  ......0....1....2....3....4..........0....1....2....3....4........
        weight_banks.0     .......0....1....2....3....4......................................
        weight_banks.1     ......................................0....1....2....3....4.......
        detector           ........00...11...22...33...44.........00...11...22...33...44.....
        nonlinearity       ..........00...11...22...33...44.........00...11...22...33...44...
        memory             ............0....1....2....3....4.................................
        readout            ...........................................000..111..222..333..444
    """)


def test_delay_line_longer_than_the_step():
    # A round of 20 is longer than the move of 7, which starts at the capture of sample 1 and is
    # over at 22. Each state comes back 20 after its activation, and both are on their way together.
    trace = machine(samples=2, block=2, hold_fs=20).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4-------
        front_end          00001111........................................
        encoder            ....0000011111..................0000011111......
        switch             ...............RRRRRRR..........................
        weight_banks.path  ......0....1......................0....1........
        weight_banks.0     .......0....1...................................
        weight_banks.1     ...................................0....1.......
        detector           ........00...11.....................00...11.....
        nonlinearity       ..........00...11.....................00...11...
        memory             ............00000+++++++++++++++11111...........
        readout            ........................................000..111
    """)


def test_rewrites_where_three_sets_share_two_banks():
    # Sample 0 finds sets 0 and 1; set 2 goes into bank 1, just used, as set 0 is needed sooner. For
    # sample 1 set 1 goes into bank 0, again in place, and set 2 is still in bank 1.
    trace = machine(samples=2, sets=3, steps=3, route_fs=3, write_fs=10).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6--------
        front_end          00001111.............................................................
        encoder            ....00000....00000....00.....000...11111....11.....111....11111......
        switch             ..........RRR....................RRR...................RRR...........
        weight_banks.path  ......0........0.............0.......1.............1........1........
        weight_banks.0     .......0..............................1..WWWWWWWWWW.1................
        weight_banks.1     ................0..WWWWWWWWWW.0..............................1.......
        detector           ........00.......00............00......11............11.......11.....
        nonlinearity       ..........00.......00............00......11............11.......11...
        memory             ............0........0.....................1.............1...........
        readout            ...................................000............................111
    """)


def test_departure_waits_until_the_nonlinearity_is_free_at_capture():
    # Encoded at 8, but captured at 12 the sample would find the nonlinearity busy until 16.
    trace = machine(samples=2, sets=1, steps=1, banks=1, block=2, activate_fs=9, input=QUICK).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2-------
        front_end          01..........................
        encoder            .0000011....111.............
        weight_banks.path  ...0........1...............
        weight_banks.0     ....0........1..............
        detector           .....00.......11............
        nonlinearity       .......000000000111111111...
        readout            ................000......111
    """)


def test_any_number_of_samples_may_be_on_the_way():
    trace = machine(
        samples=3,
        sets=1,
        steps=1,
        banks=1,
        block=3,
        input=QUICK,
        encode=(Stage("encoder", "encode", 1),),
        propagate_fs=6,
        detect_fs=1,
        activate_fs=1,
        output=(Stage("readout", "convert", 2),),
    ).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1--------
        front_end          01..2..............
        encoder            .000111222.........
        weight_banks.path  ..000++++++222.....
        weight_banks.0     ........0..1..2....
        detector           .........0..1..2...
        nonlinearity       ..........0..1..2..
        readout            ...........00.11.22
    """)


def test_memory_acquires_several_states_at_once():
    # The delay of the memory is in the way of each sample, not in that of the next.
    trace = machine(samples=3, sets=1, banks=1, block=3, hold_fs=9, input=QUICK).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3--------
        front_end          01....2................................
        encoder            .000001111122222..000001111122222......
        weight_banks.path  ...0....1....2......0....1....2........
        weight_banks.0     ....0....1....2......0....1....2.......
        detector           .....00...11...22.....00...11...22.....
        nonlinearity       .......00...11...22.....00...11...22...
        memory             .........00000++++1++++22222...........
        readout            ..........................000..111..222
    """)


def test_slow_readout_makes_a_queue_and_holds_up_nobody_else():
    trace = machine(
        samples=3, sets=1, steps=1, banks=1, output=(Stage("readout", "convert", 10),)
    ).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4-
        front_end          00001111....2222..........................
        encoder            ....00000...11111...22222.................
        weight_banks.path  ......0.......1.......2...................
        weight_banks.0     .......0.......1.......2..................
        detector           ........00......11......22................
        nonlinearity       ..........00......11......22..............
        readout            ............000000000011111111112222222222
    """)


MAPS = {
    "input": (Stage("front_end", "map_input", 4),),
    "output": (Stage("readout", "convert", 3), Stage("front_end", "map_output", 5)),
}


def test_front_end_maps_inputs_and_outputs_in_turns():
    # Sample 1 is taken at 12, as sample 0 has left the loop: the input of sample 2 is mapped at
    # once, and the result of sample 0, which is read at 15, when that is over.
    trace = machine(samples=3, sets=1, steps=1, banks=1, **MAPS).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3-----
        front_end          00001111....222200000...11111...22222
        encoder            ....00000...11111...22222............
        weight_banks.path  ......0.......1.......2..............
        weight_banks.0     .......0.......1.......2.............
        detector           ........00......11......22...........
        nonlinearity       ..........00......11......22.........
        readout            ............000......111.....222.....
    """)


def test_front_end_serves_the_older_of_two_samples_that_come_at_once():
    # Nothing is converted: at 23 sample 0 has its result to be mapped, and sample 2 its input.
    outputs = Stage("readout", "convert", 0), MAPS["output"][1]
    trace = machine(samples=3, input=MAPS["input"], output=outputs).run()
    assert drawn(trace)["front_end"][:36] == "00001111" + 15 * "." + "00000" + "2222" + 4 * "."
    assert trace.arrival_fs.tolist() == [0, 4, 28]
    # The cause of the input is what kept the front end busy until then.
    first, last = trace.rows("map_output")[0], trace.rows("map_input")[-1]
    assert trace.cause[last] == first


def test_front_end_that_both_ends_need_is_the_bottleneck_of_both():
    # 4 + 5 fs for each sample, where the loop takes 8 and no other part more; the last have no
    # next.
    one = {"sets": 1, "steps": 1, "banks": 1}
    results = machine(samples=30, **one, **MAPS).run().result_fs
    assert np.diff(results)[-20:-2].tolist() == [9] * 18


def test_single_sample_through_a_single_step():
    trace = machine(sets=1, steps=1, banks=1).run()
    # T_in 4, T_encode 2, T_MM 4, T_nonlinearity 2, T_out 3.
    assert trace.result_fs.tolist() == [15]
    assert "hold" not in {ACTIONS[action] for action in trace.action}


def test_machine_without_delays_still_does_everything_in_order():
    parts = ("propagate", "mvm", "detect", "activate", "hold", "route", "write")
    trace = machine(
        samples=2,
        steps=3,
        sets=3,
        input=(Stage("front_end", "map_input", 0),),
        encode=(Stage("encoder", "encode", 0),),
        output=(Stage("readout", "convert", 0),),
        **{f"{part}_fs": 0 for part in parts},
    ).run()
    assert trace.result_fs.tolist() == [0, 0]
    first = [ACTIONS[action] for action in trace.action[trace.sample == 0]]
    assert [name for name in first if name in {"mvm", "write", "map_input", "convert"}] == [
        "map_input", "mvm", "mvm", "write", "mvm", "convert"
    ]  # fmt: skip


def test_nothing_moves_after_the_last_sample():
    trace = machine(samples=3, steps=3).run()
    assert trace.end_fs[trace.rows("route")].max() < trace.start_fs[trace.rows("mvm")].max()


def test_sample_of_a_move_is_known_only_in_blocks_of_one():
    alone = machine(samples=2).run()
    assert alone.sample[alone.rows("route")].tolist() == [0, 1, 1]
    assert alone.step[alone.rows("route")].tolist() == [1, 0, 1]
    together = machine(samples=3, block=2).run()
    assert together.sample[together.rows("route")].tolist() == [-1, 2, 2]


def test_causes_of_the_first_drawing():
    trace = machine(samples=2).run()
    names = [
        f"{ACTIONS[a]} {w}.{s}"
        for a, w, s in zip(trace.action, trace.sample, trace.step, strict=True)
    ]
    causes = {
        name: names[cause] if cause >= 0 else None
        for name, cause in zip(names, trace.cause, strict=True)
    }
    assert causes["map_input 0.-1"] is None
    # The front end gets free when the encoder takes sample 0, and that waited for its input only.
    assert causes["map_input 1.-1"] == "map_input 0.-1"
    assert causes["encode 0.0"] == "map_input 0.-1"
    assert causes["propagate 0.0"] == "encode 0.0"
    assert causes["route 0.1"] == "detect 0.0"
    assert causes["encode 0.1"] == "hold 0.0"
    assert causes["propagate 0.1"] == causes["hold_symbol 0.1"] == "route 0.1"
    assert causes["encode 1.0"] == "activate 0.1"
    assert causes["convert 0.-1"] == "activate 0.1"


def test_same_run_twice_is_the_same_trace():
    assert machine(samples=5, block=2).run().equals(machine(samples=5, block=2).run())


def test_a_slow_readout_holds_up_the_loop_once_two_results_wait():
    # Sample 2 enters at 17, when sample 1 has left and the readout has taken sample 0, at 9. Sample
    # 3 waits until the readout takes sample 1 at 25, and sample 4 until 41.
    trace = machine(
        samples=5, sets=1, steps=1, banks=1, input=QUICK, output=(Stage("readout", "convert", 16),)
    ).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6---------7---------8--------
        front_end          01.......2.......3.......4...............................................................
        encoder            .00000...11111...22222...33333...........44444...........................................
        weight_banks.path  ...0.......1.......2.......3...............4.............................................
        weight_banks.0     ....0.......1.......2.......3...............4............................................
        detector           .....00......11......22......33..............44..........................................
        nonlinearity       .......00......11......22......33..............44........................................
        readout            .........00000000000000001111111111111111222222222222222233333333333333334444444444444444
    """)  # noqa: E501


def test_progress_ends_with_all_samples():
    case = machine(samples=250)
    seen = []
    run_timing(case.work, 250, lambda done, samples: seen.append((done, samples)))
    assert seen == [(done, 250) for done in range(2, 251, 2)]


def test_block_that_memory_cannot_hold_is_refused():
    with pytest.raises(
        ScheduleError, match=r"block of 4 samples .* got a capacity of 3.*Hint: lower"
    ):
        replace(machine(block=4), memory_capacity=3).run()


def test_no_sample_is_refused():
    with pytest.raises(ScheduleError, match="got 0 samples; expected at least 1"):
        machine(samples=0).run()
