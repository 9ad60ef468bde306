"""Choose what a summary says, once, for the text table and for the page alike.

A section is a title and rows of label, value and note. No layout here, and no arithmetic beyond
sums and shares of what `metrics.json` already holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pnnsim.analysis.report.band_rows import band_section, spread
from pnnsim.analysis.report.format import (
    MISSING,
    count,
    engineering,
    exact_time,
    mean_std,
    percent,
    plural,
)
from pnnsim.analysis.report.section import Metrics, Row, Section
from pnnsim.common.units import to_fs


@dataclass(frozen=True, slots=True)
class EnergyPart:
    """Energy of one component for one inference.

    Args:
        component: Name of the part.
        dynamic: Energy of its actions [J].
        static: Energy of its static power over the time of one inference [J].
    """

    component: str
    dynamic: float
    static: float

    @property
    def total(self) -> float:
        """Return both together [J]."""
        return self.dynamic + self.static


def energy_parts(metrics: Metrics) -> tuple[EnergyPart, ...]:
    """Return the energy of one inference by component, largest first.

    Set-up is not included.
    """
    energy = metrics["energy_j"]
    samples = metrics["samples"]
    static = energy["static_by_component"]
    parts = []
    for name, total in energy["by_component"].items():
        held = static.get(name, 0.0)
        # Rounding of the difference must not look like energy given back.
        parts.append(EnergyPart(name, max(0.0, total - held) / samples, held / samples))
    return tuple(sorted(parts, key=lambda part: (-part.total, part.component)))


def writes_per_inference(metrics: Metrics) -> float:
    """Return how often a bank is written for an access per inference: no set-up, no refresh."""
    return float(metrics["counts"].get("weight_banks.write", 0) / metrics["samples"])


def title(metrics: Metrics) -> str:
    """Return the one line that says what ran on what."""
    network = metrics["network"]
    if "hidden" not in network:
        return (
            f"{metrics['hardware']}: {network['kind']} {network['inputs']}-{network['outputs']}, "
            f"{plural(network['weight_sets'], 'weight set')}, "
            f"{plural(network['steps'], 'step')}"
        )
    shape = "-".join(str(network[key]) for key in ("inputs", "hidden", "outputs"))
    folds = (metrics.get("mapping") or {}).get("folds", 1)
    steps = plural(network["steps"], "step") + (f" of {folds} folds" if folds > 1 else "")
    return (
        f"{metrics['hardware']}: {network['kind']} {shape}, "
        f"{plural(network['weight_sets'], 'weight set')}, {steps}"
    )


def headline(metrics: Metrics) -> tuple[Row, ...]:
    """Return accuracy, latency, throughput and energy: the figures that come first."""
    accuracy = metrics.get("accuracy") or {}
    energy = metrics["energy_j"]
    rows = []
    if accuracy:
        chips = len(accuracy.get("chips") or ())
        rows.append(
            Row(
                "Accuracy on the hardware",
                percent(accuracy.get("hardware_mean")),
                f"surrogate {percent(accuracy.get('surrogate'))}, {plural(chips, 'chip')}",
            )
        )
    return (
        *rows,
        Row(
            "Latency of one inference",
            engineering(metrics["latency_s"]["first"], "s"),
            "first sample, from arrival to result at the host" + spread(metrics, "latency_s", "s"),
        ),
        Row(
            "Throughput",
            engineering(metrics["throughput_per_s"], "/s"),
            f"one result every {engineering(metrics['interval_s'], 's')}"
            + spread(metrics, "interval_s", "s"),
        ),
        Row(
            "Energy of one inference",
            engineering(energy["per_inference"], "J"),
            f"{_static_share(energy)} of it static; set-up not included"
            + spread(metrics, "energy_j", "J"),
        ),
    )


def sections(metrics: Metrics) -> tuple[Section, ...]:
    """Return the summary of a run, in reading order; what was not measured is left out."""
    found = (
        _accuracy(metrics),
        _latency(metrics),
        _rate(metrics),
        _energy(metrics),
        band_section(metrics),
        _refresh(metrics),
        _setup(metrics),
        _critical(metrics),
        _size(metrics),
    )
    return tuple(section for section in found if section.rows)


def _accuracy(metrics: Metrics) -> Section:
    task = metrics.get("task") or {}
    name = "Accuracy"
    if task:
        name += f": {task['name']}, {plural(task['samples'], 'sample')}"
    rows = []
    accuracy = metrics.get("accuracy") or {}
    if accuracy:
        chips = accuracy.get("chips") or ()
        each = "  ".join(f"{100 * value:.2f}" for value in chips)
        for kind, what in (("float", "exact arithmetic"), ("int8", "8-bit products")):
            if kind in accuracy:
                rows.append(Row(f"software, {kind}", percent(accuracy[kind]), what))
        rows.append(Row("surrogate", percent(accuracy.get("surrogate")), "the trained model"))
        rows.append(
            Row(
                "chips, mean ± std",
                mean_std(accuracy.get("hardware_mean"), accuracy.get("hardware_std")),
                f"{plural(len(chips), 'chip')}: {each} %" if chips else "",
            )
        )
    loss = metrics.get("loss_nats") or {}
    if loss:
        chips = loss.get("chips") or ()
        each = "  ".join(f"{value:.4f}" for value in chips)
        rows.append(Row("loss, surrogate", _nats(loss.get("surrogate"))))
        rows.append(Row("loss, chips", _nats(loss.get("hardware_mean")), f"each: {each}"))
    return Section(name, tuple(rows))


def _latency(metrics: Metrics) -> Section:
    latency = metrics["latency_s"]
    rows = [
        Row(
            "first sample", engineering(latency["first"], "s"), "from arrival to result at the host"
        ),
        Row("p50", engineering(latency["p50"], "s")),
        Row("p99", engineering(latency["p99"], "s")),
    ]
    closed = metrics.get("closed_form") or {}
    if closed.get("applies"):
        rows.append(
            Row(
                "closed form, first sample",
                engineering(closed["latency_s"], "s"),
                _difference(latency["first"], closed["latency_s"]),
            )
        )
    else:
        why = "does not apply: samples wait for each other, or a bank is written ahead or again"
        rows.append(Row("closed form, first sample", MISSING, why))
    return Section("Latency", tuple(rows))


def _rate(metrics: Metrics) -> Section:
    samples = metrics["samples"]
    return Section(
        "Rate",
        (
            Row("interval", engineering(metrics["interval_s"], "s"), "from result to result"),
            Row("throughput", engineering(metrics["throughput_per_s"], "/s"), "inferences"),
            Row(
                "makespan",
                engineering(metrics["makespan_s"], "s"),
                f"{plural(samples, 'inference')}, {plural(metrics['events']['spans'], 'span')}",
            ),
        ),
    )


def _energy(metrics: Metrics) -> Section:
    energy = metrics["energy_j"]
    static = _static_share(energy)
    rows = [Row("total", engineering(energy["per_inference"], "J"), f"{static} static")]
    for part in energy_parts(metrics):
        share = part.total / energy["per_inference"] if energy["per_inference"] else 0.0
        rows.append(
            Row(
                part.component,
                engineering(part.total, "J"),
                f"{percent(share):>8}   static {engineering(part.static, 'J')}, "
                f"dynamic {engineering(part.dynamic, 'J')}",
            )
        )
    rows.append(Row("power, mean", engineering(metrics["power_w"], "W")))
    rows.append(Row("per MAC", engineering(metrics["energy_per_mac_j"], "J")))
    tops = metrics.get("tops_per_w")
    operations = None if tops is None else 1e12 * tops
    rows.append(Row("efficiency", engineering(operations, "OPS/W"), "1 MAC = 2 operations"))
    return Section("Energy of one inference (set-up not included)", tuple(rows))


def _refresh(metrics: Metrics) -> Section:
    found = metrics.get("refresh") or {}
    writes = found.get("writes", 0)
    if not writes:
        return Section("", ())
    samples, total = metrics["samples"], metrics["energy_j"]["total"]
    share = percent(found["energy_j"] / total if total else 0.0)
    return Section(
        "Refresh, while inference goes on",
        (
            Row("bank writes", count(writes), f"{writes / samples:.3g} per inference"),
            Row(
                "time",
                engineering(found["time_s"], "s"),
                f"{engineering(found['time_s'] / writes, 's')} each, added up",
            ),
            Row(
                "energy",
                engineering(found["energy_j"], "J"),
                f"{share} of all energy; without standing power",
            ),
        ),
    )


def _setup(metrics: Metrics) -> Section:
    setup = metrics.get("setup") or {}
    if not setup:
        return Section("", ())
    return Section(
        "Set-up, before the first sample",
        (
            Row("bank writes", count(setup["writes"])),
            Row("time", engineering(setup["time_s"], "s")),
            Row("energy", engineering(setup["energy_j"], "J")),
        ),
    )


def _critical(metrics: Metrics) -> Section:
    path = sorted(metrics.get("critical_path") or (), key=lambda entry: -entry["share"])
    return Section(
        "Critical path of the first sample, largest shares",
        tuple(
            Row(f"{entry['component']}, {entry['action']}", percent(entry["share"]))
            for entry in path[:3]
        ),
    )


def _size(metrics: Metrics) -> Section:
    parameters, macs = metrics["parameters"], metrics["macs_per_inference"]
    refreshed = (metrics.get("refresh") or {}).get("writes")
    rows = [
        Row(
            "parameters, hidden",
            count(parameters["hidden"]),
            f"front end {count(parameters['front_end'])}, readout {count(parameters['readout'])}",
        ),
        Row(
            "MACs, hidden",
            count(macs["hidden"]),
            f"per inference; front end {count(macs['front_end'])}, "
            f"readout {count(macs['readout'])}",
        ),
        Row(
            "bank writes",
            count(writes_per_inference(metrics)),
            f"per inference, after set-up{', refreshes not included' if refreshed else ''}",
        ),
    ]
    laid = metrics.get("mapping") or {}
    if laid:
        each = f"{laid['tiles']} to a matrix"
        if laid["folds"] > 1:
            each = (
                f"{laid['parallel_tiles']} of the {laid['tiles']} tiles of a matrix at once, so "
                f"{laid['folds']} folds a step"
            )
        rows.append(Row("banks in use", count(laid["banks"]), each))
    area = metrics.get("area_m2") or {}
    if area:
        rows.append(Row("area", f"{1e6 * sum(area.values()):.4g} mm²", "parts that state one"))
    return Section("Size", tuple(rows))


def _static_share(energy: Mapping[str, Any]) -> str:
    return percent(energy["static"] / energy["total"] if energy["total"] else 0.0)


def _nats(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f} nat"


def _difference(simulated: float, closed: float) -> str:
    """Return the difference in words; both are whole femtoseconds, so equal means equal."""
    gap = to_fs(simulated) - to_fs(closed)
    if gap == 0:
        return "equal to the simulation to the femtosecond"
    return f"simulation is {exact_time(abs(gap))} {'longer' if gap > 0 else 'shorter'}"
