"""The surrogate is an ordinary torch module, and sees of the machine what it is told to see."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from pnnsim.errors import ParameterError
from pnnsim.inference.chip import Chip
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.inference.predict import nominal_outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.working_point import working_point
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs

NETWORK = ReLaXNet(inputs=9, hidden=8, outputs=4, weight_sets=2, steps=5)
EVERY = ReLaXNet(inputs=9, hidden=8, outputs=4, weight_sets=2, steps=5, injection="every")
SPEC = load_spec("photonic_mrr")
MISSES = ("weight_banks.resonance_error", "weight_banks.write_repeatability")
#: Rounding of a few sums in float64, carried over five steps.
ROUNDING = 1e-12


def inputs(samples: int = 7, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((samples, 9), generator=generator, dtype=torch.float64)


def new_surrogate(network: ReLaXNet = NETWORK, **options) -> Surrogate:
    return Surrogate(network, SPEC, dtype=torch.float64, **options)


def test_the_state_dict_restores_every_answer() -> None:
    first, second = new_surrogate(seed=1), new_surrogate(seed=2)
    x = inputs()
    first.standardize(x)
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_a_deep_copy_answers_alike_and_trains_apart() -> None:
    original = new_surrogate(drawn=MISSES)
    x = inputs()
    copied = copy.deepcopy(original)
    assert torch.equal(original(x), copied(x))
    with torch.no_grad():
        copied.weight.mul_(0.5)
    assert not torch.equal(original.eval()(x), copied.eval()(x))


def test_a_plain_torch_loop_with_a_data_loader_trains_it() -> None:
    model = new_surrogate()
    x = inputs(64)
    y = (x[:, 0] > 0.5).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    losses = []
    for _ in range(40):
        total = 0.0
        for some_x, some_y in loader:
            loss = torch.nn.functional.cross_entropy(model(some_x), some_y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        losses.append(total / 4)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.long
# torch's own tracer does things of which torch itself warns.
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_torch_compile_gives_the_same_answers_and_gradients() -> None:
    plain, compiled = new_surrogate(seed=3), new_surrogate(seed=3)
    run = torch.compile(compiled, backend="eager")
    x = inputs()
    plain(x).square().sum().backward()
    run(x).square().sum().backward()
    # The same operations, which another order of fusion may round differently.
    np.testing.assert_allclose(
        plain.weight.grad.numpy(), compiled.weight.grad.numpy(), rtol=0, atol=ROUNDING
    )


@pytest.mark.parametrize("network", [NETWORK, EVERY], ids=["first", "every"])
def test_units_of_training_are_folded_into_what_the_machine_gets(network: ReLaXNet) -> None:
    """The machine, which knows nothing of means and scales, gives the surrogate's own answers."""
    model = new_surrogate(network, non_idealities=(), state_scale=0.25)
    x = 3.0 + inputs()
    model.standardize(x)
    with torch.no_grad():
        model.bias.normal_(generator=torch.Generator().manual_seed(5))
    plain = new_surrogate(network, non_idealities=())
    plain.load_parameter_set(model.parameter_set())
    np.testing.assert_allclose(
        model(x).detach().numpy(), plain(x).detach().numpy(), rtol=0, atol=ROUNDING
    )


@pytest.mark.parametrize("network", [NETWORK, EVERY], ids=["first", "every"])
def test_loading_what_was_saved_changes_nothing(network: ReLaXNet) -> None:
    model = new_surrogate(network, state_scale=0.25)
    x = 3.0 + inputs()
    model.standardize(x)
    other = new_surrogate(network, state_scale=0.5, seed=9)
    other.standardize(inputs(seed=2))
    other.load_parameter_set(model.parameter_set())
    for name, value in other.parameter_set().tensors().items():
        wanted = model.parameter_set().tensors()[name].numpy()
        np.testing.assert_allclose(value.numpy(), wanted, rtol=0, atol=ROUNDING, err_msg=name)


def test_standardized_inputs_have_mean_zero_and_variance_one_before_the_input_map() -> None:
    """Compare the state's drive with NumPy's own standardization."""
    model = new_surrogate(non_idealities=())
    x = 3.0 + 2.0 * inputs(200)
    x[:, 4] = 1.5
    model.standardize(x)
    live = model.parameter_set()
    drive = x.numpy() @ live.input_weight.numpy().T + live.input_bias.numpy()
    spread = x.numpy().std(axis=0)
    overall = x.numpy().std()
    # A constant input is divided by a tenth of the spread of all, not by zero.
    scaled = (x.numpy() - x.numpy().mean(axis=0)) / np.maximum(spread, overall / 10)
    wanted = scaled @ model.input_weight.detach().numpy().T + model.input_bias.detach().numpy()
    np.testing.assert_allclose(drive, wanted, rtol=0, atol=1e-11)


def test_first_gains_carry_a_residual_through_many_steps_without_growth() -> None:
    tame = Surrogate(ReLaXNet(weight_sets=4, steps=25, residual=1.0), SPEC)
    plain = Surrogate(ReLaXNet(weight_sets=4, steps=25), SPEC)
    # Without a residual the slope is that of normal pre-activations, not the steepest.
    slopes = [
        working_point(model.chip, active=model.known, residual=model.network.residual).slope
        for model in (tame, plain)
    ]
    ratio = (plain.gain / tame.gain).detach().numpy() * slopes[1] / slopes[0]
    np.testing.assert_allclose(ratio, 5.0, rtol=1e-6, atol=0)
    assert slopes[1] < slopes[0]


def test_what_is_drawn_is_drawn_in_training_mode_only() -> None:
    model, x = new_surrogate(drawn=MISSES, redraw=1), inputs()
    nominal = nominal_outputs(model.chip, model.parameter_set(), x)
    first, second = model(x), model(x)
    assert not torch.equal(first, second)
    assert torch.equal(model.eval()(x), nominal)


def test_a_drawn_chip_stays_for_as_many_evaluations_as_asked_for() -> None:
    model, x = new_surrogate(drawn=MISSES, redraw=3), inputs()
    answers = [model(x).detach() for _ in range(7)]
    same = [torch.equal(a, b) for a, b in pairwise(answers)]
    assert same == [True, True, False, True, True, False]


def test_noise_of_reading_is_fresh_in_every_evaluation() -> None:
    model, x = new_surrogate(drawn=["detector.amplifier_noise"], redraw=100), inputs()
    assert not torch.equal(model(x), model(x))


def test_the_same_seed_draws_the_same_and_goes_on_from_its_counts() -> None:
    x = inputs()
    first = new_surrogate(drawn=MISSES, redraw=1)
    outputs = [first(x).detach() for _ in range(2)]
    second, plain = new_surrogate(drawn=MISSES, redraw=1), new_surrogate()
    assert not torch.equal(outputs[0], outputs[1])
    second.load_state_dict(first.state_dict())
    for _ in range(2):
        assert torch.equal(second(x), first(x))
    # One that draws nothing has counts, too, so that both take each other's state.
    plain.load_state_dict(first.state_dict())
    third = new_surrogate(drawn=MISSES, redraw=1)
    third.load_state_dict(plain.state_dict())
    assert torch.equal(third(x), outputs[0])


def test_drawn_weights_spread_as_much_as_their_description_says() -> None:
    """Only the write error is drawn, so a product misses by it times the line's norm."""
    spec = load_spec("photonic_mrr", [("weight_banks.write_repeatability", "0.01")])
    network = ReLaXNet(inputs=9, hidden=64, outputs=4, weight_sets=1, steps=1)
    chip = Chip.nominal(spec, network)
    draws = ChipSampler(chip, set(), {"weight_banks.write_repeatability"}, seed=0, redraw=1)
    weight = torch.zeros((1, 64, 64), dtype=torch.float64)
    banks, _ = draws.sample(weight)
    found = banks.effective(0, 0, math.inf).weights
    # 5 sigma of the mean and of the deviation of 4096 normal draws.
    assert abs(float(found.mean())) < 5 * 0.01 / 64
    assert abs(float(found.std()) / 0.01 - 1.0) < 5 / (2 * 4096) ** 0.5


def test_drawn_misses_carry_no_gradient_and_nominal_weights_carry_all() -> None:
    chip = Chip.nominal(SPEC, NETWORK)
    draws = ChipSampler(chip, set(), set(MISSES), seed=0, redraw=1)
    weight = torch.full((2, 8, 8), 0.3, dtype=torch.float64, requires_grad=True)
    banks, _ = draws.sample(weight)
    banks.effective(0, 1, math.inf).weights.sum().backward()
    assert weight.grad is not None
    assert torch.equal(weight.grad[1], torch.ones(8, 8, dtype=torch.float64))
    assert not weight.grad[0].any()


def test_training_never_draws_a_chip_that_is_simulated_later() -> None:
    chip = Chip.nominal(SPEC, NETWORK)
    draws = ChipSampler(chip, set(), {"weight_banks.resonance_error"}, seed=0, redraw=1)
    weight = torch.zeros((2, 8, 8), dtype=torch.float64)
    simulated = [chip.fabricate(0, index) for index in range(4)]
    for _ in range(4):
        banks, _ = draws.sample(weight)
        mine = banks.effective(0, 0, math.inf).weights
        for other in simulated:
            state, active = other.states[0], {"weight_banks.resonance_error"}
            theirs = other.weight_banks.program(weight[0], state, active, float("inf")).weights
            assert not torch.equal(mine, theirs)


def test_unknown_non_idealities_are_named_with_those_there_are() -> None:
    with pytest.raises(
        ParameterError, match=r"unknown non-idealities detector\.rust; this machine"
    ):
        new_surrogate(drawn=["detector.rust"])


def test_numbers_for_another_machine_are_refused_unless_asked_for() -> None:
    other = load_spec("photonic_mrr", [("switch.rise_time", "5 ns")])
    numbers = Surrogate(NETWORK, other).parameter_set()
    with pytest.raises(ParameterError, match="trained for the machine"):
        new_surrogate().load_parameter_set(numbers)
    new_surrogate().load_parameter_set(numbers, any_machine=True)
    new_surrogate().load_parameter_set(replace(numbers, spec_sha256=""))


MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
}


@pytest.mark.parametrize("machine", available_specs())
@pytest.mark.parametrize("mode", MODES)
def test_a_surrogate_that_is_made_and_asked_without_gradients_learns_as_any_other(
    machine: str, mode: str
) -> None:
    network = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)
    x = torch.linspace(0.0, 1.0, 24).reshape(4, 6)

    def trained(mode: Callable[[], AbstractContextManager[Any]]) -> dict[str, torch.Tensor]:
        with mode():
            spec = load_spec(machine)
            every = Chip.nominal(spec, network).non_idealities
            surrogate = Surrogate(network, spec, drawn=every, redraw=2)
            surrogate(x)
            surrogate.eval()(x)
            surrogate.standardize(x)
            surrogate.load_parameter_set(surrogate.parameter_set())
            given = surrogate.parameter_set()
        assert not any(tensor.is_inference() for tensor in given.tensors().values())
        surrogate.train()
        optimizer = torch.optim.SGD(surrogate.parameters(), lr=1e-2)
        for _ in range(3):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(surrogate(x), torch.tensor([0, 1, 2, 0])).backward()
            assert all(parameter.grad is not None for parameter in surrogate.parameters())
            optimizer.step()
        return {name: value.detach().clone() for name, value in surrogate.state_dict().items()}

    wanted, found = trained(nullcontext), trained(MODES[mode])
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
