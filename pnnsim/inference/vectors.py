"""Vectors that cross a bank, cut from a value of the network, and what is made of them as a value.

Shapes alone: nothing here depends on the hardware.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import unfold

from pnnsim.networks.workload import Mvm


def vectors_of(value: Tensor, step: Mvm) -> Tensor:
    """Return the vectors of a value, shape `(batch, n_vector, n_input)`.

    Args:
        value: The value, batch first.
        step: Product that reads it.
    """
    if step.gather is not None:
        gather = step.gather
        return unfold(
            value, gather.kernel, gather.dilation, gather.padding, gather.stride
        ).transpose(1, 2)
    return value.unsqueeze(1) if value.dim() == 2 else value


def by_channel(value: Tensor) -> Tensor:
    """Return a value with one column for each channel, shape `(n, n_channel)`."""
    columns = value.movedim(1, -1) if value.dim() == 4 else value
    return columns.reshape(-1, columns.shape[-1])


def placed(y: Tensor, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
    """Return vectors as a value, shape `(batch, *value)`.

    Args:
        y: Vectors, shape `(batch, n_vector, n_output)`.
        step: Product that made them.
        values: Values of the network by number.
    """
    source = values[step.source]
    if step.gather is None:
        return y.squeeze(1) if source.dim() == 2 else y
    places = step.gather.places(source.shape[2], source.shape[3])
    return y.transpose(1, 2).reshape(len(y), -1, *places)


def flat(value: Tensor, y: Tensor) -> Tensor:
    """Return a value as vectors, shape as `y`."""
    if value.dim() == 4:
        return value.flatten(2).transpose(1, 2)
    return value.reshape(y.shape)


def with_residual(y: Tensor, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
    """Return a value with what is added behind the activation.

    Args:
        y: The value.
        step: Product that made it.
        values: Values of the network by number.
    """
    if step.residual is None:
        return y
    other, factor = step.residual
    return factor * values[other] + y
