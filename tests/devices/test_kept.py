"""What was computed from a matrix is found again, until others push it out."""

from __future__ import annotations

import torch

from pnnsim.devices.weight_banks.cache import Kept, content


def test_results_are_made_once_until_they_are_the_ones_not_used_for_longest() -> None:
    made = []

    def make(key: str) -> str:
        made.append(key)
        return key

    kept: Kept[str] = Kept(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert kept.get(key, lambda key=key: make(key)) == key
    assert made == ["a", "b", "c", "b"]


def test_content_is_that_of_the_numbers_and_their_type() -> None:
    matrix = torch.rand((3, 4), generator=torch.Generator().manual_seed(0))
    # The order in memory does not count.
    assert content(matrix) == content(matrix.T.contiguous().T)
    assert content(matrix) != content(matrix.double())
    changed = matrix.clone()
    changed[2, 3] += 1e-6
    assert content(matrix) != content(changed)
