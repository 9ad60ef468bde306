"""Measure how fast crossbars are solved and meshes are decomposed, against the size.

    python -m benchmarks.arrays            # about a minute
    python -m benchmarks.arrays --small    # sizes for a check that it works, seconds

Ratios within one run are what counts: a crossbar stands beside the elimination of its rows one
after the other by dense solves, and a mesh beside the singular value decomposition that it starts
from. Processor time of one thread; ways take turns and the shortest of each counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.timing import circumstances, table
from benchmarks.values import in_turns
from pnnsim.physics.crossbar import effective_conductance
from pnnsim.physics.photonic_decomposition import decompose_svd

#: Wires of the array of `spintronic_mtj` [Ohm]; its cells have 1 MOhm, 120 % of magnetoresistance.
R_ROW, R_COL = 2.12, 6.36
#: Most rows for which the dense elimination is worth waiting for.
DENSE_UP_TO = 256


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    small = parser.parse_args(arguments).small
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(circumstances())
    crossbars([(8, 2), (16, 1)] if small else [(64, 16), (128, 4), (256, 1), (512, 1), (1024, 1)])
    meshes([4, 8] if small else [16, 32, 64, 128, 256])
    torch.set_num_threads(threads)


def crossbars(sizes: Sequence[tuple[int, int]]) -> None:
    """Time arrays of some sizes, several together.

    Args:
        sizes: Rows and columns of an array, and how many arrays.
    """
    rows = []
    for size, count in sizes:
        states = np.random.default_rng(size).random((count, size, size)) < 0.5
        cells = torch.from_numpy(np.where(states, 1.0, 1 / 2.2) * 1e-6)
        work = {"joined": lambda cells=cells: effective_conductance(cells, R_ROW, R_COL)}
        if size <= DENSE_UP_TO:
            work["row by row"] = lambda cells=cells: row_by_row(cells)
        found = in_turns(work, 1 if size > DENSE_UP_TO else 3)
        joined, dense = found["joined"] / count, found.get("row by row", float("nan")) / count
        rows.append(
            (size, count, f"{1e3 * joined:.2f}", f"{1e3 * dense:.2f}", f"{dense / joined:.1f}")
        )
    table("Crossbars with resistive wires, ms for each array",
          ("N", "arrays", "joined blocks", "row by row", "ratio"), rows)  # fmt: skip


def meshes(sizes: Sequence[int]) -> None:
    """Time the decomposition of one matrix of some sizes into two meshes and attenuators."""
    rows = []
    for size in sizes:
        matrix = torch.from_numpy(np.random.default_rng(size).normal(size=(size, size)))
        found = in_turns(
            {
                "meshes": lambda matrix=matrix: decompose_svd(matrix),
                "svd": lambda matrix=matrix: np.linalg.svd(matrix.numpy()),
            },
            3,
        )
        rows.append(
            (size, *(f"{1e3 * seconds:.2f}" for seconds in found.values()),
             f"{found['meshes'] / found['svd']:.0f}")
        )  # fmt: skip
    table("Meshes for one matrix, ms", ("N", "decomposition", "singular values", "ratio"), rows)


def row_by_row(cells: Tensor) -> Tensor:
    """Return effective conductances by block elimination, a dense solve of all columns for a row.

    Args:
        cells: Conductance of each cell [S], shape `(n_array, n_in, n_out)`.
    """
    one = torch.eye(cells.shape[-1], dtype=cells.dtype)
    path = 2.0 * one - torch.diag(one[0, 0].expand(len(one) - 1), 1)
    path = path - torch.diag(one[0, 0].expand(len(one) - 1), -1)
    path[-1, -1] = 1.0
    above = torch.zeros(len(cells), *one.shape, dtype=cells.dtype)
    sources = above[..., :0]
    for row in cells.unbind(dim=-2):
        across = torch.diag_embed(row)
        follow = torch.linalg.solve(path + R_ROW * across, across)
        passed = torch.linalg.solve(one + R_COL * above, torch.cat([above, sources], dim=-1))
        above = passed[..., : len(one)] + across - R_ROW * row[..., None] * follow
        sources = torch.cat([passed[..., len(one) :], follow[..., 0, :, None]], dim=-1)
    solved: Tensor = torch.linalg.solve(one + R_COL * above, sources)
    return solved.mT


if __name__ == "__main__":
    main()
