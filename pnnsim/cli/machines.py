"""Commands that look at one machine or at past runs: yield, load, runs, place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pnnsim.cli.options import (
    DataDir,
    Offline,
    Quiet,
    Settings,
    Source,
    overrides,
    print_json,
    print_line,
    print_table,
    progress_bar,
)
from pnnsim.cli.population_tables import curve_data, print_curves, print_yields, yield_data
from pnnsim.errors import Problem, SpecError

if TYPE_CHECKING:
    from pnnsim.explore.requirements import Requirement

Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]
Workers = Annotated[
    int, typer.Option("--workers", min=0, max=1024, help="Processes; 0 for this one alone.")
]


def add_machine_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command("yield")
    def show_yield(
        source: Source,
        require: Annotated[
            str, typer.Option("--require", help="What a chip must meet: 'accuracy >= 0.9'.")
        ],
        chips: Annotated[int, typer.Option("--chips", min=1, max=1_000_000)] = 1000,
        against: Annotated[
            str | None,
            typer.Option("--against", metavar="KEY=V1,V2,…", help="Yield at each of some values."),
        ] = None,
        settings: Settings = None,
        workers: Workers = 1,
        data_dir: DataDir = None,
        offline: Offline = False,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Show the share of fabricated chips that meet a requirement, and what fails the others."""
        from pnnsim.explore.study_file import chip_dimensions
        from pnnsim.specs.experiment import load_experiment
        from pnnsim.specs.opened import open_experiment

        wanted = _requirement("--require", require, chip_dimensions())
        pairs = tuple(overrides(settings))
        variants = [(*pairs, *extra) for extra in _values(against)]
        base = open_experiment(source)
        tasks = [load_experiment(base, variant).task for variant in variants]  # before torch

        from pnnsim.explore.chip_yield import chip_yields
        from pnnsim.learning.task_examples import load_data

        with progress_bar(quiet) as progress:
            for task in dict.fromkeys(tasks):
                load_data(task, data_dir=data_dir, offline=offline, progress=progress)
            found = chip_yields(
                base,
                variants,
                wanted,
                chips=chips,
                workers=workers,
                data_dir=data_dir,
                progress=progress,
            )
        results = [yield_data(result, len(pairs)) for result in found]
        if json:
            print_json(results[0] if against is None else results)
            return
        print_yields(results, str(wanted))

    @app.command()
    def load(
        source: Source,
        settings: Settings = None,
        block: Annotated[
            list[int] | None,
            typer.Option("--block", help="Samples of a block; may be repeated."),
        ] = None,
        share: Annotated[
            list[float] | None,
            typer.Option("--load", help="Offered load over the saturated rate; may be repeated."),
        ] = None,
        samples: Annotated[int, typer.Option("--samples", min=1, max=10_000_000)] = 2000,
        queue: Annotated[
            int | None, typer.Option("--queue", min=1, help="Requests that can wait.")
        ] = None,
        workers: Workers = 0,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Show latency, energy and drops against the load that is offered at random."""
        from pnnsim.specs.experiment import load_experiment
        from pnnsim.specs.opened import open_experiment

        base, pairs = open_experiment(source), overrides(settings)
        load_experiment(base, pairs)

        from pnnsim.explore.load_curve import SHARES, load_curves

        with progress_bar(quiet) as progress:
            curves = load_curves(
                base,
                pairs,
                blocks=tuple(block or ()),
                shares=tuple(share or SHARES),
                samples=samples,
                queue=queue,
                workers=workers,
                progress=progress,
            )
        if json:
            print_json([curve_data(curve) for curve in curves])
        else:
            print_curves(curves)

    @app.command()
    def runs(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER")] = Path("runs"),
        where: Annotated[
            str | None, typer.Option("--where", help="Requirement: 'power_w <= 1 W'.")
        ] = None,
        sort: Annotated[
            str | None, typer.Option("--sort", metavar="FIGURE", help="Smallest first.")
        ] = None,
        reverse: Annotated[bool, typer.Option("--reverse", help="Largest first.")] = False,
        figure: Annotated[
            list[str] | None, typer.Option("--figure", help="Column; may be repeated.")
        ] = None,
        json: Json = False,
    ) -> None:
        """List the runs and studies below a folder, with their figures."""
        from pnnsim.explore.figures import dimensions
        from pnnsim.explore.requirements import unknown_figure

        known = dimensions()
        for option, key in (("--sort", sort), *(("--figure", key) for key in figure or ())):
            if key is not None and key not in known:
                raise SpecError([Problem(option, unknown_figure(key, known))])
        wanted = None if where is None else _requirement("--where", where, known)

        from pnnsim.explore.run_index import chosen, index

        entries = chosen(index(folder), where=wanted, sort=sort, most_first=reverse)
        columns = figure or ["accuracy.hardware_mean", "latency_s.first", "energy_j.per_inference"]
        if json:
            print_json(
                [
                    {
                        "path": str(entry.path),
                        "kind": entry.kind,
                        "when": entry.when.isoformat(timespec="seconds"),
                        "machine": entry.machine,
                        "task": entry.task,
                        "figures": dict(entry.figures),
                        "problem": entry.problem,
                    }
                    for entry in entries
                ]
            )
            return
        print_table(
            ["folder", "kind", "when, UTC", "machine", "task or trials", *columns],
            [
                [
                    str(entry.path),
                    entry.kind,
                    entry.when.strftime("%Y-%m-%d %H:%M"),
                    entry.machine,
                    entry.problem or entry.task,
                    *(
                        f"{entry.figures[key]:.5g}" if key in entry.figures else ""
                        for key in columns
                    ),
                ]
                for entry in entries
            ],
        )

    @app.command()
    def place(
        source: Source,
        settings: Settings = None,
        year: Annotated[int | None, typer.Option("--year", min=1950, max=2200)] = None,
        plot: Annotated[
            Path | None, typer.Option("--plot", metavar="FILE", help="Chart: .png, .svg, .pdf.")
        ] = None,
        json: Json = False,
    ) -> None:
        """Place a machine among the physical neural networks that have been published."""
        from datetime import UTC, datetime

        from pnnsim.explore.place import CLASSES, chart, history, placed
        from pnnsim.specs.experiment import load_experiment

        machine = placed(load_experiment(source, overrides(settings)))
        if plot is not None:
            from pnnsim.analysis.report.style import write_picture

            write_picture(plot, chart(machine, year or datetime.now(UTC).year))
        rows = history()
        larger = [row for row in rows if row.kind == "H" and row.count > machine.hardware]
        present = [row for row in rows if row.kind == "H"]
        if json:
            print_json(
                {
                    "machine": machine.name,
                    "hardware": machine.hardware,
                    "parameters": machine.parameters,
                    "class": machine.kind,
                    "larger": len(larger),
                    "of": len(present),
                }
            )
            return
        print_table(
            ["year", "work", "count", "of", "class", "source"],
            [
                [str(r.year), r.work, f"{r.count:,}", r.counts, CLASSES[r.kind], r.source]
                for r in rows
            ],
        )
        print_line(
            f"{machine.name}: {machine.hardware:,} weights in hardware, more than "
            f"{len(present) - len(larger)} of the {len(present)} networks in hardware above; the "
            f"network has {machine.parameters:,} in its weight sets, {CLASSES[machine.kind]}"
        )


def _requirement(option: str, text: str, known: dict[str, str]) -> Requirement:
    """Return the requirement of an option.

    Raises:
        SpecError: If it is none.
    """
    from pnnsim.explore.requirements import RequirementError, parse_requirement

    try:
        return parse_requirement(text, known)
    except RequirementError as error:
        raise SpecError([Problem(option, str(error))]) from None


def _values(against: str | None) -> list[tuple[tuple[str, str], ...]]:
    """Return the settings of `--against`, one for each value; a single empty one without it."""
    if against is None:
        return [()]
    key, equals, texts = against.partition("=")
    values = [text.strip() for text in texts.split(",")]
    if not equals or not key.strip() or not all(values):
        what = f"got '{against}'; expected such as weight_banks.resonance_error=1 pm,2 pm"
        raise SpecError([Problem("--against", what)])
    return [((key.strip(), value),) for value in values]
