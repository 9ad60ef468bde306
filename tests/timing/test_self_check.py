"""Runs are checked whole up to a size, and by windows beyond; sound ones of any machine pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import InvariantError
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation import timing_pass
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs
from pnnsim.timing import self_check
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.invariants.window import check_windows
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.run import run_timing
from pnnsim.timing.self_check import check_run
from tests.timing.machines import machine, machines
from tests.timing.planted import edit, find, later

LONG = machine(samples=120, block=2, sets=3, steps=4, banks=2)


@given(
    st.sampled_from(sorted(available_specs())),
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["saturated", "poisson"]),
)
@settings(max_examples=60, deadline=None)
def test_runs_of_shipped_machines_under_any_options_pass(
    name, sets, block, overlap, prefetch, drivers, cores, arrivals
):
    overlap = overlap or name == "fiber_loop"
    block = 1 if name == "fiber_loop" else block
    options = {
        "block": block, "overlap": overlap, "prefetch": prefetch, "write_drivers": drivers,
        "cores": cores,
    }  # fmt: skip
    spec = load_spec(
        name,
        [(f"control.{key}", str(value).lower()) for key, value in options.items()]
        + [("weight_banks.count", "2")]
        + ([("memory.capacity", "8")] if name != "fiber_loop" else []),
    )
    chip = Chip.nominal(spec, ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=sets, steps=4))
    if name == "fiber_loop" and sets > 2:
        return  # its memory cannot wait for a write
    requests = Arrivals(20) if arrivals == "saturated" else poisson(20, 1e6, 1)
    time_run(chip, requests, exact=True)


@given(machines(samples=(20, 120), ahead=True), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_windows_of_any_sound_run_pass(case, part):
    trace = case.run()
    check_windows(trace, case.work, case.requests, spans=len(trace) // part)


@pytest.mark.parametrize("sample", [1, 60, 118])
def test_fault_in_a_window_is_found(sample: int) -> None:
    trace = run_timing(LONG.work, 120)
    check_windows(trace, LONG.work, Arrivals(120), spans=len(trace) // 4)
    broken = edit(trace, find(trace, "hold_symbol", sample, 1), end_fs=0)
    with pytest.raises(InvariantError, match="ends before it starts"):
        check_windows(broken, LONG.work, Arrivals(120), spans=len(trace) // 4)
    idle = later(trace, find(trace, "propagate", sample - sample % 2, 3), 2)
    with pytest.raises(InvariantError, match=r"hold_symbol, sample .* waits for nothing"):
        check_windows(idle, LONG.work, Arrivals(120), spans=len(trace) // 4)


def test_long_run_that_repeats_is_checked_on_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    run = machine(samples=10**6).run_fast()
    assert isinstance(run, PeriodicTrace)
    monkeypatch.setattr(self_check, "WINDOW", 2000)
    check_run(run, machine().work, Arrivals(10**6))
    with pytest.raises(InvariantError):
        check_run(replace(run, period_fs=run.period_fs - 1), machine().work, Arrivals(10**6))


def test_every_run_of_a_user_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = timing_pass.run_cores

    def damaged(*how):
        trace = plain(*how)
        shift = np.zeros_like(trace.end_fs)
        shift[find(trace, "hold", 0, 0)] = 1
        return replace(trace, start_fs=trace.start_fs - shift)

    monkeypatch.setattr(timing_pass, "run_cores", damaged)
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)
    chip = Chip.nominal(load_spec("photonic_mrr"), network)
    with pytest.raises(InvariantError, match="timing: internal: the simulated run breaks a rule"):
        time_run(chip, 4)
