"""Machines agree with the plain network when ideal, with their surrogates when nominal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.parameters import ParameterSet, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated

Floats = np.ndarray

#: Sums of at most 16 products of numbers near 1, six times over, in float64.
TOLERANCE = 1e-10

#: Activations written out: a modulator at quadrature, and a ramp between dark and full scale.
SINE: Callable[[Floats], Floats] = lambda a: (1 + np.sin(np.pi * np.clip(a, -1, 1) / 2)) / 2  # noqa: E731
RAMP: Callable[[Floats], Floats] = lambda a: np.clip(a, 0, 1)  # noqa: E731

MACHINES = {"photonic_pcm": SINE, "fiber_loop": SINE, "freespace_dmd": RAMP}

NETWORK = ReLaXNet(inputs=7, hidden=16, outputs=3, weight_sets=2, steps=6)


def random_parameters() -> ParameterSet:
    generator = torch.Generator().manual_seed(0)
    draw = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64) / 2
        for name, shape in shapes(NETWORK).items()
    }
    draw["weight"] = draw["weight"].clamp(-1, 1)
    draw["gain"] = 0.3 + 0.05 * draw["gain"]
    return ParameterSet(NETWORK, **draw)


def inputs(samples: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((samples, NETWORK.inputs), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", MACHINES)
def test_an_ideal_chip_computes_the_plain_network(name: str) -> None:
    chip = Chip.nominal(load_spec(name), NETWORK).fabricate(seed=3, index=0)
    p, x = random_parameters(), inputs()
    found = evaluated(chip, p, x, time_run(chip, len(x)).accesses)

    h = np.maximum(x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    for t in range(NETWORK.steps):
        y = np.clip(h, 0, 1) @ p.weight[t % 2].numpy().T
        h = MACHINES[name](float(p.gain[t % 2]) * y + p.bias[t % 2].numpy())
    expected = h @ p.output_weight.numpy().T + p.output_bias.numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MACHINES)
def test_a_nominal_chip_computes_what_its_surrogate_computes(name: str) -> None:
    spec, x = load_spec(name), inputs()
    surrogate = Surrogate(NETWORK, spec, dtype=torch.float64)
    surrogate.load_parameter_set(random_parameters())
    chip = Chip.nominal(spec, NETWORK)
    accesses = time_run(chip, len(x)).accesses
    found = evaluated(chip, random_parameters(), x, accesses, chip.deterministic)
    # Whatever a machine leaves unsettled stands in the surrogate by nominal times, which are
    # longer.
    np.testing.assert_allclose(found.numpy(), surrogate(x).detach().numpy(), rtol=0, atol=TOLERANCE)


def test_weights_that_drift_change_what_a_machine_answers_after_a_rest() -> None:
    """An hour of rest at an exponent of 0.05 leaves 77 % of a weight; nothing else differs."""
    answers = {}
    for rest in ("0 s", "3600 s"):
        changes = [("weight_banks.drift_exponent", "0.05"), ("weight_banks.rest_time", rest)]
        chip = Chip.nominal(load_spec("photonic_pcm", changes), NETWORK)
        off = chip.non_idealities - {"weight_banks.drift"}
        accesses = time_run(chip, 5).accesses
        answers[rest] = outputs(chip, random_parameters(), inputs(), accesses, without=tuple(off))
    rested = random_parameters()
    scaled = ParameterSet(
        NETWORK, **{**rested.tensors(), "weight": rested.weight * (3620 / 20) ** -0.05}
    )
    chip = Chip.nominal(load_spec("photonic_pcm"), NETWORK)
    accesses = time_run(chip, 5).accesses
    expected = evaluated(chip, scaled, inputs(), accesses)
    assert float((answers["0 s"] - expected).abs().max()) > 0.01
    # Ages are grouped within 5 %: the factor is right to 0.05 * ln(1.05) / 2.
    np.testing.assert_allclose(answers["3600 s"].numpy(), expected.numpy(), atol=3e-3, rtol=0)
