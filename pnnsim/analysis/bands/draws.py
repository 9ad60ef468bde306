"""Draw descriptions from their ranges.

Each assumption has a stream of its own, so that a further one moves no other draw, and machines
that share an assumption share its draws. The draws of one assumption are stratified: one lies in
each of n equal parts of its distribution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pnnsim.analysis.bands.assumptions import Assumption
from pnnsim.common.rng import stream, uniform
from pnnsim.errors import SpecError
from pnnsim.specs.hardware import HardwareSpec, load_spec

Floats = NDArray[np.float64]


def quantiles(assumptions: Sequence[Assumption], draws: int, seed: int) -> Floats:
    """Return the place of each draw within the ranges, a Latin hypercube.

    Args:
        assumptions: What is drawn.
        draws: Number of draws.
        seed: Seed of their streams.

    Returns:
        Quantiles from 0 to 1, shape `(n_draw, n_assumption)`.

    Reference: M. D. McKay, R. J. Beckman and W. J. Conover, Technometrics 21, 239, 1979.
    """
    columns = np.zeros((draws, len(assumptions)))
    for column, assumption in enumerate(assumptions):
        generator = stream(seed, assumption.stream, "band")
        places = torch.randperm(draws, generator=generator)
        inside = uniform((draws,), generator)
        columns[:, column] = ((places + inside) / draws).numpy()
    return columns


def described(
    spec: HardwareSpec, assumptions: Sequence[Assumption], places: Sequence[float]
) -> HardwareSpec:
    """Return a description with some of its assumptions moved within their ranges.

    It is read and checked as a whole, and has no ranges and sources of its own.

    Args:
        spec: Description with ranges.
        assumptions: Which of its assumptions are moved.
        places: Quantile of each.

    Raises:
        SpecError: If the values do not go together.
    """
    bare = replace(spec, sources={}, ranges={}, groups={}, chosen={})
    tree = bare.to_tree()
    for path in spec.laws:
        section, _, field = path.partition(".")
        del tree[section][field]["value"]
    for assumption, quantile in zip(assumptions, places, strict=True):
        assumption.apply(tree, float(quantile))
    return load_spec(tree)


def drawn_specs(
    spec: HardwareSpec, assumptions: Sequence[Assumption], places: Floats
) -> Iterator[HardwareSpec | None]:
    """Yield the description of each draw; None for one whose values do not go together.

    Args:
        spec: Description with ranges.
        assumptions: What it assumes.
        places: Quantiles of the assumptions, shape `(n_draw, n_assumption)`.
    """
    for row in places.tolist():
        try:
            yield described(spec, assumptions, row)
        except SpecError:
            yield None
