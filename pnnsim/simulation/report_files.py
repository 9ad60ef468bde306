"""Write the files of a run that people read: metrics, report, pictures and trace."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.report.collect import confusion_of, record_of
from pnnsim.analysis.report.html import write_html
from pnnsim.analysis.report.perfetto import write_perfetto
from pnnsim.analysis.report.pictures.gallery import write_overview
from pnnsim.analysis.report.record import Record, write_record
from pnnsim.simulation.timing_pass import Timing

if TYPE_CHECKING:
    from pnnsim.analysis.bands.band import Band

#: Libraries that compute figures.
_LIBRARIES = ("torch", "numpy", "scipy", "simpy")


def record_of_run(
    metrics: Mapping[str, Any],
    timing: Timing,
    *,
    predicted: Sequence[NDArray[np.int64]],
    classes: NDArray[np.int64],
    band: Band | None = None,
) -> Record:
    """Return the data of the pictures of a run.

    Args:
        metrics: Content of `metrics.json`.
        timing: The timing pass.
        predicted: Class that each chip found for each sample, shape `(n_sample,)` each.
        classes: True classes of these samples, shape `(n_sample,)`.
        band: What the ranges make of the figures; None for none.
    """
    return record_of(
        timing.trace,
        timing.prices,
        timing.chip.spec,
        utilization=metrics["utilization"],
        when=now(),
        confusion=confusion_of(predicted, classes) if metrics.get("accuracy") else (),
        band=band,
        versions=versions(),
    )


def write_report_files(
    folder: Path, metrics: Mapping[str, Any], timing: Timing, record: Record
) -> None:
    """Fill a run folder with all that needs no parameters.

    Args:
        folder: Where to write; it exists and is empty.
        metrics: Content of `metrics.json`.
        timing: The timing pass.
        record: Data of the pictures.

    Raises:
        OutputError: If a file cannot be written.
    """
    text = json.dumps(metrics, indent=2, allow_nan=False) + "\n"
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    notes = {name: metrics[name] for name in ("pnnsim_version", "hardware", "spec_sha256", "seed")}
    write_perfetto(folder / "trace.json", timing.trace, timing.prices, notes)
    write_record(folder / "figures.json", record)
    write_html(folder / "report.html", metrics, record)
    write_overview(folder / "run.png", metrics, record)


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Python and of the libraries that figures depend on."""
    return (("Python", python_version()), *((name, version(name)) for name in _LIBRARIES))


def now() -> str:
    """Return date and time as a report shows them, UTC.

    The time in `SOURCE_DATE_EPOCH`, where that is set, makes two runs the same to the byte
    (reproducible-builds.org, SOURCE_DATE_EPOCH specification, 2017).
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(given), UTC) if given.isdecimal() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%d %H:%M UTC")
