"""Micro-rings alone and on a bus: conservation, inverse, crosstalk."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
import torch

from pnnsim.physics import photonic_ring as ring

#: The same in another order of float64 operations. Relative alone: most numbers are far below 1.
ROUNDING = 1e-12

# A silicon ring of 5 µm radius, group index 4.2, 3 dB/cm, coupled for a linewidth of 0.1 nm.
WAVELENGTH, LENGTH, R = 1.55e-6, 2 * math.pi * 5e-6, 0.991948313
A = ring.ring_amplitude(300.0, LENGTH)
FSR = ring.free_spectral_range(WAVELENGTH, 4.2, LENGTH)
WIDTH = ring.linewidth(FSR, R, R, A)


def phase_of(detuning: float) -> torch.Tensor:
    return torch.tensor(2 * math.pi * detuning / FSR, dtype=torch.float64)


def test_reference_ring_figures() -> None:
    # Hand calculation: lambda²/(n_g L) = 18.21 nm; couplers chosen for 0.1 nm; nu/Q.
    assert pytest.approx(18.21e-9, abs=5e-12) == FSR
    assert pytest.approx(0.1e-9, rel=1e-6, abs=0) == WIDTH
    assert ring.optical_bandwidth(WAVELENGTH, WIDTH) == pytest.approx(12.478354e9, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("widths", "drop", "through"),
    [(0.0, 0.878174, 0.003955), (0.5, 0.439092, 0.501971), (1.0, 0.175649, 0.800775)],
)
def test_reference_ring_transmissions(widths: float, drop: float, through: float) -> None:
    # Golden: the Bogaerts formula evaluated once by an independent script, six digits.
    got_through, got_drop = ring.ring_transmission(phase_of(widths * WIDTH), R, R, A)
    assert got_drop.item() == pytest.approx(drop, abs=6e-7)
    assert got_through.item() == pytest.approx(through, abs=6e-7)


def test_transmissions_match_the_sum_over_round_trips() -> None:
    # Independent: complex amplitudes of an add-drop ring, geometric series over round trips.
    r1, r2, a = 0.9, 0.8, 0.95
    for phase in np.linspace(-4, 4, 17):
        trip = a * cmath.exp(1j * phase)
        k1, k2 = math.sqrt(1 - r1**2), math.sqrt(1 - r2**2)
        through = (r1 - r2 * trip) / (1 - r1 * r2 * trip)
        drop = -k1 * k2 * cmath.sqrt(trip) / (1 - r1 * r2 * trip)
        got = ring.ring_transmission(torch.tensor(phase, dtype=torch.float64), r1, r2, a)
        assert got[0].item() == pytest.approx(abs(through) ** 2, abs=1e-14)
        assert got[1].item() == pytest.approx(abs(drop) ** 2, abs=1e-14)


def test_a_lossless_ring_conserves_power_and_a_lossy_one_loses() -> None:
    phase = torch.linspace(-math.pi, math.pi, 1001, dtype=torch.float64)
    total = sum(ring.ring_transmission(phase, 0.98, 0.97, 1.0))
    torch.testing.assert_close(total, torch.ones_like(phase), atol=1e-12, rtol=0)
    assert (sum(ring.ring_transmission(phase, 0.98, 0.97, 0.99)) < 1).all()


def test_transmission_is_periodic_and_even_in_phase() -> None:
    phase = torch.linspace(0.01, 3.0, 50, dtype=torch.float64)
    for other in (-phase, phase + 2 * math.pi):
        for got, same in zip(
            ring.ring_transmission(other, R, R, A),
            ring.ring_transmission(phase, R, R, A),
            strict=True,
        ):
            torch.testing.assert_close(got, same, atol=1e-10, rtol=0)  # sin near resonance


def test_linewidth_is_the_width_at_half_of_the_peak() -> None:
    # Exact only for narrow lines: relative error about (pi / finesse)² / 24, below 1e-5 here.
    peak = ring.ring_transmission(phase_of(0.0), R, R, A)[1].item()
    half = ring.ring_transmission(phase_of(WIDTH / 2), R, R, A)[1].item()
    assert half / peak == pytest.approx(0.5, rel=1e-4, abs=0)


def test_weight_of_a_lossless_ring_is_a_lorentzian() -> None:
    r = 0.999
    width = ring.linewidth(FSR, r, r, 1.0)
    x = np.linspace(0, 5, 21)
    phase = torch.from_numpy(math.pi * x * width / FSR)
    # The Lorentzian is the narrow-line limit; the error is of the order of (1 - r²)².
    np.testing.assert_allclose(
        ring.ring_weight(phase, r, 1.0).numpy(),
        2 / (1 + x**2) - 1,
        atol=1e-5,
        rtol=0,
    )


def test_weight_range_of_the_reference_ring() -> None:
    low, high = ring.weight_interval(R, A)
    assert high == pytest.approx(0.874219, abs=1e-6)  # 0.878174 - 0.003955
    assert low == pytest.approx(ring.ring_weight(phase_of(FSR / 2), R, A).item(), abs=1e-12)
    # 2.5 linewidths off resonance: golden, three digits.
    assert ring.ring_weight(phase_of(2.5 * WIDTH), R, A).item() == pytest.approx(-0.928, abs=5e-4)


@pytest.mark.parametrize("a", [1.0, A, 0.97])
def test_weight_to_phase_inverts_exactly(a: float) -> None:
    low, high = ring.weight_interval(R, a)
    weight = torch.linspace(low, high, 1001, dtype=torch.float64)[1:-1]
    phase = ring.weight_to_phase(weight, R, a)
    assert ((phase > 0) & (phase < math.pi)).all()
    torch.testing.assert_close(ring.ring_weight(phase, R, a), weight, atol=1e-12, rtol=0)


def test_inverse_agrees_with_the_cosine_form() -> None:
    r, a, w = 0.9, 0.95, 0.2
    m = r * r * a
    k = (1 - r**2) ** 2 * a - (r * a) ** 2 - r**2
    cosine = (w * (1 + m**2) - k) / (2 * m * (1 + w))
    got = ring.weight_to_phase(torch.tensor(w, dtype=torch.float64), r, a)
    assert got.item() == pytest.approx(math.acos(cosine), rel=1e-12, abs=0)


def test_inverse_keeps_its_digits_in_single_precision() -> None:
    weight = torch.linspace(-0.9, 0.8, 101)
    back = ring.ring_weight(ring.weight_to_phase(weight, R, A), R, A)
    assert (back - weight).abs().max().item() < 2e-6  # some units in the last place


def test_weights_out_of_range_take_the_end_without_poisoning_the_gradient() -> None:
    weight = torch.tensor([-2.0, 0.3, 0.99], dtype=torch.float64, requires_grad=True)
    phase = ring.weight_to_phase(weight, R, A)
    assert phase[0].item() == pytest.approx(math.pi, rel=1e-6, abs=0)
    assert phase[2].item() == 0.0
    phase.sum().backward()
    assert weight.grad is not None
    assert weight.grad[0] == 0
    assert weight.grad[2] == 0
    assert weight.grad[1].isfinite()
    assert weight.grad[1] < 0


def test_slope_of_the_weight_is_two_linewidths_at_zero() -> None:
    # |dw/d detuning| = 2 / linewidth at w = 0 for a lossless ring; 0.1 nm and 0.075 nm/K: 1.5 / K.
    r = 0.9960
    width = ring.linewidth(FSR, r, r, 1.0)
    phase = ring.weight_to_phase(torch.tensor(0.0, dtype=torch.float64), r, 1.0).requires_grad_()
    (slope,) = torch.autograd.grad(ring.ring_weight(phase, r, 1.0), phase)
    per_metre = abs(slope.item()) * 2 * math.pi / FSR
    assert per_metre * width == pytest.approx(2.0, rel=1e-4, abs=0)


def test_a_bank_of_one_ring_is_the_ring() -> None:
    weight = torch.tensor([[0.3], [-0.6]], dtype=torch.float64)
    detuning = ring.phase_to_detuning(ring.weight_to_phase(weight, R, A), FSR)
    torch.testing.assert_close(
        ring.bank_weights(detuning, FSR / 8, FSR, R, A), weight, rtol=ROUNDING, atol=0
    )


def bank_by_loops(detuning: np.ndarray, spacing: float, r: float, a: float) -> np.ndarray:
    """Follow every wavelength ring by ring, with the cosine form of the transmissions."""
    rows, count = detuning.shape
    weights = np.zeros((rows, count))
    m = r * r * a
    for row in range(rows):
        for k in range(count):
            power, dropped = 1.0, 0.0
            for j in range(count):
                c = math.cos(2 * math.pi * (k * spacing - j * spacing - detuning[row, j]) / FSR)
                d = 1 - 2 * m * c + m**2
                dropped += power * (1 - r**2) ** 2 * a / d
                power *= ((r * a) ** 2 - 2 * m * c + r**2) / d
            weights[row, k] = dropped - power
    return weights


def test_bank_matches_a_walk_along_the_bus() -> None:
    detuning = np.random.default_rng(5).uniform(-0.2e-9, 0.4e-9, (3, 6))
    got = ring.bank_weights(torch.from_numpy(detuning), 0.3e-9, FSR, R, A)
    np.testing.assert_allclose(
        got.numpy(), bank_by_loops(detuning, 0.3e-9, R, A), atol=1e-10, rtol=0
    )


def test_a_positive_detuning_is_a_red_shift_and_rings_act_in_turn() -> None:
    # A red shift by one spacing moves ring 0 onto channel 1 and leaves channel 0 in the bus; a blue
    # shift of ring 1 does the reverse.
    for detuning, empty, full in (([0.5e-9, 0.0], 1, 0), ([0.0, -0.5e-9], 0, 1)):
        shifts = torch.tensor([detuning], dtype=torch.float64)
        through, drop = ring.bank_transmissions(shifts, 0.5e-9, FSR, R, A)
        assert through[0, empty] < 1e-4
        assert through[0, full] > 0.95
        # The first of the two rings takes what the reference ring drops, the second what is left.
        assert drop[0, empty].item() == pytest.approx(0.878174 * (1 + 0.003955), abs=1e-5)


def test_a_lossless_bank_conserves_power() -> None:
    detuning = torch.from_numpy(np.random.default_rng(6).uniform(0, 0.5e-9, (2, 4, 16)))
    through, drop = ring.bank_transmissions(detuning, FSR / 16, FSR, R, 1.0)
    assert through.shape == (2, 4, 16)
    torch.testing.assert_close(through + drop, torch.ones_like(drop), atol=1e-12, rtol=0)


def test_crosstalk_of_the_reference_bank() -> None:
    # 32 channels in one free spectral range: nearest neighbor -21.2 dB, all others 2.4 % of the
    # drop on resonance: hand calculation with Lorentzian lines, whose tails lie 0.06 dB lower.
    channels = torch.arange(1, 32, dtype=torch.float64)
    drop = ring.ring_transmission(2 * math.pi * channels / 32, R, R, A)[1]
    peak = ring.ring_transmission(phase_of(0.0), R, R, A)[1]
    assert 10 * math.log10(drop[0] / peak) == pytest.approx(-21.2, abs=0.07)
    assert (drop.sum() / peak).item() == pytest.approx(0.024, abs=0.002)


def test_widely_spaced_channels_do_not_disturb_each_other() -> None:
    weight = torch.tensor([[0.5, -0.5, 0.1]], dtype=torch.float64)
    r = 0.99999  # a line of 1e-4 nm in 18 nm
    detuning = ring.phase_to_detuning(ring.weight_to_phase(weight, r, 1.0), FSR)
    got = ring.bank_weights(detuning, FSR / 3, FSR, r, 1.0)
    torch.testing.assert_close(got, weight, atol=1e-8, rtol=0)


def test_bank_gradient() -> None:
    detuning = torch.from_numpy(
        np.random.default_rng(7).uniform(0.01, 0.5, (2, 3))
    ).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda d: ring.bank_weights(d, 0.6, 18.2, 0.95, 0.98), (detuning,)
    )
    weight = torch.tensor([-0.5, 0.1, 0.6], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: ring.weight_to_phase(w, 0.95, 0.99), (weight,))


def test_a_bank_without_axes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape of detuning, got \(3,\); expected `\(…, n_out"):
        ring.bank_weights(torch.zeros(3), 1e-9, FSR, R, A)
