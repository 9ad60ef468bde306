"""Commands that read past runs or descriptions and write files: plot, cite, compare, new, show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pnnsim.cli.app import main
from pnnsim.specs.hardware import load_spec
from tests.analysis.report_example import write_example_run
from tests.analysis.test_report_html import Page


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_example_run(tmp_path / "runs" / "a")


def test_plot_writes_figures_with_their_data(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", str(run), "--figure", "energy", "--format", "pdf"]) == 0
    assert (tmp_path / "energy.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "energy.csv").read_text().startswith("component,")
    assert "energy.pdf" in capsys.readouterr().out
    # The suffix of a file decides, whatever the format.
    assert main(["plot", str(run), "--figure", "path", "--out", "p.png", "-q"]) == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == ""
    # A column of a journal is 89 mm wide.
    assert main(["plot", str(run), "--figure", "path", "-q"]) == 0
    width = re.search(r'width="([\d.]+)pt"', (tmp_path / "path.svg").read_text())
    assert width is not None
    assert float(width[1]) / 72 * 25.4 == pytest.approx(89, rel=0.01, abs=0.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot", "runs/a", "--figure", "enrgy"], "did you mean 'energy'?"),
        (["plot", "runs/a", "--out", "x.png"], "--figure chooses one"),
        (["plot", "runs/b"], "cannot be read"),
        (["plot", "runs/a", "--figure", "path", "--out", "no/where"], "cannot be written"),
        (["cite", "photonic_mr"], "did you mean 'photonic_mrr'?"),
        (["compare", "runs/a", "--latex", "--json"], "expected one of them"),
        (["compare", "runs/a", "--html", "no/c.html"], "cannot be written"),
        (["new", "runs"], "ends in .yaml"),
        (["new", "old.yaml"], "--force replaces it"),
        (["new", "no/where.yaml"], "cannot be written"),
        (["new", "./-.yaml"], "is not a name"),
        (["new", "my.yaml", "--from", "photonic_mr"], "did you mean 'photonic_mrr'?"),
        (["new", "my.yaml", "--from", "old.yaml"], "has no name"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    (tmp_path / "old.yaml").write_text("schema: 1\n")
    before = sorted(tmp_path.rglob("*"))
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "old.yaml").read_text() == "schema: 1\n"


def test_cite_prints_bibtex_of_a_run_and_of_a_machine(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cite", str(run)]) == 0
    of_run = capsys.readouterr().out
    assert of_run.count("@misc{") == 2
    assert "eprint = {2508.11146}" in of_run
    assert main(["cite", "photonic_mrr"]) == 0
    assert "@misc{lu2016optexpress24," in capsys.readouterr().out


def test_past_runs_are_compared_without_running_anything(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_example_run(tmp_path / "runs" / "b", "slow", slower=3.0)
    assert main(["compare", str(run), str(other), "--html", "c.html", "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert two["metrics"]["hardware"] == "slow"
    # Draws are paired: each of the three feasible ones of the first is three times faster.
    (beats,) = one["beats"]
    assert (beats["draws"], beats["latency_s"], beats["interval_s"]) == (3, 1.0, 0.0)
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("svg") == 2 * 3  # trade-off, accuracies, order
    words = " ".join(" ".join(page.words).split())
    for wanted in ("runs/a ★", "Comparison of 2 runs", "100 % / 0 %", "96.94 ± 0.42 %"):
        assert wanted in words, wanted
    assert "runs/b ★" not in words  # slower, and no better in anything
    assert not re.search(r'(?:src|href)="https?:', text)
    assert main(["compare", str(run), str(other), "--latex"]) == 0
    assert "\\begin{tabular}{lrrrrrrrrr}" in capsys.readouterr().out


def test_past_runs_are_compared_without_torch(run: Path) -> None:
    code = (
        "import sys; from pnnsim.cli.app import main; main(['compare', 'runs/a', '-q']); "
        "sys.exit(bool({'torch', 'simpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_new_description_is_the_old_one_under_a_name_of_its_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "mine.yaml", "--from", "spintronic_mtj"]) == 0
    assert "pnnsim validate mine.yaml" in capsys.readouterr().out
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=pnnsim.schema.json"
    assert json.loads((tmp_path / "pnnsim.schema.json").read_text(encoding="utf-8"))
    spec, old = load_spec(tmp_path / "mine.yaml"), load_spec("spintronic_mtj")
    assert spec.name == "mine"
    assert spec.values() == old.values()
    assert text.count("#") > 1  # comments stay
    # From one's own file again: one line for editors, not two.
    assert main(["new", "third.yaml", "--from", "mine.yaml", "-q"]) == 0
    assert (tmp_path / "third.yaml").read_text().count("yaml-language-server") == 1


def test_show_says_what_dominates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "photonic_mrr", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    parts = {part["part"]: part for part in found["parts"]}
    assert list(parts)[:3] == ["front_end", "encoder", "switch"]
    assert parts["switch"]["share_of_latency"] == max(p["share_of_latency"] for p in found["parts"])
    assert sum(p["share_of_energy"] for p in found["parts"]) == pytest.approx(1.0, rel=1e-9, abs=0)
    assert sum(p["share_of_latency"] for p in found["parts"]) == pytest.approx(1.0, rel=1e-9, abs=0)
    assert "switch.route" in found["limit"]
    assert main(["show", "photonic_mrr"]) == 0
    text = capsys.readouterr().out
    for wanted in ("electro_optic", "2 weight banks of 64 x 64", "110.7 ns", "published"):
        assert wanted in text, wanted
