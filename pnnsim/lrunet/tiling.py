"""Tiles of convolutions, of the size of a weight bank.

A convolution with groups is a block-diagonal matrix: each group multiplies its part of a patch by a
small dense block. As many blocks as fit lie on the diagonal of one tile; a block that is larger
than a bank is cut. This is arithmetic of places, without times or devices.

Values of a patch are numbered channel by channel, its taps row by row: `channel * kernel^2 + tap`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnnsim.mapping.folding import Tile as Part
from pnnsim.mapping.folding import cut
from pnnsim.networks.lrunet import Convolution

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Place of a convolution's weights in one bank.

    Args:
        outputs: Channel that each used row adds to, shape `(n_out,)`.
        inputs: Value of the patch on each used line, shape `(n_in,)`.
        connected: Whether row and line belong to the same group; other cells hold weight 0, shape
            `(n_out, n_in)`.
    """

    outputs: Ints
    inputs: Ints
    connected: NDArray[np.bool_]


def tiles(conv: Convolution, rows: int, cols: int) -> tuple[Tile, ...]:
    """Return the tiles of a convolution, in the order of their first output.

    Args:
        conv: The convolution.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
    """
    outputs, fan_in = conv.outputs // conv.groups, conv.fan_in
    packed = min(rows // outputs, cols // fan_in, conv.groups)
    if packed:
        return tuple(
            _diagonal(np.array(groups), outputs, fan_in) for groups in cut(conv.groups, packed)
        )
    return tuple(
        _dense(group * outputs + np.array(part.outputs), group * fan_in + np.array(part.inputs))
        for group in range(conv.groups)
        for part in Part(range(outputs), range(fan_in)).cut(rows, cols)
    )


def tile_weights(tile: Tile, conv: Convolution, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of a tile's used rows and lines, shape `(n_out, n_in)`.

    Args:
        tile: One of `tiles(conv, …)`.
        conv: The convolution.
        weight: All of its weights as torch has them, shape
            `(outputs, inputs / groups, kernel, kernel)`.
    """
    flat = weight.reshape(conv.outputs, conv.fan_in)
    group = tile.outputs // (conv.outputs // conv.groups)
    # Where a line is of another group its place is meaningless, and the cell is 0.
    place = np.clip(tile.inputs[None, :] - group[:, None] * conv.fan_in, 0, conv.fan_in - 1)
    return np.where(tile.connected, flat[tile.outputs[:, None], place], 0.0)


def _diagonal(groups: Ints, outputs: int, fan_in: int) -> Tile:
    """Return a tile of whole blocks."""
    out = (groups[:, None] * outputs + np.arange(outputs)).ravel()
    into = (groups[:, None] * fan_in + np.arange(fan_in)).ravel()
    return Tile(out, into, (out // outputs)[:, None] == (into // fan_in)[None, :])


def _dense(out: Ints, into: Ints) -> Tile:
    """Return a tile that is a part of one block."""
    return Tile(out, into, np.ones((len(out), len(into)), dtype=np.bool_))
