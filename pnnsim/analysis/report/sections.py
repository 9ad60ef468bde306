"""Choose the sections of a summary: rows of one subject each, in reading order.

No layout here, and no arithmetic beyond sums and shares of what `metrics.json` already holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.analysis.report.band_rows import band_section
from pnnsim.analysis.report.format import (
    MISSING,
    count,
    engineering,
    exact_time,
    mean_std,
    percent,
    plural,
)
from pnnsim.analysis.report.rows import energy_parts, static_share, writes_per_inference
from pnnsim.analysis.report.section import Metrics, Row, Section
from pnnsim.common.units import to_fs

#: Layers that a summary shows at most.
_MOST_LAYERS = 12


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
        _layers(metrics),
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
        sure = accuracy.get("interval") or {}
        for kind, what in (("float", "exact arithmetic"), ("int8", "8-bit products")):
            if kind in accuracy:
                note = _noted(what, _sure(sure.get(kind)))
                rows.append(Row(f"software, {kind}", percent(accuracy[kind]), note))
        note = _noted("the trained model", _sure(sure.get("surrogate")))
        rows.append(Row("surrogate", percent(accuracy.get("surrogate")), note))
        rows.append(
            Row(
                "chips, mean ± std",
                mean_std(accuracy.get("hardware_mean"), accuracy.get("hardware_std")),
                _noted(
                    f"{plural(len(chips), 'chip')}: {each} %" if chips else "",
                    _sure(sure.get("hardware_mean")),
                ),
            )
        )
    loss = metrics.get("loss_nats") or {}
    if loss:
        chips = loss.get("chips") or ()
        each = "  ".join(f"{value:.4f}" for value in chips)
        rows.append(Row("loss, surrogate", _nats(loss.get("surrogate"))))
        rows.append(Row("loss, chips", _nats(loss.get("hardware_mean")), f"each: {each}"))
    return Section(name, tuple(rows))


def _sure(ends: Sequence[float] | None) -> str:
    """Return the confidence interval of a share; nothing where there is none."""
    return "" if ends is None else f"95 % sure: {100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def _noted(*notes: str) -> str:
    """Return those notes that say something, as one."""
    return "; ".join(note for note in notes if note)


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


def _bottleneck(metrics: Metrics) -> list[Row]:
    """Return which part sets the pace of samples that always wait."""
    found = metrics.get("bottleneck")
    if found is None:
        return []
    interval = engineering(found["interval_s"], "s")
    return [Row(f"bottleneck: {found['part']}", interval, "least interval that it allows")]


def _rate(metrics: Metrics) -> Section:
    samples = metrics["samples"]
    return Section(
        "Rate",
        (
            Row("interval", engineering(metrics["interval_s"], "s"), "from result to result"),
            Row("throughput", engineering(metrics["throughput_per_s"], "/s"), "inferences"),
            *_bottleneck(metrics),
            Row(
                "makespan",
                engineering(metrics["makespan_s"], "s"),
                f"{plural(samples, 'inference')}, {plural(metrics['events']['spans'], 'span')}",
            ),
        ),
    )


def _energy(metrics: Metrics) -> Section:
    energy = metrics["energy_j"]
    static = static_share(energy)
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


def _layers(metrics: Metrics) -> Section:
    """Return what each layer of a network with several takes, the largest of very many."""
    found = metrics.get("layers") or ()
    named = [layer for layer in found if layer["name"] is not None]
    if len(named) < 2:
        return Section("", ())
    most = sorted(named, key=lambda layer: -layer["energy_j"])[:_MOST_LAYERS]
    shown = [layer for layer in found if layer["name"] is None or layer in most]
    total = metrics["energy_j"]["per_inference"]
    rows = [
        Row(
            "outside layers" if layer["name"] is None else str(layer["name"]),
            engineering(layer["energy_j"], "J"),
            f"{percent(layer['energy_j'] / total if total else 0.0):>8}   "
            f"{engineering(layer['latency_s'], 's')} of latency, "
            f"busy {percent(layer['utilization'])}{_snr(layer.get('snr_db'))}",
        )
        for layer in shown
    ]
    left = len(named) - len(most)
    title = "Layers, energy of one inference"
    return Section(
        title if not left else f"{title}: {plural(left, 'smaller one')} not shown", tuple(rows)
    )


def _snr(decibels: float | None) -> str:
    """Return the signal-to-noise ratio of a layer; nothing where there is none."""
    return "" if decibels is None else f", SNR {decibels:.0f} dB"


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


def _nats(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f} nat"


def _difference(simulated: float, closed: float) -> str:
    """Return the difference in words; both are whole femtoseconds, so equal means equal."""
    gap = to_fs(simulated) - to_fs(closed)
    if gap == 0:
        return "equal to the simulation to the femtosecond"
    return f"simulation is {exact_time(abs(gap))} {'longer' if gap > 0 else 'shorter'}"
