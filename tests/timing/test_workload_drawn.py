"""Schedules of convolutions, drawn by hand: see `tests.timing.drawings`.

The machine is `NUMBERS`. An image of 3 x 3 has 4 places for a kernel of 2 x 2, so 4 vectors cross
the bank, one every 6 fs: 1 to convert it, 2 to encode it, 3 until the detector has captured it.
"""

from __future__ import annotations

from dataclasses import replace

from pnnsim.timing.trace import ACTIONS
from tests.timing.drawings import by_hand, drawn
from tests.timing.workloads import NUMBERS, convolution, job

AMOUNTS = {
    "map_input": 1, "convert": 16, "encode": 16, "hold_symbol": 4, "propagate": 4, "mvm": 4,
    "detect": 8, "digitize": 8, "compute": 16, "map_output": 1,
}  # fmt: skip


def test_vectors_of_a_convolution_follow_each_other_through_all_parts():
    # The last vector is 18 fs behind the first. Sample 1 enters when all numbers of sample 0 are
    # there, at 30, while the engine is scaling them and applies their relu.
    case = job(convolution(activation="relu"), banks=1, samples=2, jobs_fs=(5,))
    trace = case.run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6-----
        front_end          000111........................000000000..................111111111
        encoder.dac        ...0..........................1...................................
        encoder            ....00000000000000000000000....11111111111111111111111............
        weight_banks.path  ......0000000000000000000........1111111111111111111..............
        weight_banks.0     .......0000000000000000000........1111111111111111111.............
        detector           ........00000000000000000000.......11111111111111111111...........
        readout            ..........00000000000000000000.......11111111111111111111.........
    """)
    assert trace.result_fs.tolist() == [39, 66]
    assert case.closed_form_fs() == 39
    # 4 vectors of 4 lines and 2 outputs; each number is scaled, then passes the relu.
    seen = {ACTIONS[a]: set(trace.amount[trace.action == a].tolist()) for a in set(trace.action)}
    assert seen == {action: {amount} for action, amount in AMOUNTS.items()}


def test_each_fold_of_a_convolution_is_converted_while_the_bank_is_written_with_the_next():
    # Two channels are 8 inputs, on a bank for 4: sums of vectors are those of numbers. The bank is
    # written from 28 to 33, when the last vector of the first fold is captured.
    work = convolution(channels=2, activation="relu")
    case = job(work, delays=replace(NUMBERS, write_fs=5), banks=1, jobs_fs=(0, 5))
    trace = case.run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5---------6-----
        front_end          000......................................................000000000
        encoder.dac        ...0........................0.....................................
        encoder            ....00000000000000000000000..00..000000000000000000000............
        weight_banks.path  ......0000000000000000000........0000000000000000000..............
        weight_banks.0     .......0000000000000000000..WWWWW.0000000000000000000.............
        detector           ........00000000000000000000.......00000000000000000000...........
        readout            ..........00000000000000000000.......00000000000000000000.........
    """)
    assert case.closed_form_fs() == 66
