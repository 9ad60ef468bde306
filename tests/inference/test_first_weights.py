"""First weights of every shipped machine keep states apart, and gradients alive, over 24 steps."""

from __future__ import annotations

import pytest
import torch

from pnnsim import ReLaXNet, Surrogate, available_specs, load_spec
from pnnsim.hil.calibration import loop_of
from pnnsim.inference.chip import Chip
from pnnsim.inference.working_point import working_point
from pnnsim.networks.relaxnet_parameters import WorkingPoint, centers, initial

WIDTH, STEPS, SEEDS = 32, 24, 4


def sizes(machine: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the spread of states over samples, and the size of gradients, behind each step."""
    network = ReLaXNet(inputs=20, hidden=WIDTH, weight_sets=2, steps=STEPS)
    bank = [("weight_banks.rows", str(WIDTH)), ("weight_banks.cols", str(WIDTH))]
    model = Surrogate(network, load_spec(machine, bank), seed=seed, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((64, 20), generator=generator, dtype=torch.float64)
    model.standardize(x)
    live = model.live()
    loop = loop_of(model, live)
    drive = x @ live.input_weight.T + live.input_bias
    carry, states = loop.begin(drive), []
    for step in range(STEPS):
        carry = loop.step(step, carry, drive)
        carry.state.retain_grad()
        states.append(carry.state)
    last = torch.randn(carry.state.shape, generator=generator, dtype=torch.float64)
    (carry.state * last).sum().backward()
    spread = torch.stack([state.detach().std(dim=0).square().mean().sqrt() for state in states])
    gradients = [state.grad for state in states]
    assert all(gradient is not None for gradient in gradients)
    size = torch.stack([g.square().mean().sqrt() for g in gradients if g is not None])
    return spread, size


@pytest.mark.parametrize("machine", available_specs())
def test_states_and_gradients_keep_their_size_over_24_steps(machine: str) -> None:
    """Within a factor of three, as the geometric mean of four draws of the weights."""
    found = [sizes(machine, seed) for seed in range(SEEDS)]
    for kind in zip(*found, strict=True):
        mean = torch.stack(kind).log().mean(dim=0).exp()
        assert float(mean.max() / mean.min()) < 3.0


def test_working_points_are_where_an_activation_is_straight() -> None:
    """By hand: sin^2 about 1/2, tanh about 0, and a relu that ends at 1 within its slope."""
    points = {name: working_point(Chip.nominal(load_spec(name), ReLaXNet())) for name in (
        "photonic_mrr", "spintronic_mtj", "freespace_dmd",
    )}  # fmt: skip
    ring, tanh, relu = points.values()
    assert (ring.value, tanh.value) == (0.0, 0.0)
    # sin^2(pi/4 (1 + v)) = (1 + sin(pi v / 2)) / 2 has the variance (1 - exp(-(pi s)^2 / 2)) / 8.
    variance = (1.0 - torch.exp(torch.tensor(-((torch.pi * 0.3) ** 2) / 2.0))) / 8.0
    assert ring.slope == pytest.approx(float(variance.sqrt()) / 0.3, rel=1e-4, abs=0)
    assert ring.output == pytest.approx(0.5, rel=1e-6, abs=0)
    assert tanh.output == pytest.approx(0.0, rel=0, abs=1e-9)
    assert 0.2 < relu.value < 0.6
    assert relu.output == pytest.approx(relu.value, rel=0.1, abs=0)


def test_a_working_point_scales_with_the_state() -> None:
    """A relu is the same at every scale, up to where its lines end."""
    spec = load_spec("photonic_mzi", [("nonlinearity.function", "relu")])
    chip = Chip.nominal(spec, ReLaXNet())
    one, small = (working_point(chip, state_scale=scale) for scale in (1 / 8, 1 / 256))
    assert one.value == pytest.approx(small.value, rel=1e-6, abs=1e-9)
    assert one.slope == pytest.approx(small.slope, rel=1e-6, abs=0)
    assert one.output == pytest.approx(small.output, rel=1e-6, abs=0)


def test_biases_take_off_what_a_set_makes_of_the_mean_state() -> None:
    """By hand: with alpha = 1/2 and output 0.4 the mean states are 0.4, 0.6, 0.7 and 0.75."""
    network = ReLaXNet(hidden=8, weight_sets=2, steps=4, residual=0.5)
    point = WorkingPoint(0.1, 0.7, 0.4, 0.72)
    assert centers(network, point) == pytest.approx([0.55, (0.6 + 0.72) / 2], rel=1e-12, abs=0)
    found = initial(network, 0, point=point)
    for number, center in enumerate(centers(network, point)):
        mean = torch.full((8,), center, dtype=torch.float64)
        value = found["gain"][number] * (found["weight"][number] @ mean) + found["bias"][number]
        assert torch.allclose(value, torch.full_like(value, 0.1), rtol=0, atol=1e-12)
