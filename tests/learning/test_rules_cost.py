"""The cost of a training is counts times the times of the spec, and is known before it starts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from pnnsim.common.units import from_fs
from pnnsim.errors import InputError, TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules import (
    RULES,
    Deploy,
    HardwareAware,
    Multiplexed,
    PhysicsAware,
    Rule,
    Settings,
    Spsa,
    dry_run,
    make_rule,
    measure,
    train,
)
from pnnsim.mapping.closed_form import closed_form_fs
from tests.hil.hil_machines import NETWORK, examples, spec

SETTINGS = Settings(epochs=2, batch=5, learning_rate=1e-3)
UPDATE_TIME = 2e-3


def bench(seed: int = 7) -> Bench:
    return Bench(SimulatedBackend(spec(), NETWORK, seed=seed), update_time=UPDATE_TIME)


def new_surrogate() -> Surrogate:
    return Surrogate(NETWORK, spec(), dtype=torch.float64)


#: Passes (samples are a batch, or two for the local rule), states read and sets written in each of
#: the six updates of two epochs of 12 examples in batches of 5, 5 and 2. Written by hand.
BY_HAND = {
    "deploy": (0, 0, False, 0),
    "hardware_aware": (0, 0, False, 0),
    "physics_aware": (1, 1, True, 2),
    "dfa": (1, 1, True, 2),
    "augmented_dfa": (1, 1, True, 2),
    "spsa": (2, 1, False, 4),
    "mgd": (2, 1, False, 4),
    "local": (1, 2, True, 2),
}


def test_every_rule_is_counted_by_hand() -> None:
    assert set(BY_HAND) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_cost_is_counts_times_times_of_the_spec(name: str) -> None:
    """Samples come one at a time here, so their time is the interval times their number."""
    outcome = train(make_rule(name), bench(), new_surrogate(), examples(12), SETTINGS)
    passes, factor, states, writes = BY_HAND[name]
    chip = Chip.nominal(spec(), NETWORK)
    delays, static = chip.delays(), sum(chip.prices().static_w.values())
    cost = outcome.cost

    assert cost.host.count == 6
    assert cost.host.time_s == pytest.approx(6 * UPDATE_TIME, rel=1e-12, abs=0)
    assert cost.host.energy_j == pytest.approx(6 * UPDATE_TIME * static, rel=1e-12, abs=0)

    written = 6 * writes + 2
    settled = 6 * passes * chip.weight_banks.setup_wait()
    time = written * from_fs(delays.write_fs) + settled
    assert cost.write.count == written
    assert cost.write.time_s == pytest.approx(time, rel=1e-9, abs=0)
    energy = written * chip.weight_banks.cost("write") + static * time
    assert cost.write.energy_j == pytest.approx(energy, rel=1e-9, abs=0)

    samples = 2 * 12 * passes * factor
    assert cost.forward.count == samples
    assert cost.read.count == (samples * 2 if states else 0)
    # The order 0, 1, 0 ends where it begins: no way back for the switch. The first sample of a pass
    # takes the closed form; each later one meets the loop when the last is done with it.
    form = closed_form_fs(replace(chip.work(), delays=delays, order=(0, 1, 0)))
    assert form is not None
    loop = delays.encode_fs + 3 * delays.mm_fs + 2 * max(delays.route_fs, delays.state_fs)
    every = max(loop + delays.activate_fs, delays.input_fs, delays.output_fs)
    firsts = 6 * passes
    expected = from_fs(firsts * form + (samples - firsts) * every)
    assert cost.forward.time_s == pytest.approx(expected, rel=1e-9, abs=0)
    assert cost.time_s == pytest.approx(
        cost.forward.time_s + cost.write.time_s + cost.read.time_s + cost.host.time_s,
        rel=1e-12,
        abs=0,
    )
    assert cost.time_share("write") == pytest.approx(
        cost.write.time_s / cost.time_s, rel=1e-12, abs=0
    )


MORE = {
    **RULES,
    "spsa of three": lambda: Spsa(3),
    "mgd, slow weights": lambda: Multiplexed(tau_theta=4, tau_x=2),
    "mgd, slow batch": lambda: Multiplexed(tau_p=2, tau_theta=2, tau_x=4),
    "mgd, one by one": lambda: Multiplexed(code="sequential", tau_theta=3, tau_x=1),
}


@pytest.mark.parametrize("steps", [2, 3])
@pytest.mark.parametrize("name", MORE)
def test_dry_run_tells_the_cost_of_the_run(name: str, steps: int) -> None:
    network = NETWORK.model_copy(update={"steps": steps})
    model = Surrogate(network, spec(), dtype=torch.float64)
    backend = SimulatedBackend(spec(), network, seed=7)
    once = Settings(epochs=1, batch=5, learning_rate=1e-3)
    outcome = train(MORE[name](), Bench(backend), model, examples(12), once)
    told = dry_run(MORE[name](), spec(), network, examples=12, settings=once)
    for found, expected in zip(outcome.cost.numbers(), told.numbers(), strict=True):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-18)


def test_dry_run_grows_with_the_epochs_but_for_the_last_write() -> None:
    def told(epochs: int):
        settings = Settings(epochs=epochs, batch=5)
        return dry_run(PhysicsAware(), spec(), NETWORK, examples=12, settings=settings)

    first, tenth = told(1), told(10)
    assert tenth.forward.time_s == pytest.approx(10 * first.forward.time_s, rel=1e-9, abs=0)
    assert tenth.write.count == 10 * (first.write.count - 2) + 2


def test_no_epochs_write_the_first_weights_and_no_more() -> None:
    none = Settings(epochs=0, batch=5)
    outcome = train(PhysicsAware(), bench(), new_surrogate(), examples(12), none)
    told = dry_run(PhysicsAware(), spec(), NETWORK, examples=12, settings=none)
    assert outcome.cost == told
    assert told.write.count == 2
    assert told.forward.count == 0


@pytest.mark.parametrize("name", ["physics_aware", "spsa", "mgd, one by one"])
def test_validation_has_a_cost_of_its_own(name: str) -> None:
    """The cost of a rule is the same with and without, and that of the dry run."""
    data = examples(12)
    watched = train(MORE[name](), bench(), new_surrogate(), data, SETTINGS, validation=data)
    told = dry_run(
        MORE[name](), spec(), NETWORK, examples=12, settings=SETTINGS, update_time=UPDATE_TIME
    )
    for found, expected in zip(watched.cost.numbers(), told.numbers(), strict=True):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-18)
    assert len(watched.curve) == 2
    assert watched.validation_cost.forward.count == 2 * 12
    # Two sets, twice; the first parameters, which come one by one, are those of the input map.
    assert watched.validation_cost.write.count == (0 if "one by one" in name else 4)
    assert watched.curve[0][0].host.count == watched.cost.host.count // 2


def test_local_rule_tries_every_label() -> None:
    found = bench()
    rule = make_rule("local")
    train(rule, found, new_surrogate(), examples(12), SETTINGS)
    _, cost = measure(rule, found, new_surrogate(), examples(10))
    assert cost.forward.count == 10 * NETWORK.outputs
    assert cost.read.count == 10 * NETWORK.outputs * 2


@pytest.mark.parametrize(
    ("name", "epochs"),
    # Light that interferes on the buses makes feedback alignment slow: 0.957 to 0.970 of the first
    # loss from epoch 30 on, where a random direction of this size of steps is above the first.
    [("deploy", 25), ("physics_aware", 25), ("dfa", 60), ("augmented_dfa", 60), ("local", 25)],
)
def test_rules_with_a_direction_lower_the_loss_on_the_machine(name: str, epochs: int) -> None:
    data = examples(30)
    settings = Settings(epochs=epochs, batch=30, learning_rate=0.03)
    outcome = train(make_rule(name), bench(), new_surrogate(), data, settings)
    last = sum(outcome.loss[-5:]) / 5
    assert last < 0.975 * outcome.loss[0]


def test_same_seed_gives_the_same_parameters() -> None:
    data = examples(12)

    def trained(rule: Rule) -> dict[str, torch.Tensor]:
        model = new_surrogate()
        train(rule, bench(), model, data, SETTINGS)
        return model.parameter_set().tensors()

    for make in (HardwareAware, Multiplexed):
        first, second = trained(make()), trained(make())
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_machine_holds_the_last_weights_after_training() -> None:
    found, model = bench(), new_surrogate()
    train(PhysicsAware(), found, model, examples(12), SETTINGS)
    backend = found.backend
    assert isinstance(backend, SimulatedBackend)
    for number, weight in enumerate(model.parameter_set().weight):
        held = backend.condition.banks[number].weight
        assert held is not None
        assert torch.equal(held, weight)


def test_divergence_and_a_model_of_another_network_are_errors() -> None:
    wild = Settings(epochs=3, batch=5, learning_rate=1e12)
    with pytest.raises(
        TrainingError, match=r"deploy: epoch 1, update 2: loss .*lower the learning"
    ):
        train(Deploy(), bench(), new_surrogate(), examples(12), wild)
    other = Surrogate(NETWORK.model_copy(update={"steps": 2}), spec())
    with pytest.raises(TrainingError, match="the model is of the network"):
        train(Deploy(), bench(), other, examples(12), SETTINGS)
    wide = examples(12, NETWORK.model_copy(update={"inputs": NETWORK.inputs + 1}))
    with pytest.raises(InputError, match=r"^examples\.x: has the shape"):
        train(Deploy(), bench(), new_surrogate(), wide, SETTINGS)
    with pytest.raises(InputError, match=r"^validation\.x: has the shape"):
        train(Deploy(), bench(), new_surrogate(), examples(12), SETTINGS, validation=wide)
    with pytest.raises(TrainingError, match="settings: got 3 epochs, a batch of 0"):
        Settings(3, 0)
    with pytest.raises(TrainingError, match="rule: got 'backprop'; expected one of deploy"):
        make_rule("backprop")
    assert math.isfinite(train(Deploy(), bench(), new_surrogate(), examples(12), SETTINGS).loss[-1])
