"""Be the command line: read arguments, call the library, print, and turn errors into exit codes.

Exit codes: 0 fine, 2 a user's error (one message, no traceback), 1 an error of ours, 130 when
interrupted. Every import that costs time stands inside the command that needs it, so that
`pnnsim --help` answers at once and only the commands that compute import torch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pnnsim.cli.options import (
    Chips,
    DataDir,
    Exact,
    Json,
    Offline,
    Quiet,
    Rule,
    Samples,
    Seed,
    Settings,
    Source,
    Task,
    TrainingSeed,
    overrides,
    print_json,
    print_line,
    print_table,
    progress_bar,
    refuse_renamed,
    say,
)
from pnnsim.cli.schedule import add_commands
from pnnsim.cli.serve import add_serve
from pnnsim.errors import PnnsimError, Problem, SpecError, UnsavedError, one_line

if TYPE_CHECKING:
    from pnnsim.specs.experiment import Experiment

OK, OURS, USER, INTERRUPTED = 0, 1, 2, 130
NETWORK_KINDS = ("rnn", "relaxnet", "dnn")

app = typer.Typer(
    name="pnnsim",
    help="Accuracy, latency and energy of photonic and spintronic neural networks.",
    no_args_is_help=True,
    add_completion=False,
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
        # The reader has left, as `head` does. What is still buffered must not fail at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _guarded(words: list[str], debug: bool) -> int:
    """Run a command and turn whatever it raises into a message and an exit code."""
    try:
        refuse_renamed(words)
        app(args=words, prog_name="pnnsim")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return OK  # the reader has what it wanted, as `head` has
        if end.code == INTERRUPTED:
            say("interrupted")
        return end.code if isinstance(end.code, int) else OK
    except PnnsimError as error:
        say(str(error) if isinstance(error, SpecError) else f"error: {error}", trace=debug)
        return USER
    except Exception as error:  # the last line of defence: a person gets a sentence, not a trace
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
    quiet: Quiet = False,
) -> None:
    """Train the surrogate, run the simulated machine, and write the run folder."""
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
            )
    except KeyboardInterrupt:
        if resume is not None:
            say(f"{resume}: the same command goes on from the last checkpoint in this folder")
        raise
    except UnsavedError as unsaved:
        _print_run(unsaved.metrics, unsaved.table, json, quiet)
        raise
    _print_run(result.metrics, result.table, json, quiet)
    if result.notice:
        say(f"note: {result.notice}")


def _print_run(metrics: dict[str, Any], table: str, json: bool, quiet: bool) -> None:
    """Print a run's metrics as JSON, as a table, or not at all."""
    if json:
        print_json(metrics)
    elif not quiet:
        print(table)


@app.command()
def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME_OR_FILE…", help="Machines or experiments; or rnn, relaxnet, dnn."
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
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run several machines, or several networks on one machine, and print one table."""
    from pnnsim.specs.experiment import load_experiment
    from pnnsim.specs.validation import did_you_mean

    experiments: list[tuple[str, Experiment]] = []
    problems: list[Problem] = []
    for label in sources:
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

    from pnnsim.simulation.experiment_run import compare as compare_jobs

    with progress_bar(quiet) as progress:
        result = compare_jobs(experiments, data_dir=data_dir, offline=offline, progress=progress)
    if json:
        print_json([{"label": label, "metrics": metrics} for label, metrics in result.rows])
    elif not quiet:
        print(result.table)


def _hinted(problem: Problem, hint: str) -> Problem:
    """Return a problem of a whole source with a hint, where it has none."""
    return problem if problem.where or problem.hint else replace(problem, hint=hint)


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Machines or experiments to check.")
    ],
    quiet: Quiet = False,
) -> None:
    """Check descriptions and show every problem with its line and column."""
    from pnnsim.specs.experiment import load_experiment

    bad = False
    for file in files:
        try:
            experiment = load_experiment(file)
        except SpecError as error:
            bad = True
            say(str(error))
            continue
        if not quiet:
            print_line(f"{file}: ok ({experiment.hardware.name}, {experiment.hardware.technology})")
            for warning in experiment.warnings():
                print_line(f"{file}: warning: {warning}")
    if bad:
        raise typer.Exit(USER)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Demonstrations; all of them.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare what is computed with what was published; exit code 1 if anything differs."""
    from pnnsim.testing.published import verify as compare_with_published

    checks = compare_with_published(names or ())
    failed = [check for check in checks if not check.passed]
    if json:
        print_json([check.as_json() for check in checks])
    elif not quiet:
        titles = ("", "demonstration", "figure", "published", "simulated", "tolerance", "basis")
        print_table((*titles, "fitted"), [check.row() for check in checks])
        shown = {check.demonstration.name: check.demonstration for check in checks}
        print()
        print_table(("demonstration", "what was shown", "source"), [
            (known.name, known.title, known.source) for known in shown.values()
        ])  # fmt: skip
        print(f"\n{len(checks) - len(failed)} of {len(checks)} figures pass")
    if failed:
        raise typer.Exit(OURS)


@app.command()
def components(
    part: Annotated[
        str | None,
        typer.Argument(metavar="[PART[.KIND]]", help="Such as weight_banks or weight_banks.mrr."),
    ] = None,
) -> None:
    """List the kinds of parts, or the keys of one kind."""
    from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts

    if part is None or "." not in part:
        print_table(("part", "kind", "what it describes"), kinds_of_parts(part))
    else:
        print_table(("key", "unit", "bounds", "default", "meaning"), fields_of_kind(part))


@app.command()
def specs() -> None:
    """List the machines that come with pnnsim."""
    from pnnsim.specs.resolve import available_specs

    print_table(("machine", "summary"), list(available_specs().items()))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a machine's description, for editors."""
    from pnnsim.specs.catalog import hardware_schema

    print_json(hardware_schema())


def default_folder(experiment: Experiment) -> Path:
    """Return the run folder of an experiment, the same for the same experiment."""
    name = f"{experiment.hardware.name}-{experiment.task.name}-{experiment.sha256()[:8]}"
    return Path("runs") / name


add_commands(app)
add_serve(app)
