"""Sums of weighted lines: one matrix product where all samples share the weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

#: What is left of something: the same for all samples, or for each its own, shape `(n_sample, 1)`.
Share = float | Tensor


def weighted_sum(line: Tensor, terms: Sequence[tuple[Share, Tensor]]) -> Tensor:
    """Return the sum of all `share * line @ weights^T`; shares that are numbers cost no product.

    Args:
        line: What the lines carry, shape `(n_sample, n_in)`.
        terms: Shares, each with its weights, shape `(n_out, n_in)`.
    """
    alike = [
        weights if share == 1.0 else share * weights
        for share, weights in terms
        if isinstance(share, float) and share
    ]
    signal = times(line, sum(alike[1:], alike[0])) if alike else None
    for share, weights in terms:
        if isinstance(share, Tensor):
            signal = times(share * line, weights, signal)
    assert signal is not None  # some share is a sample's own, or there is one that is not zero
    return signal


def times(line: Tensor, weights: Tensor, added: Tensor | None = None) -> Tensor:
    """Return `line @ weights^T`, added in place to what is there where anything is.

    BLAS multiplies many short rows half as fast again by a matrix whose memory is in the order in
    which it is read, so the transpose is laid out: nothing to do where weights are kept so.

    Args:
        line: What the lines carry, shape `(n_sample, n_in)`.
        weights: Shape `(n_out, n_in)`.
        added: What is added to, shape `(n_sample, n_out)`; None for nothing.
    """
    across = weights.T.contiguous()
    return line @ across if added is None else added.addmm_(line, across)


def light_of(line: Tensor, light: Tensor | float) -> Tensor:
    """Return the light of all lines on each output, or on one for all where all get the same.

    Args:
        line: Light of each line, shape `(n_sample, n_in)`.
        light: Share of it that reaches each output, shape `(n_out, n_in)`, or one number.
    """
    if isinstance(light, Tensor) and light.dim() == 2:
        return times(line, light)
    return light * line.sum(dim=1, keepdim=True)
