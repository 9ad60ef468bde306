"""Compare machines draw by draw: how often one beats the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Figures of a run that a band is given for, by their key in the metrics.
FIGURES = ("latency_s", "interval_s", "energy_j")


class Drawn(Protocol):
    """Figures of descriptions drawn from the ranges of a machine, such as those of a band."""

    @property
    def seed(self) -> int:
        """Return the seed of the draws."""

    @property
    def draws(self) -> int:
        """Return the number of descriptions that were drawn."""

    @property
    def drawn(self) -> NDArray[np.float64]:
        """Return the figures of each draw, shape `(n_draw, n_figure)`."""

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which draws are machines that run the network, shape `(n_draw,)`."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """How often one machine beats another over paired draws.

    What both assume is drawn alike for both, so that it favors none of them. Neither beats the
    other in a draw in which they are equal.

    Args:
        first: Number of one machine in the list.
        second: Number of the other.
        draws: Draws in which both are feasible.
        first_wins: Share of them in which the first has the smaller figure, by figure.
        second_wins: Share of them in which the second has it, by figure.
    """

    first: int
    second: int
    draws: int
    first_wins: dict[str, float]
    second_wins: dict[str, float]


def pairings(bands: Sequence[Drawn | None]) -> list[Pairing]:
    """Return how often each machine beats each other one.

    Machines without a band, and two whose draws differ in number or seed, are no pair.

    Args:
        bands: Band of each machine.
    """
    found = []
    for (first, one), (second, other) in combinations(enumerate(bands), 2):
        if one is None or other is None:
            continue
        if (one.draws, one.seed) != (other.draws, other.seed):
            continue
        both = one.feasible & other.feasible
        if not both.any():
            continue
        less, more = (one.drawn < other.drawn)[both], (one.drawn > other.drawn)[both]
        found.append(
            Pairing(
                first,
                second,
                int(both.sum()),
                dict(zip(FIGURES, less.mean(axis=0).tolist(), strict=True)),
                dict(zip(FIGURES, more.mean(axis=0).tolist(), strict=True)),
            )
        )
    return found
