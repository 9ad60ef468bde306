"""Published rates of processors: arithmetic on their sizes and clocks."""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.testing.published.check import Check, Demonstration, at_least, percent

LIGHTMATTER = Demonstration(
    "lightmatter",
    "Photonic processor, four cores",
    "Lightmatter, Nature, 2025 (figures as in its announcement)",
)
TENSOR_CORE = Demonstration(
    "tensor-core", "Phase-change tensor core fed by combs", "Feldmann et al., Nature 589, 2021"
)
CONVOLUTION = Demonstration(
    "convolution", "Time-wavelength convolution accelerator", "Xu et al., Nature 589, 2021"
)

_OPERATIONS_PER_MAC = 2


def lightmatter() -> Iterator[Check]:
    """Compare rate and energy of an operation with 65.5 TOPS at 78 W and 1.6 W of light."""
    cores, rows, cols, clock = 4, 128, 128, 0.5e9
    rate = _OPERATIONS_PER_MAC * cores * rows * cols * clock
    yield Check(
        LIGHTMATTER,
        "rate",
        "op/s",
        65.5e12,
        rate,
        percent(65.5e12, 0.1),
        "closed form",
        "4 cores of 128 x 128 (not in the announcement), 0.5 GHz",
        fitted="clock: the round figure that gives the published rate",
    )
    power = 78.0 + 1.6
    yield Check(
        LIGHTMATTER,
        "energy of an operation",
        "J",
        power / 65.5e12,
        power / rate,
        percent(power / 65.5e12, 1.0),
        "closed form",
        "78 W electrical, 1.6 W optical, and the rate above",
        fitted="clock, as above",
    )


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
