from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.ledger import EnergyLedger, Entry, Prices, counts, power_trace
from pnnsim.trace import ACTIONS
from tests.machines import machine, machines

#: Sums of a few hundred floats, each added exactly; 1e-12 leaves 4 digits to the last one.
EXACT = 1e-12

prices = st.builds(
    Prices,
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
        st.sampled_from(["environment", "switch", "weight_banks", "encoder", "front_end"]),
        st.floats(0, 1e6),
    ),
    gated=st.frozensets(st.sampled_from(["encoder", "front_end", "detector"])),
)


def test_energy_is_count_times_price_plus_power_times_makespan():
    # Two waves, two steps: 4 products, 3 moves; makespan 48 fs (first drawing of the schedules).
    ledger = EnergyLedger.from_trace(
        machine(waves=2).run(),
        Prices({("weight_banks", "mvm"): 5.0, ("switch", "route"): 7.0}, {"environment": 2e15}),
    )
    assert Entry("weight_banks", "mvm", 4, 20.0) in ledger.entries
    assert Entry("switch", "route", 3, 21.0) in ledger.entries
    assert Entry("environment", "static", 0, 2e15 * 48e-15) in ledger.entries
    assert ledger.dynamic == 41.0
    assert ledger.static == 2e15 * 48e-15
    assert ledger.by_action()["static"] == ledger.static
    assert ledger.by_component()["switch"] == 21.0


def test_actions_without_a_price_are_listed_and_free():
    ledger = EnergyLedger.from_trace(machine().run(), Prices({}, {}))
    assert ledger.total == 0.0
    assert Entry("detector", "detect", 2, 0.0) in ledger.entries


def test_price_of_what_never_happened_costs_nothing():
    ledger = EnergyLedger.from_trace(
        machine().run(), Prices({("weight_banks", "write"): 1.0, ("laser", "encode"): 1.0}, {})
    )
    assert ledger.total == 0.0


def test_lanes_of_one_component_are_counted_together():
    trace = machine(waves=3).run()
    assert counts(trace)["weight_banks", "mvm"] == 6
    assert sum(counts(trace).values()) == len(trace)


def on_fs(trace, part, *, gated):
    """Return for how long a part draws its static power, femtosecond by femtosecond if gated."""
    if not gated:
        return trace.makespan_fs
    on = set()
    for unit, start, end in zip(trace.unit, trace.start_fs, trace.end_fs, strict=True):
        if trace.units[unit].split(".")[0] == part:
            on.update(range(start, end))
    return len(on)


@given(machines(), prices)
@settings(max_examples=200, deadline=None)
def test_every_way_to_add_up_gives_the_same_energy(case, prices):
    trace = case.run()
    ledger = EnergyLedger.from_trace(trace, prices)
    # The oracle walks the spans one by one.
    total = math.fsum(
        [
            prices.dynamic.get((trace.units[unit].split(".")[0], ACTIONS[action]), 0.0)
            for unit, action in zip(trace.unit, trace.action, strict=True)
        ]
        + [
            power * on_fs(trace, part, gated=part in prices.gated) * 1e-15
            for part, power in prices.static_w.items()
        ]
    )
    assert ledger.total == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert ledger.dynamic + ledger.static == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert sum(ledger.by_component().values()) == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert sum(ledger.by_action().values()) == pytest.approx(total, rel=EXACT, abs=1e-300)
    assert power_trace(trace, prices).energy() == pytest.approx(total, rel=EXACT, abs=1e-300)


def test_gated_part_draws_its_power_while_it_is_busy():
    # First drawing: the encoder is busy from 4 to 9, 13 to 15, 17 to 20, and so on: 20 of 48 fs.
    trace = machine(waves=2).run()
    prices = Prices({}, {"encoder": 3e15, "environment": 1e15}, frozenset({"encoder"}))
    ledger = EnergyLedger.from_trace(trace, prices)
    assert ledger.static_by_component() == {"encoder": 3 * 20.0, "environment": 48.0}
    assert prices.standing_w == 1e15
    power = power_trace(trace, prices)
    assert power.energy() == pytest.approx(3 * 20 + 48, rel=EXACT, abs=0)
    assert set(power.power.tolist()) == {1e15, 4e15}


def test_power_is_the_energy_of_a_span_spread_over_it():
    # Single wave through a single step: encode 4-6, detect 8-10, makespan 15 fs.
    trace = machine(sets=1, steps=1, banks=1).run()
    power = power_trace(
        trace, Prices({("encoder", "encode"): 6e-15, ("detector", "detect"): 8e-15}, {"laser": 0.5})
    )
    at = np.searchsorted(power.t_fs, [0, 5, 7, 9, 14], side="right") - 1
    assert power.power[at] == pytest.approx([0.5, 3.5, 0.5, 4.5, 0.5], rel=EXACT, abs=0)
    assert power.t_fs[[0, -1]].tolist() == [0, 15]
    assert len(power.impulse_fs) == 0


def test_action_that_takes_no_time_is_an_impulse():
    trace = machine(sets=1, steps=2, banks=1, hold_fs=0).run()
    power = power_trace(trace, Prices({("memory", "hold"): 3.0}, {}))
    assert power.impulse_fs.tolist() == [12]
    assert power.impulse_energy.tolist() == [3.0]
    assert not power.power.any()
    assert power.energy() == 3.0


def test_overlapping_spans_add_their_power():
    trace = machine(waves=3, sets=1, banks=1, block=3, hold_fs=9).run()
    power = power_trace(trace, Prices({("memory", "hold"): 9e-15}, {}))
    # Three holds of 9 fs, one every 5 fs: two at once at most, 1 W each.
    assert power.power.max() == pytest.approx(2.0, rel=EXACT, abs=0)
    assert power.energy() == pytest.approx(27e-15, rel=EXACT, abs=0)


def test_long_run_adds_no_rounding_to_the_power_trace():
    trace = machine(waves=3000, steps=6).run()
    prices = Prices(
        {("encoder", "encode"): 0.1e-12, ("weight_banks", "mvm"): 1 / 3 * 1e-15}, {"laser": 0.7}
    )
    total = EnergyLedger.from_trace(trace, prices).total
    assert power_trace(trace, prices).energy() == pytest.approx(total, rel=EXACT, abs=1e-300)
    # Between spans the power is the static power and nothing that rounding left behind.
    assert power_trace(trace, prices).power.min() == 0.7
