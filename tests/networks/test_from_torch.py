"""A module of torch and its workload compute the same, whatever the module is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import pnnsim
from pnnsim.errors import WorkloadError
from pnnsim.networks.lowering.from_torch import TorchNetwork, from_torch
from pnnsim.networks.lowering.lower_relaxnet import lower_relaxnet
from pnnsim.networks.protocol import Network
from pnnsim.networks.reference import run_reference
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.workload import Digital, Mvm, Workload
from tests.networks.torch_modules import (
    Between,
    LeNet,
    Named,
    ReLaX,
    ResNet18,
    Transformer,
    settled,
)


def samples(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def error(module: nn.Module, network: TorchNetwork, x: Tensor) -> float:
    """Return the greatest error of a workload, relative to the greatest output."""
    module.eval()
    with torch.no_grad():
        expected = module(x)
        found = run_reference(network.workload, network.initial_parameters(), x)
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def tiles(workload: Workload, size: int) -> int:
    """Return how many square tiles the matrices fill."""
    count = 0
    for matrix in workload.matrices:
        rows, columns = matrix.outputs // matrix.groups, matrix.inputs // matrix.groups
        count += matrix.groups * math.ceil(rows / size) * math.ceil(columns / size)
    return count


def uses(workload: Workload) -> list[int]:
    """Return the matrix of each product."""
    return [step.matrix for step in workload.steps if isinstance(step, Mvm)]


def operators(workload: Workload) -> list[str]:
    return [step.operator for step in workload.steps if isinstance(step, Digital)]


class Tail(nn.Module):
    """First of several results of a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        made = self.layer(x)
        return made[0] if isinstance(made, tuple) else made


class Written(nn.Module):
    """Attention and recurrence as they are written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))
        self.token = nn.Parameter(torch.zeros(1, 1, 6))
        self.item, self.state = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
        self.register_buffer("places", torch.arange(48.0).reshape(8, 6) / 48)

    def forward(self, x: Tensor) -> Tensor:
        batch, items, width = x.shape
        x = torch.cat([self.token.expand(batch, -1, -1), x], 1) + self.places[: items + 1]
        scores = x @ x.transpose(-2, -1) * width**-0.5
        mask = torch.tril(torch.ones(items + 1, items + 1)) == 0
        scores = scores.masked_fill(mask, float("-inf")).softmax(-1)
        x = scores.masked_fill(mask.T, 0.25) @ x
        h, found = x.new_zeros(batch, width), []
        for item in x.unbind(1):
            h = self.factor * h + torch.tanh(self.item(item) + self.state(h))
            found.append(h)
        return torch.stack(found, 1) + torch.ones_like(x)


class Cells(nn.Module):
    """Cell of torch over a sequence, written as a loop."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t]) if state is None else self.cell(x[:, t], state)
        return state[0] if isinstance(state, tuple) else state


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (
        lambda: nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)),
        (784,),
    ),
    "lenet": (LeNet, (1, 28, 28)),
    "conv1d": (
        lambda: nn.Sequential(
            nn.Conv1d(3, 8, 5, stride=2, padding=2),
            nn.BatchNorm1d(8),
            nn.Tanh(),
            nn.MaxPool1d(2, 1, 1),
            nn.Conv1d(8, 4, 3, padding="same", bias=False),
            nn.AdaptiveAvgPool1d(3),
            nn.Flatten(),
            nn.Linear(12, 2),
        ),
        (3, 21),
    ),
    "grouped": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2, padding=1),
            nn.ReLU6(),
            nn.Conv2d(8, 8, 3, groups=8, dilation=2, padding=(2, 1), stride=(1, 2)),
            nn.Hardswish(),
            nn.Conv2d(8, 6, 1),
            nn.ChannelShuffle(3),
            nn.AvgPool2d(3, 2, 1),
        ),
        (4, 7, 9),
    ),
    "even same padding": (lambda: nn.Conv2d(2, 3, (2, 4), padding="same"), (2, 5, 6)),
    "norms": (
        lambda: nn.Sequential(
            nn.BatchNorm1d(6),
            nn.Linear(6, 8),
            nn.BatchNorm1d(8),
            nn.LeakyReLU(0.2),
            nn.LayerNorm(8),
            nn.GroupNorm(4, 8),
            nn.Softplus(),
            nn.Linear(8, 3),
            nn.Softmax(-1),
        ),
        (6,),
    ),
    "norms of maps": (
        lambda: nn.Sequential(
            nn.GroupNorm(2, 4),
            nn.LayerNorm((4, 5, 5)),
            nn.BatchNorm2d(4),
            nn.ELU(),
            nn.ZeroPad2d((1, 0, 2, 1)),
            nn.AdaptiveAvgPool2d((2, 3)),
        ),
        (4, 5, 5),
    ),
    "norm of a sequence": (lambda: nn.GroupNorm(2, 4), (4, 6)),
    "more norms and pools": (
        lambda: nn.Sequential(
            nn.InstanceNorm2d(4, affine=True),
            nn.PReLU(4),
            nn.AdaptiveMaxPool2d((2, None)),
            nn.InstanceNorm2d(4, track_running_stats=True),
            nn.PReLU(),
            nn.Mish(),
        ),
        (4, 6, 5),
    ),
    "lstm": (lambda: Tail(nn.LSTM(5, 7, batch_first=True)), (20, 5)),
    "lstm of two layers": (lambda: Tail(nn.LSTM(5, 7, 2, bias=False, batch_first=True)), (6, 5)),
    "gru": (lambda: Tail(nn.GRU(5, 7, batch_first=True)), (20, 5)),
    "rnn": (lambda: Tail(nn.RNN(5, 7, batch_first=True)), (20, 5)),
    "rnn with relu": (lambda: Tail(nn.RNN(5, 7, 2, "relu", batch_first=True)), (4, 5)),
    "lstm cell": (lambda: Cells(nn.LSTMCell(5, 7)), (4, 5)),
    "gru cell": (lambda: Cells(nn.GRUCell(5, 7)), (4, 5)),
    "rnn cell": (lambda: Cells(nn.RNNCell(5, 7)), (4, 5)),
    "relax": (ReLaX, (16,)),
    "written by hand": (Written, (3, 6)),
    "attention": (
        lambda: Between(nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))),
        (5, 8),
    ),
}


@pytest.mark.parametrize("name", list(MODULES))
def test_a_workload_computes_what_the_module_does(name: str) -> None:
    make, shape = MODULES[name]
    module = settled(make())
    x = samples(5, *shape)
    network = from_torch(module, x[:1])
    assert isinstance(network, Network)
    assert error(module, network, x) < 1e-9
    # A chip stores weights from -1 to 1; some row needs the whole range.
    for matrix in network.workload.matrices:
        weights = network.initial_parameters()[matrix.name]
        assert torch.equal(weights.abs().amax(dim=1), torch.ones(matrix.outputs).double())


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


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "chunks": lambda x: torch.cat([part.relu() for part in x.chunk(3, dim=1)], 1),
    "splits": lambda x: x.split([3, 5], 1)[1] - x[:, :5] / 3,
    "gate": lambda x: x * torch.sigmoid(x) + functional.silu(x, inplace=False),
    "view": lambda x: x.view(-1, 2, 4).transpose(1, 2).reshape(x.size(0), -1),
    "stack": lambda x: torch.stack([x, x.tanh()], dim=2).mean(-1),
    "sum": lambda x: x.unsqueeze(1).sum(dim=1) - x.sum(-1, keepdim=True) * 0.1,
    "in place": lambda x: x.add_(1).mul_(2).relu_(),
    "power": lambda x: (x**2 + x.square()).neg() + (1 - x),
    "clamp": lambda x: x.clamp(-0.2, 0.7) + x.clamp(min=0),
    "pad": lambda x: functional.pad(x[:, None], (2, 1)).squeeze(1),
    "outer": lambda x: torch.matmul(x[:, :, None], x[:, None, :3]).flatten(1),
    "constant": lambda x: x + torch.arange(8, dtype=x.dtype) * torch.eye(8, dtype=x.dtype)[0],
    "assignment": lambda x: _assigned(x),
    "more activations": lambda x: (
        functional.selu(x) + functional.mish(x) - functional.logsigmoid(x) * nn.SELU()(x)
    ),
    "gated": lambda x: functional.glu(x, 1),
    "flip": lambda x: x.flip(1) + x.roll(3, 1) + torch.roll(x, (-1,), (1,)),
    "repeat": lambda x: x.unsqueeze(1).expand(-1, 3, -1).reshape(len(x), 24).repeat(1, 2),
    "expand as": lambda x: x.mean(1, keepdim=True).expand_as(x),
    "einsum": lambda x: torch.einsum(
        "bhd,bkd->bkh", x.view(-1, 2, 4), x.view(-1, 2, 4).relu()
    ).flatten(1),
    "log softmax": lambda x: functional.log_softmax(x, dim=1),
    "permute": lambda x: x.reshape(-1, 2, 2, 2).permute(0, 3, 2, 1).flatten(1),
}


def _assigned(x: Tensor) -> Tensor:
    made = torch.zeros(x.shape[0], 3, 4, dtype=x.dtype)
    made[:, 0] = x[:, :4]
    made[:, 2] = x[:, 4:]
    return made.flatten(1)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_functions_between_layers_compute_the_same(name: str) -> None:
    module = settled(Named(FUNCTIONS[name]))
    x = samples(4, 6)
    assert error(module, from_torch(module, x), x) < 1e-9


REFUSED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "transposed convolution": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.ConvTranspose2d(2, 1, 3)),
        (1, 6, 6),
        r"^1 \(ConvTranspose2d\): conv_transpose2d cannot be lowered; expected .* Hint: ",
    ),
    "two directions": (
        lambda: Tail(nn.LSTM(3, 4, bidirectional=True, batch_first=True)),
        (5, 3),
        r"^layer \(LSTM\): a bidirectional layer; expected one that reads forward\. Hint: ",
    ),
    "projections": (
        lambda: Tail(nn.LSTM(3, 4, proj_size=2, batch_first=True)),
        (5, 3),
        r"^layer \(LSTM\): a layer with projections; expected proj_size = 0\.$",
    ),
    "control flow": (
        lambda: Named(lambda x: x if x.sum() > 0 else -x),
        (6,),
        r"^inner \(Between\): gt cannot be lowered; ",
    ),
    "reading": (
        lambda: Named(lambda x: x * x.max().item()),
        (6,),
        r"^inner \(Between\): max cannot be lowered; ",
    ),
    "numbers of a sample": (
        lambda: Named(lambda x: x * float(x[0, 0])),
        (6,),
        r"^inner \(Between\): (item|__float__) reads the numbers of a sample; .*control flow",
    ),
    "mixed samples": (
        lambda: Named(lambda x: x - x.mean(0, keepdim=True)),
        (6,),
        r"^Named: outputs of two samples differ by .*treats samples apart",
    ),
    "no batch": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.Flatten(0), nn.Linear(8, 3)),
        (6,),
        r"^Sequential: cannot read two samples at once \(.*treats samples apart",
    ),
    "batch of one": (
        lambda: Named(lambda x: x[:, None].squeeze()),
        (6,),
        r"^Named: gives \(3,\) for one sample and \(2, 3\) for two; .* squeeze\(\)\.$",
    ),
    "noise": (
        lambda: Named(lambda x: x + torch.randn(1, 8, dtype=x.dtype)),
        (6,),
        r"^Named: outputs of two samples differ by .*random",
    ),
    "statistics of a batch": (
        lambda: nn.BatchNorm1d(6, track_running_stats=False),
        (6,),
        r"^BatchNorm1d: a batch norm of the statistics of a batch; expected running statistics\.$",
    ),
    "shared memory": (
        lambda: Named(lambda x: [x.view(-1).relu_(), x][1]),
        (6,),
        r"^last \(Linear\): a tensor was changed in place through another one",
    ),
    "several results": (
        lambda: nn.LSTM(3, 4, batch_first=True),
        (5, 3),
        r"^LSTM: gives 3 tensors; expected one\. Hint: ",
    ),
    "a sample that does not fit": (
        lambda: nn.Sequential(nn.Linear(4, 3)),
        (6,),
        r"^0 \(Linear\): matrix \(3, 4\) on \(1, 6\); expected as many inputs as columns",
    ),
    "weights that are not finite": (
        lambda: _broken(nn.Sequential(nn.Linear(6, 3))),
        (6,),
        r"^0\.weight: has numbers that are not finite; expected others$",
    ),
}


def _broken(module: nn.Sequential) -> nn.Sequential:
    with torch.no_grad():
        module[0].weight[0, 0] = torch.inf
    return module


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_lowered_is_refused_by_name(name: str) -> None:
    make, shape, message = REFUSED[name]
    module = make().double()
    with pytest.raises(WorkloadError, match=message) as caught:
        from_torch(module, samples(2, *shape))
    assert "\n" not in str(caught.value)


def test_arguments_are_checked() -> None:
    layer = nn.Linear(4, 2)
    with pytest.raises(WorkloadError, match=r"^module: got str; expected a torch\.nn\.Module$"):
        from_torch("net", torch.zeros(1, 4))  # type: ignore[arg-type]
    for example in (torch.zeros(4), torch.zeros(0, 4), [1.0]):
        with pytest.raises(WorkloadError, match=r"^example: got .*; expected a tensor \(batch"):
            from_torch(layer, example)  # type: ignore[arg-type]
    compiled = nn.Sequential(nn.Identity())
    compiled[0]._orig_mod = layer  # As torch.compile does.
    with pytest.raises(WorkloadError, match=r"^0: is compiled; expected modules of torch\. Hint: "):
        from_torch(compiled, torch.zeros(1, 4))
    with pytest.raises(WorkloadError, match=r"^batch_axis: got 2; expected an axis"):
        from_torch(layer, torch.zeros(1, 4), batch_axis=2)
    with pytest.raises(WorkloadError, match=r"^layers.fc: no layer with a matrix; expected one of"):
        from_torch(nn.Sequential(layer), torch.zeros(1, 4), layers={"fc": {"place": "digital"}})
    with pytest.raises(WorkloadError, match=r"^layers.0.bits: got 4; expected place"):
        from_torch(nn.Sequential(layer), torch.zeros(1, 4), layers={"0": {"bits": 4}})  # type: ignore[dict-item]
