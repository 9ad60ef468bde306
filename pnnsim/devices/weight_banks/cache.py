"""Bounded store of results that are costly to compute from a whole matrix and needed often."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from torch import Tensor

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """Store of the results that were used last, by key.

    Args:
        most: Number of results that are stored; the one that was not used longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._results: OrderedDict[Hashable, Result] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return the result of a key, computed now if it is not stored.

        Args:
            key: All that the result depends on.
            make: Computes the result; it must not carry gradients.
        """
        if key not in self._results:
            self._results[key] = make()
            if len(self._results) > self._most:
                self._results.popitem(last=False)
        self._results.move_to_end(key)
        return self._results[key]


def content(matrix: Tensor) -> tuple[str, bytes]:
    """Return a key that is equal for matrices of equal numbers, shapes apart."""
    exact = matrix.detach().cpu().contiguous()
    return str(exact.dtype), hashlib.sha256(exact.numpy().tobytes()).digest()
