"""How good the outputs of a machine are: share right and loss, their spread and their confidence.

A figure over some samples is an estimate of what all samples of their kind would give; its interval
says how far it may be off for that reason alone. Spread over chips is apart from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: Share of repetitions with other samples in which an interval has the true figure.
CONFIDENCE = 0.95

#: Ends of an interval, the lower first.
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quality:
    """One figure of outputs, and its confidence.

    Args:
        of: Figure of outputs `(batch, n_outputs)` and classes `(batch,)`.
        interval: Confidence interval of the mean figure of several chips over the same samples.
    """

    of: Callable[[Tensor, Tensor], float]
    interval: Callable[[Sequence[Tensor], Tensor], Interval]


#: What is measured of the outputs, by the key of the metrics.
Qualities = Mapping[str, Quality]


def share_correct(outputs: Tensor, y: Tensor) -> float:
    """Return the share of samples whose largest output is their class.

    Args:
        outputs: Shape `(batch, n_outputs)`.
        y: Classes, shape `(batch,)`.
    """
    return float((outputs.argmax(dim=1) == y).double().mean())


def mean_loss(outputs: Tensor, y: Tensor) -> float:
    """Return the mean cross-entropy of the classes [nats], a softmax taken of the outputs.

    Args:
        outputs: Shape `(batch, n_outputs)`.
        y: Classes, shape `(batch,)`.
    """
    return float(torch.nn.functional.cross_entropy(outputs.double(), y))


def share_interval(share: float, samples: int) -> Interval:
    """Return the interval of a share that was found in some samples, within [0, 1].

    Args:
        share: Share of the samples.
        samples: How many there are.

    Reference: E. B. Wilson, J. Am. Stat. Assoc. 22, 209, 1927 (score interval).
    """
    square = _score() ** 2 / samples
    middle = (share + square / 2.0) / (1.0 + square)
    half = math.sqrt(square * (share * (1.0 - share) + square / 4.0)) / (1.0 + square)
    # Rounding must not leave what is found outside at 0 and 1, where an end is exactly that.
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


def mean_interval(values: Tensor) -> Interval:
    """Return the interval of the mean of values of independent samples, shape `(batch,)`."""
    if len(values) < 2:
        return -math.inf, math.inf
    mean = float(values.mean())
    half = _score() * float(values.std(correction=1)) / math.sqrt(len(values))
    return mean - half, mean + half


def _score() -> float:
    """Return the standard score at both ends of an interval."""
    return NormalDist().inv_cdf(0.5 + CONFIDENCE / 2.0)


def _share_interval(outputs: Sequence[Tensor], y: Tensor) -> Interval:
    # Chips see the same samples, and what is hard for one is hard for all: no more are counted.
    return share_interval(float(np.mean([share_correct(each, y) for each in outputs])), len(y))


def _loss_interval(outputs: Sequence[Tensor], y: Tensor) -> Interval:
    losses = [
        torch.nn.functional.cross_entropy(each.double(), y, reduction="none") for each in outputs
    ]
    return mean_interval(torch.stack(losses).mean(dim=0))


#: Figures of images, and of a text.
IMAGE_QUALITIES: Qualities = MappingProxyType({"accuracy": Quality(share_correct, _share_interval)})
TEXT_QUALITIES: Qualities = MappingProxyType(
    {**IMAGE_QUALITIES, "loss_nats": Quality(mean_loss, _loss_interval)}
)


def quality(
    measure: Quality,
    software: Mapping[str, Tensor],
    surrogate: Tensor,
    chips: Sequence[Tensor],
    y: Tensor,
) -> dict[str, Any]:
    """Return one figure of all outputs, with its spread over chips and its confidence.

    Args:
        measure: The figure.
        software: Outputs of software, by name.
        surrogate: Outputs of the surrogate.
        chips: Outputs of each chip.
        y: Classes, shape `(batch,)`.
    """
    apart = {**software, "surrogate": surrogate}
    values = [measure.of(outputs, y) for outputs in chips]
    intervals = {name: measure.interval([outputs], y) for name, outputs in apart.items()}
    intervals["hardware_mean"] = measure.interval(chips, y)
    return {
        **{name: measure.of(outputs, y) for name, outputs in apart.items()},
        **spread("hardware", values),
        "chips": values,
        "interval": {
            name: list(ends) if all(map(math.isfinite, ends)) else None
            for name, ends in intervals.items()
        },
    }


def spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return mean and sample standard deviation; a single value has no spread.

    Args:
        name: What they are called in the result, before `_mean` and `_std`.
        values: At least one.
    """
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {f"{name}_mean": float(np.mean(values)), f"{name}_std": deviation}
