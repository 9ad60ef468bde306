"""Name everything that can go wrong, in one tree.

The library raises these and never prints; the command line turns them into one message and an exit
code. This file holds no policy about when to raise: that belongs to the callers.

    PnnsimError
    ├── SpecError (ValueError)        a hardware or experiment description is wrong
    │   └── MeasurementError          a file of measured data is wrong, or does not fit
    ├── WorkloadError (ValueError)    a workload contradicts itself, or its file is damaged
    ├── MappingError                  a network does not fit the machine
    ├── ScheduleError                 the ordered work cannot be timed
    ├── InputError (ValueError)       what is handed over from Python cannot be meant
    ├── ParameterError (ValueError)   trained parameters do not belong here
    ├── TaskError                     a data set is missing, damaged or of the wrong shape
    ├── TrainingError                 training diverged or cannot go on
    ├── OutputError (OSError)         a result cannot be written
    │   └── UnsavedError              a finished run is not in the folder that was requested
    └── BackendError (RuntimeError)   something that runs a layer failed

Outside the tree, as no user can cause it, stands `InvariantError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Characters of the longest message, and of one problem in a list of them. A path has 4,096.
MOST_CHARACTERS = 10_000
_MOST_OF_A_PROBLEM = 1_000
#: Problems that a message lists, and the line that counts the others.
_MOST_PROBLEMS = 101


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return text that moves no cursor, changes no colour and fills no screen.

    Args:
        text: Any text; a file name or a checkpoint may hold what moves a terminal's cursor.
        most: Characters to keep; of a longer text the beginning and the end are kept.
    """
    if len(text) > most:
        tail = most // 4
        text = f"{text[: most - tail]}…{text[len(text) - tail :]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class PnnsimError(Exception):
    """Root of every error that a user can cause."""

    def __str__(self) -> str:
        """Return the message, safe for a terminal and of bounded length."""
        return one_line(str(self.args[0])) if self.args else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a description, with its place.

    Args:
        where: Dotted path of the key, such as `weight_banks.rows`; empty for the file itself.
        what: What was read and what was expected, in one sentence.
        hint: What to try; may be empty.
        file: File name; empty for a description given as Python data.
        line: Line from 1; 0 where there is none.
        column: Column from 1; 0 where there is none.
    """

    where: str
    what: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return `file:line:col: where: what. Hint: hint`."""
        place = self.file
        if self.line:
            place = f"{place or '<data>'}:{self.line}:{self.column}"
        head = ": ".join(part for part in (place, self.where) if part)
        text = f"{head}: {self.what}" if head else self.what
        return one_line(f"{text}. Hint: {self.hint}" if self.hint else text, _MOST_OF_A_PROBLEM)


class SpecError(PnnsimError, ValueError):
    """Error with every problem of a description at once.

    Args:
        problems: The faults, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return the first problems, a line each, and how many more there are."""
        lines = [str(problem) for problem in self.problems[:_MOST_PROBLEMS]]
        rest = len(self.problems) - _MOST_PROBLEMS
        return "\n".join([*lines, f"{rest} more problem(s) are not shown"] if rest > 0 else lines)


class MeasurementError(SpecError):
    """Problems of a file of measured data: it cannot be read, or it does not fit its model."""


class WorkloadError(PnnsimError, ValueError):
    """Error of a workload that contradicts itself, or of a file that holds none."""


class MappingError(PnnsimError):
    """Report that a network does not fit the machine."""


class ScheduleError(PnnsimError):
    """Report that the ordered work cannot be timed."""


class InputError(PnnsimError, ValueError):
    """An argument that is handed over from Python and cannot be meant."""


class ParameterError(PnnsimError, ValueError):
    """Report trained parameters that do not belong to this network or machine."""


class TaskError(PnnsimError):
    """Error of a data set that is missing, damaged or of the wrong shape."""


class TrainingError(PnnsimError):
    """Error of a training run that diverged or cannot go on."""


class OutputError(PnnsimError, OSError):
    """Error of a result that cannot be written."""


class UnsavedError(OutputError):
    """Results of a finished run that are not in the folder that was requested.

    Args:
        message: What failed, and where the results are.
        metrics: Content of `metrics.json`.
        table: The same as a table for people.
        folder: Folder that holds the run's files; None where none could be written.
    """

    def __init__(
        self, message: str, metrics: dict[str, Any], table: str, folder: Path | None
    ) -> None:
        super().__init__(message)
        self.metrics = metrics
        self.table = table
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a copy in another process is made from."""
        return type(self), (self.args[0], self.metrics, self.table, self.folder)


class BackendError(PnnsimError, RuntimeError):
    """Failure of whatever runs a layer."""


class InvariantError(RuntimeError):
    """A run that breaks a rule of its machine: a fault of pnnsim itself."""
