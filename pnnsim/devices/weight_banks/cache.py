"""Keep what is dear to compute from a whole matrix and is asked for again and again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from torch import Tensor

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """Hold the last results that were asked for, by key.

    Args:
        most: Number of results that are held; the one that was not asked for longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._results: OrderedDict[Hashable, Result] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return the result of a key, made now if it is not held.

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
