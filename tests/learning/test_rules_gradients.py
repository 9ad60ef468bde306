"""Each rule finds the gradient that its equations promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.errors import TrainingError
from pnnsim.hil.bench import Bench
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules import (
    Deploy,
    FeedbackAlignment,
    Local,
    Multiplexed,
    PhysicsAware,
    Rule,
    Session,
    Spsa,
    physics_aware,
)
from pnnsim.learning.rules.local import with_label
from pnnsim.learning.rules.perturbed import vector
from pnnsim.networks.relaxnet import ReLaXNet
from tests.hil.hil_machines import NETWORK, exact_surrogate, examples, ideal, spec

NETWORKS = {
    "plain": NETWORK,
    "residual": NETWORK.model_copy(update={"residual": 0.4, "steps": 5}),
    "injection": NETWORK.model_copy(update={"injection": "every"}),
}


def session(network: ReLaXNet = NETWORK, surrogate: Surrogate | None = None) -> Session:
    data = examples(network=network)
    found = Session(
        Bench(ideal(network)), surrogate or exact_surrogate(network), lambda: (data.x, data.y), 0
    )
    with torch.no_grad():
        # Of a common size, so that no parameter's gradient hides behind another's.
        found.surrogate.gain.fill_(0.4)
    return found


def gradient(rule: Rule, at: Session) -> torch.Tensor:
    at.surrogate.zero_grad()
    rule.begin(at)
    rule.gradient(at)
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in at.surrogate.parameters()]
    return torch.cat([part.reshape(-1) for part in parts]).detach()


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


def test_model_mistakes_do_not_add_up_when_each_step_is_measured() -> None:
    """Reality 2 x^1.1, model 2.01 x^1.1, twenty times (Wright et al.'s demonstration)."""

    def reality(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return scale * 2.0 * x**1.1

    def model(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return scale * 2.01 * x**1.1

    def chain(step) -> tuple[float, float]:
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        x = torch.ones((), dtype=torch.float64)
        for _ in range(20):
            x = step(x, scale)
        x.backward()
        assert scale.grad is not None
        return float(x.detach()), float(scale.grad)

    true, slope = chain(reality)
    modelled, model_slope = chain(model)
    aware, aware_slope = chain(physics_aware(reality, model))
    # In closed form ln x_n = ln(c) (1.1^n - 1) / 0.1, so the mismatch is 1.005^57.27 = 33 %.
    assert modelled / true == pytest.approx(1.005 ** ((1.1**20 - 1) / 0.1), rel=1e-12, abs=0)
    assert modelled / true > 1.3
    assert aware == true
    assert model_slope / slope > 1.3
    # d x_20 / d scale is a sum over the 20 applications, each the product of the later slopes; the
    # model's slopes are 1.005 times too large at the same input: at most 1.005^20 = 1.105.
    assert slope < aware_slope < 1.105 * slope


@pytest.mark.parametrize("name", NETWORKS)
def test_physics_aware_gradient_is_the_models_where_the_machine_is_the_model(name: str) -> None:
    at = session(NETWORKS[name])
    expected = gradient(Deploy(), at)
    found = gradient(PhysicsAware(), at)
    assert float(expected.abs().max()) > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_physics_aware_linearizes_the_model_at_what_was_measured() -> None:
    """A machine whose banks are off: compare with the recursion written out in NumPy."""
    at = session()
    others = torch.flip(at.surrogate.parameter_set().weight, dims=(1,))

    class Off(SimulatedBackend):
        def write(self, weight_set: int, weight: torch.Tensor):
            return super().write(weight_set, others[weight_set])

    every = sorted(at.surrogate.chip.non_idealities)
    at.bench = Bench(Off(spec(), NETWORK, without=every))
    gradient(PhysicsAware(), at)

    p = at.surrogate.parameter_set()
    data = examples()
    x, weight, wrong = data.x.numpy(), p.weight.numpy(), others.numpy()
    gain, bias = p.gain.numpy(), p.bias.numpy()
    state = np.maximum(x @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    kept, lines, values = [], [], []
    for t in range(3):
        kept.append((state >= 0.0) & (state <= 1.0))
        lines.append(np.clip(state, 0.0, 1.0))
        real = gain[t % 2] * lines[-1] @ wrong[t % 2].T + bias[t % 2]
        values.append(gain[t % 2] * lines[-1] @ weight[t % 2].T + bias[t % 2])
        state = (1 + np.sin(np.pi * np.clip(real, -1, 1) / 2)) / 2
    logits = state @ p.output_weight.numpy().T + p.output_bias.numpy()
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = (share - np.eye(3)[data.y.numpy()]) / len(x)
    lam = error @ p.output_weight.numpy()
    expected = np.zeros_like(weight)
    for t in reversed(range(3)):
        slope = np.where(np.abs(values[t]) <= 1, np.pi / 4 * np.cos(np.pi * values[t] / 2), 0.0)
        delta = slope * lam
        expected[t % 2] += gain[t % 2] * delta.T @ lines[t]
        lam = gain[t % 2] * delta @ weight[t % 2] * kept[t]
    assert at.surrogate.weight.grad is not None
    np.testing.assert_allclose(at.surrogate.weight.grad, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("slope", [None, torch.cos], ids=["dfa", "augmented"])
@pytest.mark.parametrize("feedback", ["set", "step"])
@pytest.mark.parametrize("injection", ["first", "every"])
def test_feedback_alignment_is_its_equation(slope, injection: str, feedback) -> None:
    network = NETWORK.model_copy(update={"injection": injection})
    at = session(network)
    rule = FeedbackAlignment(slope, feedback)
    gradient(rule, at)
    p, data = at.surrogate.parameter_set(), examples(network=network)
    x, b = data.x.numpy(), rule._matrices.numpy()
    weight, gain, bias = p.weight.numpy(), p.gain.numpy(), p.bias.numpy()
    drive = x @ p.input_weight.numpy().T
    first = injection == "first"
    if first:
        drive = drive + p.input_bias.numpy()
    state = np.maximum(drive, 0.0) if first else np.zeros_like(drive)
    lines, values = [], []
    for t in range(3):
        lines.append(np.clip(state, 0.0, 1.0))
        a = gain[t % 2] * lines[t] @ weight[t % 2].T + bias[t % 2] + (0.0 if first else drive)
        values.append(a)
        state = (1 + np.sin(np.pi * np.clip(a, -1, 1) / 2)) / 2
    logits = state @ p.output_weight.numpy().T + p.output_bias.numpy()
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = (share - np.eye(3)[data.y.numpy()]) / len(x)

    def g(a: np.ndarray) -> np.ndarray:
        if slope is not None:
            return np.cos(a)
        return np.where(np.abs(a) <= 1, np.pi / 4 * np.cos(np.pi * a / 2), 0.0)

    which = range(3) if feedback == "step" else (0, 1, 0)
    deltas = [(error @ b[k].T) * g(value) for k, value in zip(which, values, strict=True)]
    expected_weight, expected_bias = np.zeros_like(weight), np.zeros_like(bias)
    for t in range(3):
        expected_weight[t % 2] += gain[t % 2] * deltas[t].T @ lines[t]
        expected_bias[t % 2] += deltas[t].sum(axis=0)
    at_drive = (error @ b[-1].T) * (drive > 0) if first else sum(deltas)
    surrogate = at.surrogate
    for found, wanted in (
        (surrogate.weight.grad, expected_weight),
        (surrogate.bias.grad, expected_bias),
        (surrogate.input_weight.grad, at_drive.T @ x),
        (surrogate.output_weight.grad, error.T @ state),
        (surrogate.output_bias.grad, error.sum(axis=0)),
    ):
        assert found is not None
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


def test_last_step_and_output_map_of_feedback_alignment_need_no_random_matrix() -> None:
    """The output map gets the true gradient; only states behind it get a random one."""
    at = session()
    gradient(Deploy(), at)
    assert at.surrogate.output_weight.grad is not None
    true = at.surrogate.output_weight.grad.clone()
    gradient(FeedbackAlignment(), at)
    np.testing.assert_allclose(at.surrogate.output_weight.grad, true, rtol=0, atol=1e-10)


#: Few parameters, P = 73, so that few passes tell the direction.
TINY = ReLaXNet(inputs=3, hidden=4, outputs=3, weight_sets=2, steps=2)


def promised(count: int, size: int, repeats: int) -> tuple[float, float]:
    """Return the mean cosine to the gradient of some random perturbations, and 5 of its deviations.

    For signs, `g_est = sum D D.g / m`; on the mean its part along g is g, and the rest has the
    square (P - 1) / m of that. So the cosine is sqrt(m / (m + P - 1)): it rises with m.
    """
    expected = math.sqrt(count / (count + size - 1))
    # The part along g is the mean of m squares of nearly normal numbers of mean 1: relative
    # deviation sqrt(2 / m). The rest has P - 1 components. For c = a / sqrt(a^2 + b^2),
    # dc / c = (1 - c^2) (da / a - db / b).
    parts = 2 / count + 1 / (2 * (size - 1))
    bound = 5 * expected * (1 - expected**2) * math.sqrt(parts / repeats)
    if count == 1:
        # |D.g| / (|D| |g|): sqrt(2 / pi) of its root mean square on the mean.
        expected *= math.sqrt(2 / math.pi)
    return expected, bound


@pytest.mark.parametrize(("count", "repeats"), [(1, 40), (16, 6), (256, 1)])
def test_spsa_points_along_the_gradient_as_well_as_its_number_of_pairs_promises(
    count: int, repeats: int
) -> None:
    at = session(TINY)
    true = gradient(Deploy(), at)
    found = []
    for seed in range(repeats):
        at.seed = seed
        found.append(cosine(gradient(Spsa(count, amplitude=1e-4), at), true))
    expected, bound = promised(count, len(true), repeats)
    assert np.mean(np.abs(found)) == pytest.approx(expected, abs=bound)


def test_multiplexed_one_by_one_is_the_gradient() -> None:
    at = session(TINY)
    true = gradient(Deploy(), at)
    size = len(true)
    rule = Multiplexed(tau_theta=size, tau_x=size, code="sequential", amplitude=1e-6)
    # One-sided differences: amplitude times half the curvature, and rounding over amplitude.
    np.testing.assert_allclose(gradient(rule, at), true, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("count", "repeats"), [(1, 40), (16, 6), (256, 1)])
def test_multiplexed_random_codes_follow_the_same_law_as_spsa(count: int, repeats: int) -> None:
    at = session(TINY)
    true = gradient(Deploy(), at)
    found = []
    for seed in range(repeats):
        at.seed = seed
        rule = Multiplexed(tau_theta=count, tau_x=count, amplitude=1e-5)
        found.append(cosine(gradient(rule, at), true))
    expected, bound = promised(count, len(true), repeats)
    assert np.mean(np.abs(found)) == pytest.approx(expected, abs=bound)


def test_multiplexed_keeps_perturbation_and_batch_for_as_long_as_it_is_told() -> None:
    at = session()
    taken = []
    take = at.take

    def counted():
        taken.append(at.bench.cost.forward.count)
        return take()

    at.take = counted
    rule = Multiplexed(tau_p=2, tau_theta=4, tau_x=6, amplitude=1e-4)
    rule.begin(at)
    for update in range(3):
        at.update = update
        rule.gradient(at)
        at.bench.updated()
    # Passes 0 to 11, a batch of 12 samples each; references at 0, 4, 6 and 8.
    assert len(taken) == 2
    assert at.bench.cost.forward.count == 12 * (12 + 4)
    assert taken[1] == 12 * (6 + 2)
    assert rule.updates(10) == 15


def test_spsa_leaves_the_parameters_as_they_were() -> None:
    at = session()
    before = vector(at.surrogate)
    gradient(Spsa(2), at)
    assert torch.equal(vector(at.surrogate), before)
    gradient(Multiplexed(), at)
    assert torch.equal(vector(at.surrogate), before)


def test_local_learning_crosses_no_step() -> None:
    """Each step is differentiated by hand with the state ahead of it as a constant."""
    network = NETWORK.model_copy(update={"order": (0, 0, 1)})
    at = session(network)
    rule = Local()
    gradient(rule, at)
    assert at.surrogate.weight.grad is not None

    live, data = at.surrogate.parameter_set(), examples(network=network)
    wrong = torch.randint(1, 3, (12,), generator=stream(0, "rules.local.labels", "train"))
    labels = torch.cat([data.y, (data.y + wrong) % 3])
    marked = with_label(torch.cat([data.x, data.x]), labels, 3)
    run = at.bench.run(live, marked, states=True)
    assert run.states is not None
    weight = live.weight.clone().requires_grad_()
    losses = []
    for step, (k, state) in enumerate(
        zip((0, 0, 1), (run.drive.clamp(min=0), *run.states[:-1]), strict=True)
    ):
        value = live.gain[k] * state.clamp(0, 1) @ weight[k].T + live.bias[k]
        h = (1 + torch.sin(math.pi * value.clamp(-1, 1) / 2)) / 2
        centered = h - h.mean(dim=1, keepdim=True)
        goodness = centered @ rule._directions[step] / centered.norm(dim=1)
        losses.append(torch.log(1 + torch.exp(-4.0 * (goodness[:12] - goodness[12:]))).mean())
    torch.stack(losses).sum().backward()
    assert weight.grad is not None
    assert float(weight.grad.abs().min(dim=0).values.max()) > 1e-4
    np.testing.assert_allclose(at.surrogate.weight.grad, weight.grad, rtol=0, atol=1e-10)


def test_labels_go_into_the_first_inputs() -> None:
    marked = with_label(torch.full((2, 5), 0.5), torch.tensor([0, 2]), 3)
    assert marked.tolist() == [[1.0, 0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 1.0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spsa(0), "spsa: got 0 pairs"),
        (lambda: Spsa(1, amplitude=0.0), "amplitude above 0"),
        (lambda: Multiplexed(tau_p=0), "mgd: got tau_p 0"),
        (lambda: Local(theta=0.0), "local: got theta 0"),
    ],
)
def test_settings_without_meaning_are_refused(make, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        make()
