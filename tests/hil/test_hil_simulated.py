"""A simulated machine does what the simulator does, charges by the spec, and keeps its state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pnnsim.common.cost import Cost
from pnnsim.common.units import from_fs
from pnnsim.errors import BackendError
from pnnsim.hil.bench import Bench
from pnnsim.hil.cost_model import CostModel
from pnnsim.hil.cost_report import CostReport
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.learning.rules import Settings, dry_run, make_rule
from pnnsim.mapping.closed_form import closed_form_fs
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.hil.hil_machines import (
    NETWORK,
    drives,
    exact_surrogate,
    examples,
    ideal,
    spec,
    weights,
    written,
)

#: Sums of a dozen numbers near 1 in float64, in another order.
ROUNDING = 1e-12


def noisy(seed: int = 7, index: int = 0) -> SimulatedBackend:
    return written(SimulatedBackend(spec(), NETWORK, seed=seed, index=index))


@pytest.mark.parametrize(
    "network",
    [
        NETWORK,
        NETWORK.model_copy(update={"residual": 0.4}),
        NETWORK.model_copy(update={"injection": "every"}),
        NETWORK.model_copy(update={"order": (1, 0, 0)}),
    ],
    ids=["plain", "residual", "injection", "order"],
)
def test_machine_without_non_idealities_is_the_ideal_network(network) -> None:
    surrogate, x = exact_surrogate(network), examples(network=network).x
    bench = Bench(ideal(network))
    parameters = surrogate.parameter_set()
    bench.load(parameters)
    run = bench.run(parameters, x, states=True)
    expected = ideal_outputs(Chip.nominal(spec(), network), parameters, x)
    np.testing.assert_allclose(run.outputs, expected, rtol=0, atol=ROUNDING)
    assert run.states is not None
    assert run.states.shape == (network.steps, len(x), network.hidden)
    assert torch.equal(run.states[-1], run.result)


def test_chip_of_the_simulator_and_of_the_backend_are_the_same_chip() -> None:
    """Fabrication alone: noise, and what each programming misses, have streams of their own."""
    machine = spec()
    chip = Chip.nominal(machine, NETWORK).fabricate(7, 2)
    fixed = {"weight_banks.resonance_error", "weight_banks.crosstalk", "weight_banks.quantization"}
    rest = sorted(chip.non_idealities - fixed)
    backend = SimulatedBackend(machine, NETWORK, seed=7, index=2, without=rest)
    x = examples().x
    parameters = exact_surrogate().parameter_set()
    bench = Bench(backend)
    bench.load(parameters)
    accesses = time_run(chip, len(x)).accesses
    expected = outputs(chip, parameters, x, accesses, without=rest)
    np.testing.assert_allclose(bench.run(parameters, x).outputs, expected, rtol=0, atol=ROUNDING)


def test_same_seed_replies_alike_and_another_seed_does_not() -> None:
    first, second = noisy().forward(drives()), noisy().forward(drives())
    assert torch.equal(first.result, second.result)
    assert not torch.equal(first.result, noisy(seed=8).forward(drives()).result)
    assert not torch.equal(first.result, noisy(index=1).forward(drives()).result)


def test_noise_is_fresh_in_every_call() -> None:
    backend = noisy()
    assert not torch.equal(backend.forward(drives()).result, backend.forward(drives()).result)


def test_write_takes_the_time_and_the_energy_of_the_spec() -> None:
    backend = SimulatedBackend(spec(), NETWORK)
    banks = backend.chip.weight_banks
    static = sum(backend.chip.prices().static_w.values())
    cost = backend.write(0, weights()[0])
    time = from_fs(banks.delay_fs("write"))
    expected = CostReport(write=Cost(1, time, banks.cost("write") + static * time))
    assert cost == expected


def test_one_sample_takes_the_closed_form_after_the_banks_have_settled() -> None:
    backend = noisy()
    chip = backend.chip
    form = closed_form_fs(chip.work())
    assert form is not None
    cost = backend.forward(drives(1)).cost
    assert cost.forward.time_s == pytest.approx(from_fs(form), rel=1e-12, abs=0)
    assert cost.write.count == 0
    # The wait is rounded to a femtosecond.
    assert cost.write.time_s == pytest.approx(chip.weight_banks.setup_wait(), abs=2e-15)
    again = backend.forward(drives(1)).cost
    assert again.write == Cost()
    assert again.forward.time_s == pytest.approx(from_fs(form), rel=1e-12, abs=0)


def test_a_pass_that_ends_elsewhere_pays_for_the_way_back_of_the_switch() -> None:
    two_steps = NETWORK.model_copy(update={"steps": 2})
    backend = written(SimulatedBackend(spec(), two_steps, seed=1))
    backend.forward(drives(1))
    first = backend.forward(drives(1)).cost.forward
    plain = backend.cost_model.forward(1, states=False).cost.forward
    route = from_fs(backend.chip.delays().route_fs)
    assert first.time_s == pytest.approx(plain.time_s + route, rel=1e-12, abs=0)


def test_forward_costs_what_the_simulator_reports() -> None:
    x, y = examples(20).x, examples(20).y
    parameters = exact_surrogate().parameter_set()
    metrics = simulate(spec(), parameters, x, y, chips=1).metrics
    cost = CostModel(Chip.nominal(spec(), NETWORK)).forward(20, states=False).cost
    assert cost.forward.count == 20
    assert cost.forward.time_s == pytest.approx(metrics["makespan_s"], rel=1e-12, abs=0)
    assert cost.forward.energy_j == pytest.approx(metrics["energy_j"]["total"], rel=1e-12, abs=0)


def test_reading_states_hides_behind_a_slow_switch_and_costs_time_behind_a_fast_one() -> None:
    for rise, hidden in (("1 us", True), ("1 ps", False)):
        machine = spec(("switch.rise_time", rise), ("readout.conversion_time", "100 ns"))
        chip = Chip.nominal(machine, NETWORK)
        read = CostModel(chip).forward(1, states=True).cost.read
        delays = chip.delays()
        state, convert = delays.state_fs, chip.readout.delay_fs("convert")
        # By hand: two changes of step, each the longer of switch and state.
        added = 2 * (max(delays.route_fs, state + convert) - max(delays.route_fs, state))
        static = sum(chip.prices().static_w.values())
        assert read.count == 2
        assert read.time_s == pytest.approx(from_fs(added), rel=1e-9, abs=1e-15)
        assert (read.time_s == 0.0) == hidden
        energy = 2 * chip.readout.cost("convert") + static * from_fs(added)
        assert read.energy_j == pytest.approx(energy, rel=1e-9, abs=0)


def test_step_is_the_first_step_of_a_pass() -> None:
    one = NETWORK.model_copy(update={"weight_sets": 1, "steps": 1, "kind": "rnn"})
    state = drives()
    alone, whole = written(ideal(NETWORK)), written(ideal(one))
    found = alone.step(0, state)
    np.testing.assert_allclose(found.result, whole.forward(state).result, rtol=0, atol=ROUNDING)
    other = alone.step(1, state)
    assert float((other.result - found.result).abs().max()) > 0.01
    assert found.cost.forward.count == len(state)


def test_readback_finds_the_written_weights() -> None:
    backend = written(ideal())
    found, cost = backend.readback(1)
    np.testing.assert_allclose(found, weights()[1], rtol=0, atol=ROUNDING)
    assert cost.forward.count == NETWORK.hidden


def test_banks_that_were_never_written_rest() -> None:
    backend = ideal()
    found, _ = backend.readback(0)
    rest = backend.chip.weight_banks.rest_weight
    np.testing.assert_allclose(found, np.full((8, 8), rest), rtol=0, atol=ROUNDING)


def test_waiting_costs_standing_power_and_lets_the_chip_drift() -> None:
    drifting = ("weight_banks.temperature_error", "50 mK")
    backend = written(SimulatedBackend(spec(drifting), NETWORK, seed=5))
    static = sum(backend.chip.prices().static_w.values())
    before = backend.condition.banks[0].environment["temperature"].clone()
    cost = backend.wait(1e3, updates=2)
    assert cost == CostReport(host=Cost(2, 1e3, static * 1e3))
    backend.forward(drives(1))
    after = backend.condition.banks[0].environment["temperature"]
    # A hundred correlation times later nothing is left of it: their difference has twice the
    # variance. 64 draws, 5 sigma of a standard deviation.
    spread = float((after - before).std())
    assert spread == pytest.approx(0.05 * 2**0.5, rel=5 / (2 * 63) ** 0.5, abs=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.write(2, weights()[0]), "weight set: got 2; expected 0 to 1"),
        (lambda b: b.write(0, 2 * weights()[0]), r"weights in \[-1, 1\]"),
        (lambda b: b.write(0, weights()[0] * torch.nan), "not finite"),
        (lambda b: b.write(0, weights()[0][:3]), r"got the shape \(3, 8\); expected \(8, 8\)"),
        (lambda b: b.forward(drives()[:0]), "expected"),
        (lambda b: b.forward(drives()[:, :3]), "drive: got the shape"),
        (lambda b: b.step(-1, drives()), "weight set: got -1"),
        (lambda b: b.electronics(torch.ones(2), torch.ones(2, 3)), "bias: got the shape"),
        (lambda b: b.wait(-1.0), "expected a time from 0"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(call, message) -> None:
    backend = noisy()
    weight, gain = backend.condition.banks[0].weight, backend.condition.gain
    clock = backend.condition.clock_fs
    with pytest.raises(BackendError, match=message):
        call(backend)
    assert backend.condition.banks[0].weight is weight
    assert backend.condition.gain is gain
    assert backend.condition.clock_fs == clock


def test_network_that_overwrites_its_banks_is_refused() -> None:
    crowded = NETWORK.model_copy(update={"weight_sets": 3})
    with pytest.raises(BackendError, match="holds 2 weight sets at once, the network has 3"):
        SimulatedBackend(spec(), crowded)


def test_machine_of_several_cores_is_refused() -> None:
    """Also by a cost that is told beforehand, which would charge the power of both to one."""
    two, settings = spec(("control.cores", "2")), Settings()
    with pytest.raises(BackendError, match="the machine has 2 cores"):
        SimulatedBackend(two, NETWORK)
    with pytest.raises(BackendError, match="the machine has 2 cores"):
        dry_run(make_rule("spsa"), two, NETWORK, examples=12, settings=settings)


def test_pass_writes_nothing_by_itself() -> None:
    """Refresh is what the host does when it sees fit."""
    slow = ("switch.rise_time", "5 us")  # so that few samples take longer than the interval
    refreshed = spec(slow, ("control.refresh_interval", "1 ms"))
    costs = [
        CostModel(Chip.nominal(machine, NETWORK)).forward(100, states=False).cost
        for machine in (spec(slow), refreshed)
    ]
    assert costs[0].forward.time_s > 1e-3
    assert costs[0] == costs[1]


def test_unknown_non_ideality_is_refused() -> None:
    with pytest.raises(BackendError, match=r"unknown non-idealities switch\.magic"):
        SimulatedBackend(spec(), NETWORK, without=["switch.magic"])
    stateful = NETWORK.model_copy(update={"stateful": True, "injection": "every"})
    with pytest.raises(BackendError, match=r"network\.stateful: is true; expected false"):
        SimulatedBackend(spec(), stateful)


def test_saved_machine_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    undisturbed, stopped = noisy(), noisy()
    for backend in (undisturbed, stopped):
        backend.forward(drives())
        backend.write(1, weights(seed=4)[0])
    stopped.save(tmp_path / "state")
    resumed = SimulatedBackend(spec(), NETWORK, seed=7)
    resumed.restore(tmp_path / "state")
    for _ in range(2):
        expected, found = undisturbed.forward(drives()), resumed.forward(drives())
        assert torch.equal(expected.result, found.result)
        assert expected.cost == found.cost
        for backend in (undisturbed, resumed):
            backend.wait(20.0)


def test_state_of_another_machine_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    noisy().save(file)
    before = noisy(seed=9)
    clock = before.condition.clock_fs
    with pytest.raises(BackendError, match="state of another machine"):
        before.restore(file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BackendError, match="cannot read the machine's state"):
        before.restore(file)
    save_file({"gain": torch.ones(2)}, file)
    with pytest.raises(BackendError, match="cannot read the machine's state"):
        before.restore(file)
    assert before.condition.clock_fs == clock


def test_costs_add_multiply_and_travel_as_numbers() -> None:
    cost = CostReport(Cost(1, 2.0, 3.0), Cost(4, 5.0, 6.0), Cost(7, 8.0, 9.0), Cost(10, 11.0, 12.0))
    assert (cost + cost) == cost * 2
    assert CostReport.from_numbers(cost.numbers()) == cost
    assert cost.time_s == 26.0
    assert cost.energy_j == 30.0
    assert cost.time_share("write") == 5.0 / 26.0
    assert CostReport().time_share("write") == 0.0
    assert replace(cost, host=Cost()).figures()["host"] == {
        "count": 0,
        "time_s": 0.0,
        "energy_j": 0.0,
        "time_share": 0.0,
    }


def test_old_weights_need_not_be_programmed_again_to_be_forgotten() -> None:
    """A machine that has used its last weights and one that was restored before using them."""
    used, fresh = noisy(), noisy()
    used.readback(0)
    fresh.condition.noise.set_state(used.condition.noise.get_state())
    fresh.condition.clock_fs = used.condition.clock_fs
    fresh.condition.selected = used.condition.selected
    found = []
    for backend in (used, fresh):
        backend.write(0, weights(seed=6)[0])
        found.append(backend.forward(drives()).result)
    assert torch.equal(*found)


def test_weights_that_age_are_older_in_a_later_call(tmp_path: Path) -> None:
    """Phase-change weights fade; a restored machine finds them as faded as they were."""
    drifting = [
        *(("weight_banks.rows", "8"), ("weight_banks.cols", "8")),
        ("weight_banks.drift_exponent", "0.05"),
    ]
    machine = load_spec("photonic_pcm", drifting)
    first = Chip.nominal(machine, NETWORK)
    assert first.weight_banks.ages
    backend = written(SimulatedBackend(machine, NETWORK, seed=3))
    young, _ = backend.readback(0)
    backend.wait(1e7)
    backend.save(tmp_path / "state")
    old, _ = backend.readback(0)
    # (1e7 s / 20 s)^-0.05 is about a half.
    assert float(old.abs().mean()) < 0.8 * float(young.abs().mean())
    restored = SimulatedBackend(machine, NETWORK, seed=3)
    restored.restore(tmp_path / "state")
    assert torch.equal(restored.readback(0)[0], old)
