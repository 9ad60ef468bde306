"""Keep what was computed for recent calls, within a bound on its size.

A host may call a machine with ever new batch sizes, for days; what each of them needs is computed
once while it is in use, and not kept for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

#: Rows of columns that are kept by default: 70 bytes each, so 70 MB.
ROWS = 2**20

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Results of the latest calls; the one used last is always among them.

    Args:
        size: Gives the size of a result [rows].
        most: Largest sum of sizes [rows]; a single result may exceed it.
    """

    def __init__(self, size: Callable[[Value], int], *, most: int = ROWS) -> None:
        self._size, self._most = size, most
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the result of a key, and compute it where it is not kept.

        Args:
            key: What the result depends on.
            make: Computes it.
        """
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        self._total += self._size(value)
        while self._total > self._most and len(self._values) > 1:
            _, old = self._values.popitem(last=False)
            self._total -= self._size(old)
        return value
