"""Spare rows that repeat outputs, vectors that are read several times, chips that are corrected.

One small layer on a machine whose values are numbers: each of these must lower the error that it is
meant for, by the factor that it is meant to, at its price.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor, nn

import pnnsim
from pnnsim.errors import MappingError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import Measured, ideal_outputs, outputs
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import Timing, time_run, timing_metrics
from pnnsim.specs.hardware import load_spec

SAMPLES = 400

#: All that is drawn anew for each row and read, and nothing else.
NOISE = {"detector.shot_noise", "detector.amplifier_noise"}


def inputs(seed: int) -> Tensor:
    return torch.rand(SAMPLES, 8, generator=torch.Generator().manual_seed(seed))


@cache
def machine(*changes: tuple[str, str]) -> tuple[WorkloadSurrogate, Timing]:
    """Return a layer of 8 inputs and 8 outputs on banks of 32 rows, and its timing pass."""
    module = nn.Linear(8, 8)
    with torch.no_grad():
        module.weight.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(0))
        module.bias.zero_()
    network = pnnsim.from_torch(module, inputs(0)[:2])
    shape = [("weight_banks.rows", "32"), ("weight_banks.cols", "8")]
    surrogate = pnnsim.Surrogate(network, load_spec("photonic_mrr", [*shape, *changes]))
    assert isinstance(surrogate, WorkloadSurrogate)
    surrogate.calibrate(inputs(1))
    return surrogate, time_run(surrogate.chip, SAMPLES)


def errors(*changes: tuple[str, str], known: set[str]) -> Tensor:
    """Return what the nominal chip gives with some non-idealities, less the exact outputs."""
    surrogate, timing = machine(*changes)
    parameters, x = surrogate.parameter_set(), inputs(2)
    off = sorted(surrogate.chip.non_idealities - known)
    made = outputs(surrogate.chip, parameters, x, timing.accesses, without=off)
    return made - ideal_outputs(surrogate.chip, parameters, x)


IDLE = ("control.spare_rows", "idle")


@pytest.mark.parametrize(
    ("changes", "times"), [((), 4), ((IDLE, ("control.reads", "9")), 9)], ids=["rows", "reads"]
)
def test_noise_of_a_mean_falls_with_its_root(
    changes: tuple[tuple[str, str], ...], times: int
) -> None:
    """3,200 numbers give a variance within 5 * sqrt(2 / 3200) = 12.5 % each, 18 % for a ratio."""
    once, often = (float(errors(*each, known=NOISE).var()) for each in ((IDLE,), changes))
    assert once > 0.0
    assert once / often == pytest.approx(times, rel=0.18, abs=0)


def test_means_are_priced() -> None:
    """A vector that is read three times is encoded, detected and converted three times."""
    idle, rows, reads = (
        timing_metrics(machine(*each)[1]) for each in ((IDLE,), (), (IDLE, ("control.reads", "3")))
    )
    for action in ("encoder.encode", "detector.detect", "readout.digitize"):
        assert reads["counts"][action] == 3 * idle["counts"][action]
    assert rows["counts"]["detector.detect"] == 4 * idle["counts"]["detector.detect"]
    assert rows["counts"]["readout.digitize"] == idle["counts"]["readout.digitize"]
    assert reads["makespan_s"] > idle["makespan_s"]
    energies = [found["energy_j"]["per_inference"] for found in (idle, rows, reads)]
    assert energies[0] < energies[1]
    assert energies[0] < energies[2]


def test_one_analog_state_is_read_once_and_its_spare_rows_are_dark_unless_asked() -> None:
    network = ReLaXNet(inputs=4, hidden=8, outputs=2, weight_sets=1, steps=2)
    spec = load_spec("photonic_mrr")
    assert Chip.nominal(spec, network).mapping.outputs == 8
    averaged = load_spec("photonic_mrr", [("control.spare_rows", "average")])
    assert Chip.nominal(averaged, network).mapping.outputs == 64
    with pytest.raises(MappingError, match=r"control.reads: got 2, but the state of step 0"):
        Chip.nominal(load_spec("photonic_mrr", [("control.reads", "2")]), network)


def test_known_inputs_correct_what_fabrication_has_left_of_a_row() -> None:
    """Of a row that is off, the gain and the offset are set right, but no single weight."""
    surrogate, timing = machine(IDLE)
    chip, parameters, x = surrogate.chip.fabricate(0, 0), surrogate.parameter_set(), inputs(2)
    measured = Measured(inputs(3), timing.accesses)
    exact = ideal_outputs(chip, parameters, x)
    kept = {"weight_banks.resonance_error", "weight_banks.self_heating", "encoder.extinction"}
    off = sorted(chip.non_idealities - kept)
    raw, corrected = (
        float(
            (outputs(chip, parameters, x, timing.accesses, without=off, measured=each) - exact)
            .square().mean().sqrt()
        )
        for each in (None, measured)
    )  # fmt: skip
    assert corrected < 0.6 * raw


def test_a_run_calibrates_each_chip_with_training_inputs_and_states_what_it_takes() -> None:
    surrogate, _ = machine(IDLE)
    y = torch.zeros(20, dtype=torch.int64)
    found = pnnsim.simulate(surrogate.spec, surrogate, inputs(2)[:20], y, chips=1).metrics
    assert found["calibration"]["samples"] == 64
    alone = timing_metrics(time_run(surrogate.chip, 64))
    assert found["calibration"]["time_s"] == alone["makespan_s"]
    assert found["calibration"]["energy_j"] == alone["energy_j"]["total"]


def test_cores_of_a_machine_are_calibrated_each_with_the_samples_that_it_gets() -> None:
    """Of 128 samples in blocks of 50 one core gets 78, the other 50."""
    changes = [("control.cores", "2"), ("control.block", "50"), ("memory.capacity", "50")]
    surrogate, _ = machine(IDLE, *changes)
    y = torch.zeros(60, dtype=torch.int64)
    found = pnnsim.simulate(surrogate.spec, surrogate, inputs(2)[:60], y, chips=1).metrics
    assert found["calibration"]["samples"] == 128
