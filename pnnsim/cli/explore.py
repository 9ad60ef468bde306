"""Commands that run studies: sweep, search.

A study is checked whole before torch is imported and before anything is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pnnsim.cli.options import (
    DataDir,
    Offline,
    Quiet,
    print_json,
    print_line,
    print_table,
    progress_bar,
    say,
)

if TYPE_CHECKING:
    from pnnsim.explore.study import Study

StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY.yaml", help="Study, or the folder of one.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of the study; runs/study-MACHINE-HASH by default."),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", min=0, max=1024, help="Processes on this computer; 0 for this one alone."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="tcp://HOST:PORT", help="Dask scheduler, in place of processes here."
    ),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="postgresql://HOST/DB",
        help="Server that keeps the trials; a file in the folder by default.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the grid and an estimate of the time; run nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]

#: Trials that a dry run shows, and those whose time it measures.
_SHOWN, _TIMED = 20, 3


def add_explore_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command()
    def sweep(
        study: StudyFile,
        out: Out = None,
        workers: Workers = 1,
        cluster: Cluster = None,
        storage: Storage = None,
        dry_run: DryRun = False,
        data_dir: DataDir = None,
        offline: Offline = False,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Run every point of a grid; the same command goes on with what is left."""
        from pnnsim.explore.study import Study

        opened = Study.open(study, out=out, storage=storage)
        if dry_run:
            _show_grid(opened, workers, data_dir, json)
            return
        with progress_bar(quiet) as progress:
            opened.sweep(
                workers=workers,
                cluster=cluster,
                data_dir=data_dir,
                offline=offline,
                progress=progress,
            )
        _show_results(opened, json, quiet)

    @app.command()
    def search(
        study: StudyFile,
        out: Out = None,
        workers: Workers = 1,
        cluster: Cluster = None,
        storage: Storage = None,
        data_dir: DataDir = None,
        offline: Offline = False,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Look for the best trials with Optuna; the same command goes on with what is left."""
        from pnnsim.explore.study import Study

        opened = Study.open(study, out=out, storage=storage)
        with progress_bar(quiet) as progress:
            opened.search(
                workers=workers,
                cluster=cluster,
                data_dir=data_dir,
                offline=offline,
                progress=progress,
            )
        _show_results(opened, json, quiet)


def _show_grid(study: Study, workers: int, data_dir: Path | None, json: bool) -> None:
    """Print the first trials, how many there are, and how long they may take."""
    from time import perf_counter

    from pnnsim.explore.trial import Stage, TrialContext
    from pnnsim.explore.trial_run import run_trial

    spec = study.spec
    context = TrialContext.of(spec, cache=None, data_dir=data_dir)
    stage = Stage(spec.trains)
    count = min(_TIMED, spec.count)
    run_trial(context, spec.trial(0), Stage(trains=False))  # imports, and data that are read once
    begin = perf_counter()
    for number in range(count):
        run_trial(context, spec.trial(number), stage)
    each = (perf_counter() - begin) / count
    estimate = each * spec.count / max(1, workers)
    shown = [spec.trial(number) for number in range(min(_SHOWN, spec.count))]
    if json:
        print_json(
            {
                "trials": spec.count,
                "seconds_per_trial": each,
                "seconds": estimate,
                "first": [dict(trial.overrides) for trial in shown],
            }
        )
        return
    keys = [key for key, _ in shown[0].overrides]
    print_table(
        ["trial", *keys], [[str(t.number), *(text for _, text in t.overrides)] for t in shown]
    )
    if spec.count > len(shown):
        print_line(f"… and {spec.count - len(shown)} more")
    print_line(
        f"{spec.count} trials of about {each * 1e3:.3g} ms on one core: about {estimate:.3g} s "
        f"with {workers} worker(s), from the first {count}; nothing was written"
    )


def _show_results(study: Study, json: bool, quiet: bool) -> None:
    """Print how trials ended and the front, and where the rest is."""
    counts = study.counts()
    front = study.front()
    keys = study.spec.keys
    if json:
        rows: list[dict[str, Any]] = [
            {
                "number": record.trial.number,
                "set": dict(record.trial.overrides),
                "figures": dict(record.outcome.figures),
            }
            for record in front
        ]
        print_json({"folder": str(study.folder), "trials": counts, "front": rows})
        return
    if quiet:
        return
    if front:
        set_keys = [key for key, _ in front[0].trial.overrides]
        print_table(
            ["trial", *set_keys, *keys],
            [
                [
                    str(record.trial.number),
                    *(text for _, text in record.trial.overrides),
                    *(f"{record.outcome.figures[key]:.5g}" for key in keys),
                ]
                for record in front[:_SHOWN]
            ],
        )
    ended = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    print_line(f"{ended}; {len(front)} on the front: {study.folder / 'study.html'}")
    if counts.get("failed"):
        say(f"note: {counts['failed']} trials failed; study.html lists the reasons")
