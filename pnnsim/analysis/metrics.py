"""Turn a trace and its prices into the figures of a run: latency, throughput, energy, use of parts.

Everything here is arithmetic on columns, without tensors: accuracy, area and wall time are added in
`pnnsim.simulation`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pnnsim.analysis.critical_path import critical_path, engine_waited_fs
from pnnsim.analysis.energy import EnergyLedger, counts
from pnnsim.analysis.layers import layers
from pnnsim.analysis.trains import working_fs
from pnnsim.common.cost import Cost
from pnnsim.common.times import total_fs, wide_enough
from pnnsim.common.units import from_fs
from pnnsim.errors import ScheduleError
from pnnsim.inference.chip import Chip
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.tiling import Mapping
from pnnsim.networks.protocol import Network
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.trace import is_path

PERCENTILES = (50, 95, 99)

_FS_PER_S = 10**15


def setup(
    mapping: Mapping,
    *,
    write_time: float,
    write_energy: float,
    settle_time: float = 0.0,
    power: float = 0.0,
    write_drivers: int = 1,
    cores: int = 1,
) -> Cost:
    """Return the cost of filling the banks, as many at once as there are drivers.

    Args:
        mapping: How many logical banks are filled.
        write_time: Time to write one physical bank [s].
        write_energy: Energy to write one logical bank [J].
        settle_time: Wait after the last write that `write_time` does not hold yet [s].
        power: Static power of a machine at rest, drawn meanwhile [W].
        write_drivers: Physical banks written at once, on each core.
        cores: Cores that are filled side by side.
    """
    writes = cores * mapping.used
    rounds = -(-mapping.used // mapping.writers(write_drivers)) * mapping.write_rounds(
        write_drivers
    )
    time = rounds * write_time + settle_time
    return Cost(writes, time, writes * write_energy + power * time)


def latencies(trace: AnyTrace) -> dict[str, float]:
    """Return the time from arrival to result over all samples [s].

    A percentile q is the nearest rank: the shortest latency that at least q percent of the samples
    do not exceed. It is always the latency of a sample, never between two.
    """
    latency, number = trace.base.result_fs - trace.base.arrival_fs, trace.sample_counts()
    order = np.argsort(latency, kind="stable")
    ranked, ranks = latency[order], np.cumsum(number[order])
    figures = {"first": int(latency[0]), "max": int(ranked[-1])}
    for q in PERCENTILES:
        figures[f"p{q}"] = int(ranked[np.searchsorted(ranks, -(-q * trace.samples // 100))])
    seconds = {name: value / _FS_PER_S for name, value in figures.items()}
    seconds["mean"] = total_fs(latency, number) / trace.samples / _FS_PER_S
    return {name: seconds[name] for name in ("first", "mean", "p50", "p95", "p99", "max")}


def queue(trace: AnyTrace) -> dict[str, Any]:
    """Return how samples wait for the front end: how many, how long, how many are turned away.

    Returns:
        `mean` and `max` of the number of samples that wait, the mean over the makespan; `wait_s`
        with `mean` and `max` over the samples that are served; `dropped`, the requests that are
        not.
    """
    arrival, begin = trace.base.arrival_fs, trace.base.begin_fs()
    wait = begin - arrival
    total = total_fs(wait, trace.sample_counts())
    waits = wait > 0
    times = np.concatenate([begin[waits], arrival[waits]])
    change = np.concatenate([np.full(waits.sum(), -1), np.full(waits.sum(), 1)])
    # A place that gets free at the instant of an arrival is free for it: leaving comes first.
    length = np.cumsum(change[np.lexsort((change, times))])
    return {
        "mean": total / trace.makespan_fs if trace.makespan_fs else 0.0,
        "max": int(length.max(initial=0)),
        "wait_s": {
            "mean": total / trace.samples / _FS_PER_S,
            "max": int(wait.max()) / _FS_PER_S,
        },
        "dropped": len(trace.dropped),
    }


def interval(trace: AnyTrace) -> float:
    """Return the mean time between results [s]; for a single sample its makespan.

    Rates of cores that work side by side add up.

    Raises:
        ScheduleError: Results come at once, as in a machine without delays.
    """
    if len(trace.parts) > 1:
        return 1.0 / math.fsum(1.0 / interval(part) for part in trace.parts)
    span = trace.makespan_fs
    if trace.samples > 1:
        span = trace.result_span_fs
    if span <= 0:
        raise ScheduleError(
            f"timing: got {trace.samples} results in 0 fs; expected a machine that takes time. "
            "Hint: give the readout or the front end a delay"
        )
    return span / max(1, trace.samples - 1) / _FS_PER_S


def utilization(trace: AnyTrace, *, memory_capacity: int) -> dict[str, float]:
    """Return busy time / (makespan x capacity) of each component.

    The capacity is the number of its lanes, for the memory the states it holds. Light on its way
    occupies nothing and does not count. Banks that never hold weights are not counted either.

    Args:
        trace: The run.
        memory_capacity: States that the memory of one core holds.
    """
    base, number = trace.base, trace.row_counts()
    lengths = working_fs(base)
    most = float(lengths.astype(np.float64) @ number)
    busy = wide_enough(np.zeros(len(trace.units), dtype=np.int64), most)
    np.add.at(busy, base.unit, wide_enough(lengths, most) * number)
    totals: dict[str, int] = {}
    capacities: dict[str, int] = {}
    for lane, component in enumerate(trace.components()):
        if is_path(trace.units[lane]):
            continue
        totals[component] = totals.get(component, 0) + int(busy[lane])
        capacities[component] = capacities.get(component, 0) + 1
    capacities["memory"] *= memory_capacity
    return {
        component: totals[component] / (trace.makespan_fs * capacities[component])
        for component in sorted(totals)
    }


def refresh(ledger: EnergyLedger) -> dict[str, Any]:
    """Return how often banks were written again with what they held, and the cost of that.

    Returns:
        `writes`, their summed `time_s`, and `energy_j` without static power.
    """
    return _writes(ledger.lines.get(("weight_banks", "refresh"), Cost()))


def energy(ledger: EnergyLedger, per_inference: float) -> dict[str, Any]:
    """Return where the energy went [J], with the keys of the documentation.

    Args:
        ledger: Energy of the run.
        per_inference: Energy of one inference [J].
    """
    return {
        "per_inference": per_inference,
        "total": ledger.total,
        "dynamic": ledger.dynamic,
        "static": ledger.static,
        "by_component": ledger.by_component(),
        "static_by_component": ledger.static_by_component(),
        "by_action": ledger.by_action(),
    }


def layout(mapping: Mapping) -> dict[str, Any]:
    """Return how matrices lie on banks, with the keys of the documentation."""
    return {
        "tiles": mapping.most_tiles,
        "parallel_tiles": mapping.tiles,
        "folds": mapping.folds,
        "banks": mapping.used * mapping.tiles,
        "resident": mapping.resident,
    }


def setup_of(chip: Chip, prices: PriceTable) -> dict[str, Any]:
    """Return the cost of making a chip ready for its first sample, as `setup` of the metrics.

    Args:
        chip: Any chip of the machine.
        prices: Prices of the machine, for the power that it draws meanwhile.
    """
    cost = setup(
        chip.mapping,
        write_time=from_fs(chip.weight_banks.delay_fs("write")),
        write_energy=chip.weight_banks.cost("write"),
        settle_time=chip.weight_banks.setup_wait(),
        power=prices.standing_w,
        write_drivers=chip.spec.control.write_drivers,
        cores=chip.spec.control.cores,
    )
    return _writes(cost)


def _writes(cost: Cost) -> dict[str, Any]:
    """Return a cost under the keys of the documentation."""
    return {"writes": cost.count, "time_s": cost.time_s, "energy_j": cost.energy_j}


def metrics_from(
    trace: AnyTrace,
    prices: PriceTable,
    *,
    network: Network,
    memory_capacity: int,
    closed_form_fs: int | None,
) -> dict[str, Any]:
    """Return the part of `metrics.json` that follows from timing and prices.

    One multiply-accumulate counts as two operations in `tops_per_w`; energy per multiply-accumulate
    divides the whole energy, front end and readout included, by those of the banks alone.
    Both are `None` where no energy is spent at all.

    Args:
        trace: The run.
        prices: Prices of its actions.
        network: For its matrices, and the multiply-accumulates on banks.
        memory_capacity: States that the memory holds at once.
        closed_form_fs: Latency of a sample alone in closed form, None where it does not apply [fs].
            In a run of several, digital work of the first may wait for the digital engine besides.

    Raises:
        ScheduleError: The simulated latency is not the closed form; this is a bug of pnnsim.
    """
    first_fs = int(trace.base.result_fs[0]) - int(trace.base.arrival_fs[0])
    behind, between = engine_waited_fs(trace.base)
    first_fs -= behind
    if closed_form_fs is not None and not first_fs - between <= closed_form_fs <= first_fs:
        raise ScheduleError(
            f"timing: internal: the first sample took {first_fs} fs; the closed form expects "
            f"{closed_form_fs} fs. Please report this with the hardware description"
        )
    ledger = EnergyLedger.from_trace(trace, prices)
    spacing = interval(trace)
    per_inference = ledger.total / trace.samples
    macs = network.workload.macs
    return {
        "samples": trace.samples,
        "latency_s": latencies(trace),
        "queue": queue(trace),
        "refresh": refresh(ledger),
        "makespan_s": trace.makespan_fs / _FS_PER_S,
        "interval_s": spacing,
        "throughput_per_s": 1.0 / spacing,
        "closed_form": {
            "applies": closed_form_fs is not None,
            "latency_s": None if closed_form_fs is None else closed_form_fs / _FS_PER_S,
        },
        "energy_j": energy(ledger, per_inference),
        "power_w": ledger.total / (trace.makespan_fs / _FS_PER_S),
        "energy_per_mac_j": per_inference / macs if per_inference else None,
        "tops_per_w": 2 * macs / per_inference / 1e12 if per_inference else None,
        "utilization": utilization(trace, memory_capacity=memory_capacity),
        "critical_path": critical_path(trace),
        "layers": layers(trace, prices, ledger, network.workload),
        "counts": {f"{part}.{action}": n for (part, action), n in counts(trace).items()},
        "events": {
            "spans": len(trace),
            "simulated": len(trace.base),
            "extended": len(trace) - len(trace.base),
        },
    }
