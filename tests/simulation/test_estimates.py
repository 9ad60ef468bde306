"""Long runs say what they will take before they start."""

from __future__ import annotations

import re

import pytest
import torch

import pnnsim
from pnnsim.simulation import estimates, experiment_run
from pnnsim.simulation.estimates import estimate_run
from pnnsim.specs.experiment import load_experiment


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pass of one sample take 2 s, a step of it 3 s and a programming 5 s."""
    monkeypatch.setattr(estimates, "_pass", lambda surrogate, x: 2.0 * len(x))
    monkeypatch.setattr(estimates, "_step", lambda surrogate, x: 3.0 * len(x))
    monkeypatch.setattr(estimates, "_programming", lambda chip: 5.0)


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("banks", "programmed"), [(3, 3 * 16), (2, 3 + 1.5 * 100)])
def test_time_counts_passes_steps_and_programmings(banks: int, programmed: float) -> None:
    """Of three matrices on two banks, one or two are written for each sample, in turn."""
    network = pnnsim.ReLaXNet(inputs=4, hidden=4, outputs=2, weight_sets=3, steps=3)
    spec = pnnsim.load_spec("photonic_mrr", [("weight_banks.count", str(banks))])
    surrogate = pnnsim.Surrogate(network, spec)
    found = estimate_run(
        surrogate, torch.zeros(8, 4), samples=100, steps=10, batch=4, chips=2, passes=5
    )
    assert found.train_s == 10 * 3.0 * 4
    assert found.simulate_s == (2 * 5 + 3) * 2.0 * 100 + 2 * 5 * programmed * 5.0
    more = estimate_run(surrogate, torch.zeros(8, 4), samples=10**5, steps=0, batch=4, chips=1)
    assert 900 < more.memory / found.memory < 1000
    assert more.train_s == 0.0


def test_a_long_run_is_announced_and_its_figures_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [
        ("network.hidden", "4"), ("network.steps", "2"), ("training.epochs", "1"),
        ("training.examples", "16"), ("simulation.samples", "4"), ("simulation.chips", "1"),
        ("simulation.band_draws", "0"),
    ]  # fmt: skip
    experiment = load_experiment("photonic_pcm", quick)
    said: list[str] = []
    silent = experiment_run.run(experiment, announce=said.append).metrics
    assert said == []
    monkeypatch.setattr(experiment_run, "LONG", 0.0)
    told = experiment_run.run(experiment, announce=said.append).metrics
    assert len(said) == 1
    form = r"expected to take about \d+ s \(training \d+ s, simulation \d+ s\) and \d+ MiB"
    assert re.fullmatch(form, said[0])
    assert told["accuracy"] == silent["accuracy"]
