from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.energy import EnergyLedger, counts, power_trace
from pnnsim.common.cost import Cost
from pnnsim.mapping.delays import Stage
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.run import run_cores, run_fast, run_timing
from pnnsim.timing.trace import ACTIONS
from tests.timing.machines import machine, machines

#: Sums of a few hundred floats, each added exactly; 1e-12 leaves 4 digits to the last one.
EXACT = 1e-12

prices = st.builds(
    PriceTable,
    dynamic=st.dictionaries(
        st.tuples(
            st.sampled_from(["front_end", "encoder", "weight_banks", "detector", "readout"]),
            st.sampled_from(ACTIONS),
        ),
        # Energies of devices, from an attojoule to a microjoule, and free ones.
        st.floats(1e-18, 1e-6) | st.just(0.0),
    ),
    # Femtosecond runs need much power for as much energy; that is no matter here.
    static_w=st.dictionaries(
        st.sampled_from(
            ["environment", "switch", "encoder", "front_end", "detector", "nonlinearity", "readout"]
        ),
        st.floats(0, 1e6),
    ),
    gated=st.frozensets(
        st.sampled_from(["encoder", "front_end", "detector", "nonlinearity", "readout"])
    ),
    engine_keeps=st.sampled_from(["input", "drive"]),
)


def test_energy_is_count_times_price_plus_power_times_makespan():
    # Two samples, two steps: 4 products, 3 moves; makespan 48 fs (first drawing of the schedules).
    ledger = EnergyLedger.from_trace(
        machine(samples=2).run(),
        PriceTable({("weight_banks", "mvm"): 5.0, ("switch", "route"): 7.0}, {"environment": 2e15}),
    )
    mvm, route = ledger.lines["weight_banks", "mvm"], ledger.lines["switch", "route"]
    # A product takes 1 fs, a move 7 fs.
    assert mvm == Cost(4, 4e-15, 20.0)
    assert route == Cost(3, 21e-15, 21.0)
    assert ledger.lines["environment", "static"] == Cost(0, 48e-15, 2e15 * 48e-15)
    assert ledger.dynamic == 41.0
    assert ledger.static == 2e15 * 48e-15
    assert ledger.by_action()["static"] == ledger.static
    assert ledger.by_component()["switch"] == 21.0


def test_actions_without_a_price_are_listed_and_free():
    ledger = EnergyLedger.from_trace(machine().run(), PriceTable({}, {}))
    assert ledger.total == 0.0
    detect = ledger.lines["detector", "detect"]
    assert (detect.count, detect.energy_j) == (2, 0.0)


def test_price_of_what_never_happened_costs_nothing():
    ledger = EnergyLedger.from_trace(
        machine().run(), PriceTable({("weight_banks", "write"): 1.0, ("laser", "encode"): 1.0}, {})
    )
    assert ledger.total == 0.0


def test_lanes_of_one_component_are_counted_together():
    trace = machine(samples=3).run()
    assert counts(trace)["weight_banks", "mvm"] == 6
    assert sum(counts(trace).values()) == len(trace)


def kept(trace, part, engine_keeps):
    """Return (from, to) of what a part keeps, sample by sample and span by span."""
    spans = list(
        zip(
            [trace.units[unit].split(".")[0] for unit in trace.unit],
            [ACTIONS[action] for action in trace.action],
            trace.start_fs.tolist(), trace.end_fs.tolist(), trace.sample, trace.product,
            strict=True,
        )
    )  # fmt: skip
    for sample in range(trace.samples):
        mine = [span for span in spans if span[4] == sample]
        encoded = next(i for i, span in enumerate(mine) if span[0] == "encoder" and span[5] >= 0)
        prepared = [span for span in mine[:encoded] if span[5] < 0][-1]
        active = [i for i, span in enumerate(mine) if span[1] == "activate"][-1]
        if part == prepared[0]:
            yield prepared[3], mine[encoded][2]
        if part == "front_end" and engine_keeps == "drive":
            yield next(span[3] for span in mine if span[1] == "map_input"), mine[active][3]
        if part == "encoder":
            settled = {span[5]: span[3] for span in mine if span[1] == "encode"}
            yield from ((settled[s[5]], s[2]) for s in mine if s[1] == "hold_symbol")
        if part == "readout":
            yield mine[active][3], mine[-1][2]
        if part == "detector":
            sums = {}
            for span in mine:
                if span[1] == "detect":
                    sums.setdefault(span[5] // trace.folds, []).append(span)
            yield from ((folds[0][2], folds[-1][3]) for folds in sums.values())


def on_fs(trace, part, prices):
    """Return for how long a part draws its static power, femtosecond by femtosecond if gated."""
    if part not in prices.gated:
        return trace.makespan_fs
    on = set()
    for unit, start, end in zip(trace.unit, trace.start_fs, trace.end_fs, strict=True):
        if trace.units[unit].split(".")[0] == part:
            on.update(range(start, end))
    for start, end in kept(trace, part, prices.engine_keeps):
        on.update(range(start, end))
    return len(on)


@given(machines(), prices)
@settings(max_examples=200, deadline=None)
@pytest.mark.slow
def test_every_way_to_add_up_gives_the_same_energy(case, prices):
    trace = case.run()
    ledger = EnergyLedger.from_trace(trace, prices)
    # The oracle walks the spans one by one.
    total = math.fsum(
        [
            prices.dynamic.get((trace.units[unit].split(".")[0], ACTIONS[action]), 0.0)
            for unit, action in zip(trace.unit, trace.action, strict=True)
        ]
        + [power * on_fs(trace, part, prices) * 1e-15 for part, power in prices.static_w.items()]
    )
    assert ledger.total == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert ledger.dynamic + ledger.static == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert sum(ledger.by_component().values()) == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert sum(ledger.by_action().values()) == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert power_trace(trace, prices).energy() == pytest.approx(total, rel=EXACT, abs=1e-300)


def test_power_of_an_action_that_takes_time_in_one_place_and_none_in_another():
    # The front end maps an input in two stages, of which the first takes no time: an impulse.
    stages = (Stage("front_end", "map_input", 0), Stage("front_end", "map_input", 4))
    trace = machine(samples=2, input=stages).run()
    power = power_trace(trace, PriceTable({("front_end", "map_input"): 5.0}, {}))
    assert power.impulse_energy.tolist() == [5.0, 5.0]
    assert power.energy() == pytest.approx(20.0, rel=EXACT, abs=0)


def static_of(case, part, *, engine_keeps="input", run=None):
    """Return for how many fs a gated part is on, read off an energy of 1 J for each of them."""
    prices = PriceTable({}, {part: 1e15}, frozenset({part}), engine_keeps=engine_keeps)
    trace = case.run() if run is None else run
    return EnergyLedger.from_trace(trace, prices).static


def test_gated_encoder_is_on_while_it_keeps_a_symbol():
    # First drawing: the encoder works from 4 to 9, 13 to 15 and 17 to 20, and keeps the symbol of
    # the second step from 15 to 17, until the switch rests: 12 fs for each of two samples.
    trace = machine(samples=2).run()
    prices = PriceTable({}, {"encoder": 3e15, "environment": 1e15}, frozenset({"encoder"}))
    ledger = EnergyLedger.from_trace(trace, prices)
    found = ledger.static_by_component()
    # The second sample is encoded from 23, waits from 25 to 28 for the move back, is driven to 31.
    assert found == {"encoder": 3 * (5 + 7 + 8 + 7.0), "environment": 48.0}
    assert prices.standing_w == 1e15
    power = power_trace(trace, prices)
    assert power.energy() == pytest.approx(3 * 27 + 48, rel=EXACT, abs=0)
    assert set(power.power.tolist()) == {1e15, 4e15}


def test_gated_encoder_is_on_while_a_bank_is_written():
    # A write of 1000 begins at the capture, and the symbol of the next step is there all the time.
    case = machine(sets=2, steps=2, banks=1, write_fs=1000)
    assert static_of(case, "encoder") == pytest.approx(5 + 1000 - 3 + 3, rel=EXACT, abs=0)


def test_gated_front_end_is_on_while_it_keeps_an_input_or_a_drive():
    # First drawing: sample 1 is mapped from 4 to 8 and taken at 23, sample 0 taken at once.
    case = machine(samples=2)
    assert static_of(case, "front_end") == pytest.approx(23.0, rel=EXACT, abs=0)
    # A drive is added ahead of f until the last activation, at 45.
    assert static_of(case, "front_end", engine_keeps="drive") == pytest.approx(45, rel=EXACT, abs=0)
    alone = machine(samples=1)
    assert static_of(alone, "front_end") == pytest.approx(4.0, rel=EXACT, abs=0)
    drive = static_of(alone, "front_end", engine_keeps="drive")
    assert drive == pytest.approx(23.0, rel=EXACT, abs=0)


def test_converters_keep_an_input_that_they_prepared_last():
    # The state stays analog: the line keeps what it converted from 10 to 12, until it is taken.
    analog = (Stage("front_end", "map_input", 4), Stage("encoder.dac", "convert", 2))
    case = machine(samples=2, input=analog)
    # Sample 0: 4 to 11 and 15 to 22. Sample 1: 10 to 33, as it is taken at 25, and 37 to 44.
    assert static_of(case, "encoder") == pytest.approx(29 + 7, rel=EXACT, abs=0)
    # The front end has handed both inputs over.
    assert static_of(case, "front_end") == pytest.approx(8.0, rel=EXACT, abs=0)


def test_gated_readout_is_on_while_results_wait_for_it():
    # Three samples captured 5 fs after each other, each read for 10: one after the other without
    # end.
    case = machine(
        samples=3, block=3, sets=1, steps=1, banks=1, output=(Stage("readout", "convert", 10),)
    )
    trace = case.run()
    assert np.diff(trace.result_fs).tolist() == [10, 10]
    assert static_of(case, "readout") == pytest.approx(30.0, rel=EXACT, abs=0)


def test_gated_detector_is_on_while_it_keeps_the_sums_of_folds():
    # Two folds in a step, each captured in 2 fs; what lies between is kept, what follows is not.
    case = machine(sets=1, steps=1, banks=2, tile=(2, 4), parallel_tiles=1, write_fs=0)
    trace = case.run()
    rows = trace.rows("detect")
    between = int(trace.end_fs[rows].max() - trace.start_fs[rows].min())
    assert between > 4
    assert static_of(case, "detector") == pytest.approx(between, rel=EXACT, abs=0)


@given(machines(samples=(20, 150), ahead=True), prices, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_gating_saves_energy_and_never_costs_any_in_short_runs_and_long(case, prices, cores):
    control = case.control.model_copy(update={"cores": cores})
    prices = replace(prices, cores=cores)
    exact, fast = (
        run_cores(run, replace(case.work, control=control), case.samples)
        for run in (run_timing, run_fast)
    )
    gated = EnergyLedger.from_trace(exact, prices)
    always = EnergyLedger.from_trace(exact, replace(prices, gated=frozenset()))
    assert gated.total <= always.total * (1 + EXACT)
    assert EnergyLedger.from_trace(fast, prices).lines == gated.lines
    assert power_trace(fast, prices).energy() == pytest.approx(gated.total, rel=1e-9, abs=1e-300)


def test_part_that_is_never_idle_saves_nothing():
    # A drive is kept until the last activation; then the only sample is read, in no time.
    case = machine(output=(Stage("readout", "convert", 0),))
    trace = case.run()
    assert static_of(case, "front_end", engine_keeps="drive") == pytest.approx(
        trace.makespan_fs, rel=EXACT, abs=0
    )


def test_power_is_the_energy_of_a_span_spread_over_it():
    # Single sample through a single step: encode 4-6, detect 8-10, makespan 15 fs.
    trace = machine(sets=1, steps=1, banks=1).run()
    power = power_trace(
        trace,
        PriceTable({("encoder", "encode"): 6e-15, ("detector", "detect"): 8e-15}, {"laser": 0.5}),
    )
    at = np.searchsorted(power.t_fs, [0, 5, 7, 9, 14], side="right") - 1
    assert power.power[at] == pytest.approx([0.5, 3.5, 0.5, 4.5, 0.5], rel=EXACT, abs=0)
    assert power.t_fs[[0, -1]].tolist() == [0, 15]
    assert len(power.impulse_fs) == 0


def test_part_of_a_power_trace_ends_where_it_is_cut_and_keeps_its_energy():
    trace = machine(samples=2, hold_fs=0).run()
    power = power_trace(trace, PriceTable({("memory", "hold"): 3.0}, {"laser": 2e15}))
    # 2 W x 1e15 fs/s; the first hold is at 12 fs.
    for end, impulses in ((5, 0), (11, 0), (12, 1), (13, 1)):
        part = power.until(end)
        assert part.t_fs[[0, -1]].tolist() == [0, end]
        assert part.energy() == pytest.approx(2.0 * end + 3.0 * impulses, rel=EXACT, abs=0)
        assert part.spent()[-1] == pytest.approx(part.energy(), rel=EXACT, abs=0)
    whole = power.until(trace.makespan_fs + 1)
    assert whole.energy() == power.energy()
    assert whole.t_fs.tolist() == power.t_fs.tolist()


def test_action_that_takes_no_time_is_an_impulse():
    trace = machine(sets=1, steps=2, banks=1, hold_fs=0).run()
    power = power_trace(trace, PriceTable({("memory", "hold"): 3.0}, {}))
    assert power.impulse_fs.tolist() == [12]
    assert power.impulse_energy.tolist() == [3.0]
    assert not power.power.any()
    assert power.energy() == 3.0


def test_overlapping_spans_add_their_power():
    trace = machine(samples=3, sets=1, banks=1, block=3, hold_fs=9).run()
    power = power_trace(trace, PriceTable({("memory", "hold"): 9e-15}, {}))
    # Three holds of 9 fs, one every 5 fs: two at once at most, 1 W each.
    assert power.power.max() == pytest.approx(2.0, rel=EXACT, abs=0)
    assert power.energy() == pytest.approx(27e-15, rel=EXACT, abs=0)


def test_long_run_adds_no_rounding_to_the_power_trace():
    trace = machine(samples=3000, steps=6).run()
    prices = PriceTable(
        {("encoder", "encode"): 0.1e-12, ("weight_banks", "mvm"): 1 / 3 * 1e-15}, {"laser": 0.7}
    )
    total = EnergyLedger.from_trace(trace, prices).total
    assert power_trace(trace, prices).energy() == pytest.approx(total, rel=EXACT, abs=1e-300)
    # Between spans the power is the static power and nothing that rounding left behind.
    assert power_trace(trace, prices).power.min() == 0.7
