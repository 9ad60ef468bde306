"""The main job writes a whole run folder or none, and repeats itself to the byte."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pnnsim.errors import OutputError, UnsavedError
from pnnsim.networks.parameters import load_parameters
from pnnsim.simulation import experiment_run as job
from pnnsim.simulation import report_files
from pnnsim.simulation.experiment_run import compare, run
from pnnsim.specs.experiment import load_experiment

FILES = {
    ".pnnsim-run",
    "figures.json",
    "metrics.json",
    "parameters.safetensors",
    "report.html",
    "resolved.yaml",
    "run.png",
    "trace.json",
}

#: Keys of metrics.json, as documented.
KEYS = {
    "schema", "pnnsim_version", "hardware", "spec_sha256", "seed", "network", "task", "accuracy",
    "samples", "latency_s", "makespan_s", "interval_s", "throughput_per_s", "closed_form",
    "bottleneck", "energy_j", "power_w", "energy_per_mac_j", "tops_per_w", "mapping", "setup",
    "parameters", "macs_per_inference", "area_m2", "queue", "refresh", "utilization",
    "critical_path", "layers", "counts", "events", "wall_s", "warnings", "band",
}  # fmt: skip

SMALL = [
    ("network.hidden", "16"),
    ("network.steps", "3"),
    ("training.epochs", "2"),
    ("simulation.samples", "40"),
    ("simulation.chips", "2"),
    ("simulation.band_draws", "0"),
]


def small(*more: tuple[str, str]):
    return load_experiment("photonic_mrr", [*SMALL, *more])


def metrics_of(folder: Path) -> dict:
    found = json.loads((folder / "metrics.json").read_text())
    found.pop("wall_s")
    return found


def test_a_run_writes_every_file_and_every_key(tmp_path: Path) -> None:
    result = run(small(), out=tmp_path / "a")
    assert {path.name for path in (tmp_path / "a").iterdir()} == FILES
    assert set(json.loads((tmp_path / "a" / "metrics.json").read_text())) == KEYS
    assert str(tmp_path / "a") in result.table
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_same_run_twice_is_the_same_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767323045")
    run(small(), out=tmp_path / "a")
    run(small(), out=tmp_path / "b")
    assert metrics_of(tmp_path / "a") == metrics_of(tmp_path / "b")
    for name in FILES - {"metrics.json"}:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert "2026-01-02 03:04 UTC" in (tmp_path / "a" / "report.html").read_text("utf-8")


def test_the_resolved_file_repeats_the_run(tmp_path: Path) -> None:
    run(small(("weight_banks.hold_power", "2 mW")), out=tmp_path / "a")
    run(load_experiment(tmp_path / "a" / "resolved.yaml"), out=tmp_path / "b")
    assert metrics_of(tmp_path / "a") == metrics_of(tmp_path / "b")


def test_another_seed_makes_other_chips_of_the_same_surrogate() -> None:
    # Enough samples that chips of different seeds do not agree by chance.
    more = [
        ("training.epochs", "8"),
        ("simulation.samples", "300"),
        ("simulation.chips", "4"),
    ]
    first = run(small(*more)).metrics
    second = run(small(*more, ("simulation.seed", "1"))).metrics
    assert first["accuracy"]["surrogate"] == second["accuracy"]["surrogate"]
    assert first["accuracy"]["chips"] != second["accuracy"]["chips"]
    assert first["latency_s"] == second["latency_s"]


def test_parameters_come_back_from_the_run_folder(tmp_path: Path) -> None:
    experiment = small()
    run(experiment, out=tmp_path / "a")
    parameters = load_parameters(tmp_path / "a" / "parameters.safetensors")
    assert parameters.network == experiment.network
    assert parameters.spec_sha256 == experiment.hardware.sha256()


def test_an_existing_folder_is_kept_unless_forced(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    run(small(), out=folder)
    before = (folder / "metrics.json").read_bytes()
    with pytest.raises(OutputError, match=r"exists already.*--force replaces it"):
        run(small(), out=folder)
    assert (folder / "metrics.json").read_bytes() == before
    assert run(small(("simulation.seed", "1")), out=folder, force=True).folder == folder
    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "metrics.json").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_forbids_the_run_folder_is_found_before_data_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*args: object, **kwargs: object) -> None:
        pytest.fail("work began")

    monkeypatch.setattr(job, "load_data", load)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years")
    with pytest.raises(OutputError, match="no marker of pnnsim"):
        run(small(), out=precious, force=True)
    assert (precious / "thesis.tex").read_text() == "years"
    with pytest.raises(OutputError, match="cannot write the run folder"):
        run(small(), out=precious / "thesis.tex" / "a")
    with pytest.raises(OutputError, match="cannot keep checkpoints here"):
        run(small(), out=tmp_path / "a", checkpoints=precious / "thesis.tex" / "kept")
    with pytest.raises(OutputError, match="lies in the run folder"):
        run(small(), out=tmp_path / "a", checkpoints=tmp_path / "a" / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_name_that_is_taken_during_the_run_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = job.load_data

    def load(*args: Any, **kwargs: Any) -> Any:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "thesis.tex").write_text("years")
        return plain(*args, **kwargs)

    monkeypatch.setattr(job, "load_data", load)
    result = run(small(), out=tmp_path / "a")
    assert result.folder == tmp_path / "a-2"
    assert str(tmp_path / "a-2") in result.table
    assert "was taken during the run; the results are in" in result.notice
    assert {path.name for path in result.folder.iterdir()} == FILES
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["thesis.tex"]


def test_results_that_cannot_be_written_are_saved_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, parent = job.load_data, tmp_path / "runs"
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))

    def load(*args: Any, **kwargs: Any) -> Any:
        shutil.rmtree(parent)
        return plain(*args, **kwargs)

    monkeypatch.setattr(job, "load_data", load)
    with pytest.raises(UnsavedError, match="cannot write the run folder: No such file") as caught:
        run(small(), out=parent / "a")
    folder = caught.value.folder
    assert folder is not None
    assert folder.parent == tmp_path / "spare"
    assert str(folder) in str(caught.value)
    assert str(folder) in caught.value.table
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads((folder / "metrics.json").read_text()) == caught.value.metrics


def test_every_file_of_a_run_has_the_same_permissions(tmp_path: Path) -> None:
    run(small(), out=tmp_path / "a")
    plain = tmp_path / "plain"
    plain.write_text("")
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "a").iterdir()}
    assert set(modes.values()) == {plain.stat().st_mode}, modes


def test_a_run_that_dies_leaves_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(report_files, "write_html", fail)
    with pytest.raises(KeyboardInterrupt):
        run(small(), out=tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the run folder"):
        run(small(), out=tmp_path / "file" / "a")


def test_networks_are_compared_in_one_table() -> None:
    def of(kind: str):
        return load_experiment("photonic_mrr", SMALL, network_kind=kind)

    result = compare([(kind, of(kind)) for kind in ("rnn", "relaxnet", "dnn")])
    rnn, relaxnet, dnn = (metrics for _, metrics in result.rows)
    assert [m["parameters"]["hidden"] for m in (rnn, relaxnet, dnn)] == [272, 544, 816]
    assert rnn["latency_s"]["first"] < relaxnet["latency_s"]["first"] < dnn["latency_s"]["first"]
    # Three sets on two banks: at least one write of 0.6 ms for each sample.
    assert dnn["counts"]["weight_banks.write"] >= 40
    assert dnn["latency_s"]["first"] > 0.6e-3
    assert all(label in result.table for label in ("rnn", "relaxnet", "dnn"))


def test_a_run_has_a_band_in_its_metrics_its_table_and_its_page(tmp_path: Path) -> None:
    draws = ("simulation.band_draws", "20")
    result = run(small(draws), out=tmp_path / "a")
    band = metrics_of(tmp_path / "a")["band"]
    assert (band["draws"], band["samples"]) == (20, 40)
    assert band["latency_s"]["value"] == result.metrics["latency_s"]["first"]
    assert band["interval_s"]["value"] == result.metrics["interval_s"]
    assert band["energy_j"]["value"] == result.metrics["energy_j"]["per_inference"]
    assert "Band: 20 draws from" in result.table
    page = (tmp_path / "a" / "report.html").read_text("utf-8")
    assert "Band: 20 draws from" in page
    assert "5 to 95 % of the stated ranges" in page
    without = run(small(), out=tmp_path / "b")
    assert without.metrics["band"] is None
    assert "Band" not in without.table


def test_the_band_of_a_run_without_a_period_is_that_of_its_first_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "_MANY_SPANS", 100)
    monkeypatch.setattr(job, "BAND_SAMPLES", 10)
    poisson = [("simulation.arrivals", "poisson"), ("simulation.rate", "1 MHz")]
    blocks = [("control.block", "4"), ("memory.capacity", "4"), ("simulation.band_draws", "2")]
    assert run(small(*poisson, *blocks)).metrics["band"]["samples"] == 12


def test_machines_are_compared_draw_by_draw() -> None:
    more = [*SMALL, ("simulation.band_draws", "16")]
    names = ("photonic_mrr", "spintronic_mtj")
    result = compare([(name, load_experiment(name, more)) for name in names])
    (pair,) = result.pairings
    assert (pair.first, pair.second, pair.draws) == (0, 1, 16)
    # Watts of heat against milliwatts of amplifiers.
    assert pair.second_wins["energy_j"] == 1.0
    last = result.table.splitlines()[-1].split()
    assert last[:2] == ["spintronic_mtj", "photonic_mrr"]
    alone = compare([(name, load_experiment(name, SMALL)) for name in names])
    assert alone.pairings == ()
