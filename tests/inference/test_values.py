"""Samples are evaluated in batches, and none depends on the batches behind its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.errors import InputError
from pnnsim.inference import evaluator as values
from pnnsim.inference.accesses import AccessTable
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import nominal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated

NETWORK = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=3)
#: The same products, in batches of other sizes: last bits of sums of 16 numbers near 1.
ROUNDING = 1e-12


def run(
    samples: int, *changes: tuple[str, str], sets: int = 2
) -> tuple[Chip, ParameterSet, torch.Tensor, AccessTable]:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=sets, steps=3)
    spec = load_spec("photonic_mrr", list(changes))
    chip = Chip.nominal(spec, network).fabricate(1, 0)
    parameters = Surrogate(network, spec, dtype=torch.float64).parameter_set()
    x = torch.rand((samples, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return chip, parameters, x, time_run(chip, samples).accesses


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize(
    ("changes", "sets"),
    [
        pytest.param((), 2, id="resident"),
        pytest.param((), 3, id="rewritten"),
        pytest.param((("control.block", "8"), ("memory.capacity", "8")), 2, id="blocks of 8"),
    ],
)
def test_batches_change_nothing_where_no_noise_is_drawn(
    monkeypatch: pytest.MonkeyPatch, size: int, changes: tuple[tuple[str, str], ...], sets: int
) -> None:
    chip, parameters, x, accesses = run(40, *changes, sets=sets)
    active = chip.non_idealities
    whole = evaluated(chip, parameters, x, accesses, active)
    monkeypatch.setattr(values, "_BATCH", size)
    cut = evaluated(chip, parameters, x, accesses, active)
    np.testing.assert_allclose(cut.numpy(), whole.numpy(), rtol=0, atol=ROUNDING)


def test_what_a_sample_draws_does_not_depend_on_later_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(values, "_BATCH", 8)
    chip, parameters, x, accesses = run(40)
    every = outputs(chip, parameters, x, accesses)
    first = outputs(chip, parameters, x[:16], accesses.select(slice(0, 16)))
    np.testing.assert_allclose(every[:16].numpy(), first.numpy(), rtol=0, atol=ROUNDING)


def test_no_samples_are_refused() -> None:
    chip, parameters, x, _ = run(4)
    with pytest.raises(InputError, match=r"x: is empty, of shape \(0, 6\)"):
        nominal_outputs(chip, parameters, x[:0])


def test_calibrated_weights_follow_their_targets_in_training() -> None:
    """Calibration against crosstalk measures without gradients; they must reach the weights."""
    surrogate = Surrogate(
        NETWORK, load_spec("photonic_mrr"), non_idealities=["weight_banks.crosstalk"]
    )
    surrogate(
        torch.rand((4, 6), generator=torch.Generator().manual_seed(0))
    ).square().sum().backward()
    assert surrogate.weight.grad is not None
    plain = Surrogate(NETWORK, load_spec("photonic_mrr"), non_idealities=())
    plain(torch.rand((4, 6), generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert plain.weight.grad is not None
    # Calibration leaves about a percent of each weight, so the gradients agree in direction.
    alike = torch.nn.functional.cosine_similarity(
        surrogate.weight.grad.flatten(), plain.weight.grad.flatten(), dim=0
    )
    assert float(alike) > 0.99
