"""A bank of meshes holds the wanted weights, and errs by its description."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, State
from pnnsim.devices.weight_banks.mzi_mesh import MziMesh
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_mesh
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

NONE: frozenset[str] = frozenset()


NO_LOCK = {"path_lock": "none"}


def bank(hidden: int = 64, **values: str) -> MziMesh:
    given = [(f"weight_banks.{k}", v) for k, v in values.items()]
    spec = load_spec("photonic_mzi", [*WORKED["photonic_mzi"], *given])
    found = Chip.nominal(spec, ReLaXNet(hidden=hidden)).weight_banks
    assert isinstance(found, MziMesh)
    return found


def on(*names: str) -> set[str]:
    return {f"weight_banks.{name}" for name in names}


def programmed(b: MziMesh, target: torch.Tensor, state: State, active: Active) -> torch.Tensor:
    return b.program(target, state, active, math.inf).weights


def fabricated(b: MziMesh, index: int = 0) -> State:
    return b.fabricate(stream(0, f"chip{index}", "fabrication"))


def random_weights(size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 2 * torch.rand((size, size), generator=generator, dtype=torch.float64) - 1


def error(made: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((made - wanted).norm() / wanted.norm())


def test_an_ideal_bank_holds_exactly_the_wanted_weights() -> None:
    weights = random_weights()
    b = bank()
    assert torch.equal(programmed(b, weights, fabricated(b), NONE), weights)
    assert programmed(b, 3.0 * torch.ones(64, 64), {}, NONE).unique().tolist() == [1.0]


@pytest.mark.parametrize(
    ("hidden", "arrangement"), [(64, "clements"), (50, "clements"), (7, "reck"), (1, "reck")]
)
def test_phases_of_all_tiles_give_the_matrix_back(hidden: int, arrangement: str) -> None:
    """With crosstalk cancelled and nothing else on, the whole way through the phases is exact."""
    small = {} if arrangement == "clements" else {"rows": "6", "cols": "6"}
    b = bank(hidden, arrangement=arrangement, **small)
    weights = random_weights(hidden)
    made = programmed(b, weights, fabricated(b), on("crosstalk"))
    np.testing.assert_allclose(made.numpy(), weights.numpy(), atol=1e-10, rtol=0)


def test_tiles_that_are_not_square_give_the_matrix_back() -> None:
    b = bank(rows="16", cols="32", count="16")
    weights = random_weights()
    np.testing.assert_allclose(
        programmed(b, weights, {}, on("quantization", "crosstalk")),
        weights,
        atol=0.02,
        rtol=0,
    )
    assert b.delay_fs("mvm") == 0


def test_the_matrix_is_scaled_to_the_largest_singular_value_of_its_tiles() -> None:
    weights = random_weights()
    tiles = [weights.numpy()[i : i + 32, j : j + 32] for i in (0, 32) for j in (0, 32)]
    largest = max(np.linalg.svd(tile, compute_uv=False)[0] for tile in tiles)
    # A scale is a power ratio, and the amplitude goes with 1 / sigma.
    assert float(bank().program(weights, {}, NONE, 0.0).scale) == pytest.approx(
        largest**-2, rel=1e-6, abs=0
    )
    held = bank().program(torch.zeros(64, 64), {}, on("quantization"), 0.0)
    assert float(held.scale) == 1.0
    assert float(held.weights.abs().max()) < 1e-12


def test_no_light_comes_out_that_did_not_go_in() -> None:
    """Singular values of what all non-idealities make of it stay below 1, losses not counted."""
    b = bank(loss_imbalance="0 dB")
    weights = random_weights(64)
    held = b.program(weights, fabricated(b), on(*b.non_idealities), math.inf)
    tiles = held.weights.reshape(2, 32, 2, 32).transpose(1, 2)
    norms = torch.linalg.matrix_norm(tiles, ord=2) * held.scale**0.5
    # A real part cannot be larger than the matrix itself.
    assert float(norms.max()) < 1.0 + 1e-9


def test_phase_converters_err_by_their_step() -> None:
    """Rounding the voltage V of a phase p = 2 pi V^2 to steps q errs by dp = 4 pi V dV.

    With <V^2> = 1/2 its variance is (4 pi)^2 q^2 / 24. Such an error on all shifters of both meshes
    would give 2 sigma^2 N of relative power, of which homodyne sees half (test of phase errors);
    outer phases of a real matrix are 0 or pi, and 0 is exact.
    """
    weights = random_weights(32)
    coarse, fine = (
        error(programmed(bank(32, converter_bits=bits), weights, {}, on("quantization")), weights)
        for bits in ("8", "10")
    )
    # Steps are 4.01 times as large; how phases fall on them differs.
    assert coarse / fine == pytest.approx(1023 / 255, rel=0.1, abs=0)
    step = 4 * math.pi / math.sqrt(24) / (2**10 - 1)
    assert 0.1 < fine / (step * math.sqrt(2 * 32)) < 0.5


def test_phase_errors_grow_with_the_root_of_the_depth() -> None:
    """`||dU|| = sigma sqrt(N)` for each of two meshes; homodyne sees the real half of it."""
    weights = random_weights(32)
    b = bank(32, phase_error="10 mrad")
    made = np.mean(
        [
            error(programmed(b, weights, fabricated(b, i), on("phase_error")), weights)
            for i in (0, 1)
        ]
    )
    seen = made / (0.01 * math.sqrt(2 * 32))
    assert 0.4 < seen < 0.8


def test_uneven_couplers_are_second_order_and_calibration_knows_them() -> None:
    weights = random_weights(32)
    errors = {}
    for correction in ("none", "local"):
        for sigma in (5, 10):
            b = bank(32, correction=correction, coupler_error=f"{sigma} mrad")
            made = programmed(b, weights, fabricated(b), on("coupler_error"))
            errors[correction, sigma] = error(made, weights)
    # Quadratic in the error: 4, to the next order; what is out of reach changes with it as well.
    assert errors["none", 10] / errors["none", 5] == pytest.approx(4.0, rel=0.1, abs=0)
    assert errors["local", 10] / errors["local", 5] > 2.5
    assert errors["none", 10] < 0.01 * math.sqrt(2 * 64) / 5


def test_crosstalk_that_is_not_cancelled_turns_phases() -> None:
    weights = random_weights(16)

    def left(**values: str) -> float:
        b = bank(16, rows="16", cols="16", crosstalk_distance="150 um", **values)
        return error(programmed(b, weights, {}, on("crosstalk")), weights)

    assert left(crosstalk_cancellation="false") > 0.02
    assert left(crosstalk_cancellation="true") < 1e-10
    assert left(crosstalk="0 %", crosstalk_cancellation="false") < 1e-10


def test_unequal_losses_err_in_proportion() -> None:
    weights = random_weights(32)
    b, twice = bank(32, loss_imbalance="0.01 dB"), bank(32, loss_imbalance="0.02 dB")
    small = error(programmed(b, weights, fabricated(b), on("loss_imbalance")), weights)
    large = error(programmed(twice, weights, fabricated(twice), on("loss_imbalance")), weights)
    assert large / small == pytest.approx(2.0, rel=0.02, abs=0)
    # 64 columns of independent losses along every way: 0.00115 of the field in each.
    assert small == pytest.approx(0.01 * math.log(10) / 20 * math.sqrt(64), rel=0.3, abs=0)


def test_fabrication_draws_the_stated_spreads() -> None:
    b = bank()
    state = fabricated(b)
    expected = {"couplers": 0.02, "phases": 5e-3, "losses": 0.02}
    for name, tensor in state.items():
        if name.split("_")[0] not in ("left", "right", "attenuator"):
            continue  # of the paths
        sigma = expected[name.split("_")[1]]
        # 5 sigma of a standard deviation from n draws: 5 / sqrt(2 n).
        assert float(tensor.std()) == pytest.approx(
            sigma, rel=5 / math.sqrt(2 * tensor.numel()), abs=0
        )
    assert state["left_couplers"].shape == (2, 2, 2, 496)


def test_drift_is_stationary_and_forgets_at_its_correlation_time() -> None:
    b = bank()
    generator = stream(0, "environment", "read")
    first = b.environment(None, 0.0, generator)
    later = b.environment(first, 50.0, generator)
    a, c = first["left_drift"].numpy().ravel(), later["left_drift"].numpy().ravel()
    n = a.size
    # 5 sigma: the relative error of a standard deviation is 1/sqrt(2n), of a correlation 1/sqrt(n).
    assert a.std() == pytest.approx(5e-3, rel=5 / math.sqrt(2 * n), abs=0)
    assert c.std() == pytest.approx(5e-3, rel=5 / math.sqrt(2 * n), abs=0)
    assert np.corrcoef(a, c)[0, 1] == pytest.approx(math.exp(-0.5), abs=5 / math.sqrt(n))
    assert error(programmed(b, random_weights(), first, on("drift")), random_weights()) > 0.01
    assert bank(path_drift_time="1000 s", **NO_LOCK).correlation_time() == 100.0
    assert bank(path_drift_time="7 s", **NO_LOCK).correlation_time() == 7.0


def test_gradients_pass_straight_through_the_phases() -> None:
    b = bank(16)
    weights = (1.2 * random_weights(16)).requires_grad_()
    state = fabricated(b)
    made = programmed(b, weights, state, on(*b.non_idealities))
    made.sum().backward()
    assert weights.grad is not None
    inside = (weights.detach().abs() <= 1).double()
    assert torch.equal(weights.grad, inside)
    assert not torch.equal(made.detach(), weights.detach().clamp(-1, 1))


def test_a_write_takes_rounds_of_settling_and_waits_for_nothing_more() -> None:
    assert bank().delay_fs("write") == round(10 * 100e-6 * math.log(2**9) * 1e15)
    assert bank(settling_time="1 ms").delay_fs("write") == 10 * 10**12
    assert bank(**NO_LOCK).setup_wait() == 0.0
    t = torch.tensor([0.0, 1e-4, 1e-2], dtype=torch.float64)
    left = bank().residue(t, on("settling"))
    np.testing.assert_allclose(left.numpy(), np.exp(-t.numpy() / 1e-4), rtol=1e-12, atol=0)
    assert float(bank().residue(t, NONE).abs().max()) == 0.0


def test_light_flies_through_fibre_columns_and_fan_out() -> None:
    seconds = (2 * 1.468 + (65 * 300e-6 + 10e-3) * 4.2) / constants.c
    assert bank().delay_fs("propagate") == round(seconds * 1e15)
    reck = (2 * 1.468 + ((2 * 61 + 1) * 300e-6 + 10e-3) * 4.2) / constants.c
    assert bank(arrangement="reck").delay_fs("propagate") == round(reck * 1e15)


@pytest.mark.parametrize(
    ("energy", "time", "each"),
    [("30.2194 nJ", "1.22 us", 24.77e-3), ("25 nJ", "100 us", 0.25e-3), ("0 nJ", "2 us", 0.0)],
    ids=["standard", "insulated", "mechanical"],
)
def test_holding_a_phase_costs_its_switching_energy_over_its_time(
    energy: str, time: str, each: float
) -> None:
    b = bank(switching_energy=energy, time_constant=time, **NO_LOCK)
    assert b.static_power() == pytest.approx(8 * 2016 * each, rel=1e-6, abs=0)
    assert b.cost("write") == pytest.approx(4 * 2016 * 10 * 3.584e-12, rel=1e-12, abs=0)
    assert b.cost("mvm") == b.cost("propagate") == 0.0


def test_heat_and_depth_that_are_not_realistic_are_warned_of() -> None:
    assert bank().warnings() == ()
    hot = bank(time_constant="1.22 us", switching_energy="30.2 nJ").warnings()
    assert hot[0].startswith("weight_banks: 399.2 W hold 16128 phases; expected at most 100 W")
    lines = [("encoder.lines", "128"), ("switch.count", "128")]
    sides = [("weight_banks.rows", "128"), ("weight_banks.cols", "128")]
    spec = load_spec("photonic_mzi", [*lines, *sides, ("weight_banks.count", "2")])
    assert Chip.nominal(spec, ReLaXNet()).weight_banks.warnings() == (
        "weight_banks: light loses 38.55 dB in 257 columns; expected at most 20 dB. Hint: more "
        "banks of fewer rows and cols",
    )
    assert photonic_mesh.svd_depth(64) * 0.15 == pytest.approx(
        19.35, rel=1e-6, abs=0
    )  # just allowed


def test_power_at_the_receivers_is_losses_and_the_split_over_tiles() -> None:
    assert -10 * math.log10(bank().transmission) == pytest.approx(
        1.7 + 65 * 0.15 + 10 * math.log10(2), abs=1e-9
    )
