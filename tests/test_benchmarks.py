"""The benchmarks run; how fast is for people to read."""

from __future__ import annotations

import pytest

from benchmarks import blocks, timing


def test_tables_of_timing_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    timing.event_rates(20, 20)
    timing.fast_runs([200])
    lines = capsys.readouterr().out.splitlines()
    assert sum("photonic_mrr" in line or "SimPy" in line for line in lines) == 2
    assert len(lines) == 10


def test_block_that_breaks_even_is_the_closed_form_rounded_up() -> None:
    # Small blocks: what the front end adds in step 0 is far less than a wave.
    _, closed, simulated = blocks.break_even(20e-9)
    assert int(simulated) == -int(-float(closed) // 1)
    assert blocks.measured("photonic_mrr", 8)[1] == "8"


def test_points_lie_on_the_closed_form_but_for_the_front_end() -> None:
    for block, rest in ((1, 1e-9), (4, 0.05)):
        _, *figures = map(float, blocks.points(block))
        for closed, simulated in zip(figures[::2], figures[1::2], strict=True):
            assert closed <= simulated <= closed * (1 + rest)
