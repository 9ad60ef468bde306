"""A machine drawn by hand for the tests of reports: its trace, its prices and its metrics.

One sample is in the loop at a time, so every time below follows by addition; nothing here uses the
code that times or prices a real run.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pnnsim.analysis.report.collect import (
    latencies_of,
    loads_of,
    power_of,
    schedules_of,
    spans_of,
    times_of,
)
from pnnsim.analysis.report.record import Record, SourceRow, write_record
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, Trace

#: Durations [fs]: a ring-based machine, rounded.
DURATION = {
    "map_input": 2_000_000, "convert": 1_000_000, "encode": 50_000, "propagate": 280_194,
    "mvm": 79_567, "detect": 198_572, "activate": 60_000, "hold": 100_000, "route": 9_086_317,
    "map_output": 500_000,
}  # fmt: skip
UNITS = (
    "encoder", "front_end", "switch", "weight_banks.0", "weight_banks.1",
    "detector", "nonlinearity", "memory", "readout",
)  # fmt: skip


PRICES = PriceTable(
    dynamic={
        ("front_end", "map_input"): 40e-12,
        ("front_end", "map_output"): 6e-12,
        ("encoder", "convert"): 458e-12,
        ("encoder", "encode"): 6.4e-12,
        ("switch", "route"): 40e-12,
        ("weight_banks", "mvm"): 0.0,
        ("weight_banks", "write"): 3.2e-9,
        ("memory", "hold"): 12.8e-12,
        ("readout", "convert"): 409.6e-12,
    },
    static_w={
        "weight_banks": 32.768,
        "encoder": 0.768,
        "detector": 0.384,
        "switch": 0.06,
        "environment": 2.0,
    },
)


def make_trace(
    samples: int = 3, steps: int = 4, write_fs: int = 0, route_fs: int = DURATION["route"]
) -> Trace:
    """Return samples that follow each other, the front end working one sample ahead.

    With `write_fs` the bank of the next step is written before the switch moves, as in a DNN.
    """
    rows: list[tuple[int, ...]] = []

    def add(
        unit: str, action: str, start: int, sample: int, step: int, cause: int, **of: int
    ) -> int:
        duration = {**DURATION, "write": write_fs, "route": route_fs}[action]
        rows.append(
            (UNITS.index(unit), ACTIONS.index(action), start, start + duration, sample, step,
             of.get("bank", -1), of.get("weight_set", -1), cause)
        )  # fmt: skip
        return len(rows) - 1

    def end(row: int) -> int:
        return rows[row][3]

    arrivals, results = [], []
    ready, ready_cause, mapped = 0, NO_CAUSE, NO_CAUSE
    for sample in range(samples):
        start = end(mapped) if sample else 0
        arrivals.append(start)
        mapped = add("front_end", "map_input", start, sample, -1, mapped if sample else NO_CAUSE)
        start = max(end(mapped), ready)
        row = add(
            "encoder", "convert", start, sample, -1, mapped if end(mapped) >= ready else ready_cause
        )
        move = NO_CAUSE
        for step in range(steps):
            bank, sets = step % 2, {"weight_set": step if write_fs else step % 2}
            row = add("encoder", "encode", end(row), sample, step, row)
            cause = move if move != NO_CAUSE and end(move) > end(row) else row
            where = {"bank": bank, **sets}
            unit = f"weight_banks.{bank}"
            row = add(unit, "propagate", end(cause), sample, step, cause, **where)
            row = add(unit, "mvm", end(row), sample, step, row, **where)
            caught = row = add("detector", "detect", end(row), sample, step, row)
            row = add("nonlinearity", "activate", end(row), sample, step, row)
            if step + 1 < steps:
                row = add("memory", "hold", end(row), sample, step, row)
            following = (step + 1) % steps
            move = caught
            if write_fs:
                move = add(
                    f"weight_banks.{1 - bank}", "write", end(move), -1, -1, move,
                    bank=1 - bank, weight_set=following,
                )  # fmt: skip
            move = add("switch", "route", end(move), -1, -1, move, bank=1 - bank)
        ready_cause = move if end(move) > end(row) else row
        ready = end(ready_cause)
        row = add("readout", "convert", end(row), sample, -1, row)
        row = add("front_end", "map_output", end(row), sample, -1, row)
        results.append(end(row))
    # A machine that has no next sample moves nothing more.
    while rows and rows[-1][4] >= 0 and any(r[3] > results[-1] for r in rows):
        late = next(i for i, r in enumerate(rows) if r[3] > results[-1])
        rows.pop(late)
        rows = [(*r[:8], r[8] - (r[8] > late)) for r in rows]
    order = sorted(range(len(rows)), key=lambda i: (rows[i][3], i))
    place = {old: new for new, old in enumerate(order)} | {NO_CAUSE: NO_CAUSE}
    table = np.array([(*rows[i][:8], place[rows[i][8]]) for i in order], dtype=np.int64)
    return Trace(UNITS, *table.T, np.array(arrivals), np.array(results))


def make_metrics(trace: Trace, prices: PriceTable = PRICES) -> dict[str, Any]:
    """Return metrics that belong to the trace, under the keys that a run writes."""
    seconds = 1e-15 * trace.makespan_fs
    actions: dict[str, float] = {}
    counts: dict[str, int] = {}
    for unit, action in zip(trace.unit, trace.action, strict=True):
        pair = (trace.units[unit].partition(".")[0], ACTIONS[action])
        key = ".".join(pair)
        counts[key] = counts.get(key, 0) + 1
        actions[key] = actions.get(key, 0.0) + prices.dynamic.get(pair, 0.0)
    dynamic = sum(actions.values())
    static = {name: power * seconds for name, power in prices.static_w.items()}
    total = dynamic + sum(static.values())
    components = dict(static)
    for key, joules in actions.items():
        name = key.partition(".")[0]
        components[name] = components.get(name, 0.0) + joules
    latency = 1e-15 * (trace.result_fs - trace.arrival_fs)
    steps = int(trace.step.max()) + 1
    return {
        "schema": 1,
        "pnnsim_version": "0.1.0",
        "hardware": "hand_drawn",
        "spec_sha256": "6b1f" * 16,
        "seed": 0,
        "network": {
            "kind": "relaxnet", "inputs": 64, "hidden": 128, "outputs": 10, "weight_sets": 2,
            "steps": steps,
        },
        "task": {"name": "digits", "samples": 360},
        "accuracy": {
            "surrogate": 0.975,
            "hardware_mean": 0.9694,
            "hardware_std": 0.0042,
            "chips": [0.9667, 0.975, 0.9667],
            "interval": {"surrogate": [0.9534, 0.9867], "hardware_mean": [0.9463, 0.9828]},
            "ablation": [
                {"non_ideality": "weight_banks.write_noise", "accuracy_without_mean": 0.9722,
                 "accuracy_without_std": 0.003, "recovered": 0.0028, "recovered_low": -0.001,
                 "recovered_high": 0.0066, "alone": 0.001, "alone_low": -0.002,
                 "alone_high": 0.004},
                {"non_ideality": "weight_banks.drift", "accuracy_without_mean": 0.9694,
                 "accuracy_without_std": 0.0042, "recovered": 0.0},
                {"non_ideality": "weight_banks.crosstalk", "accuracy_without_mean": 0.9741,
                 "accuracy_without_std": 0.002, "recovered": 0.0047},
            ],
        },
        "samples": trace.samples,
        "latency_s": {
            "first": float(latency[0]), "mean": float(latency.mean()),
            **{f"p{p}": float(np.percentile(latency, p, method="higher")) for p in (50, 95, 99)},
            "max": float(latency.max()),
        },
        "makespan_s": seconds,
        "interval_s": seconds / trace.samples,
        "throughput_per_s": trace.samples / seconds,
        "closed_form": {"applies": True, "latency_s": float(latency[0])},
        "energy_j": {
            "per_inference": total / trace.samples, "total": total, "dynamic": dynamic,
            "static": total - dynamic, "by_component": components, "static_by_component": static,
            "by_action": {"static": total - dynamic},
        },
        "power_w": total / seconds,
        "energy_per_mac_j": total / trace.samples / (steps * 128 * 128),
        "tops_per_w": 2 * steps * 128 * 128 / (total / trace.samples) / 1e12,
        "mapping": {
            "tiles": 1, "parallel_tiles": 1, "folds": 1, "banks": 2, "resident": True
        },
        "setup": {"writes": 2, "time_s": 20e-6, "energy_j": 6.4e-9},
        "parameters": {"hidden": 33024, "front_end": 8320, "readout": 1290, "total": 42636},
        "macs_per_inference": {"hidden": steps * 128 * 128, "front_end": 8192, "readout": 1280},
        "area_m2": {"weight_banks": 13.1e-6},
        "utilization": {"weight_banks": 0.01},
        "critical_path": [
            {"component": "encoder", "action": "convert", "share": 0.09},
            {"component": "switch", "action": "route", "share": 0.78},
            {"component": "front_end", "action": "map_input", "share": 0.1},
            {"component": "readout", "action": "convert", "share": 0.03},
        ],
        "counts": counts,
        "events": {"spans": len(trace), "simulated": len(trace), "extended": 0},
        "wall_s": {"train": 20.0, "timing": 0.1, "values": 1.0, "total": 21.1},
        "warnings": ["detector saturates for 3 % of the values; lower the laser power"],
    }  # fmt: skip


SOURCES = (
    SourceRow("switch.rise_time", "published", "Lu et al., Optics Express 24, 9295, 2016",
              "switch.rise_time"),
    SourceRow("switch.insertion_loss", "published", "Lu et al., Optics Express 24, 9295, 2016"),
    SourceRow("encoder.bits", "derived", "derived: 8 bit of Luan et al., arXiv:2508.11146, 2025"),
    SourceRow("memory.acquisition", "assumed", "assumed: a fast sample-and-hold"),
)  # fmt: skip


def make_record(trace: Trace, prices: PriceTable = PRICES) -> Record:
    """Return the data of the pictures of the trace."""
    return Record(
        when="2026-01-02 03:04 UTC",
        summary="A ring-based machine drawn by hand.",
        schedules=schedules_of(trace),
        spans=spans_of(trace, prices),
        power=power_of(trace, prices),
        latency=latencies_of(trace),
        loads=loads_of(trace, {"memory": 0.01}),
        times=times_of(trace),
        sources=SOURCES,
        confusion=((170, 2, 0), (1, 160, 4), (0, 3, 180)),
    )


def write_example_run(folder: Path, hardware: str = "hand_drawn", slower: float = 1.0) -> Path:
    """Write a run folder of the machine, with a band of four draws.

    Args:
        folder: Folder to make.
        hardware: Name of the machine.
        slower: Factor on latency and on energy.
    """
    trace = make_trace()
    metrics = make_metrics(trace) | {"hardware": hardware}
    latency, energy = metrics["latency_s"], metrics["energy_j"]
    latency["first"] *= slower
    energy["per_inference"] *= slower
    values = {"latency_s": latency["first"], "interval_s": metrics["interval_s"],
              "energy_j": energy["per_inference"]}  # fmt: skip
    metrics["band"] = {
        "draws": 4, "infeasible": 1, "seed": 0, "samples": 3, "assumptions": 2, "hangs_on": [],
        **{key: {"value": v, "p5": 0.5 * v, "p50": v, "p95": 2 * v} for key, v in values.items()},
    }  # fmt: skip
    drawn = tuple(
        tuple(None if k == 3 else factor * value for value in values.values())
        for k, factor in enumerate((0.5, 1.0, 2.0, 0.0))
    )
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    write_record(folder / "figures.json", replace(make_record(trace), drawn=drawn))
    return folder
