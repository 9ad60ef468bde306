"""Commands that make files for papers from past runs: plot, cite.

Neither simulates anything: a run folder holds what its figures are drawn from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pnnsim.cli.options import Quiet, Settings, overrides, print_line
from pnnsim.errors import Problem, SpecError

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]


def add_paper_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command()
    def plot(
        run: RunFolder,
        figure: Annotated[
            list[str] | None,
            typer.Option("--figure", help="Which: timeline, energy, …; all where none is given."),
        ] = None,
        kind: Annotated[
            Literal["svg", "pdf", "png"], typer.Option("--format", help="Format of the files.")
        ] = "svg",
        width: Annotated[
            Literal["single", "double"],
            typer.Option("--width", help="One column (89 mm), or the page (183 mm)."),
        ] = "single",
        out: Annotated[
            Path | None,
            typer.Option(
                "--out", help="Folder of the files; or the file of one, whose suffix decides."
            ),
        ] = None,
        quiet: Quiet = False,
    ) -> None:
        """Write figures of a run for a paper, each with its data as CSV beside it."""
        from pnnsim.analysis.report.past_run import read_run
        from pnnsim.analysis.report.pictures.gallery import pictures, write_with_data
        from pnnsim.analysis.report.style import COLUMNS, FORMATS
        from pnnsim.common.hints import did_you_mean

        found = read_run(run)
        known = {picture.name: picture for picture in pictures(found.metrics, found.record)}
        problems = [
            Problem(
                "--figure",
                f"got '{name}'; expected one of {', '.join(known)}",
                hint=did_you_mean(name, known),
            )
            for name in figure or ()
            if name not in known
        ]
        if problems:
            raise SpecError(problems)
        names = list(dict.fromkeys(figure or known))
        folder = Path() if out is None else out
        one = out is not None and out.suffix.lower() in FORMATS
        if one and len(names) > 1:
            what = f"got one file for {len(names)} figures; expected a folder"
            raise SpecError([Problem("--out", what, hint="--figure chooses one")])
        for name in names:
            path = folder if one else folder / f"{name}.{kind}"
            data = write_with_data(path, known[name], COLUMNS[width])
            if not quiet:
                print_line(f"{path}, {data.name}: {known[name].title}")

    @app.command()
    def cite(
        source: Annotated[
            str, typer.Argument(metavar="RUN_OR_MACHINE", help="Folder of a run, or a machine.")
        ],
        settings: Settings = None,
    ) -> None:
        """Print BibTeX of every work that the values of a run or a machine come from."""
        from pnnsim.analysis.report.citations import bibtex
        from pnnsim.analysis.report.past_run import is_run, read_run

        if is_run(Path(source)):
            texts = [row.source for row in read_run(Path(source)).record.sources]
        else:
            from pnnsim.specs.experiment import load_experiment

            experiment = load_experiment(source, overrides(settings))
            texts = list(experiment.hardware.sources.values())
        for line in bibtex(texts).splitlines():
            print_line(line)
