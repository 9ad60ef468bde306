"""Levels of converters and weights, and the gradient that training sees through them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.physics import quantize as q


@pytest.mark.parametrize(
    ("bits", "low", "high", "count"),
    [(1, -1, 1, 2), (2, -1, 1, 3), (8, -1, 1, 255), (1, 0, 1, 2), (8, 0, 1, 256), (3, -1, 2, 8)],
)
def test_level_count_is_odd_for_symmetric_ranges_and_a_power_of_two_otherwise(
    bits: int, low: float, high: float, count: int
) -> None:
    assert q.level_count(bits, low, high) == count
    dense = torch.linspace(low, high, 4001, dtype=torch.float64)
    assert q.quantize(dense, bits, low, high).unique().numel() == count


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1.0), (-0.3, 0.9)])
@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_quantize_takes_the_nearest_uniform_level(bits: int, low: float, high: float) -> None:
    levels = np.linspace(low, high, q.level_count(bits, low, high))
    x = np.random.default_rng(0).uniform(low - 0.2, high + 0.2, 500)
    nearest = levels[np.abs(x[:, None] - levels[None, :]).argmin(axis=1)]
    got = q.quantize(torch.from_numpy(x), bits, low, high).numpy()
    np.testing.assert_allclose(got, nearest, atol=1e-14, rtol=0)  # rounding of one division


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_and_zero_are_exact_and_signs_symmetric(dtype: torch.dtype) -> None:
    for bits in range(2, 17):
        ends = torch.tensor([-5.0, -1.0, 0.0, 1.0, 5.0], dtype=dtype)
        assert q.quantize(ends, bits, -1, 1).tolist() == [-1, -1, 0, 1, 1]
        assert q.quantize(torch.tensor([-3.0, 0.0, 1.0], dtype=dtype), bits, 0, 1).tolist() == [
            0,
            0,
            1,
        ]
        x = torch.linspace(-1, 1, 257, dtype=dtype)
        assert torch.equal(q.quantize(-x, bits, -1, 1), -q.quantize(x, bits, -1, 1))


def test_one_bit_over_a_symmetric_range_is_the_sign() -> None:
    x = torch.tensor([-0.9, -0.1, 0.1, 0.9])
    assert q.quantize(x, 1, -1, 1).tolist() == [-1, -1, 1, 1]


def test_quantize_is_idempotent() -> None:
    x = torch.linspace(-1.3, 1.3, 777, dtype=torch.float64)
    for low in (-1.0, 0.0):
        once = q.quantize(x, 6, low, 1.0)
        assert torch.equal(q.quantize(once, 6, low, 1.0), once)


def test_gradient_is_one_inside_and_zero_outside() -> None:
    x = torch.tensor([-1.5, -1.0, -0.3, 0.0, 0.7, 1.0, 1.01], dtype=torch.float64)
    x.requires_grad_()
    q.quantize(x, 4, -1, 1).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 0]


def test_forward_is_bit_identical_with_and_without_gradient() -> None:
    x = torch.from_numpy(np.random.default_rng(1).normal(size=1000))
    levels = torch.linspace(-1, 1, 9, dtype=torch.float64) ** 3
    plain = q.quantize(x, 7, -1, 1), q.quantize_nearest(x, levels)
    x.requires_grad_()
    taped = q.quantize(x, 7, -1, 1), q.quantize_nearest(x, levels)
    for a, b in zip(plain, taped, strict=True):
        assert torch.equal(a, b.detach())


def test_quantize_works_under_vmap() -> None:
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)
    mapped = torch.func.vmap(lambda row: q.quantize(row, 3, -1, 1))(x)
    assert torch.equal(mapped, q.quantize(x, 3, -1, 1))


@pytest.mark.parametrize("bits", range(6, 13))
def test_sqnr_of_a_full_scale_sine_is_six_db_a_bit(bits: int) -> None:
    # An irrational step through 1e5 samples leaves no pattern; 0.2 dB covers the 2**b - 1 steps
    # between 2**b levels, 0.14 dB at 6 bits.
    sine = torch.sin(torch.arange(100_000, dtype=torch.float64) * math.sqrt(2))
    error = q.quantize_levels(sine, 2**bits, -1, 1) - sine
    sqnr = 10 * math.log10(float(sine.var() / error.var()))
    assert sqnr == pytest.approx(6.02 * bits + 1.76, abs=0.2)


def test_rounding_variance_is_that_of_a_uniform_error() -> None:
    x = torch.from_numpy(np.random.default_rng(2).uniform(0, 1, 200_000))
    error = q.quantize(x, 5, 0, 1) - x
    step = q.step_size(5, 0, 1)
    assert step == pytest.approx(1 / 31, rel=1e-6, abs=0)
    # Variance of a squared uniform error: sigma of the mean is sqrt(4/5 / n) = 0.2 %; 5 sigma.
    assert float((error**2).mean()) == pytest.approx(q.rounding_variance(step), rel=0.01, abs=0)


def test_nearest_of_uneven_levels_and_its_gradient() -> None:
    levels = torch.tensor([0.0, 0.1, 0.5, 1.0], dtype=torch.float64)
    x = torch.tensor([-1.0, 0.04, 0.06, 0.31, 0.9, 2.0], dtype=torch.float64, requires_grad=True)
    y = q.quantize_nearest(x, levels)
    assert y.tolist() == [0.0, 0.0, 0.1, 0.5, 1.0, 1.0]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 0]


def test_wrong_arguments_are_named() -> None:
    x = torch.zeros(1)
    with pytest.raises(ValueError, match="level_count: bits, got 0; expected 1 or more"):
        q.quantize(x, 0, -1, 1)
    with pytest.raises(ValueError, match="expected low below high"):
        q.quantize(x, 4, 1, -1)
