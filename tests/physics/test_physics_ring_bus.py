"""A bus of rings for light that interferes, against the scattering equations solved by NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import photonic_ring, photonic_ring_bus

R, A, FSR = 0.991948313, 0.9989, 18.2e-9
TURNS = 50.0 / (2 * math.pi * 5.0)


def scattered(
    detuning: np.ndarray, phase: np.ndarray, spacing: float, a: float = A
) -> tuple[np.ndarray, np.ndarray]:
    """Return through and drop of one bus: fields on both buses at every ring, one linear system.

    Unknowns are the right-going field into each ring on the upper bus and the left-going one on the
    lower bus. A ring is the sum of all round trips: geometric series, written out per coupler.
    """
    n = len(detuning)
    kappa2 = 1 - R**2
    through, drop = np.zeros(n), np.zeros(n)
    for channel in range(n):
        matrix = np.eye(2 * n, dtype=complex)
        wanted = np.zeros(2 * n, dtype=complex)
        t, d, way = (np.zeros(n, dtype=complex) for _ in range(3))
        for ring in range(n):
            away = (channel - ring) * spacing
            p = -2 * math.pi / FSR * (away - detuning[ring])
            trip = R**2 * a * np.exp(1j * p)
            d[ring] = -kappa2 * np.sqrt(a) * np.exp(0.5j * p) / (1 - trip)
            # Straight on, plus in by one coupler, around any number of times, and out again.
            t[ring] = R - kappa2 * R * a * np.exp(1j * p) / (1 - trip)
            way[ring] = phase[ring] - 2 * math.pi / FSR * TURNS * away
        wanted[0] = 1.0
        for ring in range(1, n):
            # All of the way's phase on the upper bus: only there and back together matter.
            matrix[ring, ring - 1] = -t[ring - 1] * np.exp(1j * way[ring])
            matrix[ring, n + ring - 1] = -d[ring - 1] * np.exp(1j * way[ring])
        for ring in range(n - 1):
            matrix[n + ring, ring + 1] = -d[ring + 1]
            matrix[n + ring, n + ring + 1] = -t[ring + 1]
        fields = np.linalg.solve(matrix, wanted)
        upper, lower = fields[:n], fields[n:]
        drop[channel] = abs(d[0] * upper[0] + t[0] * lower[0]) ** 2
        through[channel] = abs(t[-1] * upper[-1] + d[-1] * lower[-1]) ** 2
    return through, drop


def bus(rings: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    detuning = 0.15e-9 * torch.rand((3, rings), generator=generator, dtype=torch.float64)
    phase = 2 * math.pi * torch.rand((3, rings), generator=generator, dtype=torch.float64)
    return detuning, phase


def transmissions(
    detuning: torch.Tensor, phase: torch.Tensor, spacing: float, a: float = A
) -> tuple[torch.Tensor, torch.Tensor]:
    ways = photonic_ring_bus.ways_between(phase, spacing, FSR, turns=TURNS)
    return photonic_ring_bus.coherent_bank_transmissions(detuning, ways, spacing, FSR, R, a)


@pytest.mark.parametrize("rings", [1, 2, 5, 32])
@pytest.mark.parametrize("a", [A, 1.0])
def test_the_recursion_solves_the_scattering_equations(rings: int, a: float) -> None:
    detuning, phase = bus(rings)
    spacing = FSR / 32
    through, drop = transmissions(detuning, phase, spacing, a)
    for row in range(3):
        wanted = scattered(detuning[row].numpy(), phase[row].numpy(), spacing, a)
        np.testing.assert_allclose(through[row], wanted[0], rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(drop[row], wanted[1], rtol=1e-9, atol=1e-13)


def test_a_lossless_bus_conserves_power_and_a_lossy_one_loses() -> None:
    detuning, phase = bus(16)
    through, drop = transmissions(detuning, phase, FSR / 32, 1.0)
    torch.testing.assert_close(through + drop, torch.ones_like(drop), rtol=0, atol=1e-12)
    through, drop = transmissions(detuning, phase, FSR / 32)
    assert bool((through + drop < 1.0).all())


def test_one_ring_alone_has_nothing_to_interfere_with() -> None:
    detuning, phase = bus(1)
    coherent = transmissions(detuning, phase, FSR / 32)
    powers = photonic_ring.bank_transmissions(detuning, FSR / 32, FSR, R, A)
    for found, wanted in zip(coherent, powers, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)


def test_interference_falls_with_the_distance_of_channels_and_crosstalk_with_its_square() -> None:
    """A neighbor's field goes with 1 / distance, its power with 1 / distance^2."""
    detuning, phase = bus(2)
    off = {}
    for spacing in (0.6e-9, 1.2e-9):
        _, drop = transmissions(detuning, phase, spacing)
        _, powers = photonic_ring.bank_transmissions(detuning, spacing, FSR, R, A)
        _, alone = photonic_ring.bank_transmissions(detuning[:, :1], spacing, FSR, R, A)
        off["fields", spacing] = float((drop - powers).abs().mean())
        off["powers", spacing] = float((powers[:, :1] - alone).abs().mean())
    assert off["fields", 0.6e-9] / off["fields", 1.2e-9] == pytest.approx(2.0, rel=0.35, abs=0)
    assert off["powers", 0.6e-9] / off["powers", 1.2e-9] == pytest.approx(4.0, rel=0.35, abs=0)


def test_gradients_follow_rings_and_phases() -> None:
    detuning, phase = bus(3)
    # In linewidths, so that finite differences have a scale.
    scaled = (detuning / 1e-10).requires_grad_(True)
    phase = phase.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda d, p: transmissions(1e-10 * d, p, 0.3e-9), (scaled, phase), atol=1e-6
    )


def test_single_precision_is_enough() -> None:
    detuning, phase = bus(32)
    double = transmissions(detuning, phase, FSR / 32)
    single = transmissions(detuning.float(), phase.float(), FSR / 32)
    for low, high in zip(single, double, strict=True):
        assert low.dtype == torch.float32
        torch.testing.assert_close(low.double(), high, rtol=0, atol=1e-4)


def test_rings_that_all_meet_one_wavelength_leave_numbers_in_single_precision() -> None:
    """What 64 rings near resonance leave of fields is far below the smallest float32."""
    detuning = torch.full((1, 64), 5e-11)
    for found in transmissions(detuning, torch.zeros((1, 64)), 0.0):
        assert bool(torch.isfinite(found).all())
    wanted = scattered(np.full(64, 5e-11), np.zeros(64), 0.0)
    _, drop = transmissions(detuning.double(), torch.zeros((1, 64)).double(), 0.0)
    np.testing.assert_allclose(drop[0], wanted[1], rtol=1e-9, atol=1e-13)


def test_a_bus_without_axes_is_refused() -> None:
    one = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(ValueError, match="shape of detuning"):
        transmissions(one, one, 1e-9)
