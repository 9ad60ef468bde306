"""The schedule's choice of banks, against a search over all choices."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import ScheduleError
from pnnsim.mapping.plan import plan_blocks
from pnnsim.mapping.tiling import map_network


def plan(order, banks, blocks):
    mapping = map_network(hidden=4, weight_sets=len(set(order)), count=banks, rows=4, cols=4)
    return list(islice(plan_blocks(order, mapping), blocks))


def flat(order, banks, blocks):
    return [access for block in plan(order, banks, blocks) for access in block]


@st.composite
def orders(draw):
    sets = draw(st.integers(1, 4))
    rest = draw(st.lists(st.integers(0, sets - 1), max_size=3))
    return draw(st.permutations([*range(sets), *rest]))


def test_resident_sets_stay_in_the_bank_of_their_number():
    accesses = flat([1, 0, 2, 1], banks=3, blocks=2)
    assert [access.bank for access in accesses] == [1, 0, 2, 1, 1, 0, 2, 1]
    assert not any(access.write for access in accesses)
    # From the last step to the first of the next block set 1 stays selected.
    assert [access.route for access in accesses] == [
        False,
        True,
        True,
        True,
        False,
        True,
        True,
        True,
    ]


def test_rnn_never_changes_anything():
    assert not any(access.changes for access in flat([0] * 5, banks=1, blocks=3))


def test_single_bank_is_rewritten_and_never_switched():
    accesses = flat([0, 1, 2], banks=1, blocks=2)
    assert [access.write for access in accesses] == [False, True, True, True, True, True]
    assert not any(access.route for access in accesses)


def test_selected_bank_is_overwritten_if_it_is_needed_latest():
    # Contents by hand, selected bank in brackets, W = written:
    #   step 0 (set 0): [0] 1     step 1 (set 1): 0 [1]     step 2 (set 2): 0 [2]W, set 1 is latest
    #   step 0 (set 0): [0] 2     step 1 (set 1): [1]W 2    step 2 (set 2): 1 [2]
    accesses = flat([0, 1, 2], banks=2, blocks=2)
    assert [access.bank for access in accesses] == [0, 1, 1, 0, 0, 1]
    assert [access.write for access in accesses] == [False, False, True, False, True, False]
    assert [access.route for access in accesses] == [False, True, False, True, False, True]


def test_banks_start_with_the_sets_used_first():
    accesses = flat([2, 0, 1], banks=2, blocks=1)
    assert [(access.bank, access.write) for access in accesses] == [
        (0, False),
        (1, False),
        (1, True),
    ]


@given(orders(), st.integers(1, 4))
@settings(deadline=None)
def test_every_access_finds_its_set_and_its_bank(order, banks):
    sets = len(set(order))
    contents = dict(enumerate(range(sets) if sets <= banks else dict.fromkeys(order)))
    contents = {bank: held for bank, held in contents.items() if bank < banks}
    selected = next(bank for bank, held in contents.items() if held == order[0])
    for index, access in enumerate(flat(order, banks, blocks=5)):
        assert access.weight_set == order[index % len(order)]
        assert access.route == (access.bank != selected)
        assert access.write == (access.weight_set not in contents.values())
        if access.write:
            contents[access.bank] = access.weight_set
        assert contents[access.bank] == access.weight_set
        selected = access.bank


@given(orders(), st.integers(1, 3))
@settings(deadline=None)
def test_no_other_choice_of_banks_writes_less(order, banks):
    # Least writes by search over every choice, keeping for each contents the fewest so far.
    blocks = 4
    start = frozenset(list(dict.fromkeys(order))[:banks])
    fewest = {start: 0}
    for needed in order * blocks:
        reached = {}
        for contents, writes in fewest.items():
            if needed in contents:
                options = [(contents, writes)]
            else:
                options = [(contents - {old} | {needed}, writes + 1) for old in contents]
            for option, total in options:
                reached[option] = min(total, reached.get(option, total))
        fewest = reached
    assert sum(access.write for access in flat(order, banks, blocks)) == min(fewest.values())


def test_order_with_other_sets_than_mapped_is_refused():
    mapping = map_network(hidden=4, weight_sets=3, count=3, rows=4, cols=4)
    with pytest.raises(ScheduleError, match=r"uses the weight sets \[0, 1\]; expected .* 0 to 2"):
        next(plan_blocks([0, 1, 0], mapping))


def test_long_plans_are_found_once_and_repeated():
    order = list(range(12))
    blocks = plan(order, banks=5, blocks=5000)
    # Whatever a block does is one of few plans, shared as objects.
    assert len({id(block) for block in blocks}) < 200
