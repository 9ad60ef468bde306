"""Digital operators that pool the windows of a map, with torch.

Args:
    sources: Values that the operator reads, of one sample.
    settings: Settings of the step, those that were left out included.
    parameters: Numbers of its parameters.
    like: Tensor of the type and device of the result.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from pnnsim.networks.operator_constants import Settings


def max_pool(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    """Return the largest number of each window of a map."""
    return functional.max_pool2d(
        sources[0],
        settings.pair("kernel"),
        settings.pair("stride"),
        settings.pair("padding"),
        settings.pair("dilation"),
        ceil_mode=settings.flag("ceil"),
    )


def avg_pool(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    """Return the mean of each window of a map."""
    return functional.avg_pool2d(
        sources[0],
        settings.pair("kernel"),
        settings.pair("stride"),
        settings.pair("padding"),
        ceil_mode=settings.flag("ceil"),
        count_include_pad=settings.flag("count_padding"),
    )


def adaptive_avg_pool(
    sources: Sequence[Tensor], settings: Settings, parameters: Sequence[Tensor], like: Tensor
) -> Tensor:
    """Return means of as many windows as the settings say."""
    return functional.adaptive_avg_pool2d(sources[0], settings.pair("size"))
