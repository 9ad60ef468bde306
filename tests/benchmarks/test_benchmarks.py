"""The benchmarks run; how fast is for people to read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import arrays, blocks, timing, values, workloads
from pnnsim.physics.crossbar import effective_conductance


def test_tables_of_timing_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    timing.event_rates(20, 20)
    timing.fast_runs([200])
    lines = capsys.readouterr().out.splitlines()
    assert sum("photonic_mrr" in line or "SimPy" in line for line in lines) == 2
    assert len(lines) == 10


def test_block_that_breaks_even_is_the_closed_form_rounded_up() -> None:
    # Small blocks: what the front end adds in step 0 is far less than a sample.
    _, closed, simulated = blocks.break_even(20e-9)
    assert int(simulated) == -int(-float(closed) // 1)
    assert blocks.measured("photonic_mrr", 8)[1] == "8"


def test_points_lie_on_the_closed_form_but_for_the_front_end() -> None:
    for block, rest in ((1, 1e-9), (4, 0.05)):
        _, *figures = map(float, blocks.points(block))
        for closed, simulated in zip(figures[::2], figures[1::2], strict=True):
            assert closed <= simulated <= closed * (1 + rest)


def test_values_are_compared_with_plain_torch_and_with_the_timing_pass(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values.against_plain(20, 1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["64", "float32"], ["64", "float64"], ["3072", "float32"]
    ]  # fmt: skip


def test_plain_forward_is_that_of_the_network_with_relu() -> None:
    case = values.Case.make(5, 64, torch.float64)
    p = case.parameters
    state = np.maximum(case.x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    for step in range(12):
        state = np.maximum(state @ p.weight[step % 4].numpy().T, 0.0)
    wanted = state @ p.output_weight.numpy().T + p.output_bias.numpy()
    # Sums of 64 products, twelve times over, in float64.
    np.testing.assert_allclose(case.plain().numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_crossbars_are_compared_with_a_solver_that_gives_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arrays.main(["--small"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines if line and line[0].isdigit()] == ["8", "16", "4", "8"]
    cells = torch.from_numpy(np.random.default_rng(0).uniform(1e-6, 2e-6, (2, 9, 9)))
    torch.testing.assert_close(
        arrays.row_by_row(cells),
        effective_conductance(cells, arrays.R_ROW, arrays.R_COL),
        rtol=1e-10,
        atol=0,
    )


def test_workloads_are_planned_and_timed(capsys: pytest.CaptureFixture[str]) -> None:
    workloads.tiles([4])
    workloads.vectors([3])
    workloads.samples([20])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    # 9 spans a product, an input and an output: two samples more are twice as many more.
    resident, rewritten = lines[2], lines[3]
    assert (resident[:4], rewritten[:4]) == (["4", "4", "4", "4"], ["4", "1", "4", "4"])
    assert lines[7][2] == "9"


def test_whole_simulations_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    workloads.values([(4, 8)])
    row = capsys.readouterr().out.split()[-5:]
    assert row[:3] == ["4", "8", "0"]


def test_residual_network_has_its_tiles() -> None:
    work = workloads.planned(workloads.resnet18(), 64)
    assert work.mapping.matrices == 2855
    assert sum(m.outputs * m.inputs for m in workloads.resnet18().matrices) == 11_678_912
