"""Phases of the paths to a coherent bank, against fields that interfere on couplers, in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.errors import SpecError
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.light_noise import dephase
from pnnsim.inference.mvm import BankMvm
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_paths
from pnnsim.specs.hardware import load_spec
from tests.devices.test_mzi_mesh import NO_LOCK, bank, error, fabricated, on, random_weights
from tests.inference.evaluated import switched


def state_of(b, index: int = 0) -> dict[str, torch.Tensor]:
    drift = b.environment(None, 0.0, stream(index, "environment", "read"))
    return {**fabricated(b, index), **drift}


def received(field: np.ndarray, oscillator: np.ndarray) -> np.ndarray:
    """Return the difference of both photodiodes behind 50:50 couplers, over 2 |oscillator|."""
    plus, minus = (field + oscillator) / np.sqrt(2), (field - oscillator) / np.sqrt(2)
    return (np.abs(plus) ** 2 - np.abs(minus) ** 2) / (2 * np.abs(oscillator))


@pytest.mark.parametrize("also", [(), ("coupler_error", "phase_error", "loss_imbalance")])
def test_a_bank_sees_what_interferes_with_its_oscillators(also: tuple[str, ...]) -> None:
    """Two tiles in a row: each pair of an output has an oscillator with a phase of its own."""
    b, weights = bank(64, path_error="0.4 rad", **NO_LOCK), random_weights(64)
    state = fabricated(b)
    made = b.program(weights, state, on("path_error", *also), math.inf).weights.numpy()
    quiet = {**state, "line_phases": 0.0 * state["line_phases"]}
    quiet["oscillator_phases"] = 0.0 * state["oscillator_phases"]
    fields = b.program(weights, quiet, on("path_error", *also), math.inf).weights.numpy()
    # Quadrature of uneven meshes: seen where all lines are a quarter of a turn ahead.
    ahead = {**quiet, "line_phases": quiet["line_phases"] - math.pi / 2}
    quadrature = b.program(weights, ahead, on("path_error", *also), math.inf).weights.numpy()
    whole = fields + 1j * quadrature
    if not also:
        np.testing.assert_allclose(whole, weights, rtol=0, atol=1e-12)
    lines = np.exp(1j * state["line_phases"].numpy())  # (tile, column)
    oscillators = np.exp(1j * state["oscillator_phases"].numpy())  # (tile, row, tile)
    x = np.linspace(-1.0, 1.0, 64)
    got = made @ x
    for output in (0, 5, 40, 63):
        down, row = divmod(output, 32)
        parts = 0.0
        for tile in (0, 1):
            columns = slice(32 * tile, 32 * tile + 32)
            field = whole[output, columns] @ (x[columns] * lines[tile])
            parts += received(field, 3.0 * oscillators[down, row, tile])
        assert got[output] == pytest.approx(parts, rel=1e-9, abs=1e-9)


def test_paths_without_an_error_change_nothing() -> None:
    b, weights = bank(64, path_error="0 rad", lock_residual="0 rad"), random_weights(64)
    made = b.program(weights, state_of(b), on("path_error", "path_drift"), math.inf).weights
    np.testing.assert_allclose(made, weights, rtol=0, atol=1e-15)
    # Nominal chips have no error, so that training with what is the same on all sees none.
    large = bank(64, path_error="1 rad")
    nominal = large.program(weights, {}, on("path_error", "path_drift"), math.inf).weights
    np.testing.assert_allclose(nominal, weights, rtol=0, atol=1e-15)


@pytest.mark.parametrize("sigma", [0.1, 0.6])
def test_weights_fall_by_the_mean_cosine_and_scatter_by_its_spread(sigma: float) -> None:
    """cos of a normal phase of variance v: mean e^{-v/2}, variance (1 - e^{-v})^2 / 2."""
    b = bank(64, path_error=f"{sigma} rad", **NO_LOCK)
    ones = torch.ones((64, 64), dtype=torch.float64)
    drawn = np.stack(
        [b.program(ones, fabricated(b, i), on("path_error"), math.inf).weights for i in range(400)]
    )
    variance = 2 * sigma**2
    mean, spread = math.exp(-variance / 2), (1 - math.exp(-variance)) ** 2 / 2
    # One weight of each chip is independent of that of others: 5 sigma of 400 draws.
    assert drawn[:, 3, 7].mean() == pytest.approx(mean, abs=5 * math.sqrt(spread / 400))
    # 64 lines and 128 oscillators make about 64 independent weights a chip.
    assert drawn.var(axis=0).mean() == pytest.approx(
        spread, rel=5 * math.sqrt(6 / (400 * 8)), abs=0
    )


def test_what_a_small_phase_costs_goes_with_its_square() -> None:
    weights = random_weights(64)
    errors = []
    for sigma in ("20 mrad", "40 mrad"):
        b = bank(64, path_error=sigma, **NO_LOCK)
        errors.append(
            error(b.program(weights, fabricated(b), on("path_error"), math.inf).weights, weights)
        )
    assert errors[1] / errors[0] == pytest.approx(4.0, rel=0.01, abs=0)


def test_gradients_follow_the_phases() -> None:
    real = random_weights(3).requires_grad_(True)
    quadrature = (0.1 * random_weights(3).flip(0)).requires_grad_(True)
    phase = torch.linspace(-1, 1, 9, dtype=torch.float64).reshape(3, 3).requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda a, b, p: photonic_paths.seen_in_phase(torch.complex(a, b), p),
        (real, quadrature, phase),
    )


def test_a_lock_takes_the_place_of_the_drift_and_moves_with_its_bandwidth() -> None:
    free, locked = bank(64, path_drift="12 rad", **NO_LOCK), bank(64, lock_residual="0.1 rad")
    for b, deviation, time in ((free, 12.0, 10.0), (locked, 0.1, 1 / (2 * math.pi * 10e3))):
        generator = stream(1, "environment", "read")
        first = b.environment(None, 0.0, generator)
        later = b.environment(first, 0.5 * time, generator)
        a, c = (s["oscillator_drift"].numpy().ravel() for s in (first, later))
        assert a.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * a.size), abs=0)
        assert c.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * a.size), abs=0)
        assert np.corrcoef(a, c)[0, 1] == pytest.approx(math.exp(-0.5), abs=5 / math.sqrt(a.size))
        assert b.correlation_time() == pytest.approx(time, rel=1e-12, abs=0)


def test_without_a_lock_nothing_is_left_of_the_matrix() -> None:
    weights = random_weights(64)
    left = {}
    for name, b in (("free", bank(64, **NO_LOCK)), ("locked", bank(64))):
        made = b.program(weights, state_of(b), on("path_drift"), math.inf).weights
        left[name] = float((made * weights).sum() / (weights**2).sum())
    # Cosines of any phases: 5 sigma of 192 of them.
    assert abs(left["free"]) < 5 * math.sqrt(0.5 / 64)
    assert left["locked"] == pytest.approx(math.exp(-(0.1**2)), abs=5e-3)


def test_locks_cost_power_all_the_time_and_time_before_the_first_sample() -> None:
    free = bank(64, **NO_LOCK)
    locked = bank(64, lock_power="5 mW", lock_time="3 ms")
    # Two matrices of 64 lines and, two tiles in a row, 128 oscillators.
    paths = 2 * (64 + 128)
    assert locked.static_power() - free.static_power() == pytest.approx(
        paths * 5e-3, rel=1e-9, abs=0
    )
    assert locked.setup_wait() == 3e-3
    assert locked.delay_fs("write") == free.delay_fs("write")


def test_a_lock_without_its_numbers_is_refused() -> None:
    tree = load_spec("photonic_mzi").to_tree()
    for key in ("lock_power", "lock_time"):
        del tree["weight_banks"][key]
    with pytest.raises(SpecError, match=r"an active path_lock without lock_power and lock_time"):
        load_spec(tree)
    tree["weight_banks"]["path_lock"] = "none"
    assert load_spec(tree).weight_banks.moving_phase[0] == 12.0


def test_the_mean_field_of_a_laser_falls_by_its_coherence() -> None:
    """`e^{-pi linewidth delay}`, the coherence of a Lorentzian line."""
    deviation = photonic_paths.laser_dephasing(1e6, 50e-9)
    draws = torch.randn(100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean = float(torch.cos(deviation * draws).mean())
    spread = (1 - math.exp(-(deviation**2))) / math.sqrt(2)
    assert mean == pytest.approx(math.exp(-math.pi * 0.05), abs=5 * spread / math.sqrt(1e5))
    assert photonic_paths.laser_dephasing(0.0, 1.0) == 0.0
    assert photonic_paths.laser_dephasing(4e6, 50e-9) == pytest.approx(
        2 * deviation, rel=1e-12, abs=0
    )


def test_a_wide_laser_fades_all_outputs_together_where_paths_differ() -> None:
    network = ReLaXNet(hidden=64, weight_sets=2, steps=2)
    changes = [("encoder.laser_linewidth", "5 MHz"), ("weight_banks.path_mismatch", "2 m")]
    chip = Chip.nominal(load_spec("photonic_mzi", changes), network)
    active = frozenset({"encoder.phase_noise"})
    weight = torch.stack([random_weights(64)] * 2)
    line = torch.linspace(-1, 1, 64, dtype=torch.float64).expand(4000, 64)
    seen = {}
    for name, on_it in (("noisy", active), ("quiet", frozenset[str]())):
        banks = switched(chip, weight, on_it, stream(0, "detector", "read"))
        products = BankMvm(banks, nominal_accesses(chip.order, chip.mapping))
        seen[name] = products.receive(line, 0).signal.numpy()
    ratio = seen["noisy"] / seen["quiet"]
    variance = 2 * math.pi * 5e6 * 2 * 1.468 / 299792458.0
    mean, spread = math.exp(-variance / 2), (1 - math.exp(-variance)) ** 2 / 2
    assert ratio[:, 0].mean() == pytest.approx(mean, abs=5 * math.sqrt(spread / 4000))
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-9, atol=0)
    same = dephase(line, chip.encoder, 0.0, stream(0, "detector", "read"))
    assert torch.equal(same, line)


def test_light_that_leaks_comes_with_another_phase_on_every_line_and_chip() -> None:
    b, weights = bank(64), random_weights(64)
    held = [b.program(weights, fabricated(b, i), frozenset(), math.inf) for i in range(2)]
    cosines = []
    for chip in held:
        assert chip.leaking is not None
        ratio = (chip.leaking / weights).numpy()
        # One phase for each line, the same on every output.
        np.testing.assert_allclose(
            ratio, np.broadcast_to(ratio[:1], ratio.shape), rtol=1e-9, atol=0
        )
        cosines.append(ratio[0])
    # Cosines of even phases: mean 0, variance 1/2, no correlation between chips.
    assert np.mean(cosines) == pytest.approx(0.0, abs=5 * math.sqrt(0.5 / 128))
    assert np.var(cosines) == pytest.approx(0.5, abs=5 * math.sqrt(0.125 / 128))
    assert abs(np.corrcoef(cosines)[0, 1]) < 5 / math.sqrt(64)
    nominal = b.program(weights, {}, frozenset(), math.inf).leaking
    assert nominal is not None
    assert float(nominal.abs().max()) == 0.0


def test_training_that_draws_paths_meets_their_errors() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=2)
    spec = load_spec("photonic_mzi", [("weight_banks.path_error", "0.5 rad")])
    x = torch.rand((5, 6), generator=torch.Generator().manual_seed(0))
    plain = Surrogate(network, spec)
    drawn = Surrogate(network, spec, drawn=["weight_banks.path_error"])
    difference = drawn.train()(x) - plain(x)
    assert float(difference.detach().abs().max()) > 1e-3
    difference.square().sum().backward()
    assert drawn.weight.grad is not None
    assert bool(drawn.weight.grad.any())
