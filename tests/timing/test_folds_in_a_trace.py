"""Steps, weight sets and folds of a trace are columns of their own."""

from __future__ import annotations

import numpy as np
import pytest

from pnnsim.errors import InvariantError
from pnnsim.timing.trace import Trace
from tests.timing.machines import machine

#: A matrix of 4 x 4 is four tiles of 2 x 2: two folds of two tiles on two banks.
FOLDED = machine(sets=2, steps=3, banks=2, tile=(2, 2), samples=4, refresh_fs=60, write_fs=10)
#: The same, with a bank for every fold.
RESIDENT = machine(
    sets=2, steps=3, banks=8, tile=(2, 2), parallel_tiles=2, samples=4, refresh_fs=60, write_fs=10
)
WHOLE = machine(sets=2, steps=3, samples=4, refresh_fs=60, write_fs=10)


def of(trace: Trace, action: str, *columns: str) -> list[tuple[int, ...]]:
    rows = trace.rows(action)
    return list(zip(*(getattr(trace, name)[rows].tolist() for name in columns), strict=True))


def test_products_of_a_sample_run_through_the_folds_of_each_step():
    trace = FOLDED.run()
    assert trace.folds == 2
    mvms = of(trace, "mvm", "sample", "step", "fold", "weight_set")
    sets = FOLDED.network.weight_set_order()
    assert [row[1:] for row in mvms if row[0] == 0] == [
        (step, fold, sets[step]) for step in range(3) for fold in range(2)
    ]


def test_writes_and_refreshes_name_the_fold_that_the_bank_then_holds():
    every = {(k, fold) for k in range(2) for fold in range(2)}
    assert set(of(FOLDED.run(), "write", "weight_set", "fold")) == every
    trace = RESIDENT.run()
    assert set(of(trace, "refresh", "weight_set", "fold")) == every
    assert set(trace.step[trace.rows("refresh")].tolist()) == {-1}


def test_product_with_the_wrong_fold_of_a_matrix_is_refused():
    table = {name: np.zeros(2, dtype=np.int64) for name in ("start_fs", "end_fs", "unit", "action")}
    table |= {"sample": np.zeros(2, dtype=np.int64), "bank": np.zeros(2, dtype=np.int64)}
    table |= {"cause": np.array([-1, 0]), "product": np.array([2, 3]), "content": np.array([0, 0])}
    with pytest.raises(InvariantError, match=r"row 1 is of fold 1 and its bank holds fold 0"):
        Trace.from_table(["weight_banks.0"], table, arrival_fs=[0], result_fs=[0], folds=2)


@pytest.mark.parametrize("case", [FOLDED, WHOLE], ids=["folded", "whole"])
def test_products_and_contents_number_steps_and_sets_with_their_folds(case):
    trace = case.run()
    inside, held = trace.step >= 0, trace.weight_set >= 0
    expected = trace.step * trace.folds + trace.fold
    np.testing.assert_array_equal(trace.product, np.where(inside, expected, -1))
    expected = trace.weight_set * trace.folds + trace.fold
    np.testing.assert_array_equal(trace.content, np.where(held, expected, -1))
    np.testing.assert_array_equal(trace.fold < 0, ~(inside | held))
    order = np.array(case.order)
    mvm = trace.rows("mvm")
    np.testing.assert_array_equal(trace.content[mvm], order[trace.product[mvm]])


def test_matrix_that_is_not_folded_has_fold_0():
    trace = WHOLE.run()
    assert set(trace.fold.tolist()) == {-1, 0}


def test_table_has_the_columns_as_they_are():
    trace = FOLDED.run()
    table = trace.to_table()
    for name in ("step", "fold", "bank", "weight_set"):
        assert table[name] == getattr(trace, name).tolist()
