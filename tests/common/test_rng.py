"""Draws have the distributions they are named for, and depend on their stream alone."""

from __future__ import annotations

import math

import torch

from pnnsim.common.rng import noise_like, rare, stream


def test_reading_noise_is_standard_normal_and_the_same_for_every_dtype() -> None:
    exact = torch.empty((400, 500), dtype=torch.float64)
    drawn = noise_like(exact, stream(0, "a", "read"))
    again = noise_like(exact.float(), stream(0, "a", "read"))
    assert drawn.dtype == torch.float64
    assert torch.equal(drawn.float(), again)
    count = drawn.numel()
    # 5 sigma of the moments of as many normal draws: 1, 2 and 96 over their number.
    assert abs(float(drawn.mean())) < 5 / count**0.5
    assert abs(float(drawn.var()) - 1.0) < 5 * (2 / count) ** 0.5
    assert abs(float((drawn**4).mean()) - 3.0) < 5 * (96 / count) ** 0.5


def test_rare_events_are_as_frequent_as_their_chance_and_anywhere() -> None:
    generator = stream(0, "a", "write")
    shape, chance, rounds = (10, 20), 0.004, 2000
    drawn = [rare(shape, chance, generator) for _ in range(rounds)]
    happened = torch.stack([torch.zeros(shape).bool() if d is None else d for d in drawn])
    mean = 200 * chance
    counts = happened.flatten(1).sum(dim=1).double()
    # 5 sigma of the mean and of the variance of binomial counts, nearly those of a Poisson law.
    assert abs(float(counts.mean()) - mean) < 5 * math.sqrt(mean / rounds)
    assert abs(float(counts.var()) - mean) < 5 * math.sqrt((mean + 2 * mean**2) / rounds)
    assert abs(float((counts == 0).double().mean()) - math.exp(-mean)) < 5 * 0.5 / rounds**0.5
    # Each place has 8 events on the mean; 5 sigma of a Poisson law above that are 22.
    assert int(happened.sum(dim=0).max()) <= 8 + 5 * math.sqrt(8)


def test_what_is_certain_always_happens_and_what_cannot_be_never_does() -> None:
    every = rare((3, 2), 1.0, stream(0, "a", "write"))
    assert every is not None
    assert bool(every.all())
    assert rare((3, 2), 0.0, stream(0, "a", "write")) is None
