"""Be the command line: read arguments, call the library, print, and turn errors into exit codes.

Exit codes: 0 fine, 2 a user's error (one message, no traceback), 1 an error of ours, 130 when
interrupted. Every import that costs time stands inside the command that needs it, so that
`pnnsim --help` answers at once and only the commands that compute import torch.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pnnsim.cli_serve import add_serve
from pnnsim.cli_timing import add_commands
from pnnsim.errors import OutputError, PnnsimError, Problem, SpecError

if TYPE_CHECKING:
    from pnnsim.experiment import Experiment
    from pnnsim.progress import Progress

OK, OURS, USER, INTERRUPTED = 0, 1, 2, 130
#: Columns of a table that goes into a pipe: no cell is broken for want of a screen.
WIDE = 240
NETWORK_KINDS = ("rnn", "relaxnet", "dnn")

app = typer.Typer(
    name="pnnsim",
    help="Accuracy, latency and energy of photonic and spintronic neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Source = Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help="Machine or experiment.")]
Task = Annotated[str | None, typer.Option("--task", help="Task, in place of the file's.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one value; may be repeated."),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the simulated chips.")]
Rule = Annotated[
    str | None, typer.Option("--rule", help="Learning rule: backprop or hardware_aware.")
]
TrainingSeed = Annotated[int | None, typer.Option("--training-seed", help="Seed of the training.")]
Chips = Annotated[int | None, typer.Option("--chips", help="Number of fabricated chips.")]
Waves = Annotated[int | None, typer.Option("--waves", help="Held-out examples that are run.")]
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


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
        app(args=words, prog_name="pnnsim")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except PnnsimError as error:
        _say(str(error) if isinstance(error, SpecError) else f"error: {error}", trace=debug)
        return USER
    except Exception as error:  # the last line of defence: a person gets a sentence, not a trace
        name = type(error).__name__
        _say(
            f"error: pnnsim failed; this is a fault of ours, sorry ({name}: {error})\n"
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
    waves: Waves = None,
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
    force: Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the surrogate, run the simulated machine, and write the run folder."""
    from pnnsim.experiment import load_experiment

    experiment = load_experiment(
        source,
        _overrides(settings, exact=exact),
        task=task,
        rule=rule,
        seed=seed,
        training_seed=training_seed,
        chips=chips,
        waves=waves,
    )
    folder = default_folder(experiment) if out is None else out
    if folder.exists() and not (force and folder.is_dir()):
        hint = "--force replaces it" if folder.is_dir() else "it is a file"
        raise OutputError(f"{folder}: exists already; expected a new run folder. Hint: {hint}")

    from pnnsim.job import run as run_job

    with _progress(quiet) as progress:
        result = run_job(
            experiment,
            out=folder,
            force=force,
            data_dir=data_dir,
            offline=offline,
            checkpoints=resume,
            progress=progress,
        )
    if json:
        _print_json(result.metrics)
    elif not quiet:
        print(result.table)


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
    waves: Waves = None,
    exact: Exact = False,
    data_dir: DataDir = None,
    offline: Offline = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run several machines, or several networks on one machine, and print one table."""
    from pnnsim.experiment import load_experiment

    experiments: list[tuple[str, Experiment]] = []
    problems: list[Problem] = []
    for label in sources:
        kind = label if label in NETWORK_KINDS else None
        try:
            experiment = load_experiment(
                label if kind is None else hardware,
                _overrides(settings, exact=exact),
                network_kind=kind,
                task=task,
                rule=rule,
                seed=seed,
                training_seed=training_seed,
                chips=chips,
                waves=waves,
            )
        except SpecError as error:
            problems.extend(problem for problem in error.problems if problem not in problems)
            continue
        experiments.append((label, experiment))
    if problems:
        raise SpecError(problems)

    from pnnsim.job import compare as compare_jobs

    with _progress(quiet) as progress:
        result = compare_jobs(experiments, data_dir=data_dir, offline=offline, progress=progress)
    if json:
        _print_json([{"label": label, "metrics": metrics} for label, metrics in result.rows])
    elif not quiet:
        print(result.table)


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Machines or experiments to check.")
    ],
    quiet: Quiet = False,
) -> None:
    """Check descriptions and show every problem with its line and column."""
    from pnnsim.experiment import load_experiment

    bad = False
    for file in files:
        try:
            experiment = load_experiment(file)
        except SpecError as error:
            bad = True
            _say(str(error))
            continue
        if not quiet:
            print(f"{file}: ok ({experiment.hardware.name}, {experiment.hardware.technology})")
            for warning in experiment.warnings():
                print(f"{file}: warning: {warning}")
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
    from pnnsim.verification import verify as compare_with_published

    checks = compare_with_published(names or ())
    failed = [check for check in checks if not check.passed]
    if json:
        _print_json([check.as_json() for check in checks])
    elif not quiet:
        titles = ("", "demonstration", "figure", "published", "simulated", "tolerance", "basis")
        _table((*titles, "fitted"), [check.row() for check in checks])
        shown = {check.demonstration.name: check.demonstration for check in checks}
        print()
        _table(("demonstration", "what was shown", "source"), [
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
    from pnnsim.catalog import fields_of_kind, kinds_of_parts

    if part is None or "." not in part:
        _table(("part", "kind", "what it describes"), kinds_of_parts(part))
    else:
        _table(("key", "unit", "bounds", "default", "meaning"), fields_of_kind(part))


@app.command()
def specs() -> None:
    """List the machines that come with pnnsim."""
    from pnnsim.spec_source import available_specs

    _table(("machine", "summary"), list(available_specs().items()))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a machine's description, for editors."""
    from pnnsim.catalog import hardware_schema

    _print_json(hardware_schema())


def default_folder(experiment: Experiment) -> Path:
    """Return the run folder of an experiment, the same for the same experiment."""
    name = f"{experiment.hardware.name}-{experiment.task.name}-{experiment.sha256()[:8]}"
    return Path("runs") / name


def _overrides(settings: Sequence[str] | None, *, exact: bool = False) -> list[tuple[str, str]]:
    """Return `key=value` words as pairs."""
    pairs = [("simulation.exact", "true")] if exact else []
    for word in settings or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            what = f"got '{word}'; expected key=value such as weight_banks.count=8"
            raise SpecError([Problem("--set", what)])
        pairs.append((key.strip(), value.strip()))
    return pairs


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """Give a progress bar to a person who looks on, and None to everybody else."""
    from pnnsim.progress import terminal_progress

    bar = None if quiet else terminal_progress()
    if bar is None:
        yield None
    else:
        with bar:
            yield bar


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; a terminal wraps them, a pipe gets whole lines."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, no_wrap=i == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDE)
    console.print(table)


def _print_json(data: object) -> None:
    from json import dumps

    print(dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


add_commands(app, overrides=_overrides, table=_table, dump=_print_json)
add_serve(app, overrides=_overrides)


def _say(text: str, *, trace: bool = False) -> None:
    print(text, file=sys.stderr)
    if trace:
        traceback.print_exc()
