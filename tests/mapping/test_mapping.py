from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import MappingError
from pnnsim.inference.partial_sums import bank_targets, fold_lines, unfold_product
from pnnsim.mapping.folding import MatrixShape, folds_of
from pnnsim.mapping.tiling import map_matrices, map_network


def test_matrix_that_fits_takes_one_tile():
    mapping = map_network(hidden=64, weight_sets=2, count=2, rows=64, cols=64)
    assert (mapping.tiles, mapping.logical, mapping.used, mapping.resident) == (1, 2, 2, True)


def test_rows_and_columns_are_cut_apart():
    # 10 outputs on 4 rows: 3 tiles down; 10 inputs on 6 columns: 2 tiles across.
    mapping = map_network(hidden=10, weight_sets=1, count=6, rows=4, cols=6)
    assert mapping.tiles == 6
    assert map_network(hidden=10, weight_sets=1, count=6, rows=3, cols=10).tiles == 4


def test_incomplete_group_of_banks_is_no_logical_bank():
    mapping = map_network(hidden=8, weight_sets=3, count=11, rows=4, cols=4)
    assert (mapping.tiles, mapping.logical, mapping.used, mapping.resident) == (4, 2, 2, False)


def test_spare_banks_are_not_used():
    mapping = map_network(hidden=4, weight_sets=2, count=7, rows=4, cols=4)
    assert (mapping.logical, mapping.used, mapping.resident) == (7, 2, True)


def test_logical_banks_share_no_physical_bank():
    mapping = map_network(hidden=8, weight_sets=2, count=9, rows=4, cols=4)
    assert [list(mapping.physical_banks(bank)) for bank in range(2)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize(
    ("count", "parallel_tiles", "folds", "logical"),
    [
        (1, (1, 1), 6, 1),
        (2, (1, 2), 3, 1),  # no partial sums to add up between folds; (2, 1) would take 4 folds
        (3, (3, 1), 2, 1),
        (4, (3, 1), 2, 1),  # the fourth bank would not save a fold
        (5, (3, 1), 2, 1),
        (6, (3, 2), 1, 1),
        (13, (3, 2), 1, 2),
    ],
)
def test_matrix_larger_than_all_banks_is_folded_as_rarely_as_possible(
    count, parallel_tiles, folds, logical
):
    # 10 outputs on 4 rows and 10 inputs on 6 columns: 3 x 2 tiles.
    mapping = map_network(hidden=10, weight_sets=2, count=count, rows=4, cols=6)
    assert (mapping.parallel_tiles, mapping.folds, mapping.logical) == (
        parallel_tiles,
        folds,
        logical,
    )
    assert mapping.matrices == 2 * folds


def test_fewer_tiles_at_once_leave_banks_that_hold_other_folds():
    mapping = map_network(hidden=8, weight_sets=1, count=4, rows=4, cols=4, parallel_tiles=1)
    assert (mapping.folds, mapping.logical, mapping.resident) == (4, 4, True)
    assert (mapping.outputs, mapping.inputs) == (4, 4)
    # Inputs first: the sums of outputs 0 to 3 are complete before the others begin.
    folds = [fold.tile for fold in mapping.folds_of(0)]
    corners = [(tile.outputs.start, tile.inputs.start) for tile in folds]
    assert corners == [(0, 0), (0, 4), (4, 0), (4, 4)]
    assert mapping.folded([0, 0]) == (0, 1, 2, 3, 0, 1, 2, 3)


@given(
    hidden=st.integers(1, 40), rows=st.integers(1, 20), cols=st.integers(1, 20),
    count=st.integers(1, 30), sets=st.integers(1, 3),
)  # fmt: skip
def test_no_other_shape_takes_fewer_folds(hidden, rows, cols, count, sets):
    mapping = map_network(hidden=hidden, weight_sets=sets, count=count, rows=rows, cols=cols)
    down, across = mapping.grid
    assert mapping.most_tiles == down * across
    shapes = [(r, c) for r in range(1, down + 1) for c in range(1, across + 1) if r * c <= count]
    least = min(math.ceil(down / r) * math.ceil(across / c) for r, c in shapes)
    assert mapping.folds == least
    assert mapping.tiles <= count


SHAPES = st.builds(
    lambda outputs, inputs, groups: MatrixShape(outputs * groups, inputs * groups, groups),
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 6),
)  # fmt: skip


@given(
    shapes=st.lists(SHAPES, min_size=1, max_size=3), rows=st.integers(1, 7),
    cols=st.integers(1, 7), count=st.integers(1, 9),
)  # fmt: skip
@settings(deadline=None)
def test_folds_multiply_what_the_matrix_multiplies(shapes, rows, cols, count):
    mapping = map_matrices(shapes, count=count, rows=rows, cols=cols)
    # Small whole numbers, so that sums are exact in any order.
    generator = torch.Generator().manual_seed(0)

    def whole(*shape):
        return torch.randint(-4, 5, shape, generator=generator).double()

    weights = [whole(shape.outputs, shape.inputs // shape.groups) for shape in shapes]
    targets = bank_targets(weights, mapping)
    assert {tuple(held.shape) for held in targets} == {(mapping.outputs, mapping.inputs)}
    assert len(targets) == mapping.matrices
    for k, (shape, weight) in enumerate(zip(shapes, weights, strict=True)):
        line = whole(3, shape.inputs)
        own = targets[mapping.first_contents[k] :]
        folds = mapping.folds_of(k)
        sums = [
            fold_lines(line, fold, mapping) @ held.T for fold, held in zip(folds, own, strict=False)
        ]
        dense = torch.block_diag(*weight.chunk(shape.groups))
        assert torch.equal(unfold_product(sums, folds, shape.outputs), line @ dense.T)


@given(
    shapes=st.lists(SHAPES, min_size=1, max_size=4), rows=st.integers(1, 7),
    cols=st.integers(1, 7), count=st.integers(1, 60),
)  # fmt: skip
def test_matrices_that_can_stay_do(shapes, rows, cols, count):
    mapping = map_matrices(shapes, count=count, rows=rows, cols=cols)
    alone = sum(len(folds_of(shape, rows, cols)) for shape in shapes)
    assert mapping.resident >= (not mapping.uniform and alone <= count)
    assert mapping.tiles <= count


def test_depthwise_groups_share_a_bank_on_its_diagonal():
    # Nine inputs a channel: seven channels fit the 64 inputs of a bank.
    folds = folds_of(MatrixShape(16, 144, groups=16), 64, 64)
    assert [(len(f.tile.outputs), len(f.tile.inputs), f.blocks) for f in folds] == [
        (7, 63, 7),
        (7, 63, 7),
        (2, 18, 2),
    ]


def test_matrices_that_do_not_fit_are_multiplied_tile_by_tile():
    shapes = [MatrixShape(100, 784), MatrixShape(10, 100)]
    mapping = map_matrices(shapes, count=4, rows=64, cols=64)
    assert (mapping.tiles, mapping.matrices, mapping.resident) == (1, 2 * 13 + 2, False)
    together = map_matrices(shapes, count=4, rows=64, cols=64, parallel_tiles=4)
    assert together.parallel_tiles in ((1, 4), (2, 2))
    assert together.matrices < mapping.matrices
    resident = map_matrices(shapes, count=28, rows=64, cols=64)
    assert resident.resident


def test_more_tiles_at_once_than_banks_are_refused():
    with pytest.raises(MappingError, match=r"parallel_tiles: got 5 with 4 banks; .* Hint: lower"):
        map_network(hidden=8, weight_sets=1, count=4, rows=4, cols=4, parallel_tiles=5)


@given(
    hidden=st.integers(1, 12), rows=st.integers(1, 7), cols=st.integers(1, 7),
    count=st.integers(1, 9),
)  # fmt: skip
def test_tiles_of_all_folds_cover_a_matrix_once(hidden, rows, cols, count):
    mapping = map_network(hidden=hidden, weight_sets=1, count=count, rows=rows, cols=cols)
    covered = np.zeros((hidden, hidden), dtype=int)
    for fold in range(mapping.folds):
        places = [place for place, _ in mapping.bank_tiles(fold)]
        assert len(set(places)) == len(places)
        assert set(places) <= set(range(mapping.tiles))
        for _, tile in mapping.bank_tiles(fold):
            assert len(tile.outputs) <= rows
            assert len(tile.inputs) <= cols
            covered[tile.rows, tile.columns] += 1
    assert (covered == 1).all()


def test_tile_at_the_edge_keeps_the_place_of_its_bank():
    # 10 outputs on 4 rows, 10 inputs on 6 columns: banks 0 to 5, row by row.
    mapping = map_network(hidden=10, weight_sets=1, count=6, rows=4, cols=6)
    found = [(n, t.outputs.stop, t.inputs.stop) for n, t in mapping.bank_tiles(0)]
    assert found == [(0, 4, 6), (1, 4, 10), (2, 8, 6), (3, 8, 10), (4, 10, 6), (5, 10, 10)]
