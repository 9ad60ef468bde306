"""Choose the figures that a page opens with, each with its band and its interval."""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.analysis.report.format import engineering, percent, plural
from pnnsim.analysis.report.intervals import accuracy_interval
from pnnsim.analysis.report.rows import static_share
from pnnsim.analysis.report.section import Metrics


@dataclass(frozen=True, slots=True)
class Card:
    """One figure of the head of a page.

    Args:
        label: What it is.
        value: The figure.
        note: What it is of, beside the figure.
        second: A figure that belongs to it; may be empty.
        lines: Band, interval and remarks.
    """

    label: str
    value: str
    note: str
    second: str
    lines: tuple[str, ...]


def cards(metrics: Metrics) -> tuple[Card, ...]:
    """Return accuracy, latency, throughput and energy."""
    latency, energy = metrics["latency_s"], metrics["energy_j"]
    found = _accuracy(metrics)
    return (
        *found,
        Card(
            "Latency of one inference",
            engineering(latency["first"], "s"),
            "first sample",
            f"{engineering(latency['p50'], 's')} p50",
            (
                "from arrival to result at the host",
                *_band(metrics, "latency_s", "s", "of the first: "),
            ),
        ),
        Card(
            "Throughput",
            engineering(metrics["throughput_per_s"], "/s"),
            "",
            f"{engineering(metrics['interval_s'], 's')} interval",
            ("from result to result", *_band(metrics, "interval_s", "s", "of the interval: ")),
        ),
        Card(
            "Energy of one inference",
            engineering(energy["per_inference"], "J"),
            "",
            f"{static_share(energy)} static",
            (*_band(metrics, "energy_j", "J"), "set-up not included"),
        ),
    )


def _accuracy(metrics: Metrics) -> tuple[Card, ...]:
    accuracy = metrics.get("accuracy") or {}
    if accuracy.get("hardware_mean") is None:
        return ()
    chips = accuracy.get("chips") or ()
    lines = []
    interval = accuracy_interval(metrics)
    if interval is not None:
        samples = plural(metrics["samples"], "sample")
        ends = " to ".join(percent(end, 1) for end in interval)
        lines.append(f"{ends}: 95 % interval from {samples}")
    if len(chips) > 1:
        ends = " to ".join(percent(end) for end in (min(chips), max(chips)))
        lines.append(f"{ends}: {plural(len(chips), 'chip')}")
    band = accuracy.get("band")
    if band:
        ends = " to ".join(percent(band[end], 1) for end in ("p5", "p95"))
        lines.append(f"{ends}: 5 to 95 % of the stated ranges")
    return (
        Card(
            "Accuracy on the hardware",
            percent(accuracy["hardware_mean"]),
            "mean of the chips" if len(chips) > 1 else "one chip",
            f"{percent(accuracy.get('surrogate'))} surrogate",
            tuple(lines),
        ),
    )


def _band(metrics: Metrics, figure: str, unit: str, what: str = "") -> tuple[str, ...]:
    """Return the ends of a figure's band; nothing where there is none.

    Args:
        metrics: Content of `metrics.json`.
        figure: Key of the figure in the band.
        unit: Its unit.
        what: What the band is of.
    """
    found = (metrics.get("band") or {}).get(figure)
    if not found:
        return ()
    ends = " to ".join(engineering(found[end], unit, 3) for end in ("p5", "p95"))
    return (f"{what}{ends}: 5 to 95 % of the stated ranges",)
