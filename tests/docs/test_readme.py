"""The README prints what the commands print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import pnnsim
from pnnsim.analysis.report.text import compare_table
from pnnsim.cli.app import main

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
RUN, COMPARE = re.findall(r"^```text\n(.*?)^```", README, re.DOTALL | re.M)

#: Points by which an accuracy may differ on another processor: nine of 599 samples.
POINTS = 1.5


def accuracies(text: str) -> list[float]:
    """Return the figures of the section on accuracy, in percent, without deviations."""
    section = re.search(r"^Accuracy: .*?(?=\n\n)", text, re.DOTALL | re.M)
    assert section is not None
    rows = " ".join(section[0].splitlines()[1:])
    rows = re.sub(r"95 % sure: +[\d.]+ +to +[\d.]+ +%", "", rows)
    return [float(found) for found in re.findall(r"(?<!± )\b\d+\.\d+", rows)]


def rest(text: str) -> list[str]:
    """Return the lines that follow from the machine alone, without accuracies and the folder."""
    begin = text.index("\nLatency\n")
    return [line for line in text[begin:].splitlines() if not line.startswith("Run folder: ")]


@pytest.mark.slow
def test_a_run_prints_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "photonic_mrr", "--out", "runs/demo"]) == 0
    printed = capsys.readouterr().out
    assert rest(printed) == rest(RUN)
    found, shown = accuracies(printed), accuracies(RUN)
    assert len(found) == len(shown) == 7  # software twice, surrogate, mean, three chips
    assert found[:4] == pytest.approx(shown[:4], abs=POINTS, rel=0.0)
    # One chip alone has a spread of its own, about half a point.
    assert found[4:] == pytest.approx(shown[4:], abs=2 * POINTS, rel=0.0)


def figures(kind: str) -> dict[str, Any]:
    """Return the metrics of a network that follow from the machine alone, with no accuracy."""
    experiment = pnnsim.load_experiment("photonic_mrr", network_kind=kind)
    chip = pnnsim.Chip.nominal(experiment.hardware, experiment.network)
    nothing = {"surrogate": 0.0, "hardware_mean": 0.0, "hardware_std": 0.0, "chips": [0.0]}
    return {
        "accuracy": nothing,
        "parameters": experiment.network.parameter_counts(),
        **pnnsim.timing_metrics(pnnsim.time_run(chip, 599)),
    }


def without_accuracy(table: str) -> list[list[str]]:
    """Return the cells of a table of networks, without those on accuracy."""
    table = table.partition("\n\n")[0]
    rows = [re.split(r"  +", line.strip()) for line in table.splitlines()]
    return [[row[0], *row[3:]] for row in rows if row[0] in ("rnn", "relaxnet", "dnn")]


def test_the_comparison_of_the_readme_is_that_of_the_machine() -> None:
    table = compare_table([(kind, figures(kind)) for kind in ("rnn", "relaxnet", "dnn")])
    assert without_accuracy(table) == without_accuracy(COMPARE)
    assert len(without_accuracy(COMPARE)) == 3
