"""What was computed from a matrix is found again, until others push it out."""

from __future__ import annotations

import torch

from pnnsim.common.recent_results import Kept, content


def test_results_are_made_once_until_they_are_the_ones_not_used_for_longest() -> None:
    made = []

    def make(key: str) -> str:
        made.append(key)
        return key

    kept: Kept[str] = Kept(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert kept.get(key, lambda key=key: make(key)) == key
    assert made == ["a", "b", "c", "b"]


def test_results_of_different_sizes_share_a_bound() -> None:
    made = []

    def make(size: int) -> int:
        made.append(size)
        return size

    kept: Kept[int] = Kept(10, size=lambda result: result)
    for size in (3, 4, 3, 2, 3, 5):  # 14 in all: 4, not used for longest, goes
        assert kept.get(size, lambda size=size: make(size)) == size
    assert len(kept) == 3
    kept.get(3, lambda: make(3))
    assert made == [3, 4, 2, 5]
    kept.get(4, lambda: make(4))
    assert made == [3, 4, 2, 5, 4]


def test_a_result_beyond_the_bound_is_kept_alone() -> None:
    kept: Kept[int] = Kept(10, size=lambda result: result)
    for size in (1, 2, 50, 50):
        kept.get(size, lambda size=size: size)
        kept.get(size, lambda: 0)
    assert len(kept) == 1
    kept.get(1, lambda: 1)
    assert len(kept) == 1


def test_content_is_that_of_the_numbers_and_their_type() -> None:
    matrix = torch.rand((3, 4), generator=torch.Generator().manual_seed(0))
    # The order in memory does not count.
    assert content(matrix) == content(matrix.T.contiguous().T)
    assert content(matrix) != content(matrix.double())
    changed = matrix.clone()
    changed[2, 3] += 1e-6
    assert content(matrix) != content(changed)
