"""The command line: exit codes, where output goes, and that help needs nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pnnsim.cli.app import main
from pnnsim.common.progress import TerminalProgress, terminal_progress
from pnnsim.errors import TaskError, UnsavedError
from pnnsim.specs.experiment import Experiment, load_experiment
from tests.specs.spec_text import MACHINE, changed


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    monkeypatch.delenv("PNNSIM_DEBUG", raising=False)
    file = tmp_path / "small.yaml"
    file.write_text(MACHINE)
    return file


class Job:
    """Record what the command line asks for, in place of training and simulation."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: BaseException | None = None
        self.notice = ""

    def run(self, experiment: Experiment, **options: Any) -> SimpleNamespace:
        self.calls.append({"experiment": experiment, **options})
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            metrics={"schema": 1, "µ": 0.5}, table="a table", folder=None, notice=self.notice
        )

    def compare(self, rows: list[tuple[str, Experiment]], **options: Any) -> SimpleNamespace:
        self.calls.append({"rows": rows, **options})
        wins = SimpleNamespace(
            first=0,
            second=1,
            draws=8,
            first_wins={"energy_j": 0.75},
            second_wins={"energy_j": 0.25},
        )
        return SimpleNamespace(
            rows=[(label, {"a": 1}) for label, _ in rows], table="many tables", pairings=(wins,)
        )


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Job:
    fake = Job()
    module: Any = ModuleType("pnnsim.simulation.experiment_run")
    module.run, module.compare = fake.run, fake.compare
    monkeypatch.setitem(sys.modules, "pnnsim.simulation.experiment_run", module)
    return fake


def pnnsim(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, from the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "pnnsim", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("words", "forbidden"),
    [
        (["--help"], {"torch", "yaml", "numpy", "simpy"}),
        (["run", "--help"], {"torch", "yaml", "numpy", "simpy"}),
        (["validate", "photonic_mrr"], {"torch", "simpy"}),
        (["specs"], {"torch", "simpy"}),
        (["components"], {"torch", "simpy"}),
        (["components", "weight_banks.mrr"], {"torch", "simpy"}),
        (["schema"], {"torch", "simpy"}),
    ],
)
def test_a_command_imports_only_what_it_needs(words: list[str], forbidden: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pnnsim", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pnnsim.cli.app" in imported
    assert not forbidden & imported


def test_help_names_every_command() -> None:
    done = pnnsim("--help")
    assert done.returncode == 0
    for command in ("run", "compare", "validate", "components", "specs", "schema"):
        assert command in done.stdout


def test_validate_says_ok_on_stdout(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(machine), "photonic_mrr"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{machine}: ok (small, photonic)\nphotonic_mrr: ok (photonic_mrr, photonic)\n"
    assert err == ""


def test_validate_shows_the_problems_of_every_file(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.yaml").write_text(changed("rows: 64", "rows: x"))
    Path("b.yaml").write_text(changed("cols: 64", "cols: y"))
    assert main(["validate", "a.yaml", str(machine), "b.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == f"{machine}: ok (small, photonic)\n"
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["a.yaml:36:9", "b.yaml:37:9"]


def test_validate_prints_warnings(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine.write_text(
        changed("rows: 64", "rows: {value: 64, range: [1, 32], source: set by the user}")
    )
    assert main(["validate", str(machine)]) == 0
    assert "warning: weight_banks.rows: 64 is outside" in capsys.readouterr().out
    assert main(["validate", "--quiet", str(machine)]) == 0
    assert capsys.readouterr().out == ""


def test_run_hands_everything_to_the_job(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "--task svhn --set weight_banks.count=8 --set network.steps=24 --seed 1"
    more = "--training-seed 2 --chips 4 --samples 9 --data-dir d --out runs/a"
    more += " --rule hardware_aware --resume kept"
    assert main(["run", str(machine), *words.split(), *more.split()]) == 0
    call = job.calls[0]
    overrides = [("weight_banks.count", "8"), ("network.steps", "24")]
    assert call.pop("experiment") == load_experiment(
        machine, overrides, task="svhn", rule="hardware_aware", seed=1, training_seed=2, chips=4,
        samples=9,
    )  # fmt: skip
    assert call == {
        "out": Path("runs/a"), "force": False, "data_dir": Path("d"), "offline": False,
        "progress": None, "checkpoints": Path("kept"),
    }  # fmt: skip
    out, err = capsys.readouterr()
    assert (out, err) == ("a table\n", "")


def test_the_data_folder_may_come_from_the_environment(
    machine: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNNSIM_DATA_DIR", "elsewhere")
    assert main(["run", str(machine)]) == 0
    assert job.calls[0]["data_dir"] == Path("elsewhere")


def test_what_is_not_there_is_not_downloaded_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    words = ["--task", "mnist", "--offline", "--data-dir", str(tmp_path), "--quiet"]
    assert main(["run", "photonic_mrr", "--out", str(tmp_path / "a"), *words]) == 2
    assert "train-images-idx3-ubyte" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_the_default_folder_tells_experiments_apart(machine: Path, job: Job) -> None:
    for words in ([], [], ["--seed", "1"]):
        assert main(["run", str(machine), *words]) == 0
    first, second, third = (call["out"] for call in job.calls)
    assert first.parent == Path("runs")
    assert first.name.startswith("small-digits-")
    assert len(first.name) == len("small-digits-") + 8
    assert first == second != third


def test_json_is_the_metrics_alone(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(machine), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"schema": 1, "µ": 0.5}
    assert err == ""


def test_quiet_prints_nothing(machine: Path, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(machine), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_existing_folder_stops_the_run_before_any_work(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a").mkdir()
    for force in ([], ["--force"]):
        assert main(["run", str(machine), "--out", "a", *force]) == 2
        assert job.calls == []
    assert capsys.readouterr().err == (
        "error: a: exists already; expected a new run folder. Hint: choose another name\n"
        "error: a: has no marker of pnnsim (.pnnsim-run); expected a run folder with nothing but "
        "files of pnnsim, the only thing that --force replaces. Hint: choose another name, or "
        "remove it yourself\n"
    )
    Path("a", ".pnnsim-run").write_text('{"pnnsim_run": 1, "files": []}')
    assert main(["run", str(machine), "--out", "a"]) == 2
    assert capsys.readouterr().err.endswith("Hint: --force replaces it\n")
    assert main(["run", str(machine), "--out", "a", "--force"]) == 0
    assert job.calls[0]["force"] is True
    assert main(["run", str(machine), "--out", str(machine), "--force"]) == 2


def test_a_run_under_another_name_says_so(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.notice = "a: was taken; the results are in a-2"
    assert main(["run", str(machine), "--quiet"]) == 0
    assert capsys.readouterr() == ("", f"note: {job.notice}\n")


def test_a_run_that_is_not_where_it_was_asked_for_is_printed_and_exit_code_2(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.error = UnsavedError("a: disk full; the results are in b", {"c": 1}, "a table", Path("b"))
    assert main(["run", str(machine)]) == 2
    assert capsys.readouterr() == ("a table\n", f"error: {job.error}\n")
    assert main(["run", str(machine), "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {"c": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "weight_banks.cuont=8"], "--set weight_banks.cuont=8: weight_banks.cuont: unk"),
        (["--set", "weight_banks.count"], "--set: got 'weight_banks.count'; expected key=value"),
        (["--set", "=8"], "--set: got '=8'; expected key=value"),
        (["--task", "svnh"], "--task svnh: task.name: unknown value 'svnh'"),
        (["--chips", "0"], "--chips 0: simulation.chips: 0 is out of range; expected at least 1"),
        (["--seed", "-1"], "--seed -1: simulation.seed: -1 is out of range; expected at least 0"),
    ],
)
def test_a_wrong_option_is_one_message_and_exit_code_2(
    words: list[str], message: str, machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(machine), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert "Traceback" not in err
    assert job.calls == []


@pytest.mark.parametrize("words", [["run"], ["bogus"], ["run", "a", "--chips", "x"], ["validate"]])
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: pnnsim" in err


def test_an_error_of_the_user_in_the_job_is_exit_code_2(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.error = TaskError("train_32x32.mat: is cut short")
    assert main(["run", str(machine)]) == 2
    assert capsys.readouterr().err == "error: train_32x32.mat: is cut short\n"


def test_an_error_of_ours_is_exit_code_1_with_a_trace_only_on_demand(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job.error = ZeroDivisionError("division by zero")
    assert main(["run", str(machine)]) == 1
    err = capsys.readouterr().err
    assert "this is a fault of ours, sorry (ZeroDivisionError: division by zero)" in err
    assert "Traceback" not in err
    assert main(["run", str(machine), "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("PNNSIM_DEBUG", "1")
    assert main(["run", str(machine)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130_and_says_so(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.error = KeyboardInterrupt()
    assert main(["run", str(machine)]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
    assert main(["run", str(machine), "--resume", "kept"]) == 130
    assert capsys.readouterr().err == (
        "kept: the same command goes on from the last checkpoint in this folder\ninterrupted\n"
    )


#: Moves the cursor, changes the colour, sets the title, hides what follows, turns the direction.
HOSTILE = "\x1b[2J\x9b31m\x1b]0;t\x07\u202ex"


def tame(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_nothing_that_is_printed_commands_the_terminal(
    machine: Path, job: Job, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(f"a{HOSTILE}.yaml")
    file.write_text(MACHINE)
    damaged = Path(f"b{HOSTILE}.yaml")
    damaged.write_text(changed("rows: 64", f'"rows{HOSTILE.encode("unicode_escape").decode()}": 1'))
    printed = ""
    for words, code in [
        (["validate", str(file)], 0),
        (["validate", str(damaged)], 2),
        (["validate", f"none{HOSTILE}"], 2),
        (["validate", f"none{HOSTILE}.yaml"], 2),
        (["compare", f"none{HOSTILE}.yaml", f"none{HOSTILE}"], 2),
        (["run", str(file), "--set", f"weight_banks.{HOSTILE}=1"], 2),
        (["run", str(file), "--set", HOSTILE], 2),
        (["run", str(file), "--out", f"a{HOSTILE}.yaml"], 2),
        (["run", str(file), "--out", f"a{HOSTILE}.yaml/a"], 2),
    ]:
        assert main(words) == code, words
        out, err = capfd.readouterr()
        assert tame(out), words
        assert tame(err), words
        printed += out + err
    assert printed.count(r"\x1b[2J\x9b31m\x1b]0;t\x07\u202ex") >= 9
    for error, code in [
        (TaskError(f"{HOSTILE}: damaged\nerror: forged"), 2),
        (ZeroDivisionError(HOSTILE), 1),
        (UnsavedError("a: lost", {"name": HOSTILE}, "a table", None), 2),
    ]:
        job.error = error
        assert main(["run", str(machine), "--json"]) == code
        out, err = capfd.readouterr()
        assert tame(out), error
        assert tame(err), error
        assert "\nerror: forged" not in err
        assert not out or json.loads(out) == {"name": HOSTILE}


def test_messages_are_bounded(machine: Path, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 10_000_000
    assert main(["validate", *(f"{long[:3000]}{i}.yaml" for i in range(3))]) == 2
    assert main(["run", str(machine), "--set", f"weight_banks.{long}=1"]) == 2
    assert main(["run", str(machine), "--set", long]) == 2
    assert main(["compare", *(f"{long[:9000]}{i}" for i in range(1000))]) == 2
    for error, code in ((TaskError(long), 2), (ZeroDivisionError(long), 1)):
        job.error = error
        assert main(["run", str(machine)]) == code
    assert len(capsys.readouterr().err) < 250_000


def test_compare_puts_network_kinds_on_one_machine(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "rnn", "relaxnet", "dnn", str(machine), "--hardware", "photonic_mrr"]
    assert main([*words, "--set", "network.steps=6"]) == 0
    rows = job.calls[0]["rows"]
    assert [(label, e.hardware.name, e.network.weight_sets) for label, e in rows] == [
        ("rnn", "photonic_mrr", 1),
        ("relaxnet", "photonic_mrr", 2),
        ("dnn", "photonic_mrr", 6),
        (str(machine), "small", 2),
    ]
    assert capsys.readouterr().out == "many tables\n"
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["label"] for row in printed] == ["rnn", "relaxnet", "dnn", str(machine)]
    assert [row["beats"] for row in printed] == [
        [{"label": "relaxnet", "draws": 8, "energy_j": 0.75}],
        [{"label": "rnn", "draws": 8, "energy_j": 0.25}],
        [],
        [],
    ]


def test_compare_shows_the_problems_of_all_before_any_work(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "rnn", "nope", "none.yaml"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 2
    assert job.calls == []


def test_compare_hints_at_kinds_of_networks(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "rnn", "relaxnt"]) == 2
    assert capsys.readouterr().err.endswith("Hint: did you mean 'relaxnet'?\n")
    assert main(["compare", "rnn", "photonic_mr"]) == 2
    assert capsys.readouterr().err.endswith("Hint: did you mean 'photonic_mrr'?\n")


def test_quiet_leaves_json_alone(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(machine), "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "µ": 0.5}
    assert job.calls[0]["progress"] is None


@pytest.mark.slow
def test_a_derivative_has_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", "photonic_mrr"]) == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert [text for text in rows["switch.rise_time"] if "/" in text] == ["s/s", "J/s"]
    assert [text for text in rows["weight_banks.hold_power"] if "/" in text] == ["s/W", "J/W"]
    assert rows["switch.bits"][-3:-2] + rows["switch.bits"][-1:] == ["s", "J"]
    assert main(["sensitivity", "photonic_mrr", "--json"]) == 0
    units = {row["parameter"]: row["parameter_unit"] for row in json.loads(capsys.readouterr().out)}
    assert units["weight_banks.hold_power"] == "W"
    assert units["switch.bits"] == ""


def test_components_and_specs_are_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["components"]) == 0
    assert "weight_banks  mrr" in capsys.readouterr().out
    assert main(["components", "memory"]) == 0
    assert "mrr" not in capsys.readouterr().out
    assert main(["components", "weight_banks.mrr"]) == 0
    assert "slow_time_constant " in capsys.readouterr().out
    assert main(["components", "weight_banks.mr"]) == 2
    assert "did you mean 'mrr'?" in capsys.readouterr().err
    assert main(["specs"]) == 0
    listed = capsys.readouterr().out
    assert any(line.split()[:2] == ["photonic_mrr", "Thermal"] for line in listed.splitlines())


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "pnnsim machine"


@pytest.mark.parametrize("words", ["validate photonic_mrr", "specs", "schema", "--help"])
@pytest.mark.parametrize("buffered", [True, False])
def test_a_reader_that_leaves_early_is_no_error(buffered: bool, words: str) -> None:
    # Buffered output fails when the process ends, unbuffered output where it is printed.
    environment = {**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pnnsim", *words.split()],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_progress_is_for_terminals_only() -> None:
    assert terminal_progress() is None  # a test's standard error is no terminal


def test_a_progress_bar_takes_work_that_ends_early_and_work_that_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TerminalProgress() as bar:
        bar.advance(1)  # before any work: nothing to count
        bar.start("training", 3)
        bar.advance(2, "loss 0.3")
        bar.start("simulating", 5)
        bar.advance(5)
        bar.finish()
        bar.finish()
    assert capsys.readouterr().out == ""
