"""A module of torch and its workload compute the same, whatever the module is made of."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

import pnnsim
from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.lowering.lower_relaxnet import lower_relaxnet
from pnnsim.networks.reference import run_reference
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.workload import Digital, Mvm, Workload
from tests.networks.lowered_modules import Tail, error, operators, samples, tiles, uses
from tests.networks.torch_modules import (
    LeNet,
    ReLaX,
    ResNet18,
    Transformer,
    settled,
)


def test_resnet_18_fills_2855_tiles() -> None:
    module = settled(ResNet18())
    x = samples(2, 3, 32, 32)
    network = from_torch(module, x)
    assert tiles(network.workload, 64) == 2855
    assert error(module, network, x) < 1e-9
    # Batch norms, sums and relus are in the products: 20 convolutions, one linear layer.
    assert len(uses(network.workload)) == 21
    assert set(operators(network.workload)) == {"max_pool", "adaptive_avg_pool", "reshape"}


def test_a_layer_that_is_called_again_is_one_matrix() -> None:
    layer = nn.Linear(6, 6)
    module = settled(nn.Sequential(nn.Linear(4, 6), *[nn.Sequential(layer, nn.Tanh())] * 4))
    network = from_torch(module, samples(3, 4))
    assert uses(network.workload) == [0, 1, 1, 1, 1]
    assert set(network.workload.shapes) == {
        "matrix.0",
        "gain.0",
        "bias.0",
        "matrix.1",
        "gain.1",
        "bias.1",
    }
    assert error(module, network, samples(3, 4)) < 1e-9


def test_equal_layers_are_two_matrices() -> None:
    first = nn.Linear(4, 4)
    second = nn.Linear(4, 4)
    second.load_state_dict(first.state_dict())
    network = from_torch(nn.Sequential(first, second).double(), samples(2, 4))
    assert uses(network.workload) == [0, 1]


def test_a_weight_of_two_layers_is_one_matrix() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight = module[0].weight
    network = from_torch(settled(module), samples(2, 4))
    assert uses(network.workload) == [0, 0]
    assert {"bias.0", "bias.0.1"} <= set(network.workload.shapes)


def test_batch_norms_of_repeated_layers_are_gains_of_each_use() -> None:
    layer = nn.Conv2d(3, 3, 3, padding=1)
    module = settled(nn.Sequential(layer, nn.BatchNorm2d(3), nn.ReLU(), layer, nn.BatchNorm2d(3)))
    x = samples(2, 3, 5, 5)
    network = from_torch(module, x)
    assert uses(network.workload) == [0, 0]
    assert {"gain.0", "gain.0.1", "bias.0", "bias.0.1"} <= set(network.workload.shapes)
    assert operators(network.workload) == []
    assert error(module, network, x) < 1e-9


def test_relax_net_of_torch_has_the_workload_of_relax_net() -> None:
    """All steps, sizes and counts are alike; names of parameters and of f are each one's own."""

    def plain(workload: Workload) -> list[object]:
        found: list[object] = [matrix.shape for matrix in workload.matrices]
        for step in workload.steps:
            if isinstance(step, Digital):
                shapes = tuple(workload.shapes[name] for name in step.parameters)
                found.append(replace(step, parameters=shapes))  # type: ignore[arg-type]
            else:
                assert step.activation in ("machine", "relu")
                assert step.bias is not None
                assert step.gain is not None
                found.append((workload.shapes[step.bias], workload.shapes[step.gain]))
                found.append(replace(step, bias=None, gain=None, activation=None))
        return found

    places = {"first": {"place": "digital"}, "last": {"place": "digital"}}
    module = settled(ReLaX())
    network = from_torch(module, samples(2, 16), layers=places, gains="set")
    ours = ReLaXNet(inputs=16, hidden=24, outputs=10, weight_sets=2, steps=12, residual=0.5)
    theirs = lower_relaxnet(ours)
    assert plain(network.workload) == plain(theirs)
    assert network.workload.values == theirs.values
    assert error(module, network, samples(4, 16)) < 1e-9


def test_a_gain_of_a_set_leaves_the_greatest_weight_at_one() -> None:
    module = settled(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)))
    network = from_torch(module, samples(2, 4), gains="set")
    assert network.workload.shapes["gain.0"] == (3,)
    assert network.workload.shapes["gain.1"] == ()
    for name in ("matrix.0", "matrix.1"):
        assert float(network.weights[name].abs().max()) == 1.0
    assert error(module, network, samples(3, 4)) < 1e-9


def test_a_sequence_crosses_the_banks_as_vectors_once_and_the_state_every_time() -> None:
    for layer, cells in ((nn.LSTM, 1), (nn.GRU, 1), (nn.RNN, 1)):
        module = settled(Tail(layer(5, 7, cells, batch_first=True)))
        workload = from_torch(module, samples(2, 20, 5)).workload
        assert uses(workload) == [0] + [1] * 20
        assert [
            workload.vectors(n) for n, s in enumerate(workload.steps) if isinstance(s, Mvm)
        ] == [20] + [1] * 20


def test_a_plain_recurrent_step_is_one_analog_step() -> None:
    workload = from_torch(settled(Tail(nn.RNN(5, 7, batch_first=True))), samples(2, 6, 5)).workload
    steps = [step for step in workload.steps if isinstance(step, Mvm)][1:]
    assert all(step.activation == "tanh" and step.inject is not None for step in steps)


def test_a_sequence_may_have_its_batch_second() -> None:
    module = settled(Tail(nn.GRU(5, 7)))
    x = samples(6, 3, 5)
    network = from_torch(module, x, batch_axis=1)
    with torch.no_grad():
        expected = module(x).movedim(1, 0)
        found = run_reference(network.workload, network.initial_parameters(), x.movedim(1, 0))
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-9


def test_a_transformer_of_whole_numbers_computes_the_same() -> None:
    module = settled(Transformer())
    x = torch.randint(0, 20, (4, 6), generator=torch.Generator().manual_seed(3))
    network = from_torch(module, x)
    assert network.workload.values[0].dtype == "int"
    assert error(module, network, x) < 1e-9
    # Of each block: in and out projections and two layers; products of activations are counted.
    assert len(network.workload.matrices) == 2 * 4 + 2
    heads, items, width = 4, 6, 4
    products = [
        s for s in network.workload.steps if isinstance(s, Digital) and s.operator == "matmul"
    ]
    assert [s.operations for s in products[:4]] == [heads * items * items * width] * 4


def test_attention_with_other_keys_computes_the_same() -> None:
    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            mask = torch.triu(torch.ones(3, 5, dtype=torch.bool), 2)
            return self.attention(x[:, :3], x, x.flip(2), attn_mask=mask)[0]

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, kdim=8, vdim=6, batch_first=True)
            self.values = nn.Linear(8, 6)

        def forward(self, x: Tensor) -> Tensor:
            made, shares = self.attention(x, x, self.values(x))
            return made + shares.mean(dim=(1, 2), keepdim=True)

    x = samples(3, 5, 8)
    module = settled(Own())
    assert error(module, from_torch(module, x), x) < 1e-9
    module = settled(Cross())
    assert error(module, from_torch(module, x), x) < 1e-9


def test_an_einsum_with_a_parameter_is_a_product_on_banks() -> None:
    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, 8, 3))

        def forward(self, x: Tensor) -> Tensor:
            return torch.einsum("btd,hdk->bhtk", x, self.weight).flatten(1, 2)

    module = settled(Heads())
    x = samples(3, 5, 8)
    network = from_torch(module, x)
    assert [(matrix.outputs, matrix.inputs) for matrix in network.workload.matrices] == [(6, 8)]
    assert error(module, network, x) < 1e-9


def test_a_digital_layer_is_not_on_banks() -> None:
    module = settled(LeNet())
    x = samples(2, 1, 28, 28)
    network = from_torch(module, x, layers={"conv1": {"place": "digital"}})
    assert operators(network.workload)[0] == "conv_digital"
    assert len(network.workload.matrices) == 4
    assert error(module, network, x) < 1e-9
    grouped = settled(nn.Sequential(nn.Conv1d(4, 4, 3, groups=2), nn.ReLU()))
    x = samples(2, 4, 6)
    network = from_torch(grouped, x, layers={"0": {"place": "digital"}})
    assert operators(network.workload) == ["reshape", "conv_digital", "reshape"]
    assert error(grouped, network, x) < 1e-9


def test_gradients_reach_every_parameter() -> None:
    module = settled(LeNet())
    network = from_torch(module, samples(2, 1, 28, 28))
    parameters = {n: t.requires_grad_() for n, t in network.initial_parameters().items()}
    run_reference(network.workload, parameters, samples(3, 1, 28, 28)).square().sum().backward()
    for name, tensor in parameters.items():
        assert tensor.grad is not None, name
        assert float(tensor.grad.abs().max()) > 0, name


def test_a_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    network = from_torch(module, samples(2, 4).float())
    network.initial_parameters()["matrix.0"].zero_()
    assert [part.training for part in module.modules()] == [True, True, False, True, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert float(network.initial_parameters()["matrix.0"].abs().max()) == 1.0


def test_what_a_module_counts_is_left_as_it_was() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)
            self.register_buffer("calls", torch.zeros(1))
            self.register_buffer("last", torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.last = self.calls * 2
            return self.layer(x)

    module = Counting()
    calls = module.calls
    from_torch(module, torch.ones(1, 4))
    assert module.calls is calls
    assert float(module.calls) == float(module.last) == 0


def test_the_call_is_a_public_name() -> None:
    assert pnnsim.from_torch is from_torch


def test_float32_stays_float32() -> None:
    network = from_torch(nn.Linear(4, 2), torch.zeros(1, 4))
    assert {t.dtype for t in network.initial_parameters().values()} == {torch.float32}
