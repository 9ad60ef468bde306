"""The Perfetto file: what it says must be what the trace and the ledger say."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnnsim.analysis.energy import EnergyLedger, power_trace
from pnnsim.analysis.report.perfetto import SPAN_LIMIT, write_perfetto
from pnnsim.errors import OutputError
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.trace import ACTIONS, Trace
from tests.analysis.report_example import PRICES, UNITS, make_trace
from tests.timing.machines import machine
from tests.worked_values import WORKED

Event = dict[str, Any]


def written(tmp_path: Path, trace: Trace, **options: int) -> Event:
    path = tmp_path / "trace.json"
    write_perfetto(path, trace, PRICES, {"pnnsim_version": "0.1.0", "seed": 7}, **options)
    found: Event = json.loads(path.read_text(encoding="utf-8"))
    return found


def phase(content: Event, letter: str) -> list[Event]:
    return [event for event in content["traceEvents"] if event["ph"] == letter]


def nanoseconds(microseconds: float) -> int:
    """Return a stamp as the importer reads it, and insist that nothing is lost by that."""
    whole = round(1000 * microseconds)
    assert math.isclose(whole, 1000 * microseconds, abs_tol=1e-3, rel_tol=0)
    return whole


def overlapping_trace() -> Trace:
    """Return five holds that overlap on one lane, one of them without length."""
    start = np.array([0, 0, 1500, 2000, 700])
    end = np.array([1500, 1500, 1500, 3200, 3900])
    size = len(start)
    order = np.argsort(end, kind="stable")
    zeros = np.zeros(size, dtype=np.int64)
    return Trace(
        UNITS, zeros + UNITS.index("memory"), zeros + ACTIONS.index("hold"), start[order],
        end[order], zeros, zeros, zeros - 1, zeros - 1, zeros - 1, np.array([0]),
        np.array([3900]),
    )  # fmt: skip


@pytest.mark.parametrize(
    "trace",
    [make_trace(samples=4, steps=6), make_trace(write_fs=10_000_000_000), overlapping_trace()],
    ids=["relaxnet", "rewriting", "overlapping"],
)
def test_slices_of_a_thread_nest(tmp_path: Path, trace: Trace) -> None:
    threads: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in phase(written(tmp_path, trace), "X"):
        start = nanoseconds(event["ts"])
        threads[event["pid"], event["tid"]].append((start, start + nanoseconds(event["dur"])))
    assert sum(map(len, threads.values())) == len(trace)
    for spans in threads.values():
        for i, (start, end) in enumerate(spans):
            for other_start, other_end in spans[:i]:
                apart = end <= other_start or start >= other_end
                inside = other_start <= start and end <= other_end
                around = start <= other_start and other_end <= end
                assert apart or inside or around


def test_overlapping_spans_get_sublanes_with_names_of_their_own(tmp_path: Path) -> None:
    names = [
        event["args"]["name"]
        for event in phase(written(tmp_path, overlapping_trace()), "M")
        if event["name"] == "thread_name"
    ]
    assert names == ["memory", "memory #2", "memory #3"]


def test_names_of_processes_and_threads_are_unique(tmp_path: Path) -> None:
    records = phase(written(tmp_path, make_trace()), "M")
    processes = [e["args"]["name"] for e in records if e["name"] == "process_name"]
    threads = [(e["pid"], e["args"]["name"]) for e in records if e["name"] == "thread_name"]
    assert len(set(processes)) == len(processes)
    assert len(set(threads)) == len(threads)
    assert all("1 ps shown as 1 ns" in name for name in processes)
    assert [name.partition(" ")[0] for name in processes[1:]] == [
        "front_end", "encoder", "switch", "weight_banks", "detector", "nonlinearity", "memory",
        "readout",
    ]  # fmt: skip
    places = [e["args"]["sort_index"] for e in records if e["name"] == "thread_sort_index"]
    assert places == sorted(places)


def test_energies_of_slices_add_up_to_the_dynamic_energy(tmp_path: Path) -> None:
    trace, prices = make_trace(samples=4, steps=6, write_fs=2_000_000), PRICES
    dynamic = math.fsum(
        prices.dynamic.get((trace.units[unit].partition(".")[0], ACTIONS[action]), 0.0)
        for unit, action in zip(trace.unit, trace.action, strict=True)
    )
    content = written(tmp_path, trace)
    slices = math.fsum(event["args"]["energy_J"] for event in phase(content, "X"))
    # the same doubles in another order
    assert math.isclose(slices, dynamic, rel_tol=1e-14, abs_tol=0)
    spent = [e["args"]["energy_J"] for e in phase(content, "C") if e["name"] == "energy_J"]
    total = dynamic + math.fsum(prices.static_w.values()) * 1e-15 * trace.makespan_fs
    # counters are written with 12 digits
    assert math.isclose(spent[-1], total, rel_tol=1e-11, abs_tol=0)
    assert spent == sorted(spent)


def test_power_counter_integrates_to_the_energy_counter(tmp_path: Path) -> None:
    trace = make_trace(samples=3)
    counters = phase(written(tmp_path, trace), "C")
    power = [(e["ts"], e["args"]["power_W"]) for e in counters if e["name"] == "power_W"]
    energy = [e["args"]["energy_J"] for e in counters if e["name"] == "energy_J"]
    shown = 1e-9  # 1 ps is shown as 1 ns = 1e-3 µs: a shown µs is a true ns
    integral = math.fsum(
        watts * (after - time) * shown for (time, watts), (after, _) in pairwise(power)
    )
    # stamps are rounded to 1 ps of pieces that are 50 ps and longer
    assert math.isclose(integral, energy[-1], rel_tol=0.5 / 50, abs_tol=0)
    assert power[-1][1] == 0.0


@pytest.mark.parametrize("samples", [2, 6])
def test_counters_are_the_power_of_the_machine_however_many_samples_are_written(
    tmp_path: Path, samples: int
) -> None:
    trace = make_trace(samples=6)
    counters = phase(written(tmp_path, trace, samples=samples), "C")
    found = [e["args"]["power_W"] for e in counters if e["name"] == "power_W"]
    expected = power_trace(trace, PRICES).power
    # Nine digits are written; the last counter ends what is shown.
    assert found[:-1] == pytest.approx(expected[: len(found) - 1], rel=1e-8, abs=0)
    assert found[-1] == 0.0
    assert (len(found) == len(expected) + 1) == (samples == 6)


@pytest.mark.parametrize("cores", [1, 2])
def test_counters_switch_gated_parts_off_while_they_are_idle(tmp_path: Path, cores: int) -> None:
    machine = load_spec("photonic_mrr", [*WORKED["photonic_mrr"], ("control.cores", str(cores))])
    gated = {"gating": ("encoder", "detector", "readout")}
    machine = replace(machine, control=machine.control.model_copy(update=gated))
    run = time_run(Chip.nominal(machine, ReLaXNet(weight_sets=2, steps=3)), 4)
    write_perfetto(tmp_path / "t.json", run.trace, run.prices, {"seed": 0})
    counters = phase(json.loads((tmp_path / "t.json").read_text()), "C")
    spent = [e["args"]["energy_J"] for e in counters if e["name"] == "energy_J"]
    ledger = EnergyLedger.from_trace(run.run, run.prices)
    # counters are written with 12 digits
    assert math.isclose(spent[-1], ledger.total, rel_tol=1e-11, abs_tol=0)
    always = replace(run.prices, gated=frozenset())
    assert spent[-1] < 0.99 * EnergyLedger.from_trace(run.run, always).total


def test_last_end_is_the_makespan_and_time_starts_at_zero(tmp_path: Path) -> None:
    trace = make_trace(samples=3)
    slices = phase(written(tmp_path, trace), "X")
    assert min(event["ts"] for event in slices) == 0.0
    last = max(event["args"]["start_fs"] + event["args"]["duration_fs"] for event in slices)
    assert last == trace.makespan_fs
    shown = max(nanoseconds(event["ts"]) + nanoseconds(event["dur"]) for event in slices)
    assert abs(shown - trace.makespan_fs / 1000) <= 0.5


def test_time_stamps_are_finite_and_not_negative(tmp_path: Path) -> None:
    for event in written(tmp_path, make_trace())["traceEvents"]:
        for key in ("ts", "dur"):
            assert math.isfinite(event.get(key, 0.0))
            assert event.get(key, 0.0) >= 0.0


def test_arrows_follow_the_first_sample_through_its_slices(tmp_path: Path) -> None:
    trace = make_trace(samples=3, steps=4)
    content = written(tmp_path, trace)
    arrows = [e for e in content["traceEvents"] if e["ph"] in "stf"]
    assert [e["ph"] for e in arrows] == ["s", *"t" * (len(arrows) - 2), "f"]
    assert {e["id"] for e in arrows} == {0}
    starts = {
        (e["pid"], e["tid"], e["ts"]) for e in phase(content, "X") if e["args"].get("sample") == 0
    }
    assert {(e["pid"], e["tid"], e["ts"]) for e in arrows} == starts
    assert [e["ts"] for e in arrows] == sorted(e["ts"] for e in arrows)


def test_slices_carry_meaning_and_true_times(tmp_path: Path) -> None:
    content = written(tmp_path, make_trace(write_fs=10_000_000_000))
    mvm = next(e for e in phase(content, "X") if e["name"] == "mvm W1 t=1")
    assert mvm["cat"] == "weight_banks"
    assert mvm["args"]["duration"] == "79.567 ps"
    assert mvm["args"]["duration_fs"] == 79_567
    assert {"sample": 0, "step": 1, "bank": 1, "weight_set": 1}.items() <= mvm["args"].items()
    write = next(e for e in phase(content, "X") if e["name"] == "write W1 → bank 1")
    assert "sample" not in write["args"]
    assert write["args"]["duration"] == "10 µs"


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path in paths:
        write_perfetto(path, make_trace(), PRICES, {"seed": 0})
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("stretch", "text"), [(1, "1 ps of"), (10_000, "1 ns of")], ids=["photonic", "mechanical"]
)
def test_scale_fits_the_shortest_span_and_is_declared(
    tmp_path: Path, stretch: int, text: str
) -> None:
    trace = make_trace(samples=1)
    slow = Trace(
        trace.units, trace.unit, trace.action, trace.start_fs * stretch, trace.end_fs * stretch,
        trace.sample, trace.step, trace.bank, trace.weight_set, trace.cause,
        trace.arrival_fs * stretch, trace.result_fs * stretch,
    )  # fmt: skip
    content = written(tmp_path, slow)
    assert content["otherData"]["time_scale"].startswith(text)
    assert min(nanoseconds(e["dur"]) for e in phase(content, "X")) >= 1


def test_femtosecond_spans_are_still_seen(tmp_path: Path) -> None:
    content = written(tmp_path, make_trace(samples=1, route_fs=900))
    assert content["otherData"]["shown_ns_in_fs"] == "1"
    assert min(e["dur"] for e in phase(content, "X")) == 0.9


def test_file_holds_the_first_samples_only_and_says_so(tmp_path: Path) -> None:
    trace = make_trace(samples=6)
    content = written(tmp_path, trace, samples=2)
    other = content["otherData"]
    assert (other["samples_written"], other["samples_total"]) == ("2", "6")
    assert {e["args"].get("sample", 0) for e in phase(content, "X")} == {0, 1}
    assert other["spans_written"] == str(len(phase(content, "X")))
    assert other["seed"] == "7"
    (cut,) = phase(content, "i")
    assert cut["name"] == "cut here: 2 of 6 samples are shown"
    assert cut["ts"] == max(e["ts"] + e["dur"] for e in phase(content, "X"))
    assert phase(written(tmp_path, trace, samples=6), "i") == []


def test_size_is_bounded_for_long_runs(tmp_path: Path) -> None:
    trace = make_trace(samples=30)
    size = len(trace)
    # the same samples many times over are enough to overrun the limit
    times = SPAN_LIMIT // size + 2
    shift = np.repeat(np.arange(times), size)
    period = trace.makespan_fs

    def tiled(column: Any, step: int) -> Any:
        return np.tile(column, times) + step * shift

    sample = np.where(np.tile(trace.sample, times) < 0, -1, tiled(trace.sample, 30))
    cause = np.where(np.tile(trace.cause, times) < 0, -1, tiled(trace.cause, size))
    long = Trace(
        trace.units, tiled(trace.unit, 0), tiled(trace.action, 0), tiled(trace.start_fs, period),
        tiled(trace.end_fs, period), sample, tiled(trace.step, 0), tiled(trace.bank, 0),
        tiled(trace.weight_set, 0), cause,
        *(np.concatenate([column + i * period for i in range(times)])
          for column in (trace.arrival_fs, trace.result_fs)),
    )  # fmt: skip
    slices = phase(written(tmp_path, long), "X")
    assert SPAN_LIMIT - 2 * size / 30 < len(slices) <= SPAN_LIMIT


def test_a_folder_that_is_not_there_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no/t\.json: cannot be written .*; expected a file in"):
        write_perfetto(tmp_path / "no" / "t.json", make_trace(), PRICES, {})


def test_slices_of_a_folded_machine_name_step_set_and_fold(tmp_path: Path) -> None:
    trace = machine(sets=2, steps=2, banks=1, tile=(2, 4), write_fs=6).run()
    slices = phase(written(tmp_path, trace), "X")
    mvms = [e["args"] for e in slices if e["name"].startswith("mvm")]
    seen = [(a["step"], a["fold"], a["weight_set"]) for a in mvms]
    assert seen == [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)]
    writes = [e["args"] for e in slices if e["name"].startswith("write")]
    assert [(a["step"], a["fold"], a["weight_set"]) for a in writes] == seen[1:]
    activates = [e["args"] for e in slices if e["name"].startswith("activate")]
    assert [(a["step"], a["fold"]) for a in activates] == [(0, 1), (1, 1)]
