"""What pictures and the Perfetto file show of several vectors and of digital steps."""

from __future__ import annotations

import json

import pytest

from pnnsim.analysis.report.lanes import span_names
from pnnsim.analysis.report.perfetto import write_perfetto
from pnnsim.analysis.report.timeline import change_title, first_change, first_sample
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.trace import ACTIONS
from tests.timing.workloads import convolution, dense, job

CONV = job(convolution(activation="relu"), banks=1, jobs_fs=(5,))


def test_spans_of_several_vectors_say_how_many() -> None:
    trace = CONV.run()
    names = dict(
        zip((ACTIONS[a] for a in trace.action), span_names(trace, range(len(trace))), strict=True)
    )
    assert names["mvm"] == "mvm W0 t=0 ×4"
    assert names["digitize"] == "digitize t=0 ×4"
    assert names["compute"] == "compute t=0"
    assert names["map_output"] == "map output"


def test_moves_and_single_vectors_say_nothing_of_vectors() -> None:
    trace = job(dense(4, 4, 3), banks=1).run()
    assert not [name for name in span_names(trace, range(len(trace))) if "×" in name]


def test_conversions_and_digital_steps_have_a_color_of_their_own() -> None:
    kinds = {bar.title.split()[0]: bar.kind for bar in first_sample(CONV.run()).bars}
    assert {name for name, kind in kinds.items() if kind == "digital"} == {"digitize", "compute"}
    assert kinds["mvm"] == "sample"


def test_title_of_the_closer_picture_says_what_comes_second() -> None:
    assert change_title(job(dense(8, 2), banks=1).run()) == "folds 0 and 1 of step 0"
    # Here only the second matrix is folded.
    trace = job(dense(4, 8, 2), banks=4, tile=(8, 4), parallel_tiles=1).run()
    assert trace.folds == 2
    assert change_title(trace) == "steps 0 and 1"
    assert first_change(trace) is not None


def test_slices_show_the_energy_of_all_that_they_count(tmp_path) -> None:
    table = PriceTable({("detector", "detect"): 2.0}, {})
    path = tmp_path / "trace.json"
    write_perfetto(path, CONV.run(), table, metadata={})
    events = json.loads(path.read_text())["traceEvents"]
    detect = next(e for e in events if e.get("cat") == "detector" and e["ph"] == "X")
    assert (detect["args"]["amount"], detect["args"]["energy_J"]) == (
        8,
        pytest.approx(16.0, rel=1e-12, abs=0),
    )
    assert "amount" not in next(e for e in events if e.get("cat") == "front_end")["args"]
    spent = [e["args"]["energy_J"] for e in events if e["name"] == "energy_J"]
    assert spent[-1] == pytest.approx(16.0, rel=1e-11, abs=0)
