"""Energy, gating and use of parts for workloads: spans count vectors, lines, states, operations."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.critical_path import critical_path
from pnnsim.analysis.energy import EnergyLedger, counts, power_trace
from pnnsim.analysis.gating import on_times
from pnnsim.analysis.metrics import metrics_from, utilization
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.trace import ACTIONS
from tests.timing.workloads import NUMBERS, convolution, dense, job, jobs

#: Two samples of the first drawing of `tests.timing.test_workload_drawn`.
CONV = job(convolution(activation="relu"), banks=1, samples=2, jobs_fs=(5,))
#: Sums of a few hundred floats, each added exactly; 1e-12 leaves 4 digits to the last one.
EXACT = 1e-12

PARTS = ["front_end", "encoder", "detector", "nonlinearity", "readout"]

prices = st.builds(
    PriceTable,
    dynamic=st.dictionaries(
        st.tuples(st.sampled_from([*PARTS, "weight_banks"]), st.sampled_from(ACTIONS)),
        st.floats(1e-18, 1e-6) | st.just(0.0),
    ),
    static_w=st.dictionaries(st.sampled_from([*PARTS, "environment"]), st.floats(0, 1e6)),
    gated=st.frozensets(st.sampled_from(PARTS)),
    engine_keeps=st.just("values"),
)


def test_energy_of_a_convolution_by_hand():
    # 4 vectors of 4 lines and 2 outputs, twice; 8 numbers are scaled and pass the relu.
    table = PriceTable(
        {
            ("encoder", "convert"): 2.0, ("encoder", "encode"): 3.0, ("weight_banks", "mvm"): 5.0,
            ("detector", "detect"): 7.0, ("readout", "digitize"): 11.0,
            ("front_end", "compute"): 13.0, ("front_end", "map_output"): 17.0,
        },
        {"environment": 1e15},
    )  # fmt: skip
    ledger = EnergyLedger.from_trace(CONV.run(), table)
    one = 16 * 2 + 16 * 3 + 4 * 5 + 8 * 7 + 8 * 11 + 16 * 13 + 17
    assert ledger.dynamic == 2 * one
    assert ledger.static == pytest.approx(66.0, rel=1e-14, abs=0)
    assert ledger.lines["detector", "detect"].count == 16
    # The detector is at work for 20 fs each time, from the first vector to the last.
    assert ledger.lines["detector", "detect"].time_s == pytest.approx(40e-15, rel=1e-14, abs=0)
    assert ledger.by_component()["front_end"] == 2 * (16 * 13 + 17)
    power = power_trace(CONV.run(), table)
    assert power.energy() == pytest.approx(2 * one + 66.0, rel=EXACT, abs=0)


def test_counts_are_those_of_vectors_and_lines():
    found = counts(CONV.run())
    assert found["encoder", "convert"] == found["encoder", "encode"] == 32
    assert found["weight_banks", "mvm"] == found["weight_banks", "propagate"] == 8
    assert found["detector", "detect"] == found["readout", "digitize"] == 16
    assert found["front_end", "compute"] == 32
    assert found["front_end", "map_input"] == 2


def stretches(trace, part):
    """Return every stretch for which a part works or keeps something, walked span by span."""
    spans = [
        (trace.units[u].split(".")[0], ACTIONS[a], int(b), int(e), int(n), int(p))
        for u, a, b, e, n, p in zip(
            trace.unit, trace.action, trace.start_fs, trace.end_fs, trace.sample, trace.product,
            strict=True,
        )
    ]  # fmt: skip
    for name, _, begin, end, _, _ in spans:
        if name == part:
            yield begin, end
    for sample in range(trace.samples):
        mine = [span for span in spans if span[4] == sample]
        if part == "front_end":
            mapped = next(span[3] for span in mine if span[1] == "map_input")
            yield mapped, int(trace.result_fs[sample])
        if part == "encoder":
            settled = {span[5]: span[3] for span in mine if span[1] == "encode"}
            yield from ((settled[s[5]], s[2]) for s in mine if s[1] == "hold_symbol")
        if part == "detector":
            since = None
            handed = {span[5] for span in mine if span[1] in ("activate", "digitize")}
            for _, action, begin, end, _, product in sorted(mine, key=lambda span: span[5]):
                if action == "detect":
                    since = begin if since is None else since
                    if product in handed:
                        yield since, end
                        since = None


def on_fs(trace, part, table):
    """Return for how long a part draws its static power, femtosecond by femtosecond if gated."""
    if part not in table.gated:
        return trace.makespan_fs
    edges = sorted(stretches(trace, part))
    total, until = 0, -1
    for begin, end in edges:
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total


@given(jobs(steps=3).filter(lambda case: case.work.converts), prices)
@settings(max_examples=100, deadline=None)
def test_every_way_to_add_up_gives_the_same_energy(case, table):
    trace = case.run()
    ledger = EnergyLedger.from_trace(trace, table)
    total = math.fsum(
        [
            int(amount) * table.dynamic.get((trace.units[unit].split(".")[0], ACTIONS[action]), 0.0)
            for unit, action, amount in zip(trace.unit, trace.action, trace.amount, strict=True)
        ]
        + [power * on_fs(trace, part, table) * 1e-15 for part, power in table.static_w.items()]
    )
    assert ledger.total == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert sum(ledger.by_component().values()) == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert power_trace(trace, table).energy() == pytest.approx(total, rel=EXACT, abs=1e-300)


@given(jobs(samples=(40, 90), steps=2, saturated=True).filter(lambda c: c.work.converts), prices)
@settings(max_examples=30, deadline=None)
def test_energy_of_a_repeating_run_is_that_of_all_its_spans(case, table):
    short, whole = case.run_fast(), case.run()
    mine, other = (EnergyLedger.from_trace(run, table) for run in (short, whole))
    assert mine.lines.keys() == other.lines.keys()
    for pair, line in mine.lines.items():
        assert line.count == other.lines[pair].count
        assert line.energy_j == pytest.approx(other.lines[pair].energy_j, rel=EXACT, abs=1e-300)


def test_gated_detector_keeps_sums_of_folds_but_no_sums_of_several_vectors():
    # Two folds of 4 inputs on one bank, which is written between. Of one vector the detector keeps
    # the sum of the first; of 4 vectors both are converted at once.
    table = PriceTable({}, {"detector": 1.0}, frozenset({"detector"}), engine_keeps="values")
    slow = replace(NUMBERS, write_fs=50)
    one = job(dense(8, 2), delays=slow, banks=1).run()
    first, second = one.rows("detect")
    begin, end = on_times(one, "detector", "values")
    assert (begin.tolist(), end.tolist()) == ([one.start_fs[first]], [one.end_fs[second]])
    several = job(convolution(channels=2), delays=slow, banks=1).run()
    rows = several.rows("detect")
    begin, end = on_times(several, "detector", "values")
    assert begin.tolist() == several.start_fs[rows].tolist()
    assert end.tolist() == several.end_fs[rows].tolist()
    ledger = EnergyLedger.from_trace(several, table)
    assert ledger.static == pytest.approx(40e-15, rel=EXACT, abs=0)


def test_gated_front_end_keeps_values_from_the_input_to_the_result():
    trace = job(convolution(), banks=1, jobs_fs=(5,)).run()
    begin, end = on_times(trace, "front_end", "values")
    assert (begin.tolist(), end.tolist()) == ([0], [39])


def test_use_of_the_converters_counts_every_vector():
    # Twice 4 conversions of 1 fs, and twice 2 + 21 fs of encoding and symbols, in 66 fs.
    found = utilization(CONV.run(), memory_capacity=1)
    assert found["encoder"] == (2 * 4 + 2 * 23) / (2 * 66)
    assert found["detector"] == 40 / 66
    assert found["readout"] == 40 / 66
    assert found["front_end"] == 2 * (3 + 5 + 4) / 66


@given(jobs(samples=(1, 40), steps=3))
@settings(max_examples=100, deadline=None)
def test_no_part_is_busier_than_it_can_be(case):
    found = utilization(case.run(), memory_capacity=case.work.memory_capacity)
    assert all(0 <= share <= 1 for share in found.values())


def test_critical_path_of_a_convolution_by_hand():
    # The train of 18 fs is that of the symbols; each part behind counts for one vector.
    shares = {
        (part["component"], part["action"]): part["share"]
        for part in critical_path(job(CONV.workload, banks=1, jobs_fs=(5,)).run())
    }
    assert shares == {
        ("front_end", "map_input"): 3 / 39,
        ("encoder", "convert"): 1 / 39,
        ("encoder", "encode"): 2 / 39,
        ("encoder", "hold_symbol"): 18 / 39,
        ("weight_banks", "propagate"): 1 / 39,
        ("weight_banks", "mvm"): 1 / 39,
        ("detector", "detect"): 2 / 39,
        ("readout", "digitize"): 2 / 39,
        ("front_end", "compute"): 5 / 39,
        ("front_end", "map_output"): 4 / 39,
    }


@given(jobs())
@settings(max_examples=100, deadline=None)
def test_times_of_the_critical_path_are_the_latency(case):
    trace = case.run()
    latency = int(trace.result_fs[0] - trace.arrival_fs[0])
    # Shares are of the sum of all times: whole femtoseconds of the latency only if this is it.
    for part in critical_path(trace):
        time = part["share"] * latency
        assert part["share"] >= 0
        assert time == pytest.approx(round(time), rel=1e-12, abs=1e-9)


@given(jobs(samples=(2, 12), steps=3, prefetch=False, saturated=True))
@settings(max_examples=100, deadline=None)
def test_first_of_many_samples_agrees_with_the_closed_form(case):
    found = metrics_from(
        case.run(),
        PriceTable({}, {}),
        network=_Network(case.workload),
        memory_capacity=case.work.memory_capacity,
        closed_form_fs=case.closed_form_fs(),
    )
    assert found["closed_form"]["applies"] == (case.closed_form_fs() is not None)


class _Network:
    """A network that is nothing but its workload."""

    def __init__(self, workload):
        self.workload = workload
