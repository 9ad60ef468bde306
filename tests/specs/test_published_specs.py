"""Machines that others have demonstrated are found by name, apart from those that are shipped."""

from __future__ import annotations

import pytest

from pnnsim.specs.hardware import DEFAULT_SOURCE, load_spec
from pnnsim.specs.resolve import available_specs, published_specs

PUBLISHED = published_specs()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_machine_is_found_by_its_name_and_has_a_source_for_each_value(
    name: str,
) -> None:
    spec = load_spec(name)
    assert (spec.name, spec.summary) == (name, PUBLISHED[name])
    assert spec.unsourced() == []
    given = [source for source in spec.sources.values() if source != DEFAULT_SOURCE]
    assert all(source.strip() for source in given)
    # A value beyond the span that stands beside it would contradict its own source.
    assert not [warning for warning in spec.warnings() if "range" in warning]


def test_published_machines_are_not_among_the_shipped_ones() -> None:
    assert len(PUBLISHED) >= 8
    assert not set(PUBLISHED) & set(available_specs())
