"""The table of actions holds for everything that lists actions."""

from __future__ import annotations

from collections import Counter

import pytest

from pnnsim.devices.registry import parts
from pnnsim.inference.chip import Chip
from pnnsim.mapping.actions import ACTIONS, PREPARING, TABLE, is_path, is_shared, priced_actions
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.testing import ACTIONS as DECLARED


def test_names_and_places_are_distinct():
    assert len(set(ACTIONS)) == len(ACTIONS) == len(TABLE)
    assert sorted(action.place for action in TABLE) == list(range(len(TABLE)))


def test_every_component_does_something_that_has_a_price():
    done = Counter(part for action in TABLE for part in action.components)
    assert set(done) == set(parts()) - {"environment", "control"}
    assert all(priced_actions(part) for part in done)
    assert {part: priced_actions(part) for part in done} == DECLARED


@pytest.mark.parametrize("action", TABLE, ids=lambda action: action.name)
def test_chip_prices_an_action_for_each_component_that_does_it_or_for_none(action):
    chip = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet(weight_sets=2, steps=3))
    priced = {part for part, name in chip.prices().dynamic if name == action.name}
    assert priced == (set(action.components) if action.price else set())


def test_actions_that_prepare_serve_no_sample_and_have_a_lane():
    assert set(PREPARING) == {"route", "write", "refresh"}
    assert all(action.lane for action in TABLE if action.when == "preparing")


def test_only_light_on_its_way_and_states_share_a_lane():
    for core in ("", ".core0", ".core12"):
        shared = {u for u in ("weight_banks.path", "memory", "detector") if is_shared(u + core)}
        assert shared == {"weight_banks.path", "memory"}
        assert is_path(f"weight_banks.path{core}")
        assert not is_path(f"weight_banks.1{core}")
