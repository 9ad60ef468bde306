"""A sweep gives the same table however it is run, stopped and taken up again."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from pnnsim.errors import InputError, OutputError
from pnnsim.explore.drive import Sweep, drive, run_task
from pnnsim.explore.study import Study
from pnnsim.explore.trial import Stage, TrialContext
from pnnsim.explore.trial_run import run_trial
from pnnsim.explore.workers import LocalWorkers
from tests.explore.studies import TIMING, TRAINED, command, ended, wait_for


def table(folder: Path) -> str:
    return (folder / "trials.csv").read_text("utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that one worker has run."""
    study = Study.open(TIMING, out=tmp_path_factory.mktemp("studies") / "one")
    study.sweep(workers=0)
    return study


def test_every_trial_is_in_the_table_with_what_was_set_and_found(done: Study) -> None:
    frame = done.to_frame()
    assert list(frame["number"]) == list(range(6))
    assert set(frame["state"]) == {"done"}
    assert list(frame["weight_banks.count"]) == [2, 2, 2, 3, 3, 3]
    rises = [1e-9, 2e-9, 4e-9] * 2
    assert list(frame["switch.rise_time"]) == pytest.approx(rises, rel=1e-12, abs=0)
    assert frame["latency_s.first"].is_monotonic_increasing is False
    assert (frame.groupby("weight_banks.count")["latency_s.first"].nunique() == 3).all()
    assert frame["spec_sha256"].nunique() == 6
    import pandas as pd

    stored = pd.read_parquet(done.folder / "trials.parquet")
    assert list(stored["latency_s.first"]) == list(frame["latency_s.first"])
    assert list(pd.read_csv(done.folder / "trials.csv")["power_w"]) == pytest.approx(
        list(frame["power_w"]), rel=1e-12, abs=0
    )


def test_a_trial_is_the_run_of_its_settings(done: Study) -> None:
    from pnnsim.inference.chip import Chip
    from pnnsim.simulation.timing_pass import time_run, timing_metrics
    from pnnsim.specs.experiment import load_experiment

    with done.store() as store:
        record = list(store.records())[4]
    experiment = load_experiment("photonic_mrr", record.trial.overrides)
    metrics = timing_metrics(time_run(Chip.nominal(experiment.hardware, experiment.network), 8))
    assert record.outcome.figures["latency_s.p99"] == metrics["latency_s"]["p99"]
    assert record.outcome.figures["energy_j.total"] == metrics["energy_j"]["total"]
    assert record.outcome.figures["samples"] == 8


def test_the_page_has_the_front_and_needs_nothing_else(done: Study) -> None:
    page = (done.folder / "study.html").read_text("utf-8")
    for record in done.front():
        assert f'<th scope="row" class="number">{record.trial.number} <span' in page
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'" in page  # loads nothing
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)


def test_a_page_escapes_what_a_study_says(tmp_path: Path) -> None:
    study = Study.open(
        {
            **TIMING,
            "set": {"simulation.arrivals": "file", "simulation.samples": "4"},
            "vary": {"simulation.times": ["<b>x</b>"]},
        },
        out=tmp_path / "out",
    )
    study.sweep(workers=0)
    page = (study.folder / "study.html").read_text("utf-8")
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, pytest.param(8, marks=pytest.mark.long)])
def test_the_table_does_not_depend_on_the_number_of_workers(
    done: Study, tmp_path: Path, count: int
) -> None:
    study = Study.open(TIMING, out=tmp_path / "several")
    study.sweep(workers=count)
    assert table(study.folder) == table(done.folder)
    for name in ("study.html", "trials.parquet"):
        assert (study.folder / name).read_bytes() == (done.folder / name).read_bytes()


@pytest.mark.long
def test_trained_trials_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    for count in (0, 2):
        Study.open(TRAINED, out=tmp_path / str(count)).sweep(workers=count)
    assert table(tmp_path / "0") == table(tmp_path / "2")
    frame = Study.open(tmp_path / "2").to_frame()
    by_bits = frame.groupby("weight_banks.bits")["accuracy.surrogate"].nunique()
    assert set(by_bits) == {1}
    assert len(list((tmp_path / "2" / "parameters").glob("*.safetensors"))) == 2


def test_a_study_that_has_ended_computes_nothing_again(done: Study) -> None:
    before = table(done.folder)
    with done.store() as store:
        walls = [record.outcome.wall_s for record in store.records()]
    Study.open(done.folder).sweep(workers=0)
    with done.store() as store:
        assert [record.outcome.wall_s for record in store.records()] == walls
    assert table(done.folder) == before


def test_a_trial_that_fails_is_kept_with_its_reason_and_the_study_goes_on(tmp_path: Path) -> None:
    vary = {"weight_banks.count": ["2", "3"], "control.block": ["1", "4"]}
    fixed = {"simulation.samples": "4", "memory.capacity": "1"}
    study = Study.open({**TIMING, "vary": vary, "set": fixed}, out=tmp_path / "out")
    study.sweep(workers=0)
    frame = study.to_frame()
    assert list(frame["number"]) == [0, 1, 2, 3]
    failed = frame[frame["state"] == "failed"]
    good = frame[frame["state"] == "done"]
    assert len(failed) == len(good) == 2
    assert failed["reason"].str.len().min() > 20
    assert good["reason"].eq("").all()
    assert failed.iloc[0]["reason"][:40] in (study.folder / "study.html").read_text("utf-8")


def test_a_fault_of_ours_is_a_failed_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    from pnnsim.explore import trial_run
    from pnnsim.explore.study_file import load_study

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(trial_run, "trial_metrics", broken)
    spec = load_study(TIMING)
    context = TrialContext.of(spec, cache=None, data_dir=None)
    found = run_trial(context, spec.trial(0), Stage(trains=False))
    assert "ZeroDivisionError: by nothing" in found.reason
    assert found.figures == {}


def test_the_yield_is_the_share_of_chips_that_meet_the_requirement(tmp_path: Path) -> None:
    changes = {**TRAINED["set"], "simulation.chips": "4"}
    vary = {"weight_banks.bits": ["8"]}
    base = {**TRAINED, "set": changes, "vary": vary}
    shares = []
    for require in ("accuracy >= 0 and latency_s.first <= 1 s", "accuracy >= 2", "power_w <= 1 uW"):
        study = Study.open({**base, "require": require}, out=tmp_path / str(len(shares)))
        study.sweep(workers=0)
        shares.append(study.to_frame()["yield"][0])
    assert shares == [1.0, 0.0, 0.0]


def test_another_study_is_not_written_over(done: Study, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="another study"):
        Study.open({**TIMING, "seed": 9}, out=done.folder)
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="other files"):
        Study.open(TIMING, out=tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        Study.open(TIMING, out=tmp_path / "notes.txt")


def test_a_span_without_points_is_no_grid(tmp_path: Path) -> None:
    vary = {"switch.rise_time": {"log": ["1 ns", "1 us"]}}
    study = Study.open({**TIMING, "vary": vary}, out=tmp_path / "out")
    with pytest.raises(InputError, match="latin_hypercube"):
        study.sweep()
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_worker_that_is_killed_has_its_trial_done_again(done: Study, tmp_path: Path) -> None:
    study = Study.open(TIMING, out=tmp_path / "killed")
    study._make_folder()
    context = TrialContext.of(study.spec, cache=None, data_dir=None)
    with study.store() as store:
        from pnnsim.common.json_text import canonical
        from pnnsim.explore.trained import environment

        store.begin(study.spec.text(), canonical(environment()))
        workers = LocalWorkers(1, run_task, context)
        os.kill(workers.pids[0], signal.SIGKILL)
        try:
            drive(store, Sweep(study.spec), workers)
        finally:
            workers.close()
        attempts = Counter(record.attempts for record in store.records())
    assert attempts == {2: 1, 1: 5}
    study.write()
    assert table(study.folder) == table(done.folder)


@pytest.mark.long
@pytest.mark.parametrize("together", [False, True])
def test_a_driver_that_is_killed_loses_nothing(tmp_path: Path, together: bool) -> None:
    """Kill a driver in the middle; go on afterwards, or with a second one that runs beside it."""
    vary = {"switch.rise_time": {"log": ["1 ns", "1 us"], "n": 120}}
    description = {**TIMING, "vary": vary}
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(description), "utf-8")
    out = tmp_path / "out"

    first = command("sweep", file, "--out", out, "-q")
    wait_for(lambda: ended(out) > 10)
    second = command("sweep", file, "--out", out, "-q") if together else None
    wait_for(lambda: ended(out) > 40)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second = second or command("sweep", file, "--out", out, "-q")
    output = second.communicate(timeout=300)
    assert second.returncode == 0, output
    study = Study.open(out)
    assert study.counts() == {"done": 120}
    reference = Study.open(description, out=tmp_path / "whole")
    reference.sweep(workers=0)
    assert table(out) == table(tmp_path / "whole")


@pytest.mark.slow
def test_the_memory_of_a_driver_does_not_grow_with_trials(tmp_path: Path) -> None:
    import tracemalloc

    from pnnsim.explore.trial import Outcome
    from pnnsim.explore.workers import InlineWorkers

    found = Outcome({"latency_s.first": 1.0}, wall_s=1.0)

    def at_once(context: Any, task: Any) -> Outcome:
        return found

    peaks = []
    for count in (700, 3500):
        vary = {"switch.rise_time": {"log": ["1 ns", "1 us"], "n": count // 7}}
        study = Study.open({**TIMING, "vary": vary, "replicas": 7}, out=tmp_path / str(count))
        study._make_folder()
        with study.store() as store:
            store.begin("", "")
            tracemalloc.start()
            drive(store, Sweep(study.spec), InlineWorkers(at_once, None))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert store.counts() == {"done": count}
    assert peaks[1] - peaks[0] < 100_000  # a record that stayed would take 500 bytes or more
