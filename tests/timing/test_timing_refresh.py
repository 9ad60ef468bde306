"""Banks that are written again with what they hold: when, at whose cost, and what it is good for.

In the drawings `F` is a refresh; see `tests.timing.drawings` for the rest.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pnnsim.analysis.critical_path import critical_path
from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.metrics import refresh
from pnnsim.errors import ScheduleError, SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import periodic
from pnnsim.timing.periodic_trace import PeriodicTrace
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import machine, machines, seconds

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)


def test_refresh_in_the_middle_of_a_block():
    # Due at 12, when sample 1 is on its way; it is captured at 15, and then the bank is written.
    # Sample 2 has been encoded and waits until 25. Due again 12 after 15, at 27: sample 2 is
    # captured at 29.
    trace = machine(samples=3, block=3, sets=1, steps=1, banks=1, write_fs=10, refresh_fs=12).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3--------
        front_end          00001111.2222..........................
        encoder            ....000001111122.........222...........
        weight_banks.path  ......0....1.............2.............
        weight_banks.0     .......0....1..FFFFFFFFFF.2..FFFFFFFFFF
        detector           ........00...11............22..........
        nonlinearity       ..........00...11............22........
        readout            ............000..111...........222.....
    """)


def test_banks_that_are_due_together_take_turns_at_one_driver():
    # Both are due at 24. Bank 0 is written first, and sample 1 crosses bank 1 meanwhile. Sample 2
    # waits for bank 0 until 34, when the driver turns to bank 1, and for this one until 44.
    trace = machine(samples=3, block=2, write_fs=10, refresh_fs=24, route_fs=4).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4---------5-------
        front_end          00001111.2222.............................................
        encoder            ....000001111100...00011111...22..222....22.222...........
        switch             ...............RRRR.........RRRR......RRRR................
        weight_banks.path  ......0....1.......0....1.........2.........2.............
        weight_banks.0     .......0....1...........FFFFFFFFFF.2............FFFFFFFFFF
        weight_banks.1     ....................0....1........FFFFFFFFFF.2............
        detector           ........00...11......00...11........22........22..........
        nonlinearity       ..........00...11......00...11........22........22........
        memory             ............0....1......................2.................
        readout            .........................000..111.................222.....
    """)


def test_write_for_a_access_counts_as_a_refresh_and_takes_the_driver():
    # Bank 1 is written for step 2 from 19 to 29, so that it is not due at 25. Bank 0 is due at 25,
    # finds the driver taken, and is written from 29 on; sample 1 waits for it until 39.
    trace = machine(samples=2, sets=3, steps=3, route_fs=3, write_fs=10, refresh_fs=25).run()
    starts = {
        (int(trace.bank[row]), int(trace.start_fs[row])) for row in trace.rows("refresh").tolist()
    }
    assert min(start for _, start in starts) == 29
    assert (0, 29) in starts
    assert (1, 25) not in starts
    departs = trace.rows("propagate")
    first = departs[(trace.sample[departs] == 1) & (trace.step[departs] == 0)]
    assert trace.start_fs[first].tolist() == [39]


def test_second_driver_refreshes_a_second_bank_at_once():
    def pairs(drivers):
        trace = machine(samples=4, write_fs=10, refresh_fs=25, write_drivers=drivers).run()
        rows = trace.rows("refresh")
        return list(pairwise(zip(trace.start_fs[rows], trace.end_fs[rows], strict=True)))

    assert all(after[0] >= before[1] for before, after in pairs(1))
    assert any(after[0] < before[1] for before, after in pairs(2))


@given(machines(samples=(1, 12), ahead=True), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_any_machine_that_is_refreshed_keeps_the_laws(case, more):
    assume(case.delays.write_fs)
    rounds = -(-case.mapping.used // case.mapping.writers(case.control.write_drivers))
    interval_fs = rounds * case.delays.write_fs + more
    control = case.control.model_copy(update={"refresh_interval": interval_fs * 1e-15})
    case = replace(case, control=control)
    trace = case.run()
    assert case.run_fast().expand().equals(trace)
    assert len(trace.result_fs) == case.samples


@given(machines(samples=(1, 8)), st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_no_sample_meets_weights_older_than_the_interval_and_its_own_waits(case, more):
    # A refresh that is due waits for its turn at the driver, at most a write of every bank and two
    # for accesses, and for samples on their way; then the sample meets fresh weights.
    assume(case.delays.write_fs)
    interval_fs = case.mapping.used * case.delays.write_fs + more
    control = case.control.model_copy(update={"refresh_interval": interval_fs * 1e-15})
    trace = replace(case, control=control).run()
    late = (case.mapping.used + 2) * (case.delays.write_fs + case.delays.mm_fs)
    for bank in range(case.mapping.used):
        kinds = np.concatenate([trace.rows("write"), trace.rows("refresh")])
        begins = np.sort(trace.start_fs[kinds[trace.bank[kinds] == bank]])
        uses = trace.rows("propagate")
        starts = trace.start_fs[uses[trace.bank[uses] == bank]]
        last = np.append(0, begins)[np.searchsorted(begins, starts, side="right")]
        assert np.all(starts - last <= interval_fs + late)


def test_run_that_ends_before_the_first_refresh_is_still_cut_short():
    plain = machine(samples=500)
    ends = plain.run().makespan_fs
    fast = replace(plain, control=machine(refresh_fs=ends).control).run_fast()
    assert isinstance(fast, PeriodicTrace)
    assert fast.expand().equals(plain.run())
    sooner = replace(plain, control=machine(refresh_fs=ends - 1).control)
    assert not isinstance(sooner.run_fast(), PeriodicTrace)
    assert len(sooner.run().rows("refresh")) == 1


def test_closed_form_applies_until_the_first_refresh():
    latency = machine().closed_form_fs()
    assert machine(write_fs=10, refresh_fs=latency).closed_form_fs() == latency
    assert machine(write_fs=10, refresh_fs=latency - 1).closed_form_fs() is None


@pytest.mark.parametrize(("write_fs", "refresh_fs"), [(10, 20), (10, 7), (0, 5)])
def test_interval_that_leaves_no_time_between_refreshes_is_refused(write_fs, refresh_fs):
    with pytest.raises(ScheduleError, match=r"control\.refresh_interval: got .* expected .* Hint"):
        machine(write_fs=write_fs, refresh_fs=refresh_fs).run()
    if write_fs:
        machine(write_fs=write_fs, refresh_fs=21).run()


def test_interval_is_a_time_above_nothing():
    for text in ("0 s", "3", "2 GHz"):
        with pytest.raises(SpecError, match=r"control\.refresh_interval"):
            load_spec("photonic_pcm", [("control.refresh_interval", text)])


def test_critical_path_shows_who_waited_for_a_refresh():
    # One step on one bank: refreshed from 4 + 1 on, as the refresh is due before the sample
    # departs.
    case = machine(sets=1, steps=1, banks=1, write_fs=4, refresh_fs=5)
    trace = case.run()
    # 4 in, 2 to encode, but the bank is written from 5 to 9; then 4 of crossing, 2 and 3.
    assert trace.result_fs.tolist() == [9 + 4 + 2 + 3]
    path = {(p["component"], p["action"]): p["share"] for p in critical_path(trace)}
    assert path["weight_banks", "refresh"] == pytest.approx(4 / 18, rel=1e-12, abs=0)
    assert path["weight_banks", "wait"] == pytest.approx(5 / 18, rel=1e-12, abs=0)
    assert sum(path.values()) == pytest.approx(1.0, rel=1e-12, abs=0)


# A phase-change machine that forgets, one inference every 50 ms.


def forgetful(interval=None, **changes):
    values = {"drift_exponent": "0.05", "drift_reference_time": "1 ms", "time_constant": None}
    pairs = [(f"weight_banks.{k}", v) for k, v in {**values, **changes}.items() if v is not None]
    if interval is not None:
        pairs.append(("control.refresh_interval", interval))
    return Chip.nominal(load_spec("photonic_pcm", pairs), NETWORK)


def slow_run(chip, samples=40):
    return time_run(chip, periodic(samples, 50e-3))


def test_ages_of_the_weights_rise_to_the_interval_and_fall():
    chip = forgetful("0.3 s")
    ages = slow_run(chip).accesses.since_write_s
    assert ages.max() <= 0.3 + 1e-3  # a write of both banks takes less than a millisecond
    assert ages.max() > 0.24
    assert slow_run(forgetful()).accesses.since_write_s.max() > 1.9
    # A saw: within a tooth the age rises by the time between samples, but for the wait of a sample
    # that comes while a bank is written.
    rises = np.diff(ages[:, 0])
    assert np.allclose(rises[rises > 0], 50e-3, atol=1e-3, rtol=0)
    assert (rises < 0).sum() == 6


def test_each_refresh_is_a_programming_of_its_own():
    run = slow_run(forgetful("0.3 s"))
    numbers = run.accesses.write[:, 0]
    assert len(np.unique(numbers)) == 7
    assert run.accesses.contents.tolist() == [[[0, 1]] * 3] * 40


def test_answers_are_the_better_the_shorter_the_interval():
    # Of all non-idealities only drift is left, so answers differ from those of a fresh chip by it.
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((40, 6), generator=generator, dtype=torch.float64)
    errors = []
    for interval in ("0.11 s", "0.5 s", None):
        chip = forgetful(interval)
        parameters = Surrogate(NETWORK, chip.spec, dtype=torch.float64).parameter_set()
        others = sorted(chip.non_idealities - {"weight_banks.drift"})
        found = outputs(chip, parameters, x, slow_run(chip).accesses, without=others)
        fresh = outputs(
            chip, parameters, x, slow_run(chip).accesses, without=[*others, "weight_banks.drift"]
        )
        errors.append(float((found - fresh).abs().mean()))
    assert all(shorter < longer for shorter, longer in pairwise(errors))
    assert errors[0] > 0.0


def test_refreshes_are_counted_priced_and_timed():
    chip = forgetful("0.3 s")
    run = slow_run(chip)
    # Two banks, six times each in 1.95 s.
    assert run.prices.dynamic["weight_banks", "refresh"] == chip.weight_banks.cost("write")
    found = refresh(EnergyLedger.from_trace(run.run, run.prices))
    assert found["writes"] == 12
    assert found["time_s"] == pytest.approx(12 * chip.write_fs() * 1e-15, rel=1e-12, abs=0)
    ledger = EnergyLedger.from_trace(run.run, run.prices)
    assert ledger.by_action()["refresh"] == pytest.approx(found["energy_j"], rel=1e-12, abs=0)
    assert found["energy_j"] == 12 * chip.weight_banks.cost("write") > 0.0


def test_wear_counts_refreshes():
    text = " ".join(forgetful("2 ms").warnings())
    assert "weight_banks: worn out" in text
    assert "a longer control.refresh_interval" in text
    assert "weight_banks: worn out" not in " ".join(forgetful().warnings())


def test_memory_that_cannot_wait_says_why_it_would_have_to():
    # Samples come as fast as they are taken, so that some are in the fibre when a refresh is due.
    chip = Chip.nominal(load_spec("fiber_loop"), NETWORK)
    interval_fs = 5 * chip.write_fs()
    text = [("control.refresh_interval", seconds(interval_fs))]
    chip = Chip.nominal(load_spec("fiber_loop", text), NETWORK)
    samples = 2 * interval_fs // chip.delays().hold_fs
    with pytest.raises(ScheduleError, match=r"or no control\.refresh_interval"):
        time_run(chip, samples)


def test_interval_is_written_as_it_is_read():
    spec = load_spec("photonic_pcm", [("control.refresh_interval", seconds(10**12))])
    assert spec.control.refresh_interval == pytest.approx(1e-3, rel=1e-12, abs=0)
    assert load_spec(spec.to_tree()).control == spec.control
