"""Lay weights out on two-state junctions, and read them back from their conductances.

A weight is the difference of two groups of junctions, one for each polarity. A layout gives the
states; spread, stuck cells, write errors and drift may then change states or conductances, and
`differential_weight` says what weight is left.

Axes: `(…, 2, n_device)`: polarity (0 adds, 1 subtracts), then the junctions of that group. State 1
is parallel, 0 anti-parallel. Layouts are not differentiable: states are discrete.

| layout | junctions | weights |
|---|---|---|
| complementary | 2 | -1, 1 |
| thermometer of K | 2 K | 2 K + 1, uniform; K = 1 is ternary |
| area of b bits, 1:2:4... | 2 b | 2**(b+1) - 1, uniform |
| series string of K | 2 K | 2 K + 1, not uniform |
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_positive
from pnnsim.physics.quantize import quantize_nearest


def complementary_states(weight: Tensor) -> Tensor:
    """Return the states of two opposite junctions for the sign of a weight.

    Args:
        weight: Weights in [-1, 1], shape `(…)`.

    Returns:
        States, shape `(…, 2, 1)`. Zero counts as positive.
    """
    plus = (weight >= 0).to(weight.dtype)
    return torch.stack([plus, 1.0 - plus], dim=-1).unsqueeze(-1)


def thermometer_states(weight: Tensor, devices: int) -> Tensor:
    """Return the states of equal junctions in parallel, as many parallel as the weight is large.

    Args:
        weight: Weights in [-1, 1], shape `(…)`; rounded to the nearest of `2 * devices + 1` levels.
        devices: Junctions of one polarity, K.

    Returns:
        States, shape `(…, 2, devices)`. The other polarity is all anti-parallel.
    """
    require(devices >= 1, "thermometer_states", "devices", devices, "1 or more")
    count = torch.round(_polarities(weight) * devices)
    rank = torch.arange(devices, dtype=weight.dtype, device=weight.device)
    return (rank < count.unsqueeze(-1)).to(weight.dtype)


def area_states(weight: Tensor, bits: int) -> Tensor:
    """Return the states of junctions whose areas are powers of two.

    Args:
        weight: Weights in [-1, 1], shape `(…)`; rounded to the nearest of `2**(bits+1) - 1` levels.
        bits: Junctions of one polarity.

    Returns:
        States, shape `(…, 2, bits)`, the smallest area first: `area_factors`.
    """
    require(bits >= 1, "area_states", "bits", bits, "1 or more")
    code = torch.round(_polarities(weight) * (2**bits - 1)).to(torch.int64)
    places = torch.arange(bits, device=weight.device)
    return ((code.unsqueeze(-1) >> places) & 1).to(weight.dtype)


def area_factors(bits: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return the areas 1, 2, 4, ... of `area_states` relative to the smallest, shape `(bits,)`.

    Args:
        bits: Number of junctions in parallel, one for each bit.
        dtype: Type of the result.
    """
    return 2.0 ** torch.arange(bits, dtype=dtype)


def series_levels(devices: int, tmr: float) -> Tensor:
    """Return the weights of one polarity that a string of equal junctions can take.

    Args:
        devices: Junctions in series, K.
        tmr: Magnetoresistance ratio.

    Returns:
        `K + 1` levels from 0 (all anti-parallel) to 1 (all parallel), ascending, float64. They are
        uniform in resistance, `R_P (K + n TMR)` with n anti-parallel, and so not in conductance.

    Reference: Rzeszut et al., arXiv:1903.08949, 2019 (strings of junctions).
    """
    require(devices >= 1, "series_levels", "devices", devices, "1 or more")
    require_positive("series_levels", tmr=tmr)
    antiparallel = torch.arange(devices, -1, -1, dtype=torch.float64)
    conductance = 1.0 / (devices + tmr * antiparallel)
    return (conductance - conductance[0]) / (conductance[-1] - conductance[0])


def series_states(weight: Tensor, devices: int, tmr: float) -> Tensor:
    """Return the states of two strings of junctions in series.

    Args:
        weight: Weights in [-1, 1], shape `(…)`; rounded to the nearest level.
        devices: Junctions of one string, K.
        tmr: Magnetoresistance ratio, which sets the levels.

    Returns:
        States, shape `(…, 2, devices)`.
    """
    levels = series_levels(devices, tmr)
    value = quantize_nearest(_polarities(weight).to(torch.float64), levels)
    count = torch.bucketize(value, (levels[1:] + levels[:-1]) / 2)
    rank = torch.arange(devices, device=weight.device)
    return (rank < count.unsqueeze(-1)).to(weight.dtype)


def device_conductance(
    states: Tensor, parallel: Tensor | float, antiparallel: Tensor | float
) -> Tensor:
    """Return the conductance of each junction.

    Args:
        states: 1 parallel, 0 anti-parallel, shape `(…, 2, n_device)`.
        parallel: Conductance when parallel [S]; per junction where they differ.
        antiparallel: Conductance when anti-parallel [S].

    Returns:
        Conductance [S], as `states`.
    """
    return antiparallel + (parallel - antiparallel) * states


def group_conductance(conductance: Tensor, *, series: bool = False) -> Tensor:
    """Return the conductance of each polarity.

    Args:
        conductance: Conductance of each junction [S], shape `(…, 2, n_device)`.
        series: Whether the junctions form a string; else they are in parallel.

    Returns:
        Conductance [S], shape `(…, 2)`.
    """
    if series:
        return 1.0 / (1.0 / conductance).sum(dim=-1)
    return conductance.sum(dim=-1)


def differential_weight(conductance: Tensor, swing: float) -> Tensor:
    """Return the weight that two conductances hold.

    Args:
        conductance: Conductance of each polarity [S], shape `(…, 2)`.
        swing: Difference between one polarity all parallel and all anti-parallel, nominal [S].

    Returns:
        `(G+ - G-) / swing`, shape `(…)`: the weight exactly, where every junction is nominal.
    """
    require_positive("differential_weight", swing=swing)
    return (conductance[..., 0] - conductance[..., 1]) / swing


def _polarities(weight: Tensor) -> Tensor:
    """Return the positive and the negative part of weights clipped to [-1, 1], shape `(…, 2)`."""
    clipped = weight.detach().clamp(-1.0, 1.0)
    return torch.stack([clipped.clamp(min=0.0), (-clipped).clamp(min=0.0)], dim=-1)
