"""Options that several commands have, and how commands print.

Everything that is printed goes through this module: text from files, names and errors may hold
control sequences of terminals, which are escaped here. No command stands here.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pnnsim.cli import completion
from pnnsim.errors import Problem, SpecError, one_line

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Columns of a table that goes into a pipe: no cell is broken where there is no screen.
WIDE = 240
#: Characters that JSON may hold, but a terminal interprets: C1 controls, marks of direction.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

Source = Annotated[
    str,
    typer.Argument(
        metavar="NAME_OR_FILE", help="Machine or experiment.", autocompletion=completion.machines
    ),
]
Task = Annotated[str | None, typer.Option("--task", help="Task, in place of the file's.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set one value; may be repeated.",
        autocompletion=completion.settings,
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the simulated chips.")]
Rule = Annotated[
    str | None, typer.Option("--rule", help="Learning rule: backprop or hardware_aware.")
]
TrainingSeed = Annotated[int | None, typer.Option("--training-seed", help="Seed of the training.")]
Chips = Annotated[int | None, typer.Option("--chips", help="Number of fabricated chips.")]
Samples = Annotated[int | None, typer.Option("--samples", help="Held-out examples that are run.")]
Exact = Annotated[
    bool, typer.Option("--exact", help="Simulate every event, also where a run repeats itself.")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="PNNSIM_DATA_DIR", help="Folder with data sets."),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", envvar="PNNSIM_OFFLINE", help="Never download a data set."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the metrics alone, as JSON.")]
Latex = Annotated[
    bool, typer.Option("--latex", help="Print the table for LaTeX: booktabs and siunitx.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print no progress and no table; errors, and --json, stay."),
]


#: Options of before, and their names of today.
RENAMED_OPTIONS = {"--waves": "--samples"}


def refuse_renamed(words: Sequence[str]) -> None:
    """Refuse an option of before with its name of today.

    Raises:
        SpecError: If a word is such an option.
    """
    for word in words:
        option = word.partition("=")[0]
        if option in RENAMED_OPTIONS:
            what = f"unknown option; expected '{RENAMED_OPTIONS[option]}', as it is called now"
            raise SpecError([Problem(option, what)])


def overrides(settings: Sequence[str] | None, *, exact: bool = False) -> list[tuple[str, str]]:
    """Return `key=value` words as pairs.

    Args:
        settings: Words of `--set`, in their order.
        exact: Whether `simulation.exact` is set before them.

    Raises:
        SpecError: If a word has no key or no equals sign.
    """
    pairs = [("simulation.exact", "true")] if exact else []
    for word in settings or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            what = f"got '{word}'; expected key=value such as weight_banks.count=8"
            raise SpecError([Problem("--set", what)])
        pairs.append((key.strip(), value.strip()))
    return pairs


def one_form(**chosen: bool) -> str:
    """Return the one form of output that was chosen by its option; empty for none.

    Args:
        **chosen: Whether each option was given, by its name.

    Raises:
        SpecError: If there are several.
    """
    given = [name for name, wanted in chosen.items() if wanted]
    if len(given) > 1:
        what = f"got --{' and --'.join(given)}; expected one of them"
        raise SpecError([Problem(f"--{given[1]}", what)])
    return "".join(given)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
    """Yield a progress bar where standard error is a terminal, and None elsewhere."""
    from pnnsim.common.progress import terminal_progress

    bar = None if quiet else terminal_progress()
    if bar is None:
        yield None
    else:
        with bar:
            yield bar


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; a terminal wraps them, a pipe gets whole lines.

    Args:
        titles: Heads of the columns.
        rows: Cells, one text for each column.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, no_wrap=i == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDE)
    console.print(table)


def print_json(data: object) -> None:
    """Print data as JSON; what a terminal would interpret is escaped."""
    from json import dumps

    text = dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    print(_UNPRINTABLE.sub(lambda found: dumps(found[0])[1:-1], text))


def print_line(text: str) -> None:
    """Print one line; what a terminal would interpret is escaped."""
    print(one_line(text))


def say(text: str, *, trace: bool = False) -> None:
    """Print a message on standard error, so that what is piped on stays clean.

    Args:
        text: Message; line breaks are kept.
        trace: Whether the traceback of the current exception follows.
    """
    print("\n".join(one_line(line) for line in text.split("\n")), file=sys.stderr)
    if trace:
        traceback.print_exc()
