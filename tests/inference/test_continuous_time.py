"""A detector that is sampled before it has settled makes a continuous-time network of a machine."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated
from tests.inference.test_agreement import random_inputs, random_parameters

NETWORK = ReLaXNet(inputs=5, hidden=8, outputs=3, weight_sets=1, steps=6, injection="every")
#: The amplifier's time constant [s]: 1 / (2 pi 100 MHz).
TAU = 1.0 / (2.0 * math.pi * 100e6)


def machine(share: float) -> Chip:
    """Return a machine that captures after a share of the amplifier's time constant."""
    wait = ("detector.settling_time", f"{share * TAU * 1e12:.6f} ps")
    return Chip.nominal(load_spec("spintronic_mtj", [wait]), NETWORK)


@pytest.mark.parametrize("share", [0.1, 0.5, 2.0])
def test_the_detectors_state_follows_the_differential_equation(share: float) -> None:
    """`tau dy/dt = W h - y` with the state h held for a step, integrated by SciPy."""
    chip, p, x = machine(share), random_parameters(NETWORK), random_inputs(NETWORK, 4)
    accesses = time_run(chip, 4).accesses
    got = evaluated(chip, p, x, accesses, frozenset({"detector.settling"})).numpy()

    weight, gain, bias = p.weight[0].numpy(), float(p.gain[0]), p.bias[0].numpy()
    drive = x.numpy() @ p.input_weight.numpy().T
    wait = share * TAU
    expected = []
    for sample in range(4):
        state, current = np.zeros(8), None
        for _ in range(6):
            target = weight @ np.clip(state, -1.0, 1.0)
            if current is None:
                current = target  # settled before the first step
            else:
                current = solve_ivp(
                    lambda t, y, target=target: (target - y) / TAU,
                    (0.0, wait), current, rtol=1e-10, atol=1e-12,
                ).y[:, -1]  # fmt: skip
            state = np.tanh(gain * current + bias + drive[sample])
        expected.append(p.output_weight.numpy() @ state + p.output_bias.numpy())
    # The integration's own error, through six steps.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)


def test_a_surrogate_of_such_a_machine_trains_with_its_memory() -> None:
    """What the detector has left is the same on every chip, so training includes it."""
    x = random_inputs(NETWORK, 16)
    outputs = []
    for share in (0.1, 50.0):
        surrogate = Surrogate(NETWORK, machine(share), seed=3, dtype=torch.float64)
        assert "detector.settling" in surrogate.known
        result = surrogate(x)
        outputs.append(result.detach())
        result.square().sum().backward()
        assert surrogate.weight.grad is not None
        assert bool(surrogate.weight.grad.any())
    assert float((outputs[0] - outputs[1]).abs().max()) > 1e-3
