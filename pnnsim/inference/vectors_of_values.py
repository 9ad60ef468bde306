"""Values as the vectors that cross a bank, and back: gathers of convolutions, items of sequences.

Nothing is scaled or converted here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import unfold

from pnnsim.networks.workload import Mvm


def vectors_of(value: Tensor, step: Mvm) -> Tensor:
    """Return the vectors of a value, shape `(batch, n_vector, n_input)`.

    Args:
        value: Value that feeds the step, shape `(batch, *value)`.
        step: The step.
    """
    if step.gather is not None:
        gather = step.gather
        return unfold(
            value, gather.kernel, gather.dilation, gather.padding, gather.stride
        ).transpose(1, 2)
    return value.unsqueeze(1) if value.dim() == 2 else value


def placed(y: Tensor, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
    """Return vectors as a value, shape `(batch, *value)`.

    Args:
        y: Vectors, shape `(batch, n_vector, n_output)`.
        step: The step.
        values: Values so far.
    """
    source = values[step.source]
    if step.gather is None:
        return y.squeeze(1) if source.dim() == 2 else y
    places = step.gather.places(source.shape[2], source.shape[3])
    return y.transpose(1, 2).reshape(len(y), -1, *places)


def flat(value: Tensor, y: Tensor) -> Tensor:
    """Return a value as vectors.

    Args:
        value: Shape `(batch, *value)`.
        y: Vectors of the shape that is wanted.
    """
    if value.dim() == 4:
        return value.flatten(2).transpose(1, 2)
    return value.reshape(y.shape)


def with_residual(y: Tensor, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
    """Return a value with what is added behind the activation.

    Args:
        y: What the activation gives, shape `(batch, *value)`.
        step: The step.
        values: Values so far.
    """
    if step.residual is None:
        return y
    other, factor = step.residual
    return factor * values[other] + y
