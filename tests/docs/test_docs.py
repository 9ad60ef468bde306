"""The documentation is true: its programs and commands run, its links lead somewhere, and the
pages that follow from the code are up to date."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pnnsim.cli.app import main
from pnnsim.explore.chip_yield import ChipYield
from pnnsim.explore.load_curve import LoadCurve
from pnnsim.explore.study import Study
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.experiment_run import Comparison, JobResult
from pnnsim.specs.experiment import Experiment
from pnnsim.specs.hardware import load_spec
from tests.analysis.report_example import write_example_run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TOLD = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]

#: What makes a run quick enough for a test.
QUICK = [
    *("--set", "training.epochs=1"),
    *("--set", "simulation.chips=1"),
    *("--set", "simulation.samples=20"),
]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M)


def name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `run` and `compare` load what they are given, and then leave out the work.

    That a run works, and repeats from its `resolved.yaml`, is tested where runs are.
    """

    def run(experiment: Experiment, *, out: Path, **rest: Any) -> JobResult:
        write_example_run(out)  # pages draw figures of a run, and cite its sources
        (out / "resolved.yaml").write_text(experiment.resolved(), encoding="utf-8")
        return JobResult({}, "", out)

    def compare(experiments: list[tuple[str, Experiment]], **rest: Any) -> Comparison:
        assert len(experiments) > 1
        return Comparison([], "")

    monkeypatch.setattr("pnnsim.simulation.experiment_run.run", run)
    monkeypatch.setattr("pnnsim.simulation.experiment_run.compare", compare)

    def start(study: Study, *rest: Any) -> None:
        study._make_folder()
        with study.store() as store:
            store.begin(study.spec.text(), "")

    def one_chip(base: Any, variants: Any, require: Any, **rest: Any) -> list[ChipYield]:
        return [ChipYield(pairs, ({"accuracy": 1.0},), (True,), {}) for pairs in variants]

    def no_load(*given: Any, **rest: Any) -> list[LoadCurve]:
        return []

    monkeypatch.setattr(Study, "_run", start)
    monkeypatch.setattr("pnnsim.explore.chip_yield.chip_yields", one_chip)
    monkeypatch.setattr("pnnsim.explore.load_curve.load_curves", no_load)


def write_named_files(page: Path, folder: Path) -> None:
    """Write the files of a page: blocks of YAML that begin with `# NAME.yaml`."""
    for text in blocks(page, "yaml"):
        named = re.match(r"# ([\w-]+\.yaml)\n", text)
        if named is not None and not (folder / named[1]).exists():
            (folder / named[1]).write_text(text, "utf-8")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("page", TOLD, ids=name)
def test_commands_of_a_page_exist_and_load_in_their_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "data", tmp_path / "examples" / "data")
    for file in (ROOT / "examples").glob("*.yaml"):
        shutil.copy(file, tmp_path / "examples")
    write_named_files(page, tmp_path)
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    if "runs/first" in "".join(lines) and "--out runs/first" not in "".join(lines):
        assert main(["run", "photonic_mrr", "--out", "runs/first"]) == 0
    for line in lines:
        assert line.startswith("$ "), line
        words = shlex.split(line.removeprefix("$ ").partition(" > ")[0])
        if words[0] == "cp":
            shutil.copy(words[1], words[2])
        elif words[0] == "python":
            # Examples and recipes have tests of their own.
            target = words[2].replace(".", "/") + ".py" if words[1] == "-m" else words[1]
            assert (ROOT / target).is_file()
        else:
            assert words[0] == "pnnsim"
            assert main(words[1:]) == 0, (line, capsys.readouterr().err)


@pytest.mark.slow
@pytest.mark.parametrize("page", TOLD, ids=name)
def test_programs_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, program in enumerate(blocks(page, "python")):
        script = tmp_path / f"block{number}.py"
        script.write_text(program.replace("epochs=40", "epochs=1"), encoding="utf-8")
        runpy.run_path(str(script))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_generated_pages_are_up_to_date() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "make_reference.py"), "--check"]
    found = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_schedules_in_the_documentation_are_those_of_the_tests() -> None:
    tests = (ROOT / "tests" / "timing" / "test_timing_drawn.py").read_text("utf-8")
    drawings = blocks(DOCS / "background" / "timing.md", "text")
    assert len(drawings) == 5
    for drawing in drawings:
        assert textwrap.indent(drawing, 8 * " ") in tests


def keys(value: Any, path: str = "") -> set[str]:
    """Return the keys of nested data, dotted; `[]` stands for the members of a list."""
    if isinstance(value, dict):
        inner = [keys(v, f"{path}.{k}" if path else k) for k, v in value.items()]
        return set().union(*inner)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return keys(value[0], f"{path}[]")
    return {path}


@pytest.mark.slow
def test_every_key_of_the_metrics_is_explained_and_the_tutorial_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert main(["run", "photonic_mrr", "--out", out, "--json", *QUICK]) == 0
    metrics = json.loads(capsys.readouterr().out)
    _tutorial_is_right(metrics)
    found = keys(metrics)
    table = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    explained = [
        key
        for row in re.findall(r"^\| (`.*?) \|", table, re.M)
        for key in re.findall(r"`([^`]+)`", row)
    ]
    assert len(explained) == len(set(explained))
    groups = tuple(key.removesuffix("*") for key in explained if key.endswith(".*"))
    unexplained = {key for key in found if key not in explained and not key.startswith(groups)}
    assert unexplained == set()
    gone = {
        key
        for key in explained
        # Networks whose values become numbers alone are calibrated.
        if not key.startswith("calibration.")
        and not any(k.startswith(key[:-1]) if key.endswith(".*") else k == key for k in found)
    }
    assert gone == set()


def _tutorial_is_right(metrics: dict[str, Any]) -> None:
    """Check the figures that the tutorial puts into words."""
    longest = metrics["critical_path"][0]
    assert (longest["component"], round(longest["share"], 1)) == ("switch", 0.9)  # nine tenths
    energy = metrics["energy_j"]
    hot = [energy["by_component"][part] for part in ("weight_banks", "environment")]
    assert min(hot) > 0.4 * energy["total"]  # rings and their cooler take nearly all
    assert metrics["latency_s"]["p50"] > metrics["latency_s"]["first"]  # inputs wait
    assert metrics["latency_s"]["first"] == metrics["closed_form"]["latency_s"]
    banks = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet()).weight_banks
    assert 0.5e12 < banks.delay_fs("write") < 1e12  # most of a millisecond
