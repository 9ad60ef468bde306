"""LruNet has the parameters and multiply-accumulates of the publication, and its function.

Counts: by hand from the published code, `models/lrunet.py`; totals agree with the sizes of the
checkpoints released with it. Function: the published form is written out here with torch's
functional convolutions, depthwise with two filters a channel.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from pnnsim.errors import ParameterError
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_files import load, save
from pnnsim.networks.lrunet_module import LruBlock, LruModule, shuffle

CIFAR10 = {"channels": 3, "side": 32, "classes": 10}
CIFAR100 = {"channels": 3, "side": 32, "classes": 100, "width": 2}
FASHION = {"channels": 1, "side": 32, "classes": 10}

#: Network, convolutions and head, batch norm, total, millions of multiply-accumulates.
ROWS = [
    (LruNet(**CIFAR10, repetitions=1), 125_002, 6_400, 131_402, 3.02),
    (LruNet(**CIFAR10, repetitions=2), 125_002, 12_160, 137_162, 5.52),
    (LruNet(**CIFAR10, repetitions=4), 125_002, 23_680, 148_682, 10.51),
    (LruNet(**CIFAR10, repetitions=8), 125_002, 46_720, 171_722, 20.51),
    (LruNet(**CIFAR10, repetitions=14), 125_002, 81_280, 206_282, 35.50),
    (LruNet(**CIFAR100, repetitions=1), 501_284, 12_672, 513_956, 9.58),
    (LruNet(**CIFAR100, repetitions=14), 501_284, 162_432, 663_716, 122.25),
    (LruNet(**FASHION, repetitions=1), 123_850, 6_400, 130_250, 2.72),
    (LruNet(**FASHION, repetitions=10), 123_850, 58_240, 182_090, 25.21),
    (LruNet(channels=1, side=28, repetitions=10), 123_850, 58_240, 182_090, 22.91),
]

SMALL = LruNet(channels=2, side=8, classes=3, stem=8, repetitions=3)


@pytest.mark.parametrize(("network", "shared", "norms", "total", "mmacs"), ROWS)
def test_counts_are_the_published_ones(
    network: LruNet, shared: int, norms: int, total: int, mmacs: float
) -> None:
    counts = network.parameter_counts()
    assert counts == {"shared": shared, "batch_norm": norms, "total": total}
    # The publication's figures are rounded to two digits behind the point.
    assert round(network.macs_per_inference()["total"] / 1e6, 2) == mmacs


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 14, 100])
def test_counts_grow_linearly_with_the_repetitions(n: int) -> None:
    network = LruNet(**CIFAR10, repetitions=n)
    assert network.parameter_counts()["total"] == 125_642 + 5_760 * n
    # By hand: 27 x 64 x 256 + (512 x 32 x 8 / 8 + 2560) x 4, and (18 C + C^2 / 4) H W summed.
    assert network.macs_per_inference()["total"] == 518_144 + 2_498_560 * n


@pytest.mark.parametrize(
    "network",
    [row[0] for row in ROWS if row[0].repetitions <= 4] + [SMALL],
    ids=lambda net: f"{net.channels}x{net.side}x{net.width}x{net.repetitions}",
)
def test_the_module_has_the_counts_of_its_description(network: LruNet) -> None:
    module = LruModule(network).eval()
    found = sum(parameter.numel() for parameter in module.parameters())
    norms = sum(
        parameter.numel()
        for part in module.modules()
        if isinstance(part, nn.BatchNorm2d)
        for parameter in part.parameters()
    )
    counts = network.parameter_counts()
    assert (found - norms, norms, found) == tuple(counts.values())
    assert macs_of(module, network) == network.macs_per_inference()["total"]


def macs_of(module: nn.Module, network: LruNet) -> int:
    """Count multiply-accumulates as they happen, from the shapes that each convolution meets."""
    macs = []

    def count(conv: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        assert isinstance(conv, nn.Conv2d)
        each = conv.in_channels // conv.groups * conv.kernel_size[0] * conv.kernel_size[1]
        macs.append(each * output.numel())

    hooks = [
        part.register_forward_hook(count)
        for part in module.modules()
        if isinstance(part, nn.Conv2d)
    ]
    with torch.no_grad():
        module(torch.rand(1, network.channels * network.side**2))
    for hook in hooks:
        hook.remove()
    return sum(macs)


def published(module: LruModule, x: Tensor) -> Tensor:
    """Compute an LruNet of width 1 as published, from the module's numbers."""

    def norm(y: Tensor, *layers: nn.Module) -> Tensor:
        parts = {
            name: interleaved([getattr(layer, name) for layer in layers])
            for name in ("running_mean", "running_var", "weight", "bias")
        }
        return functional.batch_norm(y, **parts)

    def interleaved(parts: list[Tensor], dim: int = 0) -> Tensor:
        """Channel 0 of each part, channel 1 of each part, …: the order of a grouped conv."""
        return torch.stack(parts, dim + 1).flatten(dim, dim + 1)

    x = functional.conv2d(x, module.stem.weight, stride=2, padding=1)
    x = functional.relu(norm(x, module.norm_stem))
    for number, stage in enumerate(module.stages):
        assert isinstance(stage, LruBlock)
        dw = interleaved([conv.weight for conv in stage.depthwise])
        pw = interleaved([conv.weight for conv in stage.pointwise], dim=1)
        c = x.shape[1]
        for index in range(len(stage.norm_pointwise)):
            u = norm(functional.conv2d(x, dw, padding=1, groups=c), *stage.norm_depthwise[index])
            v = norm(functional.conv2d(u, pw, groups=8), stage.norm_pointwise[index])
            x = functional.relu(v + x)
            if index + 1 < len(stage.norm_pointwise):
                half = c // 2
                order = [place for i in range(half) for place in (half + i, i)]
                x = x[:, order]
        if number in (0, 1, 3):
            x = functional.max_pool2d(x, 3, 2, 1)
        if number < 3:
            x = torch.cat([x, x], 1)
    x = functional.relu(
        norm(functional.conv2d(x, module.reduce.weight, groups=8), module.norm_head)
    )
    x = functional.relu(functional.conv2d(x, module.classify.weight, module.classify.bias))
    return functional.adaptive_avg_pool2d(x, 1).flatten(1)


def randomized(network: LruNet) -> LruModule:
    """Return a module in evaluation mode, no statistic or gain of which is 0 or 1."""
    module = LruModule(network, seed=1).double()
    generator = torch.Generator().manual_seed(2)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight.data, part.running_var):
                assert tensor is not None
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (part.bias.data, part.running_mean):
                assert tensor is not None
                tensor.uniform_(-0.5, 0.5, generator=generator)
    return module.eval()


def test_the_module_is_the_published_function() -> None:
    module = randomized(LruNet(channels=2, side=28, classes=5, stem=16, repetitions=3))
    x = torch.rand(3, 2, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        # Float64 sums in another order; values are of the order of 10.
        torch.testing.assert_close(module(x), published(module, x), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(module(x.flatten(1)), module(x), rtol=0, atol=0)


def test_the_shuffle_swaps_halves_and_interleaves() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle(x).flatten().tolist() == [3, 0, 4, 1, 5, 2]


def test_weights_are_shared_and_norms_are_private() -> None:
    """Another repetition adds batch norms and nothing else."""
    names = [
        {
            name
            for name, _ in LruModule(SMALL.model_copy(update={"repetitions": n})).named_parameters()
        }
        for n in (1, 2)
    ]
    added = names[1] - names[0]
    assert names[0] < names[1]
    assert all("norm_" in name for name in added)
    assert len(added) == 4 * 3 * 2  # stages, norms of a repetition, gain and shift


def test_copies_are_weights_of_each_repetition() -> None:
    once, copies = SMALL, SMALL.model_copy(update={"shared": False})
    whole, own = once.parameter_counts(), copies.parameter_counts()
    ends = {conv.name: conv.weights for conv in once.convolutions() if conv.repetitions == 1}
    repeated = whole["shared"] - sum(ends.values()) - once.classes
    assert own["shared"] == whole["shared"] + 2 * repeated
    assert own["batch_norm"] == whole["batch_norm"]
    assert own["total"] == sum(p.numel() for p in LruModule(copies).parameters())
    assert copies.macs_per_inference() == once.macs_per_inference()
    assert copies.workload.macs == once.workload.macs


def test_copies_of_the_same_weights_are_the_shared_network() -> None:
    module = randomized(SMALL)
    copies = LruModule(SMALL.model_copy(update={"shared": False})).double().eval()
    copies.load_state_dict({**copies.state_dict(), **module.state_dict()})
    x = torch.rand(2, 2 * 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert not torch.equal(copies(x), module(x))
        for stage, own in zip(module.stages, copies.stages, strict=True):
            assert isinstance(stage, LruBlock)
            assert isinstance(own, LruBlock)
            for shared, each in (
                (stage.depthwise, own.depthwise),
                (stage.pointwise, own.pointwise),
            ):
                for place, conv in enumerate(each):
                    conv.load_state_dict(shared[place % len(shared)].state_dict())
        torch.testing.assert_close(copies(x), module(x), rtol=0, atol=0)


def test_the_first_weights_have_the_spread_of_their_fan_out() -> None:
    module = LruModule(LruNet(channels=3, side=32), seed=5)
    stage = module.stages[3]
    assert isinstance(stage, LruBlock)
    dw = torch.cat([conv.weight for conv in stage.depthwise])
    pw = torch.cat([conv.weight for conv in stage.pointwise], dim=1)
    for weight in (module.stem.weight, dw, pw, module.reduce.weight):
        expected = torch.empty_like(weight)
        fan_out = nn.init._calculate_fan_in_and_fan_out(expected)[1]
        # The spread of a sample of n is known to 1 / sqrt(2 n); five times that is allowed.
        allowed = 5.0 / (2.0 * weight.numel()) ** 0.5
        assert float(weight.detach().std()) * (fan_out / 2.0) ** 0.5 == pytest.approx(
            1.0, abs=allowed
        )


def test_training_mode_uses_dropout_and_the_batch() -> None:
    module = LruModule(SMALL)
    x = torch.rand(4, 2 * 64, generator=torch.Generator().manual_seed(0))
    module.train()
    before = module.norm_stem.running_mean.clone()  # type: ignore[union-attr]
    module(x).sum().backward()
    assert not torch.equal(before, module.norm_stem.running_mean)  # type: ignore[arg-type]
    assert module.stem.weight.grad is not None


def test_a_description_refuses_what_it_cannot_be() -> None:
    for wrong in ({"width": 3}, {"stem": 12}, {"repetitions": 0}, {"channels": 0}, {"depth": 1}):
        with pytest.raises(ValidationError):
            LruNet(**wrong)  # type: ignore[arg-type]


def test_a_file_gives_back_the_same_module(tmp_path: Path) -> None:
    module = randomized(SMALL).float()
    save(module, tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors")
    x = torch.rand(2, 2 * 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(again(x), module(x))
    assert again.network == SMALL


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    for name in ("other.safetensors", "missing.safetensors"):
        with pytest.raises(ParameterError, match=f"{name}: cannot read an LruNet"):
            load(tmp_path / name)
