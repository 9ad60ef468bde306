"""Sub-arrays of a crossbar: how the cells of a bank lie on wires, and what these take.

What a cell is made of, and what it is written to, is for the kinds of banks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pnnsim.physics import crossbar


@dataclass(frozen=True, slots=True)
class SubArrays:
    """Layout of a bank: sub-arrays of one size, and the resistance of their wires.

    Args:
        rows: Outputs of one sub-array, each a sense line.
        cols: Inputs of one sub-array, each a driven line.
        row_resistance: Resistance of a driven line from one cell to the next [Ohm].
        column_resistance: Resistance of a sense line from one cell to the next [Ohm].
    """

    rows: int
    cols: int
    row_resistance: float
    column_resistance: float

    def wire_factor(self, cells: Tensor, spare: Tensor) -> Tensor:
        """Return what the wires leave of each cell's conductance, shape as `cells`: exact.

        Each of the last axes is a sub-array of its own: cell k of a polarity of every weight.
        Places that the network does not use hold spare cells on lines at rest.

        Args:
            cells: Conductance of each cell [S], shape `(n_out, n_in, 2, n_cell)`.
            spare: Conductance of a cell that is not used [S], shape `(n_cell,)` or `(1,)`.
        """
        exact = cells.detach().to("cpu", torch.float64)
        n_out, n_in, *inner = exact.shape
        rows, cols = self.rows, self.cols
        down, across = -(-n_out // rows), -(-n_in // cols)
        full = spare.expand(down * rows, across * cols, *inner).clone()
        full[:n_out, :n_in] = exact
        # (tile, n_out, tile, n_in, polarity, cell) → (tile, tile, polarity, cell, n_in, n_out)
        arrays = full.reshape(down, rows, across, cols, *inner).permute(0, 2, 4, 5, 3, 1)
        seen = crossbar.effective_conductance(arrays, self.row_resistance, self.column_resistance)
        factor = (seen / arrays).permute(0, 5, 1, 4, 2, 3).reshape(full.shape)[:n_out, :n_in]
        return factor.to(cells)

    def mean_loss(self, cell: float) -> float:
        """Return the mean share of current that the wires take, by first order.

        Args:
            cell: Mean conductance of one cell [S].
        """
        along = crossbar.mean_wire_error(cell, self.rows, self.row_resistance, 0.0)
        return along + crossbar.mean_wire_error(cell, self.cols, 0.0, self.column_resistance)
