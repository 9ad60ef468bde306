"""Modules of ordinary torch that tests lower."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LeNet(nn.Module):
    """LeNet-5 with relu and max pools, of a map (1, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(self.conv1(x).relu(), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x), inplace=True), 2)
        x = torch.relu(self.fc1(x.view(x.size(0), -1)))
        return self.fc3(torch.relu_(self.fc2(x)))


class Residual(nn.Module):
    """Basic block of ResNet-18: two convolutions with batch norms, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.downsample is not None:
            identity = self.downsample(x)
        y += identity
        return self.relu(y)


class ResNet18(nn.Module):
    """ResNet-18 (He et al., CVPR, 2016) with its 1,000 classes, written as torchvision does."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        blocks: list[nn.Module] = []
        inputs = 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Residual(inputs, outputs, stride), Residual(outputs, outputs, 1)]
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.pool(self.blocks(x)), 1))


class ReLaX(nn.Module):
    """ReLaX-Net as ten lines: two matrices in turn, twelve steps."""

    def __init__(self, inputs: int = 16, hidden: int = 24, outputs: int = 10) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.sets = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(2)])
        self.last = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        for step in range(12):
            h = 0.5 * h + torch.relu(self.sets[step % 2](h))
        return self.last(h)


class Transformer(nn.Module):
    """Two blocks of torch's encoder with an embedding, and one more attention written out."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 16)
        self.places = nn.Parameter(0.1 * torch.ones(6, 16))
        block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu")
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.qkv = nn.Linear(16, 48)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = self.blocks(self.table(x) + self.places)
        q, k, v = self.qkv(h).view(len(x), -1, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = self.norm(h + y.transpose(1, 2).flatten(2))
        return self.head(h.mean(dim=1))


class Named(nn.Module):
    """Function of torch between two layers."""

    def __init__(self, between) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.inner = Between(between)
        with torch.no_grad():
            width = between(torch.zeros(1, 8)).shape[-1]
        self.last = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inner(self.first(x)))


class Between(nn.Module):
    """Function of torch as a module."""

    def __init__(self, function) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def settled(module: nn.Module, seed: int = 0) -> nn.Module:
    """Return a module in float64 whose weights and running statistics are drawn from a seed.

    Args:
        module: The module.
        seed: Seed.
    """
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            bound = max(parameter[0].numel(), 1) ** -0.5 if parameter.dim() else 1.0
            parameter.copy_(
                bound * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            )
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator).double())
            elif name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator).double())
    return module
