"""Write the report of a run as one page, from its metrics and the data of its pictures.

The page opens with accuracy, latency, throughput and energy, and ends with the sources of every
value and what it takes to repeat the run. Markup is in `report.html.j2`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pnnsim.analysis.report.cards import cards
from pnnsim.analysis.report.citations import bibtex
from pnnsim.analysis.report.format import MISSING, engineering, mean_std, percent
from pnnsim.analysis.report.page import ZOOMED, embedded, plates, render, write_page
from pnnsim.analysis.report.pictures.accuracy import ordered, significant
from pnnsim.analysis.report.pictures.gallery import pictures
from pnnsim.analysis.report.record import Record, Spans
from pnnsim.analysis.report.rows import title
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.sections import sections
from pnnsim.analysis.report.sources import grouped


def write_html(path: Path, metrics: Metrics, record: Record) -> None:
    """Write the page.

    Args:
        path: File to write, usually `report.html`.
        metrics: Content of `metrics.json`.
        record: Data of the pictures.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_page(path, ZOOMED, _content(metrics, record))


def report(metrics: Metrics, record: Record) -> str:
    """Return the page as text.

    Args:
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """
    return render(ZOOMED, _content(metrics, record))


def _content(metrics: Metrics, record: Record) -> dict[str, Any]:
    """Return everything that the template names."""
    accuracy = metrics.get("accuracy") or {}
    latency = metrics["latency_s"]
    return {
        "title": title(metrics),
        "summary": record.summary,
        "cards": cards(metrics),
        "warnings": [str(text) for text in metrics.get("warnings") or ()],
        "plates": plates(pictures(metrics, record)),
        "spans": embedded(_spans(record.spans)),
        "digital": "d" in record.spans.kind,
        "writes": "w" in record.spans.kind,
        "same_latency": engineering(latency["first"], "s"),
        "layers": _layers(metrics),
        "ablation": _ablation(accuracy),
        "sections": sections(metrics),
        "repeatable": "task" in metrics,
        "provenance": _provenance(metrics, record),
        "groups": grouped(record.sources, metrics.get("band")),
        "citations": bibtex(row.source for row in record.sources),
    }


def _spans(spans: Spans) -> str:
    """Return the spans as JSON for the script; starts as differences, which are shorter."""
    data = asdict(spans)
    starts = [0, *spans.start_fs]
    order = range(1, len(starts))
    data["start_fs"] = [starts[i] - starts[i - 1] for i in order]
    data["sample"] = list(spans.sample)
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _layers(metrics: Metrics) -> list[tuple[str, ...]]:
    """Return name, latency, energy, share of energy, utilization and SNR of each layer."""
    found = metrics.get("layers") or ()
    if sum(layer["name"] is not None for layer in found) < 2:
        return []
    total = metrics["energy_j"]["per_inference"]
    return [
        (
            "outside layers" if layer["name"] is None else str(layer["name"]),
            engineering(layer["latency_s"], "s"),
            engineering(layer["energy_j"], "J"),
            percent(layer["energy_j"] / total if total else 0.0),
            percent(layer["utilization"]),
            _decibel(layer.get("snr_db")),
        )
        for layer in found
    ]


def _decibel(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f} dB"


def _ablation(accuracy: Mapping[str, Any]) -> list[tuple[str, str, str, str, bool]]:
    """Return non-ideality, accuracy without it, what that wins, what it costs alone, if sure."""
    return [
        (
            str(entry["non_ideality"]),
            mean_std(entry["accuracy_without_mean"], entry["accuracy_without_std"]),
            points(entry, "recovered"),
            points(entry, "alone"),
            significant(entry),
        )
        for entry in ordered(accuracy.get("ablation") or ())
    ]


def points(entry: Mapping[str, Any], key: str) -> str:
    """Return a difference of accuracies in percentage points with its interval.

    Args:
        entry: One non-ideality.
        key: `recovered` or `alone`.
    """
    if entry.get(key) is None:
        return MISSING
    text = f"{100 * entry[key]:+.2f} points"
    low, high = entry.get(f"{key}_low"), entry.get(f"{key}_high")
    if low is None or high is None:
        return text
    return f"{text} ({100 * low:+.2f} to {100 * high:+.2f})"


def _provenance(metrics: Metrics, record: Record) -> Sequence[tuple[str, str]]:
    """Return the identity of the run: date, machine, network, seed and versions."""
    network = ", ".join(f"{key} {value}" for key, value in metrics["network"].items())
    return [
        ("run on", record.when),
        ("hardware", str(metrics["hardware"])),
        ("SHA-256 of the description", str(metrics["spec_sha256"])),
        ("network", network),
        ("seed", str(metrics["seed"])),
        ("pnnsim", str(metrics["pnnsim_version"])),
        *record.versions,
    ]
