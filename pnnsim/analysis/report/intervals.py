"""Intervals of shares and of their differences, from the number of samples behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: Standard deviations of a normal distribution between which 95 % of it lie.
Z95 = 1.959963984540054


def wilson(share: float, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a share that so many samples have given.

    Args:
        share: Samples of the kind over all samples.
        samples: All samples, at least 1.

    Reference: E. B. Wilson, J. Am. Stat. Assoc. 22, 209, 1927.
    """
    z = Z95**2 / samples
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(z * (share * (1 - share) + z / 4)) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)


def accuracy_interval(metrics: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean accuracy of the chips; None where there is none.

    All chips see the same samples, so that more chips do not make it narrower.

    Args:
        metrics: Content of `metrics.json`.
    """
    mean = (metrics.get("accuracy") or {}).get("hardware_mean")
    samples = metrics.get("samples")
    return None if mean is None or not samples else wilson(mean, samples)
