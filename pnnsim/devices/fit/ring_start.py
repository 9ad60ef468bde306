"""First guess of a ring from its dips: where they are, how wide and how deep.

Nothing here is a result: least squares begin at it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import signal

from pnnsim.devices.fit.regression import Array

#: Least depth of a dip beside the deepest one, and beside the noise.
_SHARE = 0.3
_NOISE = 5.0


@dataclass(frozen=True, slots=True)
class Dip:
    """Dip of a through port.

    Args:
        wavelength: Where it is deepest [m].
        width: Full width at half depth [m].
        floor: Transmission there, relative to that beside it.
        level: Transmission beside it [dB].
    """

    wavelength: float
    width: float
    floor: float
    level: float


@dataclass(frozen=True, slots=True)
class RingStart:
    """Where the search for a ring begins.

    Args:
        resonance: Wavelength of a resonance without tuning [m].
        width: Its width [m].
        coupling: Self-coupling amplitude of both couplers.
        loss: Loss of the ring [dB/m].
        index: Group index.
        shift: Shift of the resonance for one unit of tuning.
        level: Transmission beside it [dB].
    """

    resonance: float
    width: float
    coupling: float
    loss: float
    index: float
    shift: float
    level: float


def find_dips(wavelength: Array, through: Array) -> list[Dip]:
    """Return the resonances of a spectrum.

    Args:
        wavelength: Axis [m], rising or falling.
        through: Power ratio of the through port, as `wavelength`.
    """
    order = np.argsort(wavelength)
    axis = wavelength[order]
    level = 10.0 * np.log10(np.maximum(through[order], 1e-12))
    base = _upper_envelope(axis, level)
    depth = np.maximum(base - level, 0.0)
    noise = 1.4826 * float(np.median(np.abs(np.diff(level)))) / math.sqrt(2.0)
    least = max(_SHARE * float(depth.max()), _NOISE * noise, 1e-3)
    found, _ = signal.find_peaks(depth, height=least, prominence=0.8 * least)
    dips: list[Dip] = []
    for i in found.tolist():
        floor = 10.0 ** (-float(depth[i]) / 10.0)
        inside = 10.0 ** (-depth / 10.0) < (1.0 + floor) / 2.0
        left, right = i, i
        while left > 0 and inside[left - 1]:
            left -= 1
        while right < axis.size - 1 and inside[right + 1]:
            right += 1
        width = float(axis[min(right + 1, axis.size - 1)] - axis[max(left - 1, 0)])
        dip = Dip(float(axis[i]), width, floor, float(base[i]))
        # Noise splits a dip into several minima: of those within one width the deepest counts.
        if dips and dip.wavelength - dips[-1].wavelength < width:
            dips[-1] = min(dips[-1], dip, key=lambda each: each.floor)
        else:
            dips.append(dip)
    return dips


def _upper_envelope(axis: Array, level: Array) -> Array:
    """Return the parabola through what lies beside the dips."""
    along = (axis - axis.mean()) / max(float(np.ptp(axis)), 1e-30)
    kept = np.ones(axis.shape, dtype=np.bool_)
    fitted = np.full(axis.shape, float(np.median(level)))
    for _ in range(12):
        fitted = np.polyval(np.polyfit(along[kept], level[kept], 2), along)
        error = level - fitted
        spread = 1.4826 * float(np.median(np.abs(error[kept]))) + 1e-6
        chosen = error > -1.5 * spread
        if int(chosen.sum()) < max(8, axis.size // 10) or bool((chosen == kept).all()):
            break
        kept = chosen
    return np.asarray(fitted)


def ring_start(
    dips: list[list[Dip]], settings: Array, around: float, group_index: float | None
) -> RingStart:
    """Return the first guess of a ring.

    Args:
        dips: Resonances of each spectrum.
        settings: Tuning of each spectrum, as `dips`, rising.
        around: Length of one round trip [m].
        group_index: Group index where it is known.
    """
    most = max(dips, key=len)
    index = group_index
    if index is None:
        spacing = np.median(-np.diff([1.0 / dip.wavelength for dip in most]))
        index = 1.0 / (around * float(spacing))
    middle = dips[0][len(dips[0]) // 2]
    tracked = [middle.wavelength]
    for found in dips[1:]:
        # A step shifts the resonance by less than half a free spectral range: the nearest is it,
        # seen from where the steps before lead.
        ahead = 2.0 * tracked[-1] - tracked[-2] if len(tracked) > 1 else tracked[-1]
        tracked.append(min((dip.wavelength for dip in found), key=lambda at: abs(at - ahead)))
    shift = resonance = 0.0
    if len(tracked) > 1:
        shift, resonance = (float(each) for each in np.polyfit(settings, tracked, 1))
    else:
        resonance = tracked[0]
    fsr = middle.wavelength**2 / (index * around)
    x = math.pi * min(middle.width, fsr / 2.0) / fsr
    m = ((math.sqrt(x * x + 4.0) - x) / 2.0) ** 2
    t = math.sqrt(max(middle.floor, 1e-6)) * (1.0 - m)
    coupling = min((t + math.sqrt(t * t + 4.0 * m)) / 2.0, 1.0 - 1e-6)
    amplitude = min(m / coupling**2, 1.0 - 1e-6)
    loss = -20.0 * math.log10(amplitude) / around
    return RingStart(resonance, middle.width, coupling, loss, index, shift, middle.level)
