"""Display of how far long work has come, or none.

Code that works takes an optional `Progress` and never prints. `terminal_progress` gives one that
draws a bar on standard error, and None where standard error is not a terminal.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichBars
    from rich.progress import TaskID


class Progress(Protocol):
    """Display of one piece of work at a time: start, advances, finish."""

    def start(self, name: str, total: int) -> None:
        """Begin a piece of work of `total` units; one that is still open is finished first.

        Args:
            name: What is done.
            total: Units of it.
        """

    def advance(self, n: int, note: str = "") -> None:
        """Count `n` more units as done; the note replaces the last one.

        Args:
            n: Units.
            note: A few words behind the bar.
        """

    def finish(self) -> None:
        """End the piece of work, complete or not."""


class TerminalProgress:
    """Bar on standard error, drawn while the context is open; it leaves nothing behind."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichBars

        self._bars: RichBars = RichBars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> TerminalProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def start(self, name: str, total: int) -> None:
        """Begin a piece of work; see `Progress`."""
        self.finish()
        self._task = self._bars.add_task(name, total=total, note="")

    def advance(self, n: int, note: str = "") -> None:
        """Count units as done; see `Progress`."""
        if self._task is not None:
            self._bars.update(self._task, advance=n)
            if note:
                self._bars.update(self._task, note=note)

    def finish(self) -> None:
        """End the piece of work; see `Progress`."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def terminal_progress() -> TerminalProgress | None:
    """Return a progress bar, or None where standard error is not a terminal."""
    return TerminalProgress() if sys.stderr.isatty() else None
