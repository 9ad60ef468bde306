"""What no workload can be made of: modules and arguments that are refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pnnsim.errors import WorkloadError
from pnnsim.networks.lowering.from_torch import from_torch
from tests.networks.lowered_modules import Tail, samples
from tests.networks.torch_modules import (
    Named,
)

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
    with pytest.raises(WorkloadError, match=r"^layers.0.bits: got 40; expected place"):
        from_torch(nn.Sequential(layer), torch.zeros(1, 4), layers={"0": {"bits": 40}})
