"""Each of many traces that are damaged on purpose is refused, and sound ones pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pnnsim.errors import InvariantError, PnnsimError
from pnnsim.timing import invariants
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.invariants.occupancy import results_find_places
from pnnsim.timing.invariants.passages import passages
from pnnsim.timing.multicore import ParallelTrace
from pnnsim.timing.run import run_cores, run_timing
from pnnsim.timing.trace import Trace
from tests.timing import planted_in_banks, planted_in_spans
from tests.timing.planted import Fault, edit, find, later, without
from tests.timing.planted_cases import BLOCKS, FAULTS, PLAIN, SLOW_READOUT

#: Files whose damages enter the table when they are imported.
PLANTED = (planted_in_spans, planted_in_banks)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found(fault: Fault) -> None:
    trace = run_timing(fault.work, fault.requests)
    trace.check(fault.work, fault.requests)
    damaged = fault.damage(trace)
    damaged, work = damaged if isinstance(damaged, tuple) else (damaged, fault.work)
    with pytest.raises(InvariantError, match=fault.message):
        damaged.check(work, fault.requests)


@pytest.mark.parametrize("action", ["encode", "propagate", "mvm", "detect", "activate", "hold"])
def test_missing_span_is_found(action: str) -> None:
    trace = PLAIN.run()
    row = find(trace, action, 1, 0)
    # Its effects start when it ended; give them its interval, so that only the count is wrong.
    effects = np.flatnonzero(trace.cause == row)
    broken = without(edit(trace, effects, start_fs=trace.start_fs[row]), row)
    with pytest.raises(
        InvariantError, match=f"sample 1 has 0 {action} spans at step 0; expected 1"
    ):
        broken.check(PLAIN.work)


def test_results_beyond_the_places_of_the_readout_are_found() -> None:
    trace = SLOW_READOUT.run()
    # The first result is read when all others have come.
    late = edit(trace, find(trace, "convert", 0), start_fs=trace.end_fs[-1])
    run = passages(late, SLOW_READOUT.work, None)
    text = r"3 results wait for the readout .* expected at most 2"
    with pytest.raises(InvariantError, match=text):
        results_find_places(run)


def test_fault_on_one_of_several_cores_is_found() -> None:
    control = BLOCKS.control.model_copy(update={"cores": 2})
    work = replace(BLOCKS.work, control=control)
    run = run_cores(run_timing, work, Arrivals(8))
    assert isinstance(run, ParallelTrace)
    run.check(work, Arrivals(8))
    first, second = run.parts
    assert isinstance(second, Trace)
    broken = later(second, find(second, "activate", 3, 1), 3, longer=True)
    with pytest.raises(InvariantError, match=r"nonlinearity activate.* takes 5 fs; expected 2"):
        replace(run, parts=(first, broken)).check(work, Arrivals(8))


def test_broken_invariant_is_no_users_error() -> None:
    assert not issubclass(InvariantError, PnnsimError)
    trace = PLAIN.run()
    with pytest.raises(InvariantError, match="timing: internal: the simulated run breaks a rule"):
        edit(trace, 4, sample=3).check(PLAIN.work)


def test_every_invariant_states_the_rule_that_it_guards() -> None:
    helpers = {"check", "check_passages", "gates", "blamed_on_pnnsim", "Passages", "Requests"}
    rules = {
        name: rule
        for name, rule in vars(invariants).items()
        if callable(rule) and name not in helpers and name.islower()
    }
    silent = [name for name, rule in rules.items() if "Guards" not in (rule.__doc__ or "")]
    assert len(rules) > 15
    assert silent == []
