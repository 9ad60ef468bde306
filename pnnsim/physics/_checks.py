"""Check what crosses the border of `pnnsim.physics`, in one wording.

Only Python numbers and shapes are looked at: reading a tensor's values would cost a pass over the
data in every call.
"""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)
"""Either a Python number or a tensor, and the result is of the same sort."""


def require(condition: bool, where: str, name: str, got: object, expected: str) -> None:
    """Raise `ValueError` with the house wording unless `condition` holds.

    Args:
        condition: What must hold.
        where: Function whose argument is checked.
        name: Name of the argument.
        got: Its value.
        expected: What it should be, in words.
    """
    if not condition:
        raise ValueError(f"{where}: {name}, got {got}; expected {expected}")


def require_positive(where: str, **values: float) -> None:
    """Raise `ValueError` unless every value is greater than zero."""
    for name, value in values.items():
        require(value > 0, where, name, repr(value), "a number above 0")


def require_fraction(where: str, **values: float) -> None:
    """Raise `ValueError` unless every value lies in [0, 1]."""
    for name, value in values.items():
        require(0 <= value <= 1, where, name, repr(value), "a number from 0 to 1")


def require_square(where: str, **matrices: Tensor) -> None:
    """Raise `ValueError` unless the last two axes of every tensor are equal."""
    for name, matrix in matrices.items():
        square = matrix.ndim >= 2 and matrix.shape[-1] == matrix.shape[-2]
        require(square, where, f"shape of {name}", tuple(matrix.shape), "`(…, n, n)`")
