"""Name everything that can go wrong, in one tree.

The library raises these and never prints; the command line turns them into one message and an exit
code. This file holds no policy about when to raise: that belongs to the code that knows.

    PnnsimError
    ├── SpecError (ValueError)        a hardware or experiment description is wrong
    ├── WorkloadError (ValueError)    a workload contradicts itself, or its file is damaged
    ├── MappingError                  a network does not fit the machine
    ├── ScheduleError                 the ordered work cannot be timed
    ├── ParameterError (ValueError)   trained parameters do not belong here
    ├── TaskError                     a data set is missing, damaged or of the wrong shape
    ├── TrainingError                 training diverged or cannot go on
    ├── OutputError (OSError)         a result cannot be written
    └── BackendError (RuntimeError)   something that runs a layer failed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class PnnsimError(Exception):
    """Be the root of every error that a user can cause."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Locate one fault of a description.

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
        return f"{text}. Hint: {self.hint}" if self.hint else text


class SpecError(PnnsimError, ValueError):
    """Report every problem of a description at once.

    Args:
        problems: The faults, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WorkloadError(PnnsimError, ValueError):
    """Error of a workload that contradicts itself, or of a file that holds none."""


class MappingError(PnnsimError):
    """Report that a network does not fit the machine."""


class ScheduleError(PnnsimError):
    """Report that the ordered work cannot be timed."""


class ParameterError(PnnsimError, ValueError):
    """Report trained parameters that do not belong to this network or machine."""


class TaskError(PnnsimError):
    """Report a data set that is missing, damaged or of the wrong shape."""


class TrainingError(PnnsimError):
    """Report a training run that diverged or cannot go on."""


class OutputError(PnnsimError, OSError):
    """Report a result that cannot be written."""


class BackendError(PnnsimError, RuntimeError):
    """Report a failure of whatever runs a layer."""
