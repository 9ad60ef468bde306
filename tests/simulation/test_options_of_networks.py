"""Every option of control, arrivals and training works for every network, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import pnnsim
from pnnsim.errors import SpecError
from pnnsim.networks.mlp import Mlp
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.experiment import load_experiment
from pnnsim.timing.arrivals import arrivals_of

NETWORKS = {
    "relaxnet": {"kind": "relaxnet", "hidden": 8, "steps": 4},
    "relaxnet on banks": {"hidden": 8, "steps": 4, "input_map": "banks", "output_map": "banks"},
    "rnn": {"kind": "rnn", "hidden": 8, "steps": 4, "weight_sets": 1},
    "mlp": {"kind": "mlp", "sizes": [64, 9, 10]},
    "lrunet": {"kind": "lrunet", "stem": 8},
    "workload": {"kind": "workload", "file": "net.json"},
}

DIGITAL_MAPS = {"relaxnet", "rnn"}
NO_MAPS = r"has no digital maps"

#: Settings, whether networks without digital maps have them, and what is said where not.
OPTIONS = {
    "block": ({"control.block": "2", "memory.capacity": "2"}, None),
    "no overlap": ({"control.overlap": "false"}, None),
    "prefetch": ({"control.prefetch": "true", "control.parallel_tiles": "1"}, None),
    "parallel tiles": ({"control.parallel_tiles": "1"}, None),
    "write drivers": ({"control.write_drivers": "2"}, None),
    "refresh": ({"control.refresh_interval": "100 s"}, None),
    "cores": ({"control.cores": "2"}, None),
    "gating": ({"control.gating": "[encoder, detector, readout]"}, None),
    "periodic": ({"simulation.arrivals": "periodic", "simulation.interval": "1 ms"}, None),
    "poisson": (
        {"simulation.arrivals": "poisson", "simulation.rate": "1 MHz", "simulation.queue": "2"},
        None,
    ),
    "exact": ({"simulation.exact": "true"}, None),
    "hardware aware": ({"training.rule": "hardware_aware"}, None),
    "standardize": ({"training.standardize": "true"}, NO_MAPS),
    "state scale": ({"training.state_scale": "0.1"}, NO_MAPS),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_an_option_works_or_says_why_not(name: str, tmp_path: Path) -> None:
    Mlp(sizes=(64, 9, 10), activation="relu").workload.save(tmp_path / "net.json")
    network = {**NETWORKS[name]}
    if "file" in network:
        network["file"] = str(tmp_path / "net.json")
    base = {"schema": 1, "hardware": "photonic_pcm", "network": network, "task": {"name": "digits"}}
    for option, (settings, refusal) in OPTIONS.items():
        pairs = list(settings.items())
        if refusal is not None and name not in DIGITAL_MAPS:
            with pytest.raises(SpecError, match=refusal):
                load_experiment(base, pairs)
            continue
        experiment = load_experiment(base, pairs)
        chip = pnnsim.Chip.nominal(experiment.hardware, experiment.network)
        arrivals = arrivals_of(experiment.simulation, 6)
        timing = time_run(chip, arrivals, exact=experiment.simulation.exact)
        metrics = timing_metrics(timing)
        assert metrics["latency_s"]["first"] > 0, option
        assert len(timing.accesses.bank) == len(timing.run.served), option
