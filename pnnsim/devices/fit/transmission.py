"""Transmissions as they were measured, as a ratio or in decibels; no device is known here."""

from __future__ import annotations

import numpy as np

from pnnsim.devices.fit.regression import Array

#: Smallest ratio that is written in decibels.
_DARK = 1e-30


def to_ratio(measured: Array, in_db: bool) -> Array:
    """Return a measured transmission as a power ratio.

    Args:
        measured: Ratio, or level [dB].
        in_db: Whether it is a level.
    """
    return 10.0 ** (measured / 10.0) if in_db else measured


def from_ratio(ratio: Array, in_db: bool) -> Array:
    """Return a power ratio in the unit of a measurement.

    Args:
        ratio: Power ratio.
        in_db: Whether the measurement is a level [dB].
    """
    return 10.0 * np.log10(np.maximum(ratio, _DARK)) if in_db else ratio


def level_title(name: str, in_db: bool) -> str:
    """Return the title of an axis.

    Args:
        name: What is drawn.
        in_db: Whether it is a level [dB].
    """
    return f"{name} [dB]" if in_db else name
