"""A result shows itself: in a line, in a notebook, as a table, as figures and as a report."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest
import torch

import pnnsim
from pnnsim.analysis.report.past_run import read_run
from pnnsim.errors import InputError, OutputError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.result import Result
from pnnsim.simulation.simulate import simulate


@pytest.fixture(scope="module")
def result() -> Result:
    network = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)
    surrogate = Surrogate(network, pnnsim.load_spec("photonic_mrr"), dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((5, 6), generator=generator, dtype=torch.float64)
    return simulate("photonic_mrr", surrogate, x, torch.tensor([0, 1, 2, 0, 1]), chips=2)


def test_everything_has_a_short_line_and_a_table_for_notebooks(result: Result) -> None:
    things = (
        result, result.trace, result.timing.chip, result.timing.chip.spec,
        result.timing.chip.network.workload,
    )  # fmt: skip
    for thing in things:
        line, table = repr(thing), thing._repr_html_()
        assert len(line) < 200
        assert "\n" not in line
        assert "0x" not in line
        assert table.count("<table>") == table.count("</table>") == 1
        assert len(table) < 20_000
    assert repr(result).startswith("Result(photonic_mrr: relaxnet 6-8-3, 2 weight sets, 3 steps:")
    assert "closed form, first sample" in result._repr_html_()


def test_a_frame_has_a_row_for_each_sample(result: Result) -> None:
    frame = result.to_frame()
    assert list(frame.columns) == [
        "arrival_s", "result_s", "latency_s", "true_class", "chip_0", "chip_1"
    ]  # fmt: skip
    assert frame["latency_s"].iloc[0] == pytest.approx(
        result.metrics["latency_s"]["first"], rel=1e-12, abs=0.0
    )
    right = np.mean([(frame[f"chip_{n}"] == frame["true_class"]).mean() for n in range(2)])
    assert right == pytest.approx(result.metrics["accuracy"]["hardware_mean"], rel=1e-12, abs=0)


def test_a_report_can_be_read_back_and_is_never_lost(result: Result, tmp_path: Path) -> None:
    folder = result.report(tmp_path / "r")
    assert {path.name for path in folder.iterdir()} >= {
        "metrics.json", "figures.json", "report.html", "run.png", "trace.json"
    }  # fmt: skip
    past = read_run(folder)
    assert past.metrics["latency_s"] == result.metrics["latency_s"]
    assert dict(past.record.versions)["torch"] == importlib.metadata.version("torch")
    assert sum(map(sum, past.record.confusion)) == 2 * 5
    assert "pnnsim run resolved.yaml" not in (folder / "report.html").read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="exists"):
        result.report(folder)


def test_a_plot_is_a_figure_of_a_known_name(result: Result) -> None:
    drawing = result.plot("energy", width="single")
    assert drawing.get_size_inches()[0] == pytest.approx(3.5, rel=1e-12, abs=0)
    with pytest.raises(InputError, match="expected one of machine, timeline"):
        result.plot("nothing")
