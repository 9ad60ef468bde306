"""A bank of rings holds the wanted weights, and errs by its description."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, ProgrammedWeights, State
from pnnsim.devices.weight_banks.mrr import RingBank
from pnnsim.errors import SpecError
from pnnsim.inference.bank_models import NominalBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_channels
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

NONE: frozenset[str] = frozenset()


def bank(**values: str) -> RingBank:
    given = [(f"weight_banks.{k}", v) for k, v in values.items()]
    spec = load_spec("photonic_mrr", [*WORKED["photonic_mrr"], *given])
    found = Chip.nominal(spec, ReLaXNet()).weight_banks
    assert isinstance(found, RingBank)
    return found


def programmed(b: RingBank, target: torch.Tensor, state: State, active: Active) -> torch.Tensor:
    return b.program(target, state, active, math.inf).weights


def random_weights(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((64, 64), generator=generator, dtype=torch.float64) - 1


def test_an_ideal_bank_holds_exactly_the_wanted_weights() -> None:
    weights = random_weights()
    assert torch.equal(programmed(bank(), weights, {}, NONE), weights)


def test_weights_beyond_one_are_clipped() -> None:
    asked = torch.tensor([[3.0, -3.0]], dtype=torch.float64)
    assert programmed(bank(), asked, {}, NONE).tolist() == [[1.0, -1.0]]


def test_a_shifted_resonance_moves_a_weight_by_its_slope() -> None:
    """At weight 0 the slope is 2 / linewidth for a lossless ring: about 1.5 per kelvin here.

    Hand calculation of the reference: |dw/dT| = 2 / 0.1 nm * 0.075 nm/K = 1.5 /K in units of the
    ring; losses and the logical scale 1 / 0.857 change that by less than a fifth.
    """
    b = bank()
    zero = torch.zeros((64, 64), dtype=torch.float64)
    active = {"weight_banks.temperature"}
    step = 1e-4
    up = programmed(b, zero, {"temperature": torch.full_like(zero, step)}, active)
    down = programmed(b, zero, {"temperature": torch.full_like(zero, -step)}, active)
    slope = float(((up - down) / (2 * step)).abs().mean())
    assert slope == pytest.approx(1.5, rel=0.2, abs=0)


def test_resonance_error_gives_the_stated_precision() -> None:
    """The default is derived as 7 bit open loop: spread of a weight 2 / 2^7 at weight 0."""
    b = bank()
    state = b.fabricate(stream(0, "chip0", "fabrication"))
    error = programmed(
        b, torch.zeros((64, 64), dtype=torch.float64), state, b_on("resonance_error")
    )
    bits = math.log2(2 / float(error.std()))
    # 0.25 bit: losses and logical scale, see the test of the slope.
    assert bits == pytest.approx(7.0, abs=0.25)


def b_on(*names: str) -> set[str]:
    return {f"weight_banks.{name}" for name in names}


def test_calibration_corrects_crosstalk_to_the_steps_of_the_converters() -> None:
    weights = random_weights()
    step = 2 * 0.98 * 0.99986 / (0.98 * 0.87417) / (2**8 - 2)
    b = bank()
    once = programmed(bank(calibration_rounds="1"), weights, {}, b_on("crosstalk", "quantization"))
    often = programmed(b, weights, {}, b_on("crosstalk", "quantization"))
    assert float((once - weights).abs().max()) > 5 * step
    # Rounding is corrected one weight at a time while its neighbours still move by a step.
    assert float((often - weights).abs().max()) < 2 * step


def test_quantization_keeps_zero_and_the_signs() -> None:
    b = bank(bits="4")
    weights = random_weights()
    held = programmed(b, weights, {}, b_on("quantization"))
    assert torch.equal(
        programmed(b, -weights, {}, b_on("quantization")).clamp(-1, 1), -held.clamp(-1, 1)
    )
    assert (
        float(programmed(b, torch.zeros_like(weights), {}, b_on("quantization")).abs().max()) == 0.0
    )


def test_write_time_is_rounds_of_settling_to_half_a_bit() -> None:
    assert bank().delay_fs("write") == round(10 * 10e-6 * math.log(2**9) * 1e15)
    assert bank(settling_time="50 us").delay_fs("write") == 500_000_000_000


def test_flight_time_and_ring_response_are_those_of_the_worked_machine() -> None:
    """Worked machine `mrr_photonic`: path 0.280194 ns, ring 0.079567 ns."""
    b = bank()
    assert b.delay_fs("propagate") / 1e6 == pytest.approx(0.280194, abs=1e-6)
    # The reference rounds the linewidth to 0.10 nm.
    assert b.delay_fs("mvm") / 1e6 == pytest.approx(0.079567, rel=2e-3, abs=0)


def test_every_ring_of_every_bank_is_heated() -> None:
    assert bank().static_power() == pytest.approx(2 * 64 * 64 * 1e-3, rel=1e-12, abs=0)
    assert bank(count="5").static_power() == pytest.approx(5 * 64 * 64 * 1e-3, rel=1e-12, abs=0)


def test_residue_is_a_mix_of_two_exponentials_that_is_one_at_the_start() -> None:
    b = bank()
    t = torch.tensor([0.0, 1e-5, 1e-3], dtype=torch.float64)
    expected = 0.95 * np.exp(-t.numpy() / 1e-5) + 0.05 * np.exp(-t.numpy() / 2e-3)
    np.testing.assert_allclose(b.residue(t, b_on("settling")).numpy(), expected, rtol=1e-12, atol=0)
    assert float(b.residue(t, NONE).abs().max()) == 0.0


def test_set_up_waits_until_the_slow_part_is_half_a_bit() -> None:
    b = bank()
    left = 0.05 * math.exp(-b.setup_wait() / 2e-3)
    assert left == pytest.approx(2.0**-9, rel=1e-12, abs=0)
    assert bank(slow_fraction="0 %").setup_wait() == 0.0


def test_temperature_is_stationary_and_forgets_at_its_correlation_time() -> None:
    b = bank()
    generator = stream(0, "environment", "read")
    first = b.environment(None, 0.0, generator)
    later = b.environment(first, 5.0, generator)
    a, c = first["temperature"].numpy().ravel(), later["temperature"].numpy().ravel()
    n = a.size
    # 5 sigma: the relative error of a standard deviation is 1/sqrt(2n), of a correlation 1/sqrt(n).
    assert a.std() == pytest.approx(5e-3, rel=5 / math.sqrt(2 * n), abs=0)
    assert c.std() == pytest.approx(5e-3, rel=5 / math.sqrt(2 * n), abs=0)
    assert np.corrcoef(a, c)[0, 1] == pytest.approx(math.exp(-0.5), abs=5 / math.sqrt(n))


def test_power_budget_is_losses_times_the_split_over_the_rows() -> None:
    """28.1 dB by hand: 2.7 excess, 31 x 0.02 through, 18.06 split, and the logical scale."""
    b = bank()
    decibels = -10 * math.log10(b.transmission * b.absorbed)
    assert decibels == pytest.approx(2.7 + 0.62 + 10 * math.log10(64), abs=1e-9)


def test_gradients_of_programming_match_finite_differences() -> None:
    b = bank(calibration_rounds="1")
    generator = torch.Generator().manual_seed(2)
    weights = (
        1.8 * torch.rand((3, 6), generator=generator, dtype=torch.float64) - 0.9
    ).requires_grad_()
    state = {"resonance": 1e-12 * torch.randn((3, 6), generator=generator, dtype=torch.float64)}
    active = b_on("crosstalk", "resonance_error")
    assert torch.autograd.gradcheck(lambda w: programmed(b, w, state, active), weights)


# heat of the neighbors, depletion, channel plan, power


def test_heat_of_the_neighbors_is_calibrated_away_round_by_round() -> None:
    """Each round multiplies what is left by what a ring feels of its neighbors: under a half here.

    The sum of the kernel over an infinite grid is about 0.01 e^0.5 2 pi (50 / 25)^2 = 0.41.
    """
    heat = b_on("heater_crosstalk")
    weights = 0.5 * random_weights()
    errors = [
        float((programmed(bank(calibration_rounds=n), weights, {}, heat) - weights).abs().max())
        for n in ("2", "4", "8", "16")
    ]
    assert errors[0] > 0.1
    assert all(later < 0.3 * earlier for earlier, later in pairwise(errors))
    # Sixteen rounds leave 0.41^16 of a linewidth, and slopes of at most 2.6 a linewidth.
    assert errors[-1] < 1e-5


def test_rings_that_feel_their_neighbors_more_than_themselves_never_settle() -> None:
    heat = b_on("heater_crosstalk")
    weights = 0.5 * random_weights()
    coupled = bank(heater_crosstalk="5 %", calibration_rounds="16")
    assert float((programmed(coupled, weights, {}, heat) - weights).abs().max()) > 0.5


def test_a_depleted_junction_reaches_only_some_weights_and_draws_no_power() -> None:
    """30 pm/V at 4 V are 1.2 linewidths: lowest weight about 2 / (1 + 2.4^2) - 1 = -0.70.

    A lossless ring by hand; losses move weights by some hundredths.
    """
    changes = {
        "tuning": "depletion", "voltage_shift": "30 pm/V", "voltage_limit": "4 V",
        "hold_power": "0 W", "time_constant": "0.1 ns", "slow_fraction": "0 %",
    }  # fmt: skip
    junction, heater = bank(**changes), bank()
    scale = junction.transmission / heater.transmission * 0.98 * 0.87417
    assert scale == pytest.approx(0.98 * 0.70, abs=0.05)
    assert junction.static_power() == 0.0
    # Ten rounds of ln(2^9) time constants.
    assert junction.delay_fs("write") == round(10 * 0.1e-9 * math.log(2**9) * 1e15)
    assert torch.equal(
        programmed(junction, random_weights(), {}, b_on("heater_crosstalk")), random_weights()
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tuning": "depletion", "hold_power": "0 W"}, "without voltage_shift or voltage_limit"),
        ({"voltage_limit": "4 V"}, "thermal tuning with a voltage"),
        (
            {"tuning": "depletion", "voltage_shift": "30 pm/V", "voltage_limit": "4 V"},
            "depletion with a hold_power; expected 0 W",
        ),
        (
            {"channels_per_bus": "37"},
            "37 wavelengths 0.492 nm apart leave a neighbor at -19.9 dB; expected at most 36",
        ),
        ({"channel_crosstalk": "30 dB"}, "expected at most 11, which a free spectral range"),
    ],
)
def test_a_bank_that_cannot_work_is_refused_with_its_reason(
    changes: dict[str, str], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        bank(**changes)
    assert message in str(caught.value)


def test_the_reference_plan_suppresses_a_neighbor_by_21_decibels() -> None:
    """Reference: 32 channels in 18.2 nm are 0.569 nm apart, nearest neighbor at -21.2 dB."""
    around = 2 * math.pi * 5e-6
    fsr = photonic_channels.free_spectral_range(1550e-9, 4.2, around)
    assert fsr == pytest.approx(18.21e-9, rel=1e-3, abs=0)
    leak = photonic_channels.neighbor_leak(fsr / 32, 0.1e-9)
    assert 10 * math.log10(leak) == pytest.approx(-21.2, abs=0.1)
    for decibels in (10.0, 20.0, 30.0):
        most = photonic_channels.channels_that_fit(fsr, 0.1e-9, 10 ** (-decibels / 10))
        leaks = [photonic_channels.neighbor_leak(fsr / n, 0.1e-9) for n in (most, most + 1)]
        assert leaks[0] <= 10 ** (-decibels / 10) < leaks[1]


def test_power_that_heats_a_ring_is_a_warning_with_the_number() -> None:
    def heated(power: str) -> list[str]:
        spec = load_spec("photonic_mrr", [("encoder.laser_power", power)])
        return [t for t in Chip.nominal(spec, ReLaXNet()).warnings() if "ring_power" in t]

    # 1 dB modulator, 1 dB switch, 2.7 dB excess and the split over 64 rows: 22.76 dB.
    assert heated("50 mW") == []
    (text,) = heated("100 mW")
    assert "0.000529 W of one wavelength meets each ring; expected at most 0.0003 W" in text


def interfering(chip: int, *, drift: float = 0.0) -> State:
    """Return the phases of a chip's buses, drifted by so much on the root mean square [rad]."""
    phases = bank().fabricate(stream(0, f"chip{chip}", "fabrication"))["bus_phase"]
    moved = bank(bus_drift=f"{drift} rad").environment(None, 0.0, stream(chip, "drift", "read"))
    return {"bus_phase": phases, "bus_drift": moved["bus_drift"]}


BUS = frozenset(f"weight_banks.{name}" for name in ("crosstalk", "interference", "bus_drift"))


def test_light_that_interferes_is_calibrated_away_as_far_as_rings_reach() -> None:
    """Two buses of 32 rings each: a tenth of a weight off at first, less than a step of 8 bits
    after ten rounds."""
    weights = 0.9 * random_weights()
    wrong = {}
    for rounds in (1, 3, 10):
        b = bank(calibration_rounds=str(rounds))
        off = programmed(b, weights, interfering(0), BUS) - weights
        wrong[rounds] = float(off.square().mean().sqrt())
    assert 0.05 < wrong[1] < 0.2
    assert wrong[3] < 0.3 * wrong[1]
    assert wrong[10] < 2 / 2**8


def test_phases_that_drift_after_calibration_move_weights_in_proportion() -> None:
    weights, b = 0.9 * random_weights(), bank(calibration_rounds="30")
    off = {
        drift: programmed(b, weights, interfering(0, drift=drift), BUS) - weights
        for drift in (0.0, 0.01, 0.05)
    }
    left = {drift: float(each.square().mean().sqrt()) for drift, each in off.items()}
    assert left[0.0] < 1e-3
    assert left[0.05] / left[0.01] == pytest.approx(5.0, rel=0.1, abs=0)
    assert 0.005 < left[0.05] < 0.03


def test_every_chip_has_phases_of_its_own_which_training_does_not_know() -> None:
    weights, b = 0.9 * random_weights(), bank(calibration_rounds="1")
    first, second = (programmed(b, weights, interfering(chip), BUS) - weights for chip in (0, 1))
    alike = float((first * second).mean() / (first.std() * second.std()))
    # What is alike is the crosstalk of powers, whose root mean square is a tenth.
    assert abs(alike) < 0.2
    assert float((first - second).abs().max()) > 0.1
    nominal = programmed(b, weights, {}, BUS)
    powers = programmed(
        bank(bus="incoherent", calibration_rounds="1"), weights, interfering(0), BUS
    )
    assert torch.equal(nominal, powers)
    assert b.deterministic == ("quantization",)


def test_gradients_pass_through_a_bus_that_interferes() -> None:
    weights = (0.9 * random_weights()).requires_grad_(True)
    made = programmed(bank(), weights, interfering(0, drift=0.05), BUS)
    made.sum().backward()
    assert weights.grad is not None
    assert bool(torch.isfinite(weights.grad).all())
    # A weight follows its target; neighbors take a little of it.
    assert float(weights.grad.median()) == pytest.approx(1.0, abs=0.1)


def test_a_gradient_moves_rings_by_their_place() -> None:
    """4 mK from the first to the last output and -2 mK along the inputs, at 0.075 nm/K."""
    b = bank()
    zero = torch.zeros((64, 64), dtype=torch.float64)
    edges = torch.tensor([4e-3, -2e-3], dtype=torch.float64)
    place = np.arange(64) / 63 - 0.5
    field = 4e-3 * place[:, None] - 2e-3 * place[None, :]
    found = programmed(b, zero, {"gradient": edges}, {"weight_banks.gradient"})
    as_temperature = programmed(
        b, zero, {"temperature": torch.from_numpy(field)}, {"weight_banks.temperature"}
    )
    np.testing.assert_allclose(found.numpy(), as_temperature.numpy(), rtol=0, atol=1e-12)
    assert torch.equal(programmed(b, zero, {"gradient": edges}, NONE), zero)
    double = programmed(b, zero, {"gradient": 2 * edges}, {"weight_banks.gradient"})
    # Linear to first order, a thousandth of a linewidth.
    np.testing.assert_allclose(double.numpy(), 2 * found.numpy(), rtol=0.02, atol=1e-7)


@pytest.mark.parametrize("milliwatts", [1.0, 4.0])
def test_a_ring_heats_itself_by_the_light_that_it_drops(milliwatts: float) -> None:
    """0.33 nm/mW of a tenth of what a ring drops: half at weight 0, nearly all at weight 1."""
    spec = load_spec("photonic_mrr", [("encoder.laser_power", f"{milliwatts} mW")])
    b = Chip.nominal(spec, ReLaXNet()).weight_banks
    assert isinstance(b, RingBank)
    losses = spec.encoder.insertion_loss + spec.switch.insertion_loss + b.params.excess_loss
    at_ring = milliwatts * 1e-3 * 10 ** (-losses / 10) / 64
    for weight in (-0.9, 0.0, 0.9):
        target = torch.full((64, 64), weight, dtype=torch.float64)
        found = programmed(b, target, {}, {"weight_banks.self_heating"})
        shift = 0.33e-6 * 0.1 * at_ring * (1 + b._scale * weight) / 2
        kelvin = torch.full_like(target, shift / 0.075e-9)
        wanted = programmed(b, target, {"temperature": kelvin}, {"weight_banks.temperature"})
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=0, atol=1e-12)
        assert float((found - target).abs().max()) > 1e-5
    assert torch.equal(programmed(b, target, {}, NONE), target)


def test_heat_of_light_needs_both_of_its_values() -> None:
    tree = load_spec("photonic_mrr").to_tree()
    del tree["weight_banks"]["heating_activity"]
    with pytest.raises(SpecError, match="got one of self_heating and heating_activity"):
        load_spec(tree)


BANKS = frozenset({"weight_banks.bank_crosstalk"})


def test_heaters_of_the_next_bank_move_the_nearest_rings() -> None:
    """Each ring by itself: exponential in its distance to every heater of the other bank."""
    b, pitch = bank(bank_spacing="50 um"), 25e-6
    own, other = (0.5 * random_weights(seed)[:6, :6] for seed in (0, 1))
    for side in (0, 1):
        beside = [ProgrammedWeights(other), None] if side == 0 else [None, ProgrammedWeights(other)]
        found = b.beside(ProgrammedWeights(own), *beside, BANKS).weights
        rings, heat = b._curve.detuning(own), b._curve.detuning(other)
        heat = heat - b._curve.detuning(torch.zeros((), dtype=torch.float64))
        shift = torch.zeros_like(own)
        for i, j, k, m in itertools.product(range(6), repeat=4):
            # Columns of both banks on one axis, with 50 um from the last to the first.
            across = j - m + 7 if side == 0 else j - m - 7
            distance = pitch * math.hypot(i - k, across)
            reach = math.ceil(1.0 + math.log(1000.0) * 50e-6 / pitch)
            if max(abs(i - k), abs(across)) <= reach:
                shift[i, j] += 0.01 * math.exp(-(distance - pitch) / 50e-6) * heat[k, m]
        expected = own + (b._curve.weight(rings + shift) - b._curve.weight(rings)) / b._scale
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=0, atol=1e-12)
        moved = (found - own).abs().mean(dim=0)
        assert float(moved[0 if side == 0 else -1]) > 3.0 * float(moved[-1 if side == 0 else 0])


def test_banks_apart_from_each_other_take_area_and_leave_weights_alone() -> None:
    own, other = (ProgrammedWeights(0.5 * random_weights(seed)[:6, :6]) for seed in (0, 1))
    off = []
    for spacing in ("50 um", "100 um", "150 um"):
        b = bank(bank_spacing=spacing)
        off.append(float((b.beside(own, other, None, BANKS).weights - own.weights).abs().max()))
    # Two, and two more, of the 25 um pitches: a little more than e, as rows count less.
    assert off[0] / off[1] == pytest.approx(math.e, rel=0.15, abs=0)
    assert off[1] / off[2] == pytest.approx(math.e, rel=0.15, abs=0)
    assert b.area() - bank().area() == pytest.approx(2 * 64 * 25e-6 * 150e-6, rel=1e-9, abs=0)
    for alone in (bank(), bank(bank_spacing="50 um", heater_crosstalk="0 %")):
        same = alone.beside(own, other, None, BANKS).weights
        np.testing.assert_allclose(same.numpy(), own.weights.numpy(), rtol=0, atol=1e-15)
    assert b.beside(own, other, None, NONE) is own
    assert b.beside(own, None, None, BANKS).weights.tolist() == own.weights.tolist()


def test_samples_meet_the_bank_as_its_neighbors_are() -> None:
    spec = load_spec("photonic_mrr", [("weight_banks.bank_spacing", "25 um")])
    chip = Chip.nominal(spec, ReLaXNet(hidden=8, weight_sets=2, steps=2))
    weight = 0.5 * torch.stack([random_weights(k)[:8, :8] for k in (0, 1)])
    met = SwitchedBanks(NominalBanks(chip, weight, BANKS), NoiseContext(BANKS)).meet(
        1, (0, 1), math.inf
    )
    alone = [ProgrammedWeights(w) for w in weight]
    expected = chip.weight_banks.beside(alone[1], alone[0], None, BANKS).weights
    np.testing.assert_allclose(met.seen.numpy(), expected.numpy(), rtol=0, atol=1e-12)
    assert not torch.equal(met.seen, weight[1])
