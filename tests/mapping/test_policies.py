"""Policies of the controller: which bank each of them overwrites, and what that costs."""

from __future__ import annotations

from itertools import islice
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.mapping.plan import plan_blocks
from pnnsim.mapping.policies import POLICIES, Belady, LeastRecentlyUsed
from pnnsim.mapping.tiling import map_network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.control import ControlParams
from pnnsim.specs.hardware import load_spec


def accesses(order, banks, policy, blocks=3):
    mapping = map_network(hidden=4, weight_sets=len(set(order)), count=banks, rows=4, cols=4)
    plan = islice(plan_blocks(order, mapping, policy), blocks)
    return [access for block in plan for access in block]


def test_every_policy_has_a_name_in_descriptions_and_no_name_lacks_one() -> None:
    names = get_args(ControlParams.model_fields["policy"].annotation)
    assert sorted(names) == sorted(POLICIES)


def test_least_recently_used_overwrites_the_bank_used_longest_ago() -> None:
    # Contents by hand, bank used in brackets, W = written, from (0) 1:
    # 0: (0) 1 | 1: 0 (1) | 2: (2) 1 W | 0: 2 (0) W | 1: (1) 0 W | 2: 1 (2) W
    found = accesses([0, 1, 2], 2, LeastRecentlyUsed(), blocks=2)
    assert [access.bank for access in found] == [0, 1, 0, 1, 0, 1]
    assert [access.write for access in found] == [False, False, True, True, True, True]
    # The order that is seen ahead needs a write for every second access: 2 goes where 1 was.
    ahead = accesses([0, 1, 2], 2, Belady(), blocks=2)
    assert [access.bank for access in ahead] == [0, 1, 1, 0, 0, 1]
    assert [access.write for access in ahead] == [False, False, True, False, True, False]


def test_recency_goes_on_from_block_to_block() -> None:
    # Behind 0 1 1 2 on three banks the next block needs 3 where 1 was: 0 is used again before it.
    found = accesses([0, 1, 1, 2, 0, 3], 3, LeastRecentlyUsed(), blocks=2)
    assert [access.bank for access in found] == [0, 1, 1, 2, 0, 1, 0, 2, 2, 1, 0, 2]
    assert [n for n, access in enumerate(found) if access.write] == [5, 7, 9, 11]


@st.composite
def orders(draw):
    sets = draw(st.integers(1, 5))
    rest = draw(st.lists(st.integers(0, sets - 1), max_size=5))
    return draw(st.permutations([*range(sets), *rest])), draw(st.integers(1, sets))


@given(orders())
@settings(max_examples=200, deadline=None)
def test_no_policy_writes_less_often_than_the_one_that_looks_ahead(case) -> None:
    order, banks = case
    counts = {
        name: sum(access.write for access in accesses(order, banks, policy(), blocks=8))
        for name, policy in POLICIES.items()
    }
    assert counts["belady"] == min(counts.values())


@given(orders())
@settings(max_examples=200, deadline=None)
def test_bank_just_used_is_the_last_that_a_policy_of_recency_overwrites(case) -> None:
    order, banks = case
    before = None
    for access in accesses(order, banks, LeastRecentlyUsed()):
        assert banks == 1 or not (access.write and access.bank == before)
        before = access.bank


def test_policy_of_a_description_decides_how_often_banks_are_written() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=3, steps=6)
    writes, makespan = {}, {}
    for policy in POLICIES:
        spec = load_spec("photonic_mrr", [("control.policy", policy)])
        timing = time_run(Chip.nominal(spec, network), 20)
        writes[policy] = len(timing.trace.rows("write"))
        makespan[policy] = timing.trace.makespan_fs
    # 6 products of each of 20 samples; the first two find what the set-up has written.
    assert writes["lru"] == 6 * 20 - 2
    assert writes["belady"] == (6 * 20 - 2) // 2
    assert makespan["lru"] > 1.9 * makespan["belady"]


def test_unknown_policy_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SpecError, match=r"control\.policy.*'fifo'.*belady.*lru"):
        load_spec("photonic_mrr", [("control.policy", "fifo")])


@pytest.mark.parametrize("policy", [Belady, LeastRecentlyUsed])
def test_a_single_bank_is_overwritten_by_a_policy_that_writes_ahead_too(policy) -> None:
    found = accesses([0, 1], 1, policy(ahead=True), blocks=2)
    assert [(access.bank, access.write) for access in found] == [
        (0, False), (0, True), (0, True), (0, True),
    ]  # fmt: skip
