"""Draw random numbers from named streams, so that a new component shifts no other numbers.

A stream is keyed by (seed, path, lifetime): *fabrication* once per chip, *write* once per
programming, *read* once per evaluation. There is no global state and nothing here is seeded twice.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import torch

Lifetime = Literal["fabrication", "write", "read", "train", "arrival", "band"]


def stream(seed: int, path: str, lifetime: Lifetime) -> torch.Generator:
    """Return a fresh generator that depends on nothing but its key.

    Args:
        seed: The run's seed.
        path: Dotted path of the object that draws, such as `chip2.weight_banks.0`.
        lifetime: How long a draw lasts; `train` covers initialization and batch order, `arrival`
            the times at which samples come, `band` descriptions that are drawn from ranges.

    Returns:
        A CPU generator, seeded with 63 bits of the key's SHA-256.
    """
    digest = hashlib.sha256(f"{seed}\x00{path}\x00{lifetime}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def noise_like(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return standard normal draws for errors and reading noise, shape, dtype and device of `like`.

    It is for what is drawn by the million: torch draws float32 five times as fast as float64. Every
    dtype gets the same float32 draws, so that it does not change them. The 24 bits behind a draw
    end it at 5.8 standard deviations, beyond which lies one in 10^8.

    Args:
        like: Tensor whose shape, dtype and device the draws have.
        generator: Stream to draw from.
    """
    return torch.randn(like.shape, generator=generator, dtype=torch.float32).to(like)


def normal(
    shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Return standard normal draws, always drawn in float64 so that dtype does not change them.

    Args:
        shape: Shape of the draws.
        generator: Stream to draw from.
        dtype: Type to which they are converted.
    """
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Return uniform draws in [0, 1) in float64.

    Args:
        shape: Shape of the draws.
        generator: Stream to draw from.
    """
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def rare(shape: tuple[int, ...], chance: float, generator: torch.Generator) -> torch.Tensor | None:
    """Draw which of many independent events happen, where most often none does.

    How many there are is drawn first, and only then which: the same as one draw for each, in a
    thousandth of the time.

    Args:
        shape: Shape of the events.
        chance: Chance of each, 0 to 1.
        generator: Where draws come from.

    Returns:
        Whether each happens, shape `shape`; None for none of them.
    """
    events = torch.tensor(math.prod(shape), dtype=torch.float64)
    happening = torch.binomial(events, torch.full_like(events, chance), generator=generator)
    if not happening:
        return None
    happens = torch.zeros(math.prod(shape), dtype=torch.bool)
    happens[torch.randperm(len(happens), generator=generator)[: int(happening)]] = True
    return happens.reshape(shape)
