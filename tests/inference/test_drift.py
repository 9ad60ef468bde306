"""What drifts counts from the last programming where programming corrects it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.accesses import AccessTable, nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.drift import drift_windows
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import periodic
from tests.inference.test_agreement import random_inputs, random_parameters

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)
#: Rings of 64 x 64, to know a spread to 1 / sqrt(2 * 4096) = 1.1 %.
LARGE = ReLaXNet(inputs=6, hidden=64, outputs=3, weight_sets=1, steps=1)
SIGMA, TAU = 5e-3, 10.0


def machine(*changes: tuple[str, str], network: ReLaXNet = NETWORK) -> Chip:
    drift = (
        ("weight_banks.temperature_error", f"{SIGMA} K"),
        ("weight_banks.temperature_time", "10 s"),
    )
    return Chip.nominal(load_spec("photonic_mrr", [*drift, *changes]), network).fabricate(1, 0)


def one_sample(chip: Chip, age: float) -> AccessTable:
    """Return a sample at 100 s that meets a bank which was programmed so long ago in the run."""
    settled = nominal_accesses(chip.order, chip.mapping)
    return AccessTable(
        **{
            **{name: getattr(settled, name) for name in AccessTable.__slots__},
            "write": np.full((1, 1), chip.mapping.used),
            "since_write_s": np.full((1, 1), age),
            "time_fs": np.full((1, 1), 10**17),
            "begun_fs": np.full((1, 1), 10**17 - round(age * 1e15)),
        }
    )


@pytest.mark.parametrize("age", [0.1, 1.0, 10.0, 1000.0])
def test_rings_have_drifted_by_what_an_ornstein_uhlenbeck_process_changes(age: float) -> None:
    chip = machine(network=LARGE)
    [(_, (state,))] = drift_windows(chip, one_sample(chip, age), 1)
    expected = SIGMA * math.sqrt(2 * (1 - math.exp(-age / TAU)))
    # Five standard errors.
    assert float(state["temperature"].std()) == pytest.approx(expected, rel=5 * 0.011, abs=0)


def test_weights_that_were_just_programmed_have_not_drifted() -> None:
    chip = machine(network=LARGE)
    [(_, (state,))] = drift_windows(chip, one_sample(chip, 0.0), 1)
    assert float(state["temperature"].abs().max()) == 0.0


def test_what_the_set_up_has_programmed_is_as_far_off_as_at_any_time() -> None:
    chip = machine(network=LARGE)
    [(_, (state,))] = drift_windows(chip, nominal_accesses(chip.order, chip.mapping), 1)
    assert float(state["temperature"].std()) == pytest.approx(SIGMA, rel=5 * 0.011, abs=0)


def test_phases_of_a_mesh_are_corrected_and_traps_of_junctions_are_not() -> None:
    for name, corrected in (("photonic_mzi", True), ("spintronic_mtj", False)):
        network = LARGE.model_copy(update={"hidden": 16})
        changes = [("weight_banks.trap_fraction", "10 %")] if name == "spintronic_mtj" else []
        chip = Chip.nominal(load_spec(name, changes), network).fabricate(1, 0)
        [(_, (state,))] = drift_windows(chip, one_sample(chip, 0.0), 1)
        key = "left_drift" if corrected else "full"
        assert bool((state[key] == 0.0).all()) == corrected


def test_samples_of_a_window_are_consecutive_and_all_are_there() -> None:
    chip = machine(("weight_banks.temperature_time", "1 s"))
    accesses = time_run(chip, periodic(50, 0.03)).accesses
    for together in (1, 4):
        windows = [samples for samples, _ in drift_windows(chip, accesses, 50, together)]
        assert [w.start for w in windows] == [0, *(w.stop for w in windows[:-1])]
        assert windows[-1].stop == 50
        assert all(w.start % together == 0 for w in windows)
        # 1.5 s are fifteen tenths of the correlation time.
        assert 13 <= len(windows) <= 17


def errors(*changes: tuple[str, str]) -> float:
    """Return by how much a machine that only drifts misses its ideal answers, over 100 s."""
    chip = machine(*changes)
    parameters, x = random_parameters(NETWORK), random_inputs(NETWORK, 1).repeat(100, 1)
    accesses = time_run(chip, periodic(100, 1.0)).accesses
    without = sorted(chip.non_idealities - {"weight_banks.temperature"})
    found = outputs(chip, parameters, x, accesses, without=without)
    return float((found - ideal_outputs(chip, parameters, x)).square().mean().sqrt())


def test_answers_are_the_better_the_shorter_the_interval_of_recalibration() -> None:
    # Ages from 0 to the interval, against a correlation time of 10 s; without any refresh the error
    # is that of sigma, and an interval far beyond it is worse: two independent errors add up.
    left = errors()
    often, seldom = (
        errors(("control.refresh_interval", interval)) for interval in ("0.5 s", "60 s")
    )
    assert often < 0.4 * left
    assert seldom > left


@pytest.mark.parametrize("interval", [0.5, 1.0])
def test_refreshes_in_step_with_the_windows_are_not_always_found_old(interval: float) -> None:
    # Windows of 1 s, each met by refreshes at the same ages; 15 samples of an age are good to 10 %.
    chip = machine(("control.refresh_interval", f"{interval} s"), network=LARGE)
    accesses = time_run(chip, periodic(1600, 0.01)).accesses
    refreshed = accesses.write[:, 0] >= chip.mapping.used
    age = accesses.since_write_s[refreshed, 0]
    expected = 2 * SIGMA**2 * (1 - np.exp(-age / TAU)).mean()
    _, *states = [state["temperature"] for _, (state,) in drift_windows(chip, accesses, 1600)]
    found = float(torch.stack(states).square().mean())
    assert found == pytest.approx(expected, rel=0.15, abs=0)


def test_a_bank_that_is_rewritten_for_every_sample_hardly_drifts() -> None:
    chip = machine(("weight_banks.count", "1"))
    accesses = time_run(chip, 20).accesses
    # The windows of a run of two seconds; the set-up's programming is met by sample 0 alone.
    *_, (_, (state,)) = drift_windows(chip, accesses, 20)
    age = float(accesses.since_write_s[-1].min())
    assert 0.0 < float(state["temperature"].std()) < 2 * SIGMA * math.sqrt(2 * age / TAU)


def test_the_same_chip_drifts_the_same_twice() -> None:
    chip = machine(("control.refresh_interval", "0.5 s"))
    accesses = time_run(chip, periodic(20, 1.0)).accesses
    one, two = (list(drift_windows(chip, accesses, 20)) for _ in range(2))
    for (samples, first), (again, second) in zip(one, two, strict=True):
        assert samples == again
        for a, b in zip(first, second, strict=True):
            assert torch.equal(a["temperature"], b["temperature"])


@pytest.mark.parametrize("read_before", [False, True])
def test_a_bench_corrects_what_drifted_while_nobody_read(read_before: bool) -> None:
    chip = machine(network=LARGE)
    bench = SimulatedBackend(chip.spec, LARGE)
    weight, state = torch.zeros(64, 64, dtype=torch.float64), torch.zeros(1, 64)
    bench.write(0, weight)
    bench.wait(100 * TAU)
    if read_before:
        bench.step(0, state)
    bench.write(0, weight)
    bench.step(0, state)
    bank = bench.condition.banks[0]
    felt = chip.weight_banks.drifted(bank.environment, bank.corrected)
    assert float(felt["temperature"].abs().max()) == 0.0
