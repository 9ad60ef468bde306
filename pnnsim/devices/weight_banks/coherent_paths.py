"""Phases of the paths to and from a coherent bank: fabricated, drifting, or held by a lock.

    laser ──┬── line ── fiber ── switch ──▶ bank ──▶ 50:50 ──▶ receiver
            └── local oscillator ──────────────────────┘

Each line and each local oscillator has a path of its own. Light that a switch leaks into a bank
that is not selected comes by another arm of the switch, so that its phase is any at all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.common.rng import normal, uniform
from pnnsim.devices.base import State
from pnnsim.devices.weight_banks.mzi_mesh_params import MziMeshParams
from pnnsim.physics import dynamics

#: Banks on top of each other, beside each other.
Tiles = tuple[int, int]


def draw(params: MziMeshParams, tiles: Tiles, generator: torch.Generator) -> State:
    """Draw what calibration leaves of each path's phase, and the phases of leaking light [rad].

    Args:
        params: Description of the banks.
        tiles: Banks that share outputs, and those that share inputs.
        generator: Stream of the fabrication.
    """
    lines, oscillators = _shapes(params, tiles)
    return {
        "line_phases": params.path_error * normal(lines, generator),
        "oscillator_phases": params.path_error * normal(oscillators, generator),
        "leak_phases": 2.0 * math.pi * uniform(lines, generator),
    }


def drift(
    params: MziMeshParams,
    tiles: Tiles,
    previous: State | None,
    elapsed: float,
    generator: torch.Generator,
) -> State:
    """Return how far each path has drifted [rad], an Ornstein-Uhlenbeck process.

    Args:
        params: Description of the banks; of a lock, what it leaves drifts as fast as it follows.
        tiles: Banks that share outputs, and those that share inputs.
        previous: Drifts some time ago; None at the start.
        elapsed: Time since `previous` [s].
        generator: Stream of the drift.
    """
    deviation, time = params.moving_phase
    state: State = {}
    names = ("line_drift", "oscillator_drift")
    for name, shape in zip(names, _shapes(params, tiles), strict=True):
        noise = normal(shape, generator)
        if previous is None:
            state[name] = deviation * noise
        else:
            state[name] = dynamics.ornstein_uhlenbeck_step(
                previous[name],
                torch.tensor(elapsed, dtype=torch.float64),
                deviation,
                time,
                noise,
            )
    return state


def path_phases(state: State, *, error: bool, drift: bool) -> Tensor:
    """Return the phase of each path through the banks [rad], 0 where it is as calibrated.

    Args:
        state: What fabrication and environment add.
        error: Whether what calibration leaves counts.
        drift: Whether what has drifted counts.

    Returns:
        Line less local oscillator, shape `(n_out, n_in, rows, cols)`, tiles first, or `()`.
    """
    parts = [*(["phases"] if error else []), *(["drift"] if drift else [])]
    found = torch.zeros((), dtype=torch.float64)
    for part in parts:
        if f"line_{part}" not in state:
            continue
        # Lines by tile and column; oscillators by tile, row and tile.
        line = state[f"line_{part}"][None, :, None, :]
        oscillator = state[f"oscillator_{part}"].movedim(-1, 1)[..., None]
        found = found + line - oscillator
    return found


def leak_phases(state: State) -> Tensor | None:
    """Return the phase with which leaking light enters a bank [rad]; None on a nominal chip.

    Args:
        state: What fabrication and environment add.

    Returns:
        Shape `(1, n_in, 1, cols)`: tiles first.
    """
    phases = state.get("leak_phases")
    return None if phases is None else phases[None, :, None, :]


def _shapes(params: MziMeshParams, tiles: Tiles) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of the phases of all lines and of all local oscillators."""
    down, across = tiles
    return (across, params.cols), (down, params.rows, across)
