"""Waits of random requests beside queueing theory: several servers, and one that is stopped."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pnnsim.mapping.delays import Delays, Stage
from pnnsim.timing.arrivals import poisson
from pnnsim.timing.request_times import request_times
from tests.timing.machines import machine

#: Time of the only part that takes any [fs].
SERVICE = 10**6


def only(**changes: int) -> Delays:
    """Return delays of which all but some are none."""
    none = dict.fromkeys(
        ("propagate_fs", "mvm_fs", "detect_fs", "activate_fs", "hold_fs", "route_fs", "write_fs"), 0
    )
    mapping = changes.pop("input_fs", 0)
    return Delays(
        input=(Stage("front_end", "map_input", mapping),),
        encode=(Stage("encoder", "encode", 0),),
        output=(Stage("readout", "convert", 0),),
        **(none | changes),
    )


def agrees(wait: np.ndarray, expected: float, *, unlike: float = 0.0) -> None:
    """Compare a mean with theory: within five standard errors of the means of long batches.

    They are small enough to tell it from what is unlike it.
    """
    batches = wait[: len(wait) // 40 * 40].reshape(40, -1).mean(axis=1)
    error = batches.std(ddof=1) / math.sqrt(40)
    assert abs(batches.mean() - expected) < 5 * error
    assert 5 * error < expected - unlike


def crommelin(servers: int, load: float) -> float:
    """Return the mean wait of M/D/c in units of the service time.

    Reference: C. D. Crommelin, Post Office Electrical Engineers' Journal 25, 41, 1932.
    """
    total = 0.0
    for k in range(1, 400):
        mean, least = k * servers * load, k * servers
        below = [math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(least + 1)]
        at_least, more = 1 - math.fsum(below[:-1]), 1 - math.fsum(below)
        total += at_least - more / load
    return total


@pytest.mark.parametrize(("cores", "load"), [(1, 0.7), (2, 0.8), (3, 0.8)])
def test_requests_dealt_to_cores_in_turn_wait_as_at_one_queue_for_all(cores, load) -> None:
    # As all services take the same time, the core that is free next is the next one in turn: the
    # cores are M/D/c. One core is M/D/1.
    case = machine(only(input_fs=SERVICE), sets=1, steps=1, banks=1)
    requests = poisson(20_000, load * cores * 1e9, seed=4)
    waits, arrived = [], []
    for dealt in requests.deal(cores, 1):
        found = request_times(case.work, dealt)
        assert found is not None
        waits.append((found.begin_fs - found.arrival_fs) / SERVICE)
        arrived.append(found.arrival_fs)
    order = np.argsort(np.concatenate(arrived), kind="stable")
    expected = crommelin(cores, load)
    if cores == 1:
        assert expected == pytest.approx(load / (2 * (1 - load)), rel=1e-9, abs=0)
    agrees(np.concatenate(waits)[order], expected)


def test_requests_wait_for_refreshes_as_for_jobs_of_a_higher_priority() -> None:
    # A refresh takes as long as a sample and comes when none is on its way to the bank, before
    # those that wait: M/G/1 with a class of priority, whose load is 10 %. The mean wait of the rest
    # is R / ((1 - h) (1 - h - l)), R being what is left of a service under way (A. Cobham,
    # Operations Research 2, 70, 1954). Refreshes come regularly and not at random, but hardly ever
    # two wait.
    load, refreshing = 0.3, 0.1
    refresh_fs = round(SERVICE / refreshing)
    case = machine(
        only(mvm_fs=SERVICE, write_fs=SERVICE), sets=1, steps=1, banks=1, samples=6000,
        arrivals=poisson(6000, load * 1e9, seed=5), refresh_fs=refresh_fs,
    )  # fmt: skip
    trace = case.run()
    departs = trace.start_fs[trace.rows("propagate")]
    left_over = (load + refreshing) / 2
    expected = left_over / ((1 - refreshing) * (1 - refreshing - load))
    # Without refreshes, M/D/1 waits less than the interval allows.
    alone = load / (2 * (1 - load))
    agrees((np.sort(departs) - trace.arrival_fs) / SERVICE, expected, unlike=alone)
