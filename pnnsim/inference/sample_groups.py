"""Groups of samples: those that met the same, what their products are, and what is left for each.

Nothing is multiplied here; see `pnnsim.inference.mvm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.inference.weighted_sums import Share

#: Some samples: neighbors, or by their places.
Samples = slice | Tensor

Number = TypeVar("Number", bound=np.generic)

ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Met:
    """Banks, age and contents that samples met."""

    bank: int
    replaced: int
    previous: int
    age: float
    contents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Products:
    """Matrix-vector products of some samples, and what their noise depends on.

    Args:
        signal: Products, shape `(n_sample, n_out)`.
        total: Light on the outputs, shape `(n_sample, n_out)` or `(n_sample, 1)`.
        fluctuation: Part of it that is intensity noise of the lines, as `total`.
        scale: As of `ProgrammedWeights`; of several groups, shape `(n_sample, n_out)` or
            `(n_sample, 1)`.
        beats: Sums of squared weights and lines, as `signal`.
        spread: Variance from read to read, as `signal`.
    """

    signal: Tensor
    total: Tensor
    fluctuation: Tensor | None
    scale: Tensor | float
    beats: Tensor | None
    spread: Tensor | None

    def each_scale(self) -> Tensor:
        """Return the scale of each sample, shape `(n_sample, n_out)` or `(n_sample, 1)`."""
        scale = torch.as_tensor(self.scale).to(self.signal).reshape(1, -1)
        return scale.expand(len(self.signal), -1)

    @staticmethod
    def cat(parts: Sequence[Products], order: Tensor | None) -> Products:
        """Return groups of samples as one.

        Args:
            parts: Products of each group.
            order: Where each sample is once groups are laid one behind the other; None where all
                are in order.
        """
        return Products(
            signal=joined([part.signal for part in parts], order),
            total=joined([part.total for part in parts], order),
            fluctuation=joined_if_any([part.fluctuation for part in parts], order),
            scale=joined([part.each_scale() for part in parts], order),
            beats=joined_if_any([part.beats for part in parts], order),
            spread=joined_if_any([part.spread for part in parts], order),
        )


@dataclass(frozen=True, slots=True)
class Left:
    """Share of something that is left when each sample comes.

    Args:
        shares: One column a sample, or one for all, shape `(n_step, n_sample)`.
        alike: Share of all samples of a step, or None where they differ.
    """

    shares: Tensor
    alike: list[float | None]

    @staticmethod
    def over(shares: Tensor) -> Left:
        """Return shares of shape `(n_sample, n_step)`, laid out step by step."""
        alike = (shares == shares[:1]).all(dim=0).tolist()
        firsts = shares[0].tolist()
        each = [first if same else None for first, same in zip(firsts, alike, strict=True)]
        return Left(shares.T.contiguous(), each)

    def share(self, step: int, samples: Samples, like: Tensor) -> Share:
        """Return the share of some samples.

        Args:
            step: Step t of the network.
            samples: Which samples.
            like: Tensor of the type that is needed.
        """
        alike = self.alike[step]
        if alike is not None:
            return alike
        mine = self.shares[step][samples]
        if samples is not ALL and bool((mine == mine[0]).all()):
            return float(mine[0])
        return mine.to(like).unsqueeze(1)


def joined(tensors: Sequence[Tensor], order: Tensor | None) -> Tensor:
    """Return groups of samples as one tensor.

    Args:
        tensors: Rows of each group.
        order: Where each sample is once groups are laid one behind the other; None where all are
            in order.
    """
    together = torch.cat(list(tensors))
    return together if order is None else together[order]


def joined_if_any(tensors: Sequence[Tensor | None], order: Tensor | None) -> Tensor | None:
    """Return the groups that have rows as one tensor; None where none has any.

    Args:
        tensors: Rows of each group, or None.
        order: As of `joined`.
    """
    present = [tensor for tensor in tensors if tensor is not None]
    return joined(present, order) if present else None


def rows_of(column: NDArray[Number], samples: Samples) -> NDArray[Number]:
    """Return the entries of some samples; a single row stands for every sample.

    Args:
        column: Entries, shape `(n_sample,)` or `(1,)`.
        samples: Which of them.
    """
    if len(column) == 1:
        return column
    return column[samples if isinstance(samples, slice) else samples.numpy()]


def samples_of(runs: Sequence[tuple[int, int]]) -> Samples:
    """Return the samples of one run, or of several."""
    if len(runs) == 1:
        return slice(*runs[0])
    return torch.cat([torch.arange(first, end) for first, end in runs])


def order_of(groups: Sequence[Samples]) -> Tensor | None:
    """Return where each sample is once groups are laid one behind the other; None for in order."""
    if all(isinstance(samples, slice) for samples in groups):
        return None
    places = [torch.arange(w.start, w.stop) if isinstance(w, slice) else w for w in groups]
    return torch.argsort(torch.cat(places))
