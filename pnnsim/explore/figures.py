"""Figures of a trial: which there are, what they measure, and where they stand in the metrics.

A figure is a number of `metrics.json` by its dotted key. Nothing is computed here but sums of
areas, and no torch is imported, so that a study is checked before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pnnsim.devices.registry import parts
from pnnsim.mapping.actions import ACTIONS

#: Number that is no physical value.
PLAIN = ""

#: Share of chips that meet the requirement of a study.
YIELD = "yield"

_LATENCIES = ("first", "mean", "p50", "p95", "p99", "max")
_QUALITY = ("float", "int8", "surrogate", "hardware_mean", "hardware_std")

#: Dimension of each figure that needs no trained network.
_TIMING: dict[str, str] = {
    "samples": PLAIN,
    **{f"latency_s.{name}": "time" for name in _LATENCIES},
    "queue.mean": PLAIN,
    "queue.max": PLAIN,
    "queue.wait_s.mean": "time",
    "queue.wait_s.max": "time",
    "queue.dropped": PLAIN,
    "refresh.writes": PLAIN,
    "refresh.time_s": "time",
    "refresh.energy_j": "energy",
    "makespan_s": "time",
    "interval_s": "time",
    "bottleneck.interval_s": "time",
    "throughput_per_s": "frequency",
    "closed_form.latency_s": "time",
    "energy_j.per_inference": "energy",
    "energy_j.total": "energy",
    "energy_j.dynamic": "energy",
    "energy_j.static": "energy",
    "power_w": "power",
    "energy_per_mac_j": "energy",
    "tops_per_w": PLAIN,
    "setup.writes": PLAIN,
    "setup.time_s": "time",
    "setup.energy_j": "energy",
    "mapping.tiles": PLAIN,
    "mapping.parallel_tiles": PLAIN,
    "mapping.folds": PLAIN,
    "mapping.banks": PLAIN,
    "parameters.hidden": PLAIN,
    "parameters.gain": PLAIN,
    "parameters.front_end": PLAIN,
    "parameters.readout": PLAIN,
    "parameters.total": PLAIN,
    "macs_per_inference.hidden": PLAIN,
    "macs_per_inference.front_end": PLAIN,
    "macs_per_inference.readout": PLAIN,
    "area_m2": "area",
}

#: Dimension of each figure that needs one.
_VALUES: dict[str, str] = {
    **{f"accuracy.{name}": "fraction" for name in _QUALITY},
    **{f"loss_nats.{name}": PLAIN for name in _QUALITY},
    YIELD: "fraction",
}


def dimensions() -> dict[str, str]:
    """Return the dimension of every figure by its key; `PLAIN` for a number without one."""
    by_part = {
        f"{group}.{part}": dimension
        for part in (*parts(), "environment")
        for group, dimension in (
            ("energy_j.by_component", "energy"),
            ("energy_j.static_by_component", "energy"),
            ("utilization", "fraction"),
            ("area_m2", "area"),
        )
    }
    by_action = {f"energy_j.by_action.{name}": "energy" for name in (*ACTIONS, "static")}
    return {**_VALUES, **_TIMING, **by_part, **by_action}


def needs_training(key: str) -> bool:
    """Return whether a figure is one of outputs, for which a network must be trained."""
    return key in _VALUES


def figures_of(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of some metrics by their keys, in the order of the metrics.

    Args:
        metrics: Content of `metrics.json`, or a part of it.
    """
    known = dimensions()
    found = {key: value for key, value in _numbers(metrics, "") if key in known}
    areas = metrics.get("area_m2")
    if areas:
        found["area_m2"] = sum(areas.values())
    return found


def _numbers(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Yield every number of a tree with its dotted key."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", value
