"""Operations that digital operators take per sample: rules that the table of operators refers to.

Nothing here decides shapes, or computes with numbers of a sample.

Args:
    sources: Values that the operator reads.
    settings: Settings of the step, those that were left out included.
    parameters: Shapes of its parameters.
    made: The value that is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pnnsim.networks.operator_constants import Settings
from pnnsim.networks.parts import Shape, Value

#: Sources, settings, shapes of parameters and the value that is made to operations per sample.
CountRule = Callable[[Sequence[Value], Settings, Sequence[Shape], Value], int]


def free(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return 0: another way to read what is stored."""
    return 0


def per_value(count: int) -> CountRule:
    """Return the rule of a fixed count for each number that is made."""

    def rule(
        sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
    ) -> int:
        return count * made.size

    return rule


def products(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return a multiply-accumulate for each weight of a row and each number that is made."""
    return made.size * parameters[0][1]


def product_of_values(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return a multiply-accumulate for each term of each number that is made."""
    return made.size * sources[0].shape[-1]


def per_source(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return one for each number that is read."""
    return sources[0].size


def normalizing(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return three for each number, and one more where there are gains or shifts.

    Sum, sum of squares, and a gain and shift that are the same for a whole population.
    """
    return (4 if parameters else 3) * made.size


def windows(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return one for each place of the window of each number that is made."""
    return made.size * math.prod(settings.pair("kernel"))


def adaptive_windows(
    sources: Sequence[Value], settings: Settings, parameters: Sequence[Shape], made: Value
) -> int:
    """Return one for each number of each window: output i of n reads [i s / n, (i + 1) s / n).

    Ends rounded outward, the windows of one axis hold `s + n - gcd(s, n)` numbers together.
    """
    count = made.shape[0]
    for size, n in zip(sources[0].shape[1:], made.shape[1:], strict=True):
        count *= size + n - math.gcd(size, n)
    return count
