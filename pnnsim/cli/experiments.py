"""Commands that train and simulate: run, compare.

Torch is imported only once everything that can be checked without it is in order.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pnnsim.analysis.report.tables import (
    compare_latex,
    compare_markdown,
    run_latex,
    run_markdown,
)
from pnnsim.cli.options import (
    Chips,
    DataDir,
    Exact,
    Json,
    Latex,
    Markdown,
    Offline,
    Quiet,
    Rule,
    Samples,
    Seed,
    Settings,
    Source,
    Task,
    TrainingSeed,
    one_form,
    overrides,
    print_json,
    print_line,
    progress_bar,
    say,
)
from pnnsim.errors import Problem, SpecError, UnsavedError

if TYPE_CHECKING:
    from pnnsim.simulation.comparison import Comparison
    from pnnsim.specs.experiment import Experiment

#: Networks that `compare` puts on one machine by name.
NETWORK_KINDS = ("rnn", "relaxnet", "dnn")


def add_experiment_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command()
    def run(
        source: Source,
        task: Task = None,
        settings: Settings = None,
        rule: Rule = None,
        seed: Seed = None,
        training_seed: TrainingSeed = None,
        chips: Chips = None,
        samples: Samples = None,
        exact: Exact = False,
        data_dir: DataDir = None,
        offline: Offline = False,
        out: Annotated[
            Path | None,
            typer.Option("--out", help="Run folder; runs/MACHINE-TASK-HASH by default."),
        ] = None,
        resume: Annotated[
            Path | None,
            typer.Option(
                "--resume",
                metavar="FOLDER",
                help="Keep checkpoints of the training here, and go on from the last one.",
            ),
        ] = None,
        force: Annotated[
            bool, typer.Option("--force", help="Replace an existing run folder; nothing else.")
        ] = False,
        json: Json = False,
        latex: Latex = False,
        markdown: Markdown = False,
        quiet: Quiet = False,
    ) -> None:
        """Train the surrogate, run the simulated machine, and write the run folder."""
        form = one_form(json=json, latex=latex, markdown=markdown)
        from pnnsim.simulation.run_folder import check_target
        from pnnsim.specs.experiment import load_experiment

        experiment = load_experiment(
            source,
            overrides(settings, exact=exact),
            task=task,
            rule=rule,
            seed=seed,
            training_seed=training_seed,
            chips=chips,
            samples=samples,
        )
        folder = default_folder(experiment) if out is None else out
        check_target(folder, force=force)  # before torch is imported

        from pnnsim.simulation.experiment_run import run as run_job

        try:
            with progress_bar(quiet) as progress:
                result = run_job(
                    experiment,
                    out=folder,
                    force=force,
                    data_dir=data_dir,
                    offline=offline,
                    checkpoints=resume,
                    progress=progress,
                    announce=None if quiet else lambda text: say(f"note: {text}"),
                )
        except KeyboardInterrupt:
            if resume is not None:
                say(f"{resume}: the same command goes on from the last checkpoint in this folder")
            raise
        except UnsavedError as unsaved:
            _print_run(unsaved.metrics, unsaved.table, form, quiet)
            raise
        _print_run(result.metrics, result.table, form, quiet)
        if result.notice:
            say(f"note: {result.notice}")

    @app.command()
    def compare(
        sources: Annotated[
            list[str],
            typer.Argument(
                metavar="NAME_OR_FILE…",
                help="Machines, experiments or run folders; or rnn, relaxnet, dnn.",
            ),
        ],
        hardware: Annotated[
            str, typer.Option("--hardware", help="Machine on which rnn, relaxnet and dnn run.")
        ] = "photonic_mrr",
        task: Task = None,
        settings: Settings = None,
        rule: Rule = None,
        seed: Seed = None,
        training_seed: TrainingSeed = None,
        chips: Chips = None,
        samples: Samples = None,
        exact: Exact = False,
        data_dir: DataDir = None,
        offline: Offline = False,
        html: Annotated[
            Path | None, typer.Option("--html", metavar="FILE", help="Write a page, too.")
        ] = None,
        json: Json = False,
        latex: Latex = False,
        markdown: Markdown = False,
        quiet: Quiet = False,
    ) -> None:
        """Run several machines, or several networks on one, and print one table."""
        from pnnsim.analysis.report.past_run import PastRun, is_run, read_run
        from pnnsim.common.hints import did_you_mean
        from pnnsim.specs.experiment import load_experiment

        form = one_form(json=json, latex=latex, markdown=markdown)
        experiments: list[tuple[str, Experiment | PastRun]] = []
        problems: list[Problem] = []
        for label in sources:
            if is_run(Path(label)):
                experiments.append((label, read_run(Path(label))))
                continue
            kind = label if label in NETWORK_KINDS else None
            try:
                experiment = load_experiment(
                    label if kind is None else hardware,
                    overrides(settings, exact=exact),
                    network_kind=kind,
                    task=task,
                    rule=rule,
                    seed=seed,
                    training_seed=training_seed,
                    chips=chips,
                    samples=samples,
                )
            except SpecError as error:
                hint = did_you_mean(label, NETWORK_KINDS)
                problems.extend(_hinted(problem, hint) for problem in error.problems)
                continue
            experiments.append((label, experiment))
        if problems:
            raise SpecError(list(dict.fromkeys(problems)))

        past = [(label, each) for label, each in experiments if isinstance(each, PastRun)]
        if len(past) == len(experiments):  # torch takes longer than the comparison
            from pnnsim.simulation.comparison import side_by_side

            result = side_by_side(
                [(label, dict(each.metrics)) for label, each in past],
                [each.draws for _, each in past],
            )
        else:
            from pnnsim.simulation.experiment_run import compare as compare_jobs

            with progress_bar(quiet) as progress:
                result = compare_jobs(
                    experiments, data_dir=data_dir, offline=offline, progress=progress
                )
        if html is not None:
            from pnnsim.analysis.report.compare_page import write_compare_html

            write_compare_html(html, result.rows, result.pairings)
        if form == "json":
            print_json([
                {"label": label, "metrics": metrics, "beats": _beats(place, result)}
                for place, (label, metrics) in enumerate(result.rows)
            ])  # fmt: skip
        elif form == "latex":
            _print_lines(compare_latex(result.rows))
        elif form == "markdown":
            _print_lines(compare_markdown(result.rows))
        elif not quiet:
            print(result.table)


def default_folder(experiment: Experiment) -> Path:
    """Return the run folder of an experiment, the same for the same experiment."""
    name = f"{experiment.hardware.name}-{experiment.task.name}-{experiment.sha256()[:8]}"
    return Path("runs") / name


def _print_run(metrics: dict[str, Any], table: str, form: str, quiet: bool) -> None:
    """Print a run's metrics as JSON, as a table of some form, or not at all.

    Args:
        metrics: Content of `metrics.json`.
        table: The same as a table of plain text.
        form: `json`, `latex`, `markdown`, or empty for the plain table.
        quiet: Whether the plain table is left out.
    """
    if form == "json":
        print_json(metrics)
    elif form == "latex":
        _print_lines(run_latex(metrics))
    elif form == "markdown":
        _print_lines(run_markdown(metrics))
    elif not quiet:
        print(table)


def _print_lines(text: str) -> None:
    """Print lines; what a terminal would interpret is escaped."""
    for line in text.splitlines():
        print_line(line)


def _beats(place: int, result: Comparison) -> list[dict[str, Any]]:
    """Return how often one row of a comparison beats each other one.

    Args:
        place: Number of the row.
        result: The comparison.
    """
    found = []
    for pair in result.pairings:
        if place in (pair.first, pair.second):
            first = place == pair.first
            other = pair.second if first else pair.first
            wins = pair.first_wins if first else pair.second_wins
            found.append({"label": result.rows[other][0], "draws": pair.draws, **wins})
    return found


def _hinted(problem: Problem, hint: str) -> Problem:
    """Return a problem of a whole source with a hint, where it has none."""
    return problem if problem.where or problem.hint else replace(problem, hint=hint)
