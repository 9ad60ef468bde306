"""Write the report of a run as one page that needs nothing else: no script, no font, no network.

The page opens with accuracy, latency, throughput and energy, and ends with what it takes to repeat
the run and the source of every value. Markup is in `report.html.j2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pnnsim.analysis.report.canvas import svg
from pnnsim.analysis.report.figures import Figure, accuracy_figure, energy_figure, latency_figure
from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.format import engineering, mean_std, percent
from pnnsim.analysis.report.rows import energy_parts, headline, title
from pnnsim.analysis.report.run_figures import schedule_figures
from pnnsim.analysis.report.section import Metrics
from pnnsim.analysis.report.sections import sections
from pnnsim.timing.trace import Trace


class Described(Protocol):
    """Name of a machine and sources of its values, as `HardwareSpec` has them."""

    @property
    def name(self) -> str:
        """Name of the hardware."""

    @property
    def summary(self) -> str:
        """Return what it is, in a sentence or two."""

    @property
    def sources(self) -> Mapping[str, str]:
        """Source of each value, by its dotted path."""


def write_html(path: Path, metrics: Metrics, trace: Trace, spec: Described) -> None:
    """Write the page.

    Args:
        path: File to write, usually `report.html`.
        metrics: Content of `metrics.json`.
        trace: Trace of the same run.
        spec: Description of the hardware; only names and sources are read.

    Raises:
        OutputError: If the file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("pnnsim.analysis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["svg"] = _svg
    page = environment.get_template("report.html.j2").render(_content(metrics, trace, spec))
    write_pieces(path, [page])


def _content(metrics: Metrics, trace: Trace, spec: Described) -> dict[str, Any]:
    """Return everything that the template names."""
    accuracy = metrics.get("accuracy") or {}
    return {
        "title": title(metrics),
        "summary": spec.summary,
        "headline": headline(metrics),
        "warnings": [str(text) for text in metrics.get("warnings") or ()],
        "schedules": schedule_figures(trace),
        "digital": bool(len(trace.rows("compute"))),
        "energy": energy_figure(energy_parts(metrics)),
        "energy_total": engineering(metrics["energy_j"]["per_inference"], "J"),
        "latency": latency_figure(trace.result_fs - trace.arrival_fs),
        "latency_s": [
            (name, engineering(metrics["latency_s"][name], "s"))
            for name in ("first", "mean", "p50", "p95", "p99", "max")
        ],
        "accuracy": accuracy_figure(accuracy.get("surrogate"), accuracy.get("chips") or ()),
        "ablation": _ablation(accuracy),
        "sections": sections(metrics),
        "provenance": _provenance(metrics, spec),
        "sources": _by_source(spec.sources),
    }


def _svg(figure: Figure, key: str) -> Markup:
    """Return a figure as markup; its texts are escaped where they are drawn."""
    return Markup(svg(figure, key))


def _ablation(accuracy: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return non-ideality, accuracy without it, and what switching it off recovers."""
    return [
        (
            str(entry["non_ideality"]).replace("_", " "),
            mean_std(entry["accuracy_without_mean"], entry["accuracy_without_std"]),
            _points(entry["recovered"]),
        )
        for entry in sorted(
            accuracy.get("ablation") or (), key=lambda entry: -(entry["recovered"] or 0.0)
        )
    ]


def _points(share: float | None) -> str:
    """Return a difference of two accuracies in percentage points, with its sign."""
    return percent(share) if share is None else f"{100 * share:+.2f} points"


def _provenance(metrics: Metrics, spec: Described) -> list[tuple[str, str]]:
    """Return the identity of the run: machine, network, seed and version."""
    network = ", ".join(f"{key} {value}" for key, value in metrics["network"].items())
    return [
        ("hardware", spec.name),
        ("SHA-256 of the description", str(metrics["spec_sha256"])),
        ("network", network),
        ("seed", str(metrics["seed"])),
        ("pnnsim", str(metrics["pnnsim_version"])),
    ]


def _by_source(sources: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return each source with the values it stands for; assumptions come first.

    Args:
        sources: Source by dotted path of the value.
    """
    found: dict[str, list[str]] = {}
    for path, source in sources.items():
        found.setdefault(source, []).append(path)
    return sorted(found.items(), key=lambda item: (not item[0].startswith("assumed"), item[0]))
