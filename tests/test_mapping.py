from __future__ import annotations

import pytest

from pnnsim.errors import MappingError
from pnnsim.mapping import map_network


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


def test_matrix_larger_than_all_banks_is_refused_with_the_number_needed():
    with pytest.raises(MappingError, match=r"takes 4 banks of 4 x 4 .* got 3; expected at least 4"):
        map_network(hidden=8, weight_sets=1, count=3, rows=4, cols=4)
