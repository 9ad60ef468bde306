"""Put the band of a run into words: what the ranges of the machine make of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pnnsim.analysis.report.format import MISSING, engineering, percent, plural
from pnnsim.analysis.report.section import Metrics, Row, Section
from pnnsim.errors import one_line

if TYPE_CHECKING:
    from pnnsim.analysis.bands.pairs import Pairing

#: Figures of a band: key, name and unit.
_FIGURES = (
    ("latency_s", "latency, first", "s"),
    ("interval_s", "interval", "s"),
    ("energy_j", "energy", "J"),
)

#: Share of the variance from which on a line says what the listed assumptions leave.
_REST = 0.01


def band_section(metrics: Metrics) -> Section:
    """Return what the ranges make of the figures, and which of them matter; empty for no band."""
    band = metrics.get("band")
    if not band:
        return Section("", ())
    if not band["assumptions"]:
        note = "no value of the machine has a range to draw from: the figures stand alone"
        return Section("Band", (Row("latency, interval, energy", MISSING, note),))
    rows = []
    for key, name, unit in _FIGURES:
        found = band[key]
        if found is None:
            rows.append(Row(name, MISSING, "no draw is a machine that runs this network"))
            continue
        low, middle, high = (engineering(found[end], unit, 3) for end in ("p5", "p50", "p95"))
        rows.append(Row(name, middle, f"median; {low} (5 %) to {high} (95 %)"))
    if band["infeasible"]:
        note = "draws whose values do not go together, or whose machine cannot run; left out"
        rows.append(Row("infeasible", f"{band['infeasible']:,} of {band['draws']:,}", note))
    for key, name, _ in _FIGURES:
        shares = [item for item in band["hangs_on"] if item["figure"] == key]
        rows += _hangs_on(name.partition(",")[0], shares)
    drawn = f"{plural(band['draws'], 'draw')} from {plural(band['assumptions'], 'assumption')}"
    return Section(f"Band: {drawn}, and the share of its variance that each explains", tuple(rows))


def pairings_table(labels: Sequence[str], pairings: Sequence[Pairing]) -> str:
    """Return how often one machine beats another as a table of plain text, a line for each order.

    Args:
        labels: Label of each machine.
        pairings: Pairs of them.
    """
    heads = ("over paired draws", "has less than", "latency", "interval", "energy", "draws")
    cells = [
        (
            one_line(labels[winner]),
            one_line(labels[loser]),
            *(percent(wins[key], 0) for key, _, _ in _FIGURES),
            f"{pair.draws:,}",
        )
        for pair in pairings
        for winner, loser, wins in (
            (pair.first, pair.second, pair.first_wins),
            (pair.second, pair.first, pair.second_wins),
        )
    ]
    widths = [max(len(line[column]) for line in (heads, *cells)) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (heads, ["-" * width for width in widths], *cells)
    )


def _hangs_on(name: str, shares: list[Mapping[str, Any]]) -> list[Row]:
    """Return what one figure hangs on, its name beside the first line alone."""
    lines = [
        (item["share"], f"{item['key']} ({percent(item['low'], 0)} to {percent(item['high'], 0)})")
        for item in shares
    ]
    rest = 1 - sum(item["share"] for item in shares)
    if lines and rest >= _REST:
        lines.append((rest, "all others, and what several make together"))
    return [
        Row(f"{name} hangs on" if not place else "", percent(share, 0), what)
        for place, (share, what) in enumerate(lines)
    ]
