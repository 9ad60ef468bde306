"""Command that fits a part to measured data; what is fitted is not decided here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pnnsim.cli.options import Json, Quiet, overrides, print_json, print_line, say
from pnnsim.errors import InputError

#: Kinds of measurement, which are in `devices.fit`, for the help; their table imports torch.
_KINDS = (
    "ring-spectrum, mzi-fringe, step-response, photodiode, noise-spectrum, mtj-loop, "
    "mtj-switching, mtj-write-errors, pcm-drift"
)


def add_fit_device(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command("fit-device")
    def fit_device(
        kind: Annotated[str, typer.Argument(metavar="KIND", help=f"Measurement: {_KINDS}.")],
        data: Annotated[
            Path, typer.Argument(metavar="DATA.csv", help="Table with units in its header.")
        ],
        part: Annotated[
            str | None,
            typer.Option("--part", help="Whose keys are wanted, such as detector.photodiode."),
        ] = None,
        known: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help="What is known beside the data."),
        ] = None,
        out: Annotated[
            Path | None, typer.Option("--out", help="File for the YAML fragment.")
        ] = None,
        plot: Annotated[
            Path | None, typer.Option("--plot", help="File for the plot, .svg or .png.")
        ] = None,
        force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Fit a part to measured data: keys with value, range and source, to be pasted."""
        given = dict(overrides(known))
        for option, target in (("--out", out), ("--plot", plot)):
            _check_target(option, target, force)
        from pnnsim.devices.fit.fit_device import fit_device as fit

        found = fit(kind, data, part=part, known=given)
        if plot is not None:
            found.plot(plot)
        if out is not None:
            found.save(out)
        if json:
            print_json(found.as_json())
        elif not quiet:
            for line in found.fragment().splitlines():
                print_line(line)
        for written in (out, plot):
            if written is not None and not quiet:
                say(f"wrote {written}")


def _check_target(option: str, path: Path | None, force: bool) -> None:
    """Refuse a file that exists, or whose folder does not.

    Raises:
        InputError: If it cannot be the target.
    """
    if path is None:
        return
    if path.exists() and not force:
        raise InputError(f"{option}: {path} exists; expected a new name, or --force")
    if not path.parent.is_dir():
        raise InputError(f"{option}: {path.parent} is no folder; expected one that exists")
