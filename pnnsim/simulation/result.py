"""Result of a simulation: its figures, and the ways in which a person looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.rows import title
from pnnsim.analysis.report.sections import sections
from pnnsim.common.html_table import html_table
from pnnsim.common.units import show
from pnnsim.errors import InputError
from pnnsim.simulation.timing_pass import Timing
from pnnsim.timing.trace import Trace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from pnnsim.analysis.report.record import Record


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """Metrics of a simulation, and the timing pass behind them.

    Args:
        metrics: Figures with the keys of the documentation, SI units in their names.
        timing: The timing pass behind them.
        wall_s: Seconds that the timing pass and the value pass took on this computer.
        predicted: Class that each chip found for each sample, shape `(n_sample,)` each.
        classes: True classes of these samples, shape `(n_sample,)`.
    """

    metrics: dict[str, Any]
    timing: Timing
    wall_s: dict[str, float]
    predicted: tuple[NDArray[np.int64], ...] = ()
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __repr__(self) -> str:
        """Return what ran on what, and the figures that a reader asks for first."""
        accuracy = (self.metrics.get("accuracy") or {}).get("hardware_mean")
        figures = (
            *(() if accuracy is None else (f"accuracy {percent(accuracy)}",)),
            f"latency {engineering(self.metrics['latency_s']['first'], 's')}",
            f"energy {engineering(self.metrics['energy_j']['per_inference'], 'J')}",
        )
        return f"Result({title(self.metrics)}: {', '.join(figures)})"

    def _repr_html_(self) -> str:
        """Return all figures, as a notebook shows them."""
        rows = []
        for section in sections(self.metrics):
            rows.append((section.title, "", ""))
            rows += [(f"\u2003{row.label}", row.value, row.note) for row in section.rows]
        return html_table(title(self.metrics), (), rows)

    @property
    def trace(self) -> Trace:
        """Return the trace of the run."""
        return self.timing.trace

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each sample: when it came and left [s], its class, and what was found.

        Columns: `arrival_s`, `result_s`, `latency_s`, `true_class`, and `chip_0`, `chip_1`, …, the
        class that each chip found.
        """
        import pandas as pd

        trace = self.trace
        arrival = 1e-15 * np.asarray(trace.arrival_fs, dtype=np.float64)
        result = 1e-15 * np.asarray(trace.result_fs, dtype=np.float64)
        columns: dict[str, Any] = {
            "arrival_s": arrival,
            "result_s": result,
            "latency_s": result - arrival,
        }
        if len(self.classes) == len(arrival):
            columns |= {"true_class": self.classes}
            columns |= {f"chip_{number}": found for number, found in enumerate(self.predicted)}
        return pd.DataFrame(columns).rename_axis("sample")

    def report(self, out: Path | str, *, force: bool = False) -> Path:
        """Write report, pictures, trace and metrics to a folder, and return the folder.

        Args:
            out: Folder to write. If another run takes the name meanwhile, another is returned.
            force: Replace a run folder that exists; nothing else is ever replaced.

        Raises:
            OutputError: If the folder exists and may not be replaced, or cannot be written.
        """
        from pnnsim.errors import OutputError
        from pnnsim.simulation.report_files import write_report_files
        from pnnsim.simulation.run_folder import claim

        with claim(Path(out), force=force) as target:
            record = self._record()
            published = target.publish(
                lambda folder: write_report_files(folder, self.metrics, self.timing, record)
            )
        if published.problem or published.folder is None:
            raise OutputError(published.problem or f"{out}: cannot be written")
        return published.folder

    def plot(
        self, figure: str = "timeline", *, width: Literal["single", "double"] = "double"
    ) -> Figure:
        """Return one figure of the report as a Matplotlib figure.

        Args:
            figure: Its name, such as `timeline`, `energy`, `rate`, `latency` or `accuracy`.
            width: One column of a journal (89 mm), or the page (183 mm).

        Raises:
            InputError: If there is no such figure of this result.
        """
        from pnnsim.analysis.report.pictures.gallery import pictures
        from pnnsim.analysis.report.style import COLUMNS

        known = {picture.name: picture for picture in pictures(self.metrics, self._record())}
        if figure not in known:
            raise InputError(f"figure: got {show(figure)}; expected one of {', '.join(known)}")
        if width not in COLUMNS:
            raise InputError(f"width: got {show(width)}; expected one of {', '.join(COLUMNS)}")
        return known[figure].draw(COLUMNS[width])

    def _record(self) -> Record:
        """Return the data of the pictures."""
        from pnnsim.simulation.report_files import record_of_run

        return record_of_run(
            self.metrics, self.timing, predicted=self.predicted, classes=self.classes
        )
