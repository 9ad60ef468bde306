"""An LruNet from the experiment file that is shipped, with everything that a ReLaX-Net has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import pnnsim
from pnnsim.cli.app import main
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.experiment import load_experiment
from pnnsim.timing.arrivals import Arrivals

FILE = Path(__file__).parents[2] / "examples" / "lrunet_digits.yaml"


def timed(*settings: tuple[str, str], arrivals: int | Arrivals = 4) -> dict:
    experiment = load_experiment(FILE, settings)
    chip = pnnsim.Chip.nominal(experiment.hardware, experiment.network)
    return timing_metrics(time_run(chip, arrivals))


def test_control_orders_ten_repetitions_as_it_orders_any_network() -> None:
    """Accesses are shared by a block, cores share samples, banks are refreshed while they wait."""
    plain = timed()
    assert plain["counts"]["switch.route"] == 4 * 253 - 1
    assert "weight_banks.write" not in plain["counts"]
    block = timed(("control.block", "4"), ("memory.capacity", "4"))
    assert block["counts"]["switch.route"] == 253 - 1
    assert block["energy_j"]["per_inference"] < plain["energy_j"]["per_inference"]
    cores = timed(("control.cores", "2"))
    assert cores["makespan_s"] == pytest.approx(plain["makespan_s"] / 2, rel=0.01, abs=0)
    slow = timed(("control.overlap", "false"))
    assert slow["latency_s"]["first"] > plain["latency_s"]["first"]
    few = timed(("weight_banks.count", "8"), arrivals=1)
    assert few["counts"]["weight_banks.write"] > 20
    often = ("control.refresh_interval", "20 ms")
    rare = Arrivals(4, range(0, 4 * 10**13, 10**13), interval_fs=10**13)  # every 10 ms
    assert timed(often, arrivals=rare)["counts"]["weight_banks.refresh"] == 28


@pytest.mark.slow
def test_chips_and_cores_run_a_small_one_and_training_draws_its_non_idealities() -> None:
    settings = [("network.repetitions", "1"), ("control.cores", "2")]
    experiment = load_experiment(FILE, settings)
    spec, network = experiment.hardware, experiment.network
    drawn = {"weight_banks.write_repeatability"}
    surrogate = pnnsim.Surrogate(network, spec, drawn=drawn, redraw=1)
    x, y = torch.rand(4, 64, dtype=torch.float64), torch.tensor([0, 1, 2, 3])
    assert not torch.equal(surrogate(x), surrogate(x))
    result = pnnsim.simulate(spec, surrogate, x, y, chips=1)
    assert result.metrics["accuracy"]["surrogate"] in (0.0, 0.25, 0.5, 0.75, 1.0)
    assert {layer["name"] for layer in result.metrics["layers"]} >= {"stage4.pointwise.weight"}


def test_its_tiles_are_mapped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(FILE)]) == 0
    assert "every weight set stays where it is: nothing is rewritten" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("rule", ["backprop", "hardware_aware"])
def test_the_whole_file_runs_with_ten_repetitions(tmp_path: Path, rule: str) -> None:
    quick = [("training.epochs", "1"), ("training.examples", "64"), ("simulation.samples", "4")]
    experiment = load_experiment(FILE, quick, rule=rule)
    done = run(experiment, out=tmp_path / "run")
    metrics = done.metrics
    assert metrics["network"]["repetitions"] == 10
    assert {"float", "int8", "surrogate", "hardware_mean"} <= set(metrics["accuracy"])
    assert metrics["latency_s"]["first"] > 3e-6
    assert metrics["band"]["latency_s"]["p5"] < metrics["band"]["latency_s"]["p95"]
    events = json.loads((tmp_path / "run" / "trace.json").read_text("utf-8"))["traceEvents"]
    assert len(events) > 1000
    again = load_experiment(tmp_path / "run" / "resolved.yaml")
    assert again.sha256() == experiment.sha256()
