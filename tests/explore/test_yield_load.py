"""Yield counts the chips of a run; load curves rise towards the rate that a machine takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pnnsim.cli.app import main
from pnnsim.errors import InputError
from pnnsim.explore.chip_yield import chip_yields, wilson
from pnnsim.explore.load_curve import load_curves
from pnnsim.explore.requirements import parse_requirement
from pnnsim.explore.study_file import chip_dimensions
from pnnsim.simulation.experiment_run import run
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.opened import open_experiment

SHORT = (
    ("training.epochs", "6"),
    ("simulation.samples", "60"),
    ("weight_banks.resonance_error", "20 pm"),
)
SETS = [word for key, text in SHORT for word in ("--set", f"{key}={text}")]


def yields(require: str, variants: list[Any] | None = None, **rest: Any) -> list[Any]:
    wanted = parse_requirement(require, chip_dimensions())
    base = open_experiment("photonic_mrr")
    return chip_yields(base, variants or [SHORT], wanted, workers=0, **rest)


@pytest.fixture(scope="module")
def reference() -> list[float]:
    """Return the accuracy of each chip of a run."""
    experiment = load_experiment("photonic_mrr", [*SHORT, ("simulation.chips", "5")])
    chips: list[float] = run(experiment).metrics["accuracy"]["chips"]
    return chips


@pytest.mark.parametrize(
    ("met", "count", "low", "high"),
    # Newcombe, Statist. Med. 17, 857, 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_wilson(met: int, count: int, low: float, high: float) -> None:
    assert wilson(met, count) == pytest.approx((low, high), rel=0, abs=5e-5)
    assert wilson(count - met, count) == pytest.approx((1 - high, 1 - low), rel=0, abs=5e-5)


def test_chips_are_those_of_a_run_and_the_yield_is_their_share(reference: list[float]) -> None:
    bound = sorted(reference)[2]
    (found,) = yields(f"accuracy >= {bound!r}", chips=5, explain=False)
    assert [chip["accuracy"] for chip in found.chips] == reference
    assert found.share == sum(a >= bound for a in reference) / 5
    assert found.interval == wilson(sum(found.met), 5)


@pytest.mark.long
def test_the_cause_of_failures_is_the_non_ideality_that_was_made_large() -> None:
    (found,) = yields("accuracy >= 0.7", chips=8)
    assert found.share < 1.0
    assert found.causes[0].non_ideality == "weight_banks.resonance_error"
    assert found.causes[0].rescued > found.causes[1].rescued


def test_a_run_that_fails_itself_fails_every_chip_and_no_cause_is_sought() -> None:
    (found,) = yields("accuracy >= 0 and latency_s.first <= 1 ps", chips=2)
    assert found.share == 0.0
    assert found.causes == ()


def test_the_yield_falls_with_the_spread_of_fabrication() -> None:
    spreads = [(*SHORT[:2], ("weight_banks.resonance_error", f"{pm} pm")) for pm in (1, 40)]
    fine, coarse = yields("accuracy >= 0.6", spreads, chips=6, explain=False)
    assert fine.share > coarse.share


def test_the_command_gives_the_yield_and_its_interval_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [
        "yield",
        "photonic_mrr",
        "--chips",
        "3",
        "--require",
        "accuracy >= 0",
        "--workers",
        "0",
    ]
    assert main([*words, "--json", *SETS]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["yield"], found["chips"]) == (1.0, 3)
    assert found["interval"] == list(wilson(3, 3))
    against = "weight_banks.resonance_error=1 pm,2 pm"
    assert main([*words, *SETS, "--against", against]) == 0
    assert "weight_banks.resonance_error=2 pm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--require", "accurcy >= 1"], "accuracy"),
        (["--require", "accuracy => 1"], "expected"),
        (["--require", "accuracy >= 0", "--against", "switch.rise_time"], "--against"),
        (["--require", "accuracy >= 0", "--against", "switch.rise_tim=1 ns"], "rise_time"),
        (["--require", "accuracy >= 0", "--set", "nothing.at=1"], "nothing"),
    ],
)
def test_what_a_yield_cannot_mean_is_refused(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["yield", "photonic_mrr", *words]) == 2
    assert says in capsys.readouterr().err


def test_latency_rises_with_the_load_and_energy_falls() -> None:
    base = open_experiment("photonic_mrr")
    (curve,) = load_curves(base, shares=(0.9, 0.2, 0.6, 1.5), samples=300, workers=0)
    assert [round(point.share, 6) for point in curve.points] == [0.2, 0.6, 0.9]
    for name, ascends in (("p50", True), ("p95", True), ("p99", True), ("energy", False)):
        values = [getattr(point, name) for point in curve.points]
        assert values == sorted(values, reverse=not ascends), name
    assert all(point.dropped == 0.0 for point in curve.points)
    assert curve.points[0].offered_per_s <= curve.ease_per_s < curve.saturation_per_s


def test_a_queue_that_ends_drops_what_is_beyond_saturation() -> None:
    base = open_experiment("photonic_mrr")
    pairs = [("memory.capacity", "4")]
    curves = load_curves(
        base, pairs, blocks=(1, 4), shares=(0.3, 3.0), samples=200, queue=4, workers=0
    )
    assert [curve.block for curve in curves] == [1, 4]
    for curve in curves:
        low, high = curve.points
        assert low.dropped < 0.05
        assert high.dropped > 0.5
        assert high.served_per_s == pytest.approx(curve.saturation_per_s, rel=0.1, abs=0)
    assert curves[1].saturation_per_s > curves[0].saturation_per_s


@pytest.mark.parametrize(
    "wrong", [{"samples": 0}, {"shares": (0.0,)}, {"shares": (1.2,)}, {"blocks": (0,)}]
)
def test_a_load_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        load_curves(open_experiment("photonic_mrr"), workers=0, **wrong)


def test_an_error_of_a_worker_process_reaches_the_user() -> None:
    from pnnsim.errors import ScheduleError

    with pytest.raises(ScheduleError, match=r"memory\.capacity"):
        load_curves(open_experiment("photonic_mrr"), blocks=(4,), samples=4, workers=1)
