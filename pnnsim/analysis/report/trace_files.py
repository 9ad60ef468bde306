"""Write a trace as a file for other tools: waveforms (VCD), or a table (CSV, Parquet).

The Perfetto file of a run folder is written by `perfetto`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from vcd import VCDWriter

from pnnsim.analysis.report.lanes import lane_order, span_names, sublane_name, sublanes
from pnnsim.common.files import replace_file
from pnnsim.errors import OutputError
from pnnsim.timing.trace import Trace

#: Value of an integer in a waveform while a unit is idle.
_IDLE = -1

#: Texts of a waveform have neither blanks nor letters beyond ASCII.
_ASCII = str.maketrans({" ": "_", "→": "to", "×": "x"})


def check_trace_file(path: Path) -> None:
    """Refuse a file whose suffix names no format, or whose folder does not exist.

    Raises:
        OutputError: If it is refused.
    """
    if path.suffix not in _FORMATS:
        what = f"{path}: unknown suffix '{path.suffix}'; expected one of {', '.join(_FORMATS)}"
        raise OutputError(f"{what}. Hint: `pnnsim run` writes a trace.json for Perfetto")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder '{path.parent}'; expected one that exists")


def write_trace(path: Path, trace: Trace) -> None:
    """Write all spans of a trace in the format that the suffix of the file names.

    Args:
        path: File to write: `.vcd`, `.csv` or `.parquet`.
        trace: Trace of the run.

    Raises:
        OutputError: If the suffix names no format, or the file cannot be written.
    """
    check_trace_file(path)
    raw = _FORMATS[path.suffix](trace)
    try:
        replace_file(path, raw)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def _vcd(trace: Trace) -> bytes:
    """Return a trace as waveforms in femtoseconds, which GTKWave and others open.

    A unit has two signals: what it does, as text, and the sample that it serves, -1 while it is
    idle or serves several. A unit with spans that overlap has a pair for each that is open at once,
    as in the Perfetto file. Format: IEEE 1364-2005, section 18.
    """
    changes: list[tuple[int, int, Any, Any]] = []  # time, ends (0) before starts (1), signal, value
    text = io.StringIO()
    with VCDWriter(text, timescale="1 fs", comment="pnnsim", date="") as writer:
        for unit in lane_order(trace):
            rows = np.flatnonzero(trace.unit == unit)
            lanes = sublanes(trace.start_fs[rows], trace.end_fs[rows])
            for lane in range(int(lanes.max(initial=-1)) + 1):
                name = sublane_name(trace.units[unit], lane).replace(" ", "_")
                action = writer.register_var(name, "action", "string", init="")
                sample = writer.register_var(name, "sample", "integer", 32, init=_IDLE)
                mine = rows[lanes == lane]
                for row, label in zip(mine.tolist(), span_names(trace, mine.tolist()), strict=True):
                    start, end = int(trace.start_fs[row]), int(trace.end_fs[row])
                    if start == end:
                        continue  # a waveform has no value that lasts for no time
                    changes += [
                        (start, 1, action, label.translate(_ASCII)),
                        (start, 1, sample, int(trace.sample[row])),
                        (end, 0, action, ""),
                        (end, 0, sample, _IDLE),
                    ]
        ordered = sorted(changes, key=lambda change: change[:2])
        # Where a span begins as another ends, the signal has the value of what begins.
        for (time, signal), value in {change[::2]: change[3] for change in ordered}.items():
            writer.change(signal, time, value)
    return text.getvalue().encode()


def _csv(trace: Trace) -> bytes:
    """Return a trace as comma-separated values, a row for each span, names in the first line."""
    table = trace.to_table()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue().encode()


def _parquet(trace: Trace) -> bytes:
    """Return a trace as a Parquet table, a row for each span.

    Raises:
        OutputError: If pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        what = "trace: pyarrow is not installed; expected it for Parquet"
        raise OutputError(f"{what}. Hint: pip install 'pnnsim[explore]', or write .csv") from None
    raw = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(trace.to_table()), raw)
    return raw.getvalue()


_FORMATS: Mapping[str, Callable[[Trace], bytes]] = {
    ".vcd": _vcd,
    ".csv": _csv,
    ".parquet": _parquet,
}
