"""Requirements are read by a grammar of their own, with units, and nothing else is."""

from __future__ import annotations

import pytest

from pnnsim.explore.figures import dimensions
from pnnsim.explore.requirements import RequirementError, parse_requirement

KNOWN = dimensions()


def test_bounds_are_read_with_their_units() -> None:
    found = parse_requirement("accuracy.hardware_mean >= 90 % and latency_s.p99<=1 us", KNOWN)
    assert [(c.key, c.sign) for c in found.comparisons] == [
        ("accuracy.hardware_mean", ">="),
        ("latency_s.p99", "<="),
    ]
    assert [c.bound for c in found.comparisons] == pytest.approx([0.9, 1e-6], rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("sign", "below", "at", "above"),
    [
        ("<=", True, True, False),
        ("<", True, False, False),
        (">=", False, True, True),
        (">", False, False, True),
    ],
)
def test_a_bound_holds_on_its_side(sign: str, below: bool, at: bool, above: bool) -> None:
    (bound,) = parse_requirement(f"mapping.folds {sign} 4", KNOWN).comparisons
    assert [bound.holds(3), bound.holds(4), bound.holds(5)] == [below, at, above]
    assert [bound.excess(3) <= 0, bound.excess(4) <= 0, bound.excess(5) <= 0] == [below, at, above]


def test_a_figure_that_is_not_there_breaks_its_bound() -> None:
    found = parse_requirement("power_w <= 1 W and samples >= 1", KNOWN)
    assert [c.key for c in found.broken({"samples": 3})] == ["power_w"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latency_s.first",
        "latency_s.first == 1 us",
        "latency_s.first <= 1",
        "latency_s.first <= 1 mW",
        "latency_s.first <= 1 us or power_w <= 1 W",
        "latency_s.first <= 1 us and",
        "latency_s.frist <= 1 us",
        "1 us >= latency_s.first",
        "__import__('os').system('x') <= 1",
        "samples <= 1e999",
        "samples <= nan",
        "samples <= 3 us",
        "accuracy.hardware_mean >= 0.9 >= 0.8",
        " and ".join(["samples <= 1"] * 51),
        "samples <= " + "1" * 3000,
    ],
)
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(RequirementError, match=r"expected|did you mean"):
        parse_requirement(text, KNOWN)
