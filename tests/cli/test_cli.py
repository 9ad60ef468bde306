"""The command line: exit codes, where output goes, and that help needs nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pnnsim.cli.app import main
from pnnsim.common.progress import TerminalProgress, terminal_progress
from pnnsim.specs.experiment import load_experiment
from tests.cli.jobs import Job
from tests.specs.spec_text import changed


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
    assert callable(call.pop("announce"))
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


def test_a_run_under_another_name_says_so(
    machine: Path, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.notice = "a: was taken; the results are in a-2"
    assert main(["run", str(machine), "--quiet"]) == 0
    assert capsys.readouterr() == ("", f"note: {job.notice}\n")


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
    few = ["--set", "network.steps=2"]
    assert main(["sensitivity", "photonic_mrr", *few]) == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert [text for text in rows["switch.rise_time"] if "/" in text] == ["s/s", "J/s"]
    assert [text for text in rows["weight_banks.hold_power"] if "/" in text] == ["s/W", "J/W"]
    assert rows["switch.bits"][-3:-2] + rows["switch.bits"][-1:] == ["s", "J"]
    assert main(["sensitivity", "photonic_mrr", *few, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0].keys() >= {"parameter", "latency", "energy"}
    units = {row["parameter"]: row["parameter_unit"] for row in found}
    assert units["weight_banks.hold_power"] == "W"
    assert units["switch.bits"] == ""


def test_components_and_specs_are_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["components"]) == 0
    assert "weight_banks  mrr" in capsys.readouterr().out
    assert main(["components", "memory"]) == 0
    assert "mrr" not in capsys.readouterr().out
    assert main(["components", "weight_banks.mrr"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "slow_time_constant" in rows
    assert " 2 " in rows["count"]  # of the shipped machine
    assert main(["components", "training"]) == 0
    assert "warmup " in capsys.readouterr().out
    assert main(["components", "network"]) == 0
    assert "network  lrunet" in capsys.readouterr().out
    assert main(["components", "weight_banks.mr"]) == 2
    assert "did you mean 'mrr'?" in capsys.readouterr().err
    assert main(["specs"]) == 0
    listed = capsys.readouterr().out
    assert any(line.split()[:2] == ["photonic_mrr", "Thermal"] for line in listed.splitlines())


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    for of in ("machine", "experiment", "study"):
        assert main(["schema", of]) == 0
        assert json.loads(capsys.readouterr().out)["title"] == f"pnnsim {of}"
    assert main(["schema"]) == 0
    title = json.loads(capsys.readouterr().out)["title"]
    assert title == "pnnsim machine, experiment or study"


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
