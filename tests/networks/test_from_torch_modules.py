"""Modules of all kinds, and functions between them, compute what their workloads do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.protocol import Network
from tests.networks.lowered_modules import Tail, error, samples
from tests.networks.torch_modules import (
    Between,
    LeNet,
    Named,
    ReLaX,
    settled,
)


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
