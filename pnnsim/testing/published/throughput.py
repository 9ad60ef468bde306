"""Published rates of processors: arithmetic on their sizes and clocks."""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.testing.published.check import Check, Demonstration, at_least, percent

TENSOR_CORE = Demonstration(
    "tensor-core", "Phase-change tensor core fed by combs", "Feldmann et al., Nature 589, 2021"
)
CONVOLUTION = Demonstration(
    "convolution", "Time-wavelength convolution accelerator", "Xu et al., Nature 589, 2021"
)

_OPERATIONS_PER_MAC = 2


def tensor_core() -> Iterator[Check]:
    """Compare the rate of a 9 x 4 array on four vectors at once with tera-MACs per second."""
    inputs, outputs, vectors, clock = 9, 4, 4, 14e9
    yield Check(
        TENSOR_CORE,
        "rate",
        "MAC/s",
        1e12,
        inputs * outputs * vectors * clock,
        at_least(1e12),
        "closed form",
        "9 inputs, 4 outputs, 4 vectors at once (from memory of the paper), 14 GHz; the abstract "
        "says 'tera-MACs per second' and 'exceeding 14 gigahertz'",
    )


def convolution() -> Iterator[Check]:
    """Compare the rate of ten kernels of nine taps with 11.32 TOPS."""
    kernels, taps, symbols = 10, 9, 62.9e9
    yield Check(
        CONVOLUTION,
        "rate",
        "op/s",
        11.32e12,
        _OPERATIONS_PER_MAC * kernels * taps * symbols,
        percent(11.32e12, 0.1),
        "closed form",
        "10 kernels of 3 x 3, one wavelength a tap, 62.9 GBd",
    )
    yield Check(
        CONVOLUTION,
        "dispersive delay of a wavelength",
        "s",
        15.9e-12,
        1.0 / symbols,
        percent(15.9e-12, 0.1),
        "closed form",
        "one symbol of 62.9 GBd",
    )
