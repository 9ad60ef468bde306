"""A search chooses the same trials and finds the same front however it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnnsim.errors import InputError
from pnnsim.explore.front import best, crowding, ranks
from pnnsim.explore.search import Search
from pnnsim.explore.store import Record
from pnnsim.explore.study import Study
from tests.explore.studies import TIMING, TRAINED

VARY = {
    "switch.rise_time": {"log": ["0.1 ns", "100 ns"]},
    "weight_banks.count": [2, 3, 4],
    "encoder.symbol_rate": ["1 GHz", "2 GHz"],
    "weight_banks.bits": {"linear": [4, 9]},
}
SEARCH: dict[str, Any] = {
    **TIMING,
    "vary": VARY,
    "trials": 20,
    "search": {"generation": 6},
    "constraints": ["latency_s.first <= 0.5 us"],
}


def table(folder: Path) -> bytes:
    return (folder / "trials.csv").read_bytes()


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_those_of_the_definition(seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, 6, (40, 3)).astype(float)
    left, expected, rank = set(range(40)), np.zeros(40), 0
    while left:
        front = {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        expected[sorted(front)] = rank
        left, rank = left - front, rank + 1
    assert (ranks(points) == expected).all()


def test_the_ends_of_a_front_are_never_crowded() -> None:
    found = crowding([[0.0, 4.0], [1.0, 2.0], [1.1, 1.9], [4.0, 0.0]])
    assert np.isinf(found[[0, 3]]).all()
    assert found[1] > found[2] - 1.0
    assert np.isfinite(found[1:3]).all()


def test_the_best_are_those_of_the_lowest_ranks() -> None:
    points = [[float(x), float(x)] for x in (3, 1, 2, 0)]
    assert best(points, 2) == [1, 3]
    assert best([], 3) == []


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", pytest.param("nsga2", marks=pytest.mark.long)])
def test_a_search_does_not_depend_on_workers_or_interruptions(tmp_path: Path, sampler: str) -> None:
    description = {**SEARCH, "search": {"generation": 6, "sampler": sampler}}
    whole = Study.open(description, out=tmp_path / "whole")
    whole.search(workers=0)
    assert sum(whole.counts().values()) == 20
    parts = Study.open(description, out=tmp_path / "parts")

    class StoppedError(Exception):
        pass

    class Nervous(Search):
        """Search that is interrupted when its second generation has been chosen."""

        def advance(self, store: Any) -> bool:
            if store.entered() > 6 and not store.any_in("waiting", "running"):
                raise StoppedError
            return super().advance(store)

    made = Search.of(parts.spec)
    with pytest.raises(StoppedError):
        parts._run(Nervous(parts.spec, made.sampler), 0, None, None, True, None)
    assert 6 < sum(parts.counts().values()) < 20
    parts.search(workers=2)
    assert table(parts.folder) == table(whole.folder)


def test_the_front_meets_every_constraint_and_is_not_dominated(tmp_path: Path) -> None:
    study = Study.open(SEARCH, out=tmp_path / "out")
    study.search(workers=0)
    front = study.front()
    assert front

    def figures(record: Record) -> np.ndarray:
        keys = ("latency_s.first", "energy_j.per_inference")
        return np.array([record.outcome.figures[key] for key in keys])

    assert all(figures(record)[0] <= 0.5e-6 for record in front)
    with study.store() as store:
        good = [
            record
            for record in store.records()
            if record.state == "done" and figures(record)[0] <= 0.5e-6
        ]
    for record in front:
        assert not any(dominates(figures(other), figures(record)) for other in good)
    others = [r for r in good if r.trial.number not in {f.trial.number for f in front}]
    assert all(any(dominates(figures(f), figures(r)) for f in front) for r in others)


def test_a_search_beats_chance(tmp_path: Path) -> None:
    """The best latency of later generations is below the best of the first, random one."""
    study = Study.open({**SEARCH, "trials": 36, "constraints": []}, out=tmp_path / "out")
    study.search(workers=0)
    latency = list(study.to_frame()["latency_s.first"])
    assert min(latency[6:]) < min(latency[:6])
    assert sorted(latency[-6:])[2] < sorted(latency[:6])[2]


@pytest.mark.long
def test_only_the_best_of_a_stage_go_on_and_none_that_breaks_a_constraint(tmp_path: Path) -> None:
    vary = {"switch.rise_time": {"log": ["1 ns", "10 ns"]}, "weight_banks.bits": [4, 8]}
    description = {
        **TRAINED,
        "vary": vary,
        "set": {**TRAINED["set"], "training.epochs": "2"},
        "objectives": [{"maximize": "accuracy.hardware_mean"}, {"minimize": "latency_s.first"}],
        "constraints": ["latency_s.first <= 0.2 us"],
        "trials": 8,
        "search": {"generation": 8, "epochs": [1], "keep": 0.5},
    }
    study = Study.open(description, out=tmp_path / "out")
    study.search(workers=2)
    frame = study.to_frame()
    broken = frame[frame["latency_s.first"] > 0.2e-6]
    assert len(broken)
    assert broken["reason"].str.contains("constraint").all()
    assert (broken["stage"] == 0).all()
    left = 8 - len(broken)
    reached = [int((frame["stage"] >= stage).sum()) for stage in (1, 2)]
    assert reached == [-(-left // 2), -(-reached[0] // 2)]
    assert frame.loc[frame["stage"] == 0, "accuracy.hardware_mean"].isna().all()
    assert (frame.loc[frame["state"] == "done", "stage"] == 2).all()


@pytest.mark.parametrize("missing", ["trials", "objectives"])
def test_a_search_needs_objectives_and_a_number_of_trials(tmp_path: Path, missing: str) -> None:
    description = {key: value for key, value in SEARCH.items() if key != missing}
    with pytest.raises(InputError, match=missing):
        Study.open(description, out=tmp_path / "out").search()
    assert not (tmp_path / "out").exists()
