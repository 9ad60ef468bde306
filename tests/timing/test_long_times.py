"""Runs of days: every time is exact, as in a short run, and both ways of timing agree."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.energy import EnergyLedger, power_trace
from pnnsim.analysis.metrics import latencies, queue, refresh, utilization
from pnnsim.analysis.report.perfetto import write_perfetto
from pnnsim.analysis.report.timeline import first_change, first_sample
from pnnsim.common.times import WIDEST_FS
from pnnsim.errors import ScheduleError, SpecError
from pnnsim.inference.accesses import AccessTable, accesses_from_trace
from pnnsim.inference.chip import Chip
from pnnsim.inference.drift import drift_windows
from pnnsim.mapping.delays import Delays
from pnnsim.mapping.prices import PriceTable
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import SimulationParams
from pnnsim.timing.arrivals import Arrivals, arrivals_of, from_file, periodic, poisson
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.periodic_trace import PeriodicTrace
from pnnsim.timing.run import run_cores, run_fast, run_timing
from pnnsim.timing.trace import COLUMNS, Trace
from tests.specs.spec_text import changed, place_of, problems_of
from tests.timing.machines import Machine, machine, machines

#: What a drawn machine of some hundred femtoseconds must be slowed down by to take months.
SLOW = 10**19 + 1
HOUR = 3600 * 10**15


def slowed(delays: Delays, factor: int) -> Delays:
    """Return delays that are all so many times longer."""
    return replace(
        delays,
        **{
            f.name: getattr(delays, f.name) * factor
            for f in fields(delays)
            if f.name.endswith("_fs")
        },
        **{
            name: tuple(
                replace(stage, duration_fs=stage.duration_fs * factor)
                for stage in getattr(delays, name)
            )
            for name in ("input", "encode", "output")
        },
    )


def slow(case: Machine, factor: int = SLOW) -> Machine:
    """Return a machine, and what comes to it, so many times slower."""
    when = case.arrivals
    if when is not None:
        assert when.times_fs is not None
        times = tuple(time * factor for time in when.times_fs)
        when = Arrivals(when.count, times, when.capacity, when.interval_fs * factor)
    return replace(case, delays=slowed(case.delays, factor), arrivals=when)


def columns(trace: Trace, factor: int = 1) -> dict[str, list[int]]:
    """Return all columns, times multiplied."""
    return {
        name: [number * (factor if name.endswith("_fs") else 1) for number in found]
        for name in COLUMNS
        for found in [getattr(trace, name).tolist()]
    }


@given(
    machines(samples=(1, 60), ahead=True),
    st.none() | st.tuples(st.integers(1, 120), st.integers(1, 3) | st.none()),
)
@settings(max_examples=60, deadline=None)
def test_a_machine_so_many_times_slower_has_every_time_multiplied_and_no_other_number(case, when):
    if when is not None:
        case = replace(case, arrivals=periodic(case.samples, when[0] * 1e-15, capacity=when[1]))
    plain, late = case.run(), slow(case).run()  # checked against the laws in `run`
    assert columns(late) == columns(plain, SLOW)
    fast = slow(case).run_fast()
    assert columns(fast.expand()) == columns(late)
    assert fast.makespan_fs == plain.makespan_fs * SLOW
    figures = [(latencies(t), queue(t), utilization(t, memory_capacity=4)) for t in (late, fast)]
    assert figures[0] == figures[1]
    shares = utilization(plain, memory_capacity=4)
    assert figures[0][2] == pytest.approx(shares, rel=1e-14, abs=0)


@given(
    machines(samples=(1, 30), ahead=True),
    st.lists(st.integers(0, 10**20), min_size=30, max_size=30),
    st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_sparse_arrivals_over_days_find_the_machine_as_they_would_within_microseconds(
    case, gaps, cores
):
    times = tuple(accumulate(gaps[: case.samples]))
    work = replace(case.work, control=case.work.control.model_copy(update={"cores": cores}))
    arrivals = Arrivals(case.samples, times)
    exact, fast = (run_cores(run, work, arrivals) for run in (run_timing, run_fast))
    exact.check(work)
    assert fast.expand().equals(exact.expand())
    # Whoever finds the machine empty takes as long as the first one, whenever that is.
    latency = exact.expand().result_fs - exact.expand().arrival_fs
    assert min(latency.tolist()) >= 1


@pytest.mark.parametrize(("interval", "samples"), [(1.0, 10_000), (86_400.0, 500)])
def test_periodic_arrivals_over_days_are_cut_short_and_exact(interval: float, samples: int) -> None:
    chip = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet(weight_sets=2, steps=3))
    arrivals = periodic(samples, interval)
    fast, exact = run_fast(chip.work(), arrivals), run_timing(chip.work(), arrivals)
    assert isinstance(fast, PeriodicTrace)
    assert columns(fast.expand()) == columns(exact)
    step = round(interval * 1e15)
    assert fast.expand().arrival_fs.tolist() == list(range(0, samples * step, step))
    for trace in (fast, exact):
        assert trace.makespan_fs > (samples - 1) * step > 2**63 - 1
    prices = chip.prices()
    assert EnergyLedger.from_trace(fast, prices) == EnergyLedger.from_trace(exact, prices)
    total = EnergyLedger.from_trace(fast, prices).total
    # Sums of some hundred thousand pieces, each rounded.
    assert power_trace(exact, prices).energy() == pytest.approx(total, rel=1e-9, abs=0)
    met = [both(chip, trace) for trace in (fast, exact)]
    for name in AccessTable.__slots__:
        assert np.array_equal(getattr(met[0], name), getattr(met[1], name)), name
    assert (met[0].since_write_s > 0).all()


def both(chip: Chip, trace: AnyTrace) -> AccessTable:
    return accesses_from_trace(trace, chip.order, chip.mapping, chip.setup_age())


def test_poisson_arrivals_over_days_are_the_sum_of_their_gaps() -> None:
    slow_times, fast_times = (poisson(2000, rate, 3).times_fs for rate in (1e-3, 1e9))
    assert slow_times is not None
    assert fast_times is not None
    assert slow_times[-1] > 2**63
    assert all(isinstance(time, int) for time in slow_times)
    # The same draws on another scale; a femtosecond of rounding for each of the short gaps.
    assert slow_times[-1] == pytest.approx(fast_times[-1] * 1e12, rel=1e-6, abs=0)


def test_refreshes_over_days_come_as_often_as_they_are_due_and_none_is_late() -> None:
    changes = [("control.refresh_interval", "1000 s"), ("weight_banks.count", "2")]
    chip = Chip.nominal(load_spec("photonic_mrr", changes), ReLaXNet(weight_sets=2, steps=4))
    arrivals = periodic(60, 1800.0)
    fast, exact = run_fast(chip.work(), arrivals), run_timing(chip.work(), arrivals)
    exact.check(chip.work())
    assert fast.expand().equals(exact)
    met = both(chip, exact)
    # 59 half hours hold 106 whole kiloseconds, for each of two banks.
    assert refresh(EnergyLedger.from_trace(exact, chip.prices()))["writes"] == 2 * (
        59 * 1800 // 1000
    )
    late = met.write >= chip.mapping.used
    assert late.any()
    assert float(met.since_write_s[late].max()) < 1000.1
    assert (met.begun_fs >= 0).all() == late.all()


def test_ages_of_days_reach_the_drift_of_banks_in_whole_femtoseconds() -> None:
    # The last sample meets what was written 10 ns before it, a hundred days into the run.
    day = 86_400 * 10**15
    seen: list[float] = []

    class Banks:
        """Banks that note for how long they drift."""

        def correlation_time(self) -> float:
            return 1.0

        def environment(self, state: object, elapsed: float, generator: object) -> dict[str, int]:
            seen.append(elapsed)
            return {}

        def drifted(self, state: object, before: object) -> dict[str, int]:
            return {}

    class Stub:
        weight_banks, seed, name = Banks(), 0, "stub"
        mapping = type("Mapping", (), {"used": 1})

    one = np.zeros((1, 1), np.int64)
    now = 100 * day + 7
    met = AccessTable(
        bank=one, contents=one[..., None], replaced=one, previous_bank=one, write=one + 1,
        since_write_s=np.full((1, 1), 1e-8), dwell_s=one + np.inf, held_s=one + 0.0,
        time_fs=np.array([[now]], dtype=object),
        begun_fs=np.array([[now - 10**7]], dtype=object), symbol_offset=one, symbol_back=one,
    )  # fmt: skip
    assert len(list(drift_windows(Stub(), met, 1))) == 1  # type: ignore[arg-type]
    assert seen == [0.0, 1e-8]


def test_power_and_pictures_of_long_runs_are_those_of_short_ones(tmp_path) -> None:
    case = machine(sets=3, steps=4, banks=2, block=2, samples=9)
    prices = PriceTable(
        {("weight_banks", "mvm"): 2.0, ("detector", "detect"): 1.0}, {"memory": 0.0}
    )
    plain, late = case.run(), slow(case).run()
    assert late.start_fs.dtype == object
    assert power_trace(late, prices).energy() == pytest.approx(
        power_trace(plain, prices).energy(), rel=1e-12, abs=0
    )
    pictures = [[first_sample(t), first_change(t)] for t in (plain, late)]
    for one, other in zip(*pictures, strict=True):
        assert one is not None
        assert other is not None
        assert one.lanes == other.lanes
        assert other.axis.places == pytest.approx(one.axis.places, rel=1e-12, abs=1e-12)
    for samples in (1, None):
        path = tmp_path / f"{samples}.json"
        write_perfetto(path, late, prices, {}, samples=samples)
        assert str(late.end_fs[0]) in path.read_text()


def test_columns_stay_in_64_bits_until_a_run_is_too_long_for_them() -> None:
    case = machine(samples=5)
    assert case.run().start_fs.dtype == np.int64
    longest = case.run().makespan_fs
    assert slow(case, WIDEST_FS // (2 * longest)).run().end_fs.dtype == np.int64
    assert slow(case, WIDEST_FS // longest + 1).run().end_fs.dtype == object


#: Every field of the machine of the tests that is a time or a frequency.
RATES = [
    ("hold_time: 0.1 ns", "hold_time"), ("conversion_time: 1 ns", "conversion_time"),
    ("symbol_rate: 1 GHz", "symbol_rate"), ("clock: 1 GHz", "clock"),
]  # fmt: skip


@pytest.mark.parametrize("number", ["1e300", "1e-300", "1e20", "1e-20"])
@pytest.mark.parametrize(("line", "field"), RATES)
def test_times_beyond_what_is_supported_are_refused_where_they_stand(
    line: str, field: str, number: str, tmp_path: Path
) -> None:
    unit = "Hz" if "Hz" in line else "s"
    value = f"{number} {unit}"
    text = changed(line, f"{field}: {value}")
    bound = "1 nHz to 1000 THz" if unit == "Hz" else "1 as to 1 Gs"
    [problem] = problems_of(text, tmp_path)
    assert problem.startswith(f"m.yaml:{place_of(value, text)}: ")
    assert problem.endswith(f"'{value}' is out of range; expected a magnitude from {bound}")


@pytest.mark.parametrize(
    "lines",
    [
        ["arrivals: periodic", "interval: 1e300 s"],
        ["arrivals: periodic", "interval: 1e-300 s"],
        ["arrivals: periodic", "interval: 0.1 fs"],
        ["arrivals: poisson", "rate: 1e300 Hz"],
        ["arrivals: poisson", "rate: 1e-300 Hz"],
    ],
)
def test_arrivals_beyond_what_is_supported_are_refused_where_they_stand(
    lines: list[str], tmp_path: Path
) -> None:
    text = "schema: 1\nhardware: photonic_mrr\nsimulation:\n" + "".join(
        f"  {line}\n" for line in lines
    )
    [problem] = problems_of(text, tmp_path)
    value = lines[1].partition(": ")[2]
    assert problem.startswith(f"m.yaml:{place_of(value, text)}: ")
    assert "is out of range; expected" in problem


@pytest.mark.parametrize("entry", ["1e300 s", "1e-300 s"])
def test_a_line_of_arrivals_beyond_what_is_supported_is_named(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "arrivals.txt"
    file.write_text(f"0 s\n 1 s\n  {entry}\n")
    with pytest.raises(SpecError) as caught:
        from_file(file, 2)
    assert str(caught.value).startswith(f"{file}:3:3: '{entry}' is out of range; expected")


def test_arrivals_from_a_file_may_be_days_apart(tmp_path: Path) -> None:
    file = tmp_path / "arrivals.txt"
    file.write_text("5 s\n1000000 s\n1000000.000000000000001 s\n")
    # Not exact to the femtosecond: a time is read as a float of seconds.
    assert from_file(file, 2).times_fs == (0, 999_995 * 10**15)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e300, 1e-300, float("inf"), float("nan")])
def test_arrivals_from_python_state_their_bounds(value: float) -> None:
    with pytest.raises(ScheduleError, match=r"interval: got .* expected from 1 fs to 1 Gs"):
        periodic(2, value)
    with pytest.raises(ScheduleError, match=r"rate: got .* expected from 1 nHz to 1000 THz"):
        poisson(2, value, 0)


def test_the_longest_supported_times_run_without_a_word() -> None:
    slowest = [
        ("readout.conversion_time", "1e9 s"), ("memory.hold_time", "1e9 s"),
        ("encoder.symbol_rate", "1 nHz"), ("front_end.clock", "1 nHz"),
    ]  # fmt: skip
    chip = Chip.nominal(load_spec("photonic_mrr", slowest), ReLaXNet(weight_sets=2, steps=3))
    arrivals = arrivals_of(SimulationParams(arrivals="periodic", interval="1e9 s"), 200)
    fast, exact = run_fast(chip.work(), arrivals), run_timing(chip.work(), arrivals)
    exact.check(chip.work())
    assert fast.expand().equals(exact)
    assert np.isfinite(power_trace(exact, chip.prices()).power).all()
