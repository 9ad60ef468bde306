"""Sources of the values of a machine for people: grouped by class, and linked to what they cite."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from pnnsim.analysis.report.citations import ARXIV, DOI
from pnnsim.analysis.report.format import percent
from pnnsim.analysis.report.record import SourceRow

#: Classes of values from the surest, with what they mean.
CLASSES = {
    "published": "published: stated in the literature",
    "derived": "derived: follows from published values",
    "law": "law: fitted to enough published parts, and within their span",
    "fitted": "fitted: to measured curves",
    "chosen": "chosen: a decision of the designer",
    "extrapolated": "extrapolated: a law beyond the span of its parts",
    "assumed": "assumed: nobody has published it for such a machine",
}

_URL = re.compile(r"https?://[^\s,;()\"<>]+[^\s,;()\"<>.]")


@dataclass(frozen=True, slots=True)
class Group:
    """Sources of one class.

    Args:
        kind: The class.
        meaning: What it means.
        values: Number of values of this class.
        sources: Each source with its values and, for those a band hangs on, how much.
    """

    kind: str
    meaning: str
    values: int
    sources: tuple[tuple[Markup, tuple[tuple[str, str], ...]], ...]


def linked(text: str) -> Markup:
    """Return a source as markup, what it cites by DOI, arXiv or address as links.

    Args:
        text: The source.
    """
    found: list[tuple[int, int, str]] = []
    for pattern, base in ((ARXIV, "https://arxiv.org/abs/"), (DOI, "https://doi.org/")):
        found += [(m.start(), m.end(), base + m[1]) for m in pattern.finditer(text)]
    found += [(m.start(), m.end(), m[0]) for m in _URL.finditer(text)]
    parts, at = [], 0
    for start, end, address in sorted(found):
        if start < at:
            continue
        parts += [
            escape(text[at:start]),
            Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, text[start:end]),
        ]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def grouped(rows: Sequence[SourceRow], band: Mapping[str, Any] | None) -> tuple[Group, ...]:
    """Return the sources by class, those of values that a band hangs on first.

    Args:
        rows: Values with their sources.
        band: Band of the run, of which it is said what it hangs on; None for none.
    """
    weight: dict[str, str] = {}
    heavy: dict[str, float] = {}
    for item in (band or {}).get("hangs_on", ()):
        figure = item["figure"].partition("_")[0]
        text = f"{percent(item['share'], 0)} of the band of the {figure}"
        weight[item["key"]] = ", ".join(filter(None, (weight.get(item["key"], ""), text)))
        heavy[item["key"]] = max(heavy.get(item["key"], 0.0), item["share"])
    groups = []
    for kind, meaning in CLASSES.items():
        mine = [row for row in rows if row.kind == kind]
        if not mine:
            continue
        by_source: dict[str, list[SourceRow]] = {}
        for row in mine:
            by_source.setdefault(row.source, []).append(row)
        ordered = sorted(
            by_source.items(),
            key=lambda item: (-max(heavy.get(row.assumption, 0.0) for row in item[1]), item[0]),
        )
        groups.append(
            Group(
                kind,
                meaning,
                len(mine),
                tuple(
                    (
                        linked(source),
                        tuple((row.path, weight.get(row.assumption, "")) for row in values),
                    )
                    for source, values in ordered
                ),
            )
        )
    return tuple(groups)
