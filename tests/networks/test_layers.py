"""Layers of any network that is described: kept digital, or with bits and scaling of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

import pnnsim
from pnnsim.errors import SpecError, WorkloadError
from pnnsim.inference.ranges import BatchRanges
from pnnsim.inference.written_matrices import written_matrices
from pnnsim.networks.file_network import FileNetwork
from pnnsim.networks.layer_settings import LayerSettings
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.mlp import Mlp
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Mvm, Workload
from pnnsim.specs.experiment import load_experiment


def on_banks(workload: Workload) -> list[str]:
    return [matrix.name for matrix in workload.matrices]


def numbers(workload: Workload) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
        for name, shape in workload.shapes.items()
    }


def test_a_digital_layer_of_a_perceptron_computes_what_it_did_on_banks() -> None:
    wide = Mlp(sizes=(6, 5, 3), activation="relu")
    kept = Mlp(sizes=(6, 5, 3), activation="relu", layers={"weight.0": {"place": "digital"}})  # type: ignore[dict-item]
    assert on_banks(kept.workload) == ["weight.1"]
    assert kept.workload.operations > 0 == wide.workload.operations
    given = numbers(wide.workload)
    digital = {**given, "weight.0": given["weight.0"] * given["gain.0"]}
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(2, 6)
    found = run_reference(kept.workload, {n: digital[n] for n in kept.workload.shapes}, x)
    torch.testing.assert_close(found, run_reference(wide.workload, given, x), rtol=1e-12, atol=0)
    # First weights keep the variance of a signal without a gain, too.
    first = kept.initial_parameters()
    assert set(first) == set(kept.workload.shapes)
    assert 0.5 < float(first["weight.0"].abs().max()) <= (3 / 6) ** 0.5


def test_a_stage_of_an_lrunet_is_digital_in_all_its_repetitions() -> None:
    banks = LruNet(channels=1, side=8, stem=8, repetitions=2)
    kept = banks.model_copy(update={"layers": {"stage1": LayerSettings(place="digital")}})
    gone = {"stage1.depthwise.weight", "stage1.pointwise.weight"}
    assert set(on_banks(banks.workload)) - set(on_banks(kept.workload)) == gone
    given = banks.initial_parameters()
    x = torch.rand((2, 64), dtype=torch.float64)
    found = run_reference(kept.workload, {n: given[n] for n in kept.workload.shapes}, x)
    torch.testing.assert_close(found, run_reference(banks.workload, given, x), rtol=1e-9, atol=1e-9)


def test_a_workload_in_a_file_keeps_its_layers_and_gets_settings(tmp_path: Path) -> None:
    file = tmp_path / "net.json"
    Mlp(
        sizes=(4, 4, 2),
        activation="relu",
        layers={"weight.0": {"bits": 3}},  # type: ignore[dict-item]
    ).workload.save(file)
    read = Workload.load(file)
    assert [matrix.bits for matrix in read.matrices] == [3, None]
    network = FileNetwork(
        kind="workload",
        file=str(file),
        layers={"weight.0": {"place": "digital"}},  # type: ignore[dict-item]
    )
    assert on_banks(network.workload) == ["weight.1"]
    assert all(bool(tensor.any()) for n, tensor in network.initial_parameters().items() if "w" in n)


def test_bits_and_scaling_decide_what_is_written_to_the_banks() -> None:
    module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    with torch.no_grad():
        module[0].weight[0] *= 100.0
    x = torch.rand((4, 8), dtype=torch.float64)
    plain = pnnsim.from_torch(module, x)
    few = pnnsim.from_torch(module, x, layers={"0": {"bits": 2, "scaling": "matrix"}})
    spec = pnnsim.load_spec("photonic_mrr")
    for network, levels in ((plain, 32), (few, 3)):
        chip = pnnsim.Chip.nominal(spec, network)
        written, scales = written_matrices(chip, network.weights, BatchRanges())
        assert len(written[0].unique()) <= levels
        assert len(scales[0].unique()) == (1 if network is few else 4) or network is plain
        exact, _ = written_matrices(chip, network.weights, BatchRanges(), exact=True)
        assert len(exact[0].unique()) > 3
    # Without any non-ideality a machine computes what the module does, rounded nowhere.
    ideal = pnnsim.Surrogate(few, spec, ideal=True)(x)
    torch.testing.assert_close(ideal, module(x), rtol=1e-9, atol=1e-9)
    learned = pnnsim.Surrogate(few, spec)
    learned(x).sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in learned.parameters())


EXPERIMENT = {
    "schema": 1,
    "hardware": "photonic_mrr",
    "network": {
        "kind": "mlp",
        "sizes": [64, 9, 10],
        "activation": "relu",
        "layers": {"weight.0": {"place": "digital"}, "weight.1": {"bits": 4}},
    },
    "task": {"name": "digits"},
}


def test_an_experiment_gives_settings_of_layers_and_resolves_to_itself() -> None:
    experiment = load_experiment(EXPERIMENT, [("network.layers.weight.1.scaling", "matrix")])
    (matrix,) = experiment.network.workload.matrices
    assert (matrix.name, matrix.bits, matrix.scaling) == ("weight.1", 4, "matrix")
    again = load_experiment(yaml.safe_load(experiment.resolved()))
    assert again.sha256() == experiment.sha256()


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("weight.9.bits", "3", "weight.9: no layer with a matrix; expected one of weight.0, wei"),
        ("weight.1.bits", "99", "99 is out of range; expected at least 1 and at most 16"),
        ("weight.0.plac", "digital", "unknown key. Hint: did you mean 'place'?"),
        ("weight.0.bits", "3", "is digital and has bits or a scaling; expected either"),
    ],
)
def test_wrong_settings_of_layers_are_refused(key: str, text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_experiment(EXPERIMENT, [(f"network.layers.{key}", text)])
    assert said in str(caught.value)


def test_what_the_digital_engine_cannot_do_is_refused() -> None:
    """The machine's nonlinearity is analog, and gains of single uses need a bank's detector."""
    digital = {"weight.0": {"place": "digital"}}
    with pytest.raises(WorkloadError, match=r"its activation is that of the machine; expected one"):
        Mlp(sizes=(4, 4, 2), layers=digital).workload  # type: ignore[arg-type]  # noqa: B018
    relaxnet = {**EXPERIMENT, "network": {"kind": "relaxnet", "layers": {"weight": {"bits": 4}}}}
    with pytest.raises(SpecError, match=r"network.layers: unknown key"):
        load_experiment(relaxnet)
    assert all(isinstance(step, Mvm) for step in Mlp(activation="relu").workload.steps)
