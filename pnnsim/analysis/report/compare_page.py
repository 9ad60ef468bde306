"""Write several runs side by side as one page, from their metrics alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pnnsim.analysis.report.format import engineering, percent, plural
from pnnsim.analysis.report.page import plates, write_page
from pnnsim.analysis.report.pictures.bands import FIGURES
from pnnsim.analysis.report.pictures.comparison import Rows, comparison_pictures, undominated
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.text import comparison_cells

if TYPE_CHECKING:
    from pnnsim.analysis.bands.pairs import Pairing

_TEMPLATE = "compare.html.j2"


def write_compare_html(path: Path, rows: Rows, pairings: Sequence[Pairing]) -> None:
    """Write the page.

    Args:
        path: File to write.
        rows: Label and metrics of each run.
        pairings: How often each machine beats each other over draws from their ranges.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_page(path, _TEMPLATE, _content(rows, pairings))


def _content(rows: Rows, pairings: Sequence[Pairing]) -> dict[str, Any]:
    """Return everything that the template names."""
    heads, cells = comparison_cells(rows)
    best = undominated(rows)
    return {
        "title": f"Comparison of {plural(len(rows), 'run')}",
        "heads": heads,
        "lines": [(place in best, line) for place, line in enumerate(cells)],
        "leaders": _leaders(rows),
        "plates": plates(comparison_pictures(rows, pairings)),
        "bands": [_band(label, metrics) for label, metrics in rows if metrics.get("band")],
        "figures": [name for _, name, _ in FIGURES],
        "order": _order(rows, pairings),
        "warnings": [
            f"{label}: {text}" for label, metrics in rows for text in metrics.get("warnings") or ()
        ],
        "runs": [_identity(label, metrics) for label, metrics in rows],
    }


def _leaders(rows: Rows) -> list[tuple[str, str, str]]:
    """Return which run has the best of each figure, with the figure."""
    figures = (
        ("fastest, first sample", "s", [m["latency_s"]["first"] for _, m in rows], min),
        ("highest throughput", "/s", [m["throughput_per_s"] for _, m in rows], max),
        ("least energy", "J", [m["energy_j"]["per_inference"] for _, m in rows], min),
    )
    found = []
    for what, unit, values, choose in figures:
        value = choose(values)
        found.append((what, rows[values.index(value)][0], engineering(value, unit)))
    measured = [
        (metrics["accuracy"]["hardware_mean"], label)
        for label, metrics in rows
        if (metrics.get("accuracy") or {}).get("hardware_mean") is not None
    ]
    if measured:
        value, label = max(measured, key=lambda pair: pair[0])
        found.insert(0, ("most accurate", label, percent(value)))
    return found


def _band(label: str, metrics: Metrics) -> tuple[str, ...]:
    """Return the label and what the ranges make of each figure."""
    texts = []
    for key, _, unit in FIGURES:
        found = metrics["band"].get(key)
        ends = [engineering(found[end], unit, 3) for end in ("p5", "p95")] if found else []
        texts.append(" to ".join(ends) or "n/a")
    return (label, *texts)


def _order(rows: Rows, pairings: Sequence[Pairing]) -> list[tuple[str, ...]]:
    """Return, for each pair of runs, in which share of the draws the first is below the second."""
    found = []
    for pair in pairings:
        shares = [
            f"{percent(pair.first_wins[key], 0)} / {percent(pair.second_wins[key], 0)}"
            for key, _, _ in FIGURES
        ]
        found.append((rows[pair.first][0], rows[pair.second][0], *shares, f"{pair.draws:,}"))
    return found


def _identity(label: str, metrics: Metrics) -> tuple[str, str, str, str, str]:
    return (
        label,
        str(metrics["hardware"]),
        str(metrics["spec_sha256"])[:16],
        str(metrics["seed"]),
        str(metrics["pnnsim_version"]),
    )
