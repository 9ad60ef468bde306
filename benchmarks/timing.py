"""Measure how fast runs are timed, and print tables with the machine and the versions behind them.

    python -m benchmarks.timing            # all tables, a few minutes
    python -m benchmarks.timing --small    # sizes for a check that it works, seconds

Ratios within one run are what counts: absolute times are those of the computer at hand.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
import tracemalloc
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TypeVar

import simpy

from pnnsim import Chip, ReLaXNet, load_spec
from pnnsim.analysis.metrics import metrics_from
from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.tiling import map_network
from pnnsim.mapping.work import Work
from pnnsim.specs.control import ControlParams
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_fast, run_timing

REPEATS = 3
Result = TypeVar("Result")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    small = parser.parse_args().small
    print(circumstances())
    event_rates(500 if small else 5000, 500 if small else 100_000)
    fast_runs([2000, 5000] if small else [26_032, 10**6])
    scaling(200 if small else 2000)


def circumstances() -> str:
    """Return when and on what tables were made."""
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, "
        f"{os.cpu_count()} CPUs, Python {platform.python_version()}, pnnsim {version('pnnsim')}, "
        f"SimPy {version('simpy')}, NumPy {version('numpy')}\n"
    )


def event_rates(samples: int, arrivals: int) -> None:
    """Compare the exact way with a bare SimPy loop of as many request/hold/release cycles."""
    rows = []
    chip = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet(weight_sets=2, steps=12))
    for name, network_steps, when in (
        ("saturated, 12 steps", 12, Arrivals(samples)),
        ("Poisson at 70 % load, 1 step", 1, None),
    ):
        network = ReLaXNet(weight_sets=min(2, network_steps), steps=network_steps)
        chip = Chip.nominal(load_spec("photonic_mrr"), network)
        if when is None:
            pause = run_timing(chip.work(), 100)
            when = poisson(arrivals, 0.7 * 99 / (pause.result_span_fs * 1e-15), seed=0)
        seconds, trace = best(lambda chip=chip, when=when: exact(chip, when))
        bare_seconds, _ = best(lambda run=trace: bare_simpy(len(run)))
        rows.append(
            (name, when.count, len(trace), f"{len(trace) / seconds:,.0f}",
             f"{len(trace) / bare_seconds:,.0f}", f"{bare_seconds / seconds:.2f}")
        )  # fmt: skip
    table("Exact mode beside bare SimPy (request, hold, release)",
          ("run", "samples", "spans", "spans/s", "bare cycles/s", "ratio"), rows)  # fmt: skip


def fast_runs(sizes: Sequence[int]) -> None:
    """Time fast runs with all their metrics, and the memory that they need."""
    rows = []
    for sets in (2, 5):
        network = ReLaXNet(weight_sets=sets, steps=12)
        chip = Chip.nominal(load_spec("photonic_mrr"), network)
        prices = chip.prices()
        for samples in sizes:
            seconds, _ = best(lambda c=chip, p=prices, w=samples: fast_metrics(c, p, w))
            tracemalloc.start()
            trace = fast_metrics(chip, prices, samples)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            rows.append(
                (sets, samples, len(trace), len(trace.base), f"{seconds:.3f}", f"{peak / 1e6:.1f}")
            )
    table("Fast mode: photonic_mrr, 12 steps, two banks, timing pass and metrics",
          ("weight sets", "samples", "spans", "simulated", "s", "peak MB"), rows)  # fmt: skip


def scaling(samples: int) -> None:
    """Time exact and fast runs of a small machine against one size at a time."""
    base = {"samples": samples, "steps": 12, "sets": 2, "banks": 2, "block": 1}
    rows = []
    for name, values in (
        ("samples", (samples, 4 * samples, 16 * samples)),
        ("steps", (3, 12, 48)),
        ("banks", (1, 2)),
        ("sets", (1, 2, 12)),
        ("block", (1, 8, 64)),
    ):
        for value in values:
            size = {**base, name: value}
            slow, trace = best(lambda size=size: sized(run_timing, **size))
            quick, short = best(lambda size=size: sized(run_fast, **size))
            rows.append(
                (name, value, len(trace), len(short.base), f"{slow:.3f}", f"{quick:.4f}",
                 f"{1e6 * slow / len(trace):.2f}")
            )  # fmt: skip
    table(f"Scaling, all else as {base}",
          ("varied", "value", "spans", "simulated fast", "exact s", "fast s", "us per span"),
          rows)  # fmt: skip


def exact(chip: Chip, when: Arrivals) -> AnyTrace:
    """Simulate every event of a machine."""
    return run_timing(chip.work(), when)


def fast_metrics(chip: Chip, prices: PriceTable, samples: int) -> AnyTrace:
    """Run the timing pass the fast way and work out its metrics."""
    trace = run_fast(chip.work(), samples)
    metrics_from(
        trace, prices, network=chip.network, memory_capacity=chip.memory.capacity,
        closed_form_fs=None,
    )  # fmt: skip
    return trace


def sized(
    run: Callable[..., AnyTrace], *, samples: int, steps: int, sets: int, banks: int, block: int
) -> AnyTrace:
    """Time a machine of round delays with one size changed."""
    network = ReLaXNet(hidden=4, weight_sets=min(sets, steps), steps=steps)
    delays = Delays(
        input=(Stage("front_end", "map_input", 1000),),
        encode=(Stage("encoder", "encode", 200),),
        propagate_fs=100, mvm_fs=100, detect_fs=300, activate_fs=200, hold_fs=100,
        output=(Stage("readout", "convert", 500),),
        route_fs=900, write_fs=5000,
    )  # fmt: skip
    mapping = map_network(hidden=4, weight_sets=network.weight_sets, count=banks, rows=4, cols=4)
    control = ControlParams(block=block)
    return run(Work(delays, network.weight_set_order(), mapping, control, block), samples)


def bare_simpy(cycles: int) -> None:
    """Request, hold and release one resource, again and again."""
    env = simpy.Environment()
    resource = simpy.Resource(env)

    def work() -> simpy.events.ProcessGenerator:
        for _ in range(cycles):
            with resource.request() as request:
                yield request
                yield env.timeout(1)

    env.process(work())
    env.run()


def best(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the shortest time of a few runs [s], and the last result."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begin)
    return min(times), result


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table with columns as wide as their texts."""
    texts = [tuple(map(str, row)) for row in (head, *rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    print(title)
    for row in texts:
        print("  " + "  ".join(t.rjust(w) for t, w in zip(row, widths, strict=True)))
    print()


if __name__ == "__main__":
    main()
