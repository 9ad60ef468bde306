"""Small random modules, from a seed: vectors, sequences and maps, with what layers do to them."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Shape = tuple[int, ...]
Made = tuple[nn.Module, Shape]


class Does(nn.Module):
    """Function of torch, and the modules that it uses."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


class Stored(nn.Module):
    """Sum or product with a parameter."""

    def __init__(self, shape: Shape, product: bool) -> None:
        super().__init__()
        self.stored = nn.Parameter(torch.zeros(shape))
        self.product = product

    def forward(self, x: Tensor) -> Tensor:
        return x * self.stored if self.product else self.stored + x


ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.GELU,
    lambda: nn.GELU("tanh"),
    nn.SiLU,
    nn.Tanh,
    nn.Sigmoid,
    lambda: nn.LeakyReLU(0.3),
    nn.ELU,
    lambda: nn.ELU(0.5),
    nn.Softplus,
    lambda: nn.Hardtanh(-0.5, 0.7),
    nn.Hardswish,
    nn.Hardsigmoid,
    lambda: nn.ReLU(inplace=True),
    lambda: nn.Dropout(0.3),
    lambda: Does(lambda x: 0.7 * x - 0.1),
    lambda: Does(lambda x: x.clone().clamp_(min=0)),
    lambda: Does(lambda x: torch.sigmoid(x) * x + x / 2),
)


def of_vector(r: random.Random, shape: Shape) -> Made:
    """Return a layer that reads a vector."""
    (n,) = shape
    m = r.randint(1, 9)
    layer = nn.Linear(n, m, bias=r.random() < 0.7)
    square = nn.Linear(n, n)
    parts = [
        lambda: (layer, (m,)),
        lambda: (nn.Sequential(layer, r.choice(ACTIVATIONS)()), (m,)),
        lambda: (nn.Sequential(layer, nn.BatchNorm1d(m)), (m,)),
        lambda: (nn.Sequential(*[square, nn.Tanh()] * 3), shape),
        lambda: (Does(lambda x, f: 0.5 * x + torch.relu(f(x)), square), shape),
        lambda: (Does(lambda x, f: f(x) + x, square), shape),
        lambda: (Does(lambda x, f: torch.relu(f(x) + x), square), shape),
        lambda: (Does(lambda x, f: f(x) + f(f(x)), square), shape),
        lambda: (nn.LayerNorm(n), shape),
        lambda: (nn.BatchNorm1d(n), shape),
        lambda: (nn.Softmax(-1), shape),
        lambda: (Stored((n,), r.random() < 0.5), shape),
        lambda: (Does(lambda x: torch.cat([x, x.neg()], 1)), (2 * n,)),
        lambda: (Does(lambda x: torch.stack([x, x * x], 1)), (2, n)),
        lambda: (nn.Unflatten(1, (1, n, 1)), (1, n, 1)),
        lambda: (Does(lambda x: x - x.mean(1, keepdim=True)), shape),
    ]
    return r.choice(parts)()


def of_sequence(r: random.Random, shape: Shape) -> Made:
    """Return a layer that reads a sequence."""
    t, n = shape
    m = r.randint(1, 6)
    recurrent = r.choice((nn.LSTM, nn.GRU, nn.RNN))
    bias = r.random() < 0.7
    kernel = r.randint(1, min(3, t))
    heads = r.choice([h for h in (1, 2, 3) if n % h == 0])
    parts = [
        lambda: (nn.Sequential(nn.Linear(n, m), r.choice(ACTIVATIONS)()), (t, m)),
        lambda: (
            Does(
                lambda x, f: f(x)[0],
                recurrent(n, m, r.randint(1, 2), bias=bias, batch_first=True),
            ),
            (t, m),
        ),
        lambda: (
            Does(lambda x, f: f(x.transpose(0, 1))[0].transpose(0, 1), recurrent(n, m)),
            (t, m),
        ),
        lambda: (
            Does(lambda x, f: _final(f(x)[1])[-1], recurrent(n, m, batch_first=True)),
            (m,),
        ),
        lambda: (
            Does(lambda x, f: x + f(x, x, x)[0], nn.MultiheadAttention(n, heads, batch_first=True)),
            shape,
        ),
        lambda: (
            Does(lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True)),
            shape,
        ),
        lambda: (nn.TransformerEncoderLayer(n, heads, 5, batch_first=True, norm_first=bias), shape),
        lambda: (
            Does(lambda x, f: f(x.mT).permute(0, 2, 1), nn.Conv1d(n, m, kernel)),
            (t - kernel + 1, m),
        ),
        lambda: (nn.LayerNorm(n), shape),
        lambda: (nn.BatchNorm1d(t), shape),
        lambda: (Stored((t, n), r.random() < 0.5), shape),
        lambda: (Stored((n,), r.random() < 0.5), shape),
        lambda: (Does(lambda x: x.mean(dim=1)), (n,)),
        lambda: (Does(lambda x: x[:, -1]), (n,)),
        lambda: (Does(lambda x: x[:, ::2]), (-(-t // 2), n)),
        lambda: (nn.Flatten(), (t * n,)),
        lambda: (Does(lambda x: x.unsqueeze(1)), (1, t, n)),
        lambda: (Does(lambda x: x.transpose(1, 2)), (n, t)),
        lambda: (Does(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1) * 2), shape),
    ]
    return r.choice(parts)()


def _final(state: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    return state[0] if isinstance(state, tuple) else state


def of_map(r: random.Random, shape: Shape) -> Made:
    """Return a layer that reads a map."""
    c, high, wide = shape
    groups = r.choice([g for g in (1, 2, 3, c) if c % g == 0])
    m = groups * r.randint(1, 3)
    kernel = (r.randint(1, 3), r.randint(1, 3))
    padding = (r.randint(0, 2), r.randint(0, 2))
    stride = (r.randint(1, 2), r.randint(1, 2))
    dilation = (r.randint(1, 2), r.randint(1, 2))
    found = tuple(
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip((high, wide), kernel, stride, padding, dilation, strict=True)
    )
    fits = min(found) >= 1
    conv = nn.Conv2d(c, m, kernel, stride, padding, dilation, groups, bias=r.random() < 0.5)
    same = nn.Conv2d(c, c, 3, padding=1, groups=groups)
    window = (min(high, 2), min(wide, 3))
    pooled = (-(-(high - window[0]) // window[0]) + 1, -(-(wide - window[1]) // window[1]) + 1)
    size = (r.randint(1, 3), r.randint(1, 3))
    squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1), nn.Sigmoid())
    parts = [
        lambda: (conv if fits else same, (m, *found) if fits else shape),
        lambda: (nn.Sequential(same, nn.BatchNorm2d(c), r.choice(ACTIVATIONS)()), shape),
        lambda: (
            Does(lambda x, f: torch.relu(f(x) + x), nn.Sequential(same, nn.ReLU(), same)),
            shape,
        ),
        lambda: (Does(lambda x, f, g: torch.relu(g(f(x)) + x), same, nn.BatchNorm2d(c)), shape),
        lambda: (Does(lambda x, f: x * f(x), squeeze), shape),
        lambda: (nn.MaxPool2d(window, ceil_mode=True), (c, *pooled)),
        lambda: (nn.AvgPool2d(3, 1, 1, count_include_pad=r.random() < 0.5), shape),
        lambda: (nn.AdaptiveAvgPool2d(size), (c, *size)),
        # Torch refuses a population of one number.
        lambda: (
            nn.GroupNorm(1 if high * wide == 1 else groups, c) if c * high * wide > 1 else same,
            shape,
        ),
        lambda: (nn.BatchNorm2d(c), shape),
        lambda: (nn.LayerNorm((c, high, wide)), shape),
        lambda: (nn.ChannelShuffle(groups), shape),
        lambda: (nn.ZeroPad2d((1, 0, 0, 2)), (c, high + 2, wide + 1)),
        lambda: (Does(lambda x: x.mean((2, 3))), (c,)),
        lambda: (nn.Flatten(), (c * high * wide,)),
        lambda: (Does(lambda x: x.flatten(2).transpose(1, 2)), (high * wide, c)),
        lambda: (Does(lambda x: torch.cat([x, x[:, :1] ** 2], dim=1)), (c + 1, high, wide)),
        lambda: (Does(lambda x: x.permute(0, 3, 1, 2)), (wide, c, high)),
        lambda: (nn.Softmax(1), shape),
        lambda: (Stored((c, 1, 1), r.random() < 0.5), shape),
    ]
    return r.choice(parts)()


RULES = {1: of_vector, 2: of_sequence, 3: of_map}


def random_module(seed: int) -> tuple[nn.Module, Shape]:
    """Return a module of a seed, and the shape of a sample.

    Args:
        seed: Seed.
    """
    r = random.Random(seed)
    rank = r.randint(1, 3)
    shape: Shape = tuple(r.randint(1, 6) for _ in range(rank))
    layers: list[nn.Module] = []
    at = shape
    for _ in range(r.randint(1, 6)):
        if r.random() < 0.2:
            layer, after = r.choice(ACTIVATIONS)(), at
        else:
            layer, after = RULES[len(at)](r, at)
        layers.append(layer)
        at = after
    return nn.Sequential(*layers), shape
