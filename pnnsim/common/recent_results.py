"""Bounded store of results that are costly to compute from a whole matrix and needed often."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from torch import Tensor

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """Store of the results that were used last, within a bound on the sum of their sizes.

    Args:
        most: Largest sum; the result that was not used for longest goes first, and the one used
            last stays, however large it is.
        size: Gives the size of a result; without it each counts as one.
    """

    def __init__(self, most: int, *, size: Callable[[Result], int] = lambda _: 1) -> None:
        self._most, self._size = most, size
        self._results: OrderedDict[Hashable, Result] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return the result of a key, computed now if it is not stored.

        Args:
            key: All that the result depends on.
            make: Computes the result; it must not carry gradients.
        """
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        result = self._results[key] = make()
        self._total += self._size(result)
        while self._total > self._most and len(self._results) > 1:
            _, old = self._results.popitem(last=False)
            self._total -= self._size(old)
        return result


def content(matrix: Tensor) -> tuple[str, bytes]:
    """Return a key that is equal for matrices of equal numbers, shapes apart."""
    exact = matrix.detach().cpu().contiguous()
    return str(exact.dtype), hashlib.sha256(exact.numpy().tobytes()).digest()
