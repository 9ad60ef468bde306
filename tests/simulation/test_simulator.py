"""A simulation is repeatable, its chips differ as seeds do, and noise is what it should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.errors import ParameterError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.inference.quality import share_correct
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.parameters import ParameterSet, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.ablation import ablation
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.timing.arrivals import periodic
from tests.inference.evaluated import evaluated

#: It rounds the last state, which would hide small effects.
ADC = "readout.quantization"
NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)


def spec(*overrides: tuple[str, str]) -> HardwareSpec:
    return load_spec("photonic_mrr", list(overrides))


def untrained(network: ReLaXNet = NETWORK, machine: HardwareSpec | None = None) -> ParameterSet:
    return Surrogate(network, machine or spec(), dtype=torch.float64).parameter_set()


def data(samples: int = 20, network: ReLaXNet = NETWORK) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((samples, network.inputs), generator=generator, dtype=torch.float64)
    return x, torch.randint(network.outputs, (samples,), generator=generator)


def test_same_seed_gives_the_same_figures_and_another_seed_other_chips() -> None:
    parameters, (x, _) = untrained(), data()
    chip = Chip.nominal(spec(), NETWORK)
    accesses = time_run(chip, len(x)).accesses
    a, b, c, d = (
        # The last converter would hide small differences.
        outputs(chip.fabricate(seed, index), parameters, x, accesses, without=[ADC])
        for seed, index in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert torch.equal(a, b)
    assert float((a - c).abs().min()) > 0.0
    assert float((a - d).abs().min()) > 0.0


def test_more_chips_leave_the_first_ones_as_they_were() -> None:
    parameters, (x, y) = untrained(), data(samples=60)
    few = simulate(spec(), parameters, x, y, chips=2).metrics["accuracy"]["chips"]
    many = simulate(spec(), parameters, x, y, chips=4).metrics["accuracy"]["chips"]
    assert many[:2] == few


def test_every_non_ideality_off_is_the_ideal_network() -> None:
    parameters, (x, _) = untrained(), data()
    chip = Chip.nominal(spec(), NETWORK).fabricate(5, 0)
    run = time_run(chip, len(x))
    bare = outputs(chip, parameters, x, run.accesses, without=sorted(chip.non_idealities))
    # The same products in the same order; only grouping may differ.
    assert float((bare - ideal_outputs(chip, parameters, x)).abs().max()) < 1e-12


def test_each_non_ideality_changes_the_answer() -> None:
    """A switch that changes nothing would be a defect: network, times and sizes bring each out."""
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=3, steps=3)
    parameters, (x, _) = untrained(network), data(network=network)
    # With the shipped droop nothing of the state would be left after a rewrite.
    # The shipped drivers straighten their modulators' curves.
    bent = (("encoder.predistortion", "none"), ("encoder.swing", "3"))
    machine = spec(("memory.droop", "0.01 %/us"), *bent)
    chip = Chip.nominal(machine, network).fabricate(5, 0)
    accesses = time_run(chip, len(x)).accesses
    without_adc = outputs(chip, parameters, x, accesses, without=[ADC])
    assert float((outputs(chip, parameters, x, accesses) - without_adc).abs().max()) > 0.0
    for name in sorted(chip.non_idealities - {ADC}):
        changed = outputs(chip, parameters, x, accesses, without=[ADC, name])
        assert float((changed - without_adc).abs().max()) > 0.0, name


def test_ablation_names_every_non_ideality_and_recovers_against_the_full_chip() -> None:
    parameters, (x, y) = untrained(), data(samples=40)
    result = simulate(spec(), parameters, x, y, seed=3, chips=2)
    rows = ablation(result.timing, parameters, x, y, seed=3, chips=2)
    assert {row["non_ideality"] for row in rows} == result.timing.chip.non_idealities
    mean = result.metrics["accuracy"]["hardware_mean"]
    for row in rows:
        assert row["recovered"] == pytest.approx(row["accuracy_without_mean"] - mean, abs=1e-12)
    assert rows == sorted(rows, key=lambda row: (-row["recovered"], row["non_ideality"]))


def test_error_of_each_programming_is_drawn_once_and_has_the_stated_spread() -> None:
    """A network that rewrites its banks for every sample meets a new error each time."""
    network = ReLaXNet(inputs=16, hidden=16, outputs=16, weight_sets=5, steps=5)
    machine = spec(("weight_banks.write_repeatability", "0.01"))
    chip = Chip.nominal(machine, network).fabricate(1, 0)
    samples = 300
    accesses = time_run(chip, samples).accesses
    x = torch.full((samples, 16), 0.5, dtype=torch.float64)
    tensors = {n: torch.zeros(s, dtype=torch.float64) for n, s in shapes(network).items()}
    tensors["input_weight"] = torch.eye(16, dtype=torch.float64)
    tensors["output_weight"] = torch.eye(16, dtype=torch.float64)
    tensors["gain"] = torch.tensor([0, 0, 0, 0, 1.0], dtype=torch.float64)
    parameters = ParameterSet(network, **tensors)
    active = {"weight_banks.write_repeatability"}
    answers = evaluated(chip, parameters, x, accesses, active)
    # Before the last step the state is f(0) = 1/2, so y = sum_j e_j / 2 and f has slope pi / 4.
    spread = math.pi / 4 * 0.5 * 0.01 * math.sqrt(16)
    found = answers - 0.5
    assert float(found.std()) == pytest.approx(spread, rel=5 / math.sqrt(2 * found.numel()), abs=0)
    # Samples differ from each other: the mean over outputs is as spread as independent draws are.
    assert float(found.mean(dim=1).std()) == pytest.approx(
        spread / 4, rel=5 / math.sqrt(2 * samples), abs=0
    )
    assert torch.equal(answers, evaluated(chip, parameters, x, accesses, active))


def test_a_set_that_stays_keeps_its_error_for_all_samples() -> None:
    parameters, chip = untrained(), Chip.nominal(spec(), NETWORK).fabricate(1, 0)
    x = data(samples=1)[0].repeat(5, 1)
    accesses = time_run(chip, 5).accesses
    active = {"weight_banks.write_repeatability"}
    answers = evaluated(chip, parameters, x, accesses, active)
    # Equal rows of one product may differ in the last bits with their place in the batch.
    assert float((answers - answers[0]).abs().max()) < 1e-12
    ideal = evaluated(chip, parameters, x, accesses)
    assert float((answers - ideal).abs().max()) > 1e-6


def test_a_long_run_sees_its_temperature_drift() -> None:
    """A sample now and then makes a run last three correlation times of the rings' temperature."""
    machine = spec(("weight_banks.temperature_time", "10 ms"))
    parameters = untrained(NETWORK, machine)
    chip = Chip.nominal(machine, NETWORK).fabricate(1, 0)
    x = data(samples=1)[0].repeat(30, 1)
    accesses = time_run(chip, periodic(30, 1e-3)).accesses
    without = sorted(chip.non_idealities - {"weight_banks.temperature"})
    drifting = outputs(chip, parameters, x, accesses, without=without)
    assert int(accesses.time_fs.max()) > 10**13
    assert float(drifting.std(dim=0).min()) > 0.0
    # Without waits they are read within a microsecond: nothing has drifted yet.
    settled = outputs(chip, parameters, x, time_run(chip, 30).accesses, without=without)
    assert float((settled - settled[0]).abs().max()) < 1e-12


def test_parameters_of_another_machine_are_refused_unless_asked_for() -> None:
    parameters, (x, y) = untrained(), data()
    other = spec(("switch.crosstalk", "30 dB"))
    with pytest.raises(ParameterError, match="trained for the machine"):
        simulate(other, parameters, x, y)
    result = simulate(other, parameters, x, y, any_machine=True, chips=1)
    assert result.metrics["accuracy"]["chips"][0] <= 1.0


def test_energy_reconciles_with_the_integral_of_power() -> None:
    from pnnsim.analysis.energy import power_trace

    parameters, (x, y) = untrained(), data()
    result = simulate(spec(), parameters, x, y, chips=1)
    energy = result.metrics["energy_j"]
    total = energy["total"]
    assert power_trace(result.trace, result.timing.prices).energy() == pytest.approx(
        total,
        rel=1e-12,
        abs=0,
    )
    assert sum(energy["by_component"].values()) == pytest.approx(total, rel=1e-12, abs=0)
    assert sum(energy["by_action"].values()) == pytest.approx(total, rel=1e-12, abs=0)
    assert energy["dynamic"] + energy["static"] == pytest.approx(total, rel=1e-12, abs=0)


@pytest.mark.parametrize("overlap", ["true", "false"])
@pytest.mark.parametrize("banks", ["1", "2", "12"])
@pytest.mark.parametrize(
    ("sets", "steps"),
    [(k, t) for k in (1, 2, 3, 12) for t in (1, 2, 7, 12) if k <= t],
)
def test_first_latency_is_the_closed_form_of_this_machine(
    sets: int, steps: int, banks: str, overlap: str
) -> None:
    """The form is written out here once more, from the delays and the plan of writes alone."""
    machine = spec(("weight_banks.count", banks), ("control.overlap", overlap))
    network = ReLaXNet(weight_sets=sets, steps=steps)
    chip = Chip.nominal(machine, network)
    run = time_run(chip, 2)
    d = chip.delays()
    t_in = 1_000_000 + 1_000_000  # one cycle of the front end, one conversion
    t_out = 1_000_000 + 1_000_000
    t_mm = d.propagate_fs + d.mvm_fs + d.detect_fs
    t_state = d.activate_fs + d.hold_fs + d.encode_fs
    bank, contents = run.accesses.bank[0], run.accesses.contents[0]
    total = t_in + d.encode_fs + steps * t_mm
    for t in range(1, steps):
        written = not np.array_equal(contents[t], contents[t - 1])
        change = written * d.write_fs + (bank[t] != bank[t - 1]) * d.route_fs
        total += max(change, t_state) if overlap == "true" else change + t_state
    total += d.activate_fs + t_out
    assert run.trace.result_fs[0] - run.trace.arrival_fs[0] == total
    if sets == 1:
        assert len(run.trace.rows("route")) == len(run.trace.rows("write")) == 0
    if sets > int(banks) and steps >= sets:
        assert len(run.trace.rows("write")) >= sets - int(banks)


def test_a_state_that_fades_while_banks_are_rewritten_is_warned_of() -> None:
    """Droop of 1 %/us over one write of 0.624 ms leaves exp(-6.2) = 0.2 %."""
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=3, steps=3)
    x, y = data(samples=4, network=network)
    warned = simulate(spec(), untrained(network), x, y, chips=1).metrics["warnings"]
    assert any("0.2% of it is left" in text for text in warned)
    assert simulate(spec(), untrained(), *data(samples=4), chips=1).metrics["warnings"] == []


def test_accuracy_counts_the_largest_output() -> None:
    answers = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.4]])
    assert share_correct(answers, torch.tensor([1, 0, 0])) == pytest.approx(2 / 3, rel=1e-6, abs=0)
