"""The command line where something is wrong: exit codes, short messages, tame output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pnnsim.cli.app import main
from pnnsim.errors import TaskError, UnsavedError
from tests.cli.jobs import Job
from tests.specs.spec_text import MACHINE, changed


def test_what_is_not_there_is_not_downloaded_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    words = ["--task", "mnist", "--offline", "--data-dir", str(tmp_path), "--quiet"]
    assert main(["run", "photonic_mrr", "--out", str(tmp_path / "a"), *words]) == 2
    assert "train-images-idx3-ubyte" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


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


def test_compare_shows_the_problems_of_all_before_any_work(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "rnn", "nope", "none.yaml"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 2
    assert job.calls == []
