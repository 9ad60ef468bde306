"""Activations of electronics and magnetic devices: curves, scatter and memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.devices.base import Size
from pnnsim.devices.nonlinearities.electronic import MtjSigmoid, SpinOscillator
from pnnsim.devices.nonlinearities.electronic_params import MtjSigmoidParams
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec

NONE: frozenset[str] = frozenset()
GRID = torch.linspace(-2, 2, 41, dtype=torch.float64)

SIGMOID = MtjSigmoidParams.model_validate(
    {
        "kind": "mtj_sigmoid",
        "drive_current": "20 uA",
        "scale_current": "10 uA",
        "devices": 4,
        "correlation_time": "0.1 ns",
        "integration_time": "10 ns",
        "energy": "50 fJ",
        "static_power": "20 uW",
    }
)


def activation(name: str = "spintronic_mtj", **values: str) -> object:
    pairs = [(f"nonlinearity.{key}", value) for key, value in values.items()]
    return Chip.nominal(load_spec(name, pairs), ReLaXNet()).nonlinearity


def sigmoid(**changes: object) -> MtjSigmoid:
    size = Size(
        inputs=64, hidden=64, lines=64, detectors=64, outputs=10, banks=2, tiles_out=1, tiles_in=1,
        analog_state=True, temperature=300.0, carrier="voltage",
    )  # fmt: skip
    return MtjSigmoid(SIGMOID.model_copy(update=changes), size)


def oscillator(**values: str) -> SpinOscillator:
    found = activation("spintronic_sto", **values)
    assert isinstance(found, SpinOscillator)
    return found


@pytest.mark.parametrize(
    ("shape", "curve", "span"),
    [
        ("linear", lambda a: np.clip(a, -1, 1), (-1.0, 1.0)),
        ("clipped_relu", lambda a: np.clip(a, 0, 1), (0.0, 1.0)),
        ("tanh", np.tanh, (-1.0, 1.0)),
        ("sigmoid", lambda a: 1 / (1 + np.exp(-a)), (0.0, 1.0)),
    ],
)
def test_an_analog_stage_follows_its_curve(shape: str, curve: object, span: tuple[float, float]):
    f = activation(shape=shape)
    np.testing.assert_allclose(
        f.activate(GRID, None, None, NONE).numpy(), curve(GRID.numpy()), rtol=1e-12, atol=1e-15
    )
    assert f.range == span
    assert f.delay_fs("activate") == 1_000_000
    assert f.cost("activate") == pytest.approx(64 * 0.1e-12, rel=1e-12, abs=0)


def test_noise_of_a_stage_is_relative_to_its_span_and_stays_between_the_rails() -> None:
    f = activation(noise="1 %")
    value = torch.zeros((100, 64), dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    drawn = f.activate(value, None, generator, {"nonlinearity.noise"})
    # 5 sigma of a standard deviation; a tanh spans 2.
    assert float(drawn.std()) == pytest.approx(0.02, rel=5 / math.sqrt(2 * drawn.numel()), abs=0)
    high = f.activate(value + 9.0, None, generator, {"nonlinearity.noise"})
    assert float(high.max()) == 1.0
    assert torch.equal(f.activate(value, None, generator, NONE), value)


def test_a_low_barrier_junction_is_a_sigmoid_of_its_current() -> None:
    f = sigmoid()
    expected = (1 + np.tanh(2 * GRID.numpy())) / 2
    np.testing.assert_allclose(
        f.activate(GRID, None, None, NONE).numpy(), expected, rtol=1e-12, atol=0
    )
    assert f.slope == pytest.approx(1.0, rel=1e-6, abs=0)
    assert f.delay_fs("activate") == 10_000_000


def test_its_average_scatters_as_flips_with_memory_do() -> None:
    """p (1-p) 2 tau/T (1 - tau/T) at T >> tau, over four junctions."""
    f, active = sigmoid(), {"nonlinearity.switching_noise"}
    value = torch.full((200, 64), 0.1, dtype=torch.float64)
    drawn = f.activate(value, None, torch.Generator().manual_seed(1), active)
    p = (1 + math.tanh(0.2)) / 2
    variance = p * (1 - p) * 2 * 0.01 * (1 - 0.01) / 4
    assert float(drawn.var()) == pytest.approx(
        variance, rel=5 * math.sqrt(2 / drawn.numel()), abs=0
    )
    assert float(drawn.mean()) == pytest.approx(p, abs=5 * math.sqrt(variance / drawn.numel()))


def test_a_cell_without_correlation_time_does_not_scatter() -> None:
    f = sigmoid(correlation_time=0.0)
    drawn = f.activate(GRID, None, torch.Generator(), {"nonlinearity.switching_noise"})
    assert torch.equal(drawn, f.activate(GRID, None, None, NONE))


def test_an_oscillator_grows_as_a_square_root_above_its_threshold() -> None:
    """With little heat: sqrt(I / I_th - 1) over that at full drive, here sqrt(v)."""
    f = oscillator(thermal_power="1e-8")
    got = f.activate(GRID, None, None, NONE).numpy()
    expected = np.sqrt(np.clip(GRID.numpy(), 0, 1))
    # Heat of 1e-8 keeps up an amplitude of its fourth root at threshold itself.
    np.testing.assert_allclose(got, expected, atol=1.01e-2, rtol=0)
    np.testing.assert_allclose(got[GRID >= 0.1], expected[GRID >= 0.1], atol=1e-6, rtol=0)


def test_heat_makes_the_threshold_smooth() -> None:
    """At threshold the power is sqrt(eta): an amplitude of 0.001^(1/4), over the full one."""
    f = oscillator()
    full = math.sqrt(0.5 + math.sqrt(0.25 + 1e-3))
    at = f.activate(torch.zeros(1, dtype=torch.float64), None, None, NONE)
    assert float(at) == pytest.approx(1e-3**0.25 / full, rel=1e-9, abs=0)


def test_an_oscillator_remembers_what_it_has_not_settled_from() -> None:
    f = oscillator(settling_time="400 ns")
    value = torch.tensor([[0.5]], dtype=torch.float64)
    before = torch.tensor([[0.9]], dtype=torch.float64)
    active = {"nonlinearity.settling"}
    target = f.activate(value, None, None, NONE)
    got = f.activate(value, before, None, active)
    assert float(got) == pytest.approx(
        float(target + (before - target) * math.exp(-1)), rel=1e-12, abs=0
    )
    # Before the first step it rests at its bias, pre-activation 0.
    rest = f.activate(torch.zeros_like(value), None, None, NONE)
    first = f.activate(value, None, None, active)
    assert float(first) == pytest.approx(
        float(target + (rest - target) * math.exp(-1)), rel=1e-12, abs=0
    )
    assert torch.equal(f.activate(value, before, None, NONE), target)


def test_amplitude_scatters_as_heat_demands() -> None:
    """sqrt(eta) / (2 a) well above threshold, a / 2 at most."""
    f, active = oscillator(), {"nonlinearity.amplitude_noise"}
    full = math.sqrt(0.5 + math.sqrt(0.25 + 1e-3))
    for v in (0.5, -0.5):
        value = torch.full((200, 64), v, dtype=torch.float64)
        mean = float(f.activate(value[:1, :1], None, None, NONE)) * full
        drawn = f.activate(value, None, torch.Generator().manual_seed(2), active)
        expected = min(math.sqrt(1e-3) / (2 * mean), mean / 2) / full
        tolerance = 5 / math.sqrt(2 * drawn.numel())
        if v < 0:  # one draw in forty-four falls below 0 and is cut there
            tolerance += 0.05
        assert float(drawn.std()) == pytest.approx(expected, rel=tolerance, abs=0)


def test_gradients_match_finite_differences() -> None:
    value = torch.tensor([-0.8, -0.1, 0.02, 0.3, 0.9], dtype=torch.float64, requires_grad=True)
    previous = torch.full((5,), 0.4, dtype=torch.float64, requires_grad=True)
    f = oscillator(settling_time="400 ns")
    active = {"nonlinearity.settling"}
    assert torch.autograd.gradcheck(lambda v, p: f.activate(v, p, None, active), (value, previous))
    for other in (activation(), sigmoid()):
        assert torch.autograd.gradcheck(lambda v, g=other: g.activate(v, None, None, NONE), value)


def test_an_oscillator_that_never_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="do not reach threshold_current"):
        oscillator(threshold_current="3 mA")
