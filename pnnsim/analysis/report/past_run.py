"""Read a run folder back: its metrics, and the data of its pictures. Nothing is computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.report.record import Record, read_record
from pnnsim.common.json_text import FormatError, parse_json
from pnnsim.errors import InputError

#: Files of a run folder that hold its figures, and the data of its pictures.
METRICS, FIGURES = "metrics.json", "figures.json"
#: Bytes and levels of a metrics file.
_MOST_BYTES, _LEVELS = 20_000_000, 10
#: Keys without which a metrics file is that of no run.
_KEYS = ("hardware", "network", "latency_s", "energy_j", "samples", "interval_s", "critical_path")


@dataclass(frozen=True, slots=True, eq=False)
class PastDraws:
    """Figures of the descriptions that a past run drew from the ranges of its machine.

    Args:
        seed: Seed of the draws.
        drawn: Figures of each draw, not a number for infeasible ones, shape `(n_draw, n_figure)`.
    """

    seed: int
    drawn: NDArray[np.float64]

    @property
    def draws(self) -> int:
        """Return the number of descriptions that were drawn."""
        return len(self.drawn)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which draws are machines that run the network, shape `(n_draw,)`."""
        return np.asarray(np.isfinite(self.drawn).all(axis=1))


@dataclass(frozen=True, slots=True)
class PastRun:
    """Run that has been written to a folder.

    Args:
        folder: The folder.
        metrics: Content of `metrics.json`.
        record: Data of the pictures.
    """

    folder: Path
    metrics: Mapping[str, Any]
    record: Record

    @property
    def draws(self) -> PastDraws | None:
        """Return what was drawn from the ranges of the machine; None where nothing was."""
        band = self.metrics.get("band")
        if not band or not self.record.drawn:
            return None
        rows = [[np.nan if value is None else value for value in row] for row in self.record.drawn]
        return PastDraws(int(band["seed"]), np.array(rows, dtype=np.float64))


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a run."""
    try:
        return (folder / METRICS).is_file()
    except OSError:  # no folder has such a name
        return False


def read_run(folder: Path) -> PastRun:
    """Return a run from its folder.

    Raises:
        InputError: If a file of it is missing, or is none that a run has written.
    """
    return PastRun(folder, _metrics(folder / METRICS), read_record(folder / FIGURES))


def _metrics(file: Path) -> Mapping[str, Any]:
    """Return the content of a metrics file.

    Raises:
        InputError: If it cannot be read, or is none that a run has written.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"{file}: is too large; expected at most {_MOST_BYTES:,} bytes")
        found = parse_json(file.read_text("utf-8"), _LEVELS)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror or error}); expected the folder of a run. "
            "Hint: `pnnsim runs` lists them"
        ) from error
    except (UnicodeDecodeError, FormatError) as error:
        raise InputError(f"{file}: {error}; expected what a run has written") from error
    missing = [key for key in _KEYS if not isinstance(found, dict) or key not in found]
    if missing:
        raise InputError(f"{file}: has no {missing[0]}; expected what a run has written")
    return dict(found)
