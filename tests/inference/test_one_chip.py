"""One nominal chip serves training, simulation and explanation of a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.errors import MappingError
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.simulate import simulate
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import HardwareSpec, load_spec

NETWORK = ReLaXNet(inputs=5, hidden=8, outputs=3, weight_sets=2, steps=2)


@pytest.mark.parametrize("rule", ["backprop", "hardware_aware"])
def test_a_run_builds_its_machine_once(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    built = []
    nominal = Chip.nominal

    def count(spec: HardwareSpec, network: ReLaXNet) -> Chip:
        built.append(spec.name)
        return nominal(spec, network)

    monkeypatch.setattr(Chip, "nominal", staticmethod(count))
    # What is drawn from the ranges of the machine is another one each time.
    changes = [("training.epochs", "1"), ("network.hidden", "8"), ("simulation.band_draws", "0")]
    run(load_experiment("photonic_mrr", changes, rule=rule, chips=1, samples=4))
    assert built == ["photonic_mrr"]


def test_a_chip_in_place_of_its_description_changes_nothing() -> None:
    spec = load_spec("photonic_mrr")
    chip = Chip.nominal(spec, NETWORK)
    one, two = (Surrogate(NETWORK, given, dtype=torch.float64) for given in (spec, chip))
    assert two.chip is chip
    x = torch.rand((6, 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    np.testing.assert_array_equal(one(x).detach(), two(x).detach())
    y = torch.zeros(6, dtype=torch.int64)
    first, second = (simulate(given, one, x, y, chips=1).metrics for given in (spec, chip))
    assert first == second


def test_another_chip_is_refused() -> None:
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    with pytest.raises(MappingError, match="chip: got one of another network; expected"):
        Surrogate(NETWORK.model_copy(update={"hidden": 9}), chip)
    with pytest.raises(MappingError, match="chip: got one named chip0; expected"):
        Surrogate(NETWORK, chip.fabricate(0, 0))
