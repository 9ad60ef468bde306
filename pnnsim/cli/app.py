"""Entry point of the command line: the commands, and what an error becomes.

Exit codes: 0 fine, 2 a user's error (one message, no traceback), 1 a fault of pnnsim, 130 when
interrupted. Nothing that costs time may be imported outside a command, so that `pnnsim --help` is
quick and only the commands that compute import torch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pnnsim.cli.bands import add_bands
from pnnsim.cli.describe import add_description_commands
from pnnsim.cli.exit_codes import INTERRUPTED, OK, OURS, USER
from pnnsim.cli.experiments import add_experiment_commands
from pnnsim.cli.explore import add_explore_commands
from pnnsim.cli.fit_device import add_fit_device
from pnnsim.cli.machines import add_machine_commands
from pnnsim.cli.options import refuse_renamed, say
from pnnsim.cli.papers import add_paper_commands
from pnnsim.cli.schedule import add_schedule_commands
from pnnsim.cli.serve import add_serve
from pnnsim.cli.sources import add_sources_command
from pnnsim.cli.starting import add_starting_commands
from pnnsim.cli.trace import add_trace_command
from pnnsim.errors import PnnsimError, SpecError, one_line

app = typer.Typer(
    name="pnnsim",
    help="Accuracy, latency and energy of photonic and spintronic neural networks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Words after `pnnsim`; those of the process where they are not given.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or os.environ.get("PNNSIM_DEBUG", "") not in ("", "0")
    code = _guarded([word for word in words if word != "--debug"], debug)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has left, as `head` does; what is still buffered must not fail at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _guarded(words: list[str], debug: bool) -> int:
    """Run a command and turn whatever it raises into a message and an exit code."""
    try:
        refuse_renamed(words)
        app(args=words, prog_name="pnnsim")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return OK  # the reader has left early, as `head` does
        if end.code == INTERRUPTED:
            say("interrupted")
        return end.code if isinstance(end.code, int) else OK
    except PnnsimError as error:
        say(str(error) if isinstance(error, SpecError) else f"error: {error}", trace=debug)
        return USER
    except Exception as error:  # whatever is left becomes a sentence, not a trace
        found = f"{type(error).__name__}: {one_line(str(error), 1000)}"
        say(
            f"error: pnnsim failed; this is a fault of ours, sorry ({found})\n"
            "Please report it with the command that you typed and its output with --debug.",
            trace=debug,
        )
        return OURS
    return OK


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("pnnsim"))
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Accuracy, latency and energy of photonic and spintronic neural networks."""


add_starting_commands(app)
add_experiment_commands(app)
add_description_commands(app)
add_schedule_commands(app)
add_paper_commands(app)
add_trace_command(app)
add_bands(app)
add_sources_command(app)
add_fit_device(app)
add_serve(app)
add_explore_commands(app)
add_machine_commands(app)
