"""When samples come, who waits, and what the queue of a machine with one server must obey."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.metrics import latencies, queue
from pnnsim.errors import ScheduleError, SpecError
from pnnsim.mapping.delays import Stage
from pnnsim.specs.settings import SimulationParams
from pnnsim.timing.arrivals import Arrivals, Queue, arrivals_of, from_file, periodic, poisson
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import machine, machines


def test_periodic_samples_find_the_machine_idle_or_wait():
    # One step; the loop is free again 10 fs after the encoder took a sample. Sample 1 comes at 5,
    # is ready at 9 and is taken at 12; sample 2 comes at 10 and finds the front end taken until 12.
    case = machine(sets=1, steps=1, banks=1, samples=3, arrivals=periodic(3, 5e-15))
    trace = case.run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3
        front_end          0000.1111...2222...............
        encoder            ....00000...11111...22222......
        weight_banks.path  ......0.......1.......2........
        weight_banks.0     .......0.......1.......2.......
        detector           ........00......11......22.....
        nonlinearity       ..........00......11......22...
        readout            ............000.....111.....222
    """)
    assert queue(trace)["wait_s"]["max"] == 2e-15


def test_sample_that_finds_the_queue_full_is_turned_away():
    # T_in is 4, the loop takes a sample every 8. Requests 0 … 5 come at once; 0 is served at once,
    # 1 finds the only place, 2 to 5 do not.
    case = machine(sets=1, steps=1, banks=1, arrivals=Arrivals(6, (0,) * 5 + (40,), capacity=1))
    trace = case.run()
    assert trace.dropped.tolist() == [2, 3, 4]
    assert trace.served.tolist() == [0, 1, 5]
    assert trace.arrival_fs.tolist() == [0, 0, 40]
    assert queue(trace)["dropped"] == 3


def test_place_that_gets_free_at_the_instant_of_an_arrival_is_free_for_it():
    waiting = Queue(Arrivals(3, (0, 3, 4), capacity=1))
    assert waiting.take(0) == 0
    # At 4 the front end takes the sample of 3; the sample of 4 finds its place.
    assert waiting.take(4) == 3
    assert waiting.take(8) == 4
    assert waiting.dropped == []


def test_sample_that_comes_a_moment_earlier_is_turned_away():
    waiting = Queue(Arrivals(3, (0, 2, 3), capacity=1))
    assert (waiting.take(0), waiting.take(4), waiting.next(8)) == (0, 2, None)
    assert waiting.dropped == [2]


def test_block_takes_the_samples_that_are_there():
    # Samples 1, 2 and 3 come while sample 0 is alone in its block; 1 to 3 then make one of three,
    # and sample 4, which comes much later, is alone again.
    case = machine(sets=2, steps=2, block=4, arrivals=Arrivals(5, (0, 5, 6, 7, 500)), samples=5)
    trace = case.run()
    routes = trace.rows("route")
    assert trace.sample[routes].tolist() == [0, -1, -1, 4, 4]
    rows = trace.rows("mvm")
    order = trace.sample[rows][np.argsort(trace.start_fs[rows])]
    assert order.tolist() == [0, 0, 1, 2, 3, 1, 2, 3, 4, 4]


@given(
    machines(samples=(1, 25), ahead=True),
    st.lists(st.integers(0, 60), min_size=25, max_size=25),
    st.integers(1, 3) | st.none(),
)
@settings(max_examples=100, deadline=None)
def test_any_machine_with_any_arrivals_keeps_the_laws(case, gaps, capacity):
    times = tuple(np.cumsum(gaps[: case.samples]).tolist())
    case = replace(case, arrivals=Arrivals(case.samples, times, capacity))
    trace = case.run()
    trace.check(case.work)
    assert trace.samples + len(trace.dropped) == case.samples
    served = np.array(times)[trace.served]
    assert trace.arrival_fs.tolist() == served.tolist()
    found = queue(trace)
    assert capacity is None or found["max"] <= capacity


def loop_server(samples, load, seed):
    """Return a machine whose only server takes 1 ns, under Poisson load, and its trace."""
    # The front end takes 1 ns, everything else so little that nothing ever holds it up.
    case = machine(
        sets=1, steps=1, banks=1, samples=samples,
        input=(Stage("front_end", "map_input", 10**6),),
        arrivals=poisson(samples, load * 1e9, seed),
    )  # fmt: skip
    return case.run()


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_mean_wait_is_that_of_pollaczek_and_khinchine(load):
    # M/D/1: W = load * service / (2 (1 - load)). Batches of 500 samples are long beside the time in
    # which the queue forgets, service / (1 - load)^2, so their means are nearly independent; five
    # standard errors of their mean bound the deviation.
    wait = (lambda t: t.begin_fs() - t.arrival_fs)(loop_server(20_000, load, seed=1)) / 1e6
    batches = wait.reshape(-1, 500).mean(axis=1)
    expected = load / (2 * (1 - load))
    error = batches.std(ddof=1) / np.sqrt(len(batches))
    assert abs(batches.mean() - expected) < 5 * error
    # The bound itself is tight enough to tell M/D/1 from M/M/1, which waits twice as long.
    assert 5 * error < expected / 2


def test_little_s_law_holds_exactly_over_a_run_that_ends_empty():
    # The mean number of samples in the machine, taken from a step curve, is rate times mean time.
    trace = loop_server(5000, 0.8, seed=2)
    times = np.concatenate([trace.arrival_fs, trace.result_fs])
    change = np.concatenate([np.ones(trace.samples), -np.ones(trace.samples)])
    order = np.argsort(times, kind="stable")
    inside = np.cumsum(change[order])[:-1] @ np.diff(times[order]) / trace.makespan_fs
    rate = trace.samples / trace.makespan_fs
    # Float sums of 10^4 terms.
    assert inside == pytest.approx(rate * latencies(trace)["mean"] * 1e15, rel=1e-9, abs=0)
    found = queue(trace)
    assert found["mean"] == pytest.approx(rate * found["wait_s"]["mean"] * 1e15, rel=1e-9, abs=0)


def test_poisson_gaps_have_the_mean_and_the_spread_of_an_exponential():
    gaps = np.diff(poisson(20_001, 1e9, seed=3).times_fs) / 1e6
    # Standard error of the mean 1 / sqrt(n); of the standard deviation sqrt(2 / n) (kurtosis 9).
    assert abs(gaps.mean() - 1) < 5 / np.sqrt(20_000)
    assert abs(gaps.std() - 1) < 5 * np.sqrt(2 / 20_000)


def test_same_seed_gives_the_same_arrivals_and_another_seed_others():
    assert poisson(50, 1e9, seed=4).times_fs == poisson(50, 1e9, seed=4).times_fs
    assert poisson(50, 1e9, seed=4).times_fs != poisson(50, 1e9, seed=5).times_fs


def test_file_of_times_is_read_from_its_first_time_on(tmp_path):
    file = tmp_path / "arrivals.txt"
    file.write_text("# requests of one minute\n1 ns\n\n1.5 ns,\n  2 us\n")
    assert from_file(file, 3).times_fs == (0, 500_000, 1_999_000_000)
    assert from_file(file, 2).times_fs == (0, 500_000)


def test_every_bad_line_of_a_file_is_named(tmp_path):
    file = tmp_path / "arrivals.txt"
    file.write_text("2 ns\n1 ns\n  3\n4 nm\n")
    with pytest.raises(SpecError) as caught:
        from_file(file, 1)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{file}:2:1", f"{file}:3:3", f"{file}:4:1"
    ]  # fmt: skip
    assert "1 ns comes before the time above it" in lines[0]


def test_file_that_is_too_short_or_missing_is_refused(tmp_path):
    file = tmp_path / "arrivals.txt"
    file.write_text("1 ns\n")
    with pytest.raises(SpecError, match="has 1 arrivals; expected one for each of the 5 samples"):
        from_file(file, 5)
    with pytest.raises(SpecError, match="cannot be read"):
        from_file(tmp_path / "none.txt", 5)


def test_times_that_are_no_regular_file_or_endless_are_refused(tmp_path):
    file = tmp_path / "arrivals.txt"
    os.mkfifo(file)
    with pytest.raises(SpecError, match="regular file"):
        from_file(file, 5)
    file.unlink()
    file.touch()
    os.truncate(file, 2**31)
    with pytest.raises(SpecError, match="got 2147483648 bytes"):
        from_file(file, 5)


@pytest.mark.parametrize(
    ("arrivals", "text"),
    [
        (lambda: Arrivals(0), "got 0 samples"),
        (lambda: Arrivals(1, (0,), capacity=0), "capacity of 0"),
        (lambda: Arrivals(2, (0,)), "got 1 times for 2 requests"),
        (lambda: Arrivals(2, (5, 4)), "never decrease"),
        (lambda: periodic(2, 1e-16), "expected from 1 fs to 1 Gs"),
    ],
)
def test_impossible_arrivals_are_refused(arrivals, text):
    with pytest.raises(ScheduleError, match=text):
        arrivals()


def test_description_says_when_samples_come(tmp_path):
    assert arrivals_of(SimulationParams(), 3) == Arrivals(3)
    found = arrivals_of(SimulationParams(arrivals="periodic", interval="2 fs", queue=4), 3)
    assert (list(found.times_fs), found.capacity) == ([0, 2, 4], 4)
    found = arrivals_of(SimulationParams(arrivals="poisson", rate="1 GHz", seed=9), 3)
    assert found.times_fs == poisson(3, 1e9, 9).times_fs
    file = tmp_path / "a.txt"
    file.write_text("1 ns\n3 ns\n")
    found = arrivals_of(SimulationParams(arrivals="file", times=str(file)), 2)
    assert found.times_fs == (0, 2_000_000)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"arrivals": "poisson"}, "'rate' is missing"),
        ({"interval": "1 ns"}, "'interval' is given, arrivals are saturated"),
        ({"queue": 3}, "saturated samples never wait"),
    ],
)
def test_description_that_contradicts_itself_is_refused(fields, text):
    with pytest.raises(ValueError, match=text):
        SimulationParams(**fields)
