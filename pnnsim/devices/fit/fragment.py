"""YAML fragments of fitted parameters, ready to be pasted into the description of a machine.

What no key holds, and what a key cannot take, is written as a comment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pnnsim.common.forms import dimension_of, forms_of
from pnnsim.common.units import readable_quantity
from pnnsim.devices.fit.measurement import Estimate, Measurement
from pnnsim.devices.registry import params_class


@dataclass(frozen=True, slots=True)
class FittedKey:
    """Key of a description with its fitted value, as text.

    Args:
        key: Name of the key.
        value: Value with its unit.
        low: Lower end of its range.
        high: Upper end of its range.
    """

    key: str
    value: str
    low: str
    high: str


def fitted_keys(
    measurement: Measurement, part_kind: str, found: Sequence[Estimate]
) -> tuple[tuple[FittedKey, ...], tuple[str, ...]]:
    """Return the keys of a kind that estimates give, and why others are left out.

    Args:
        measurement: What was measured.
        part_kind: Such as `weight_banks.mrr`.
        found: Estimates.
    """
    part, _, kind = part_kind.partition(".")
    params = params_class(part, kind)
    assert params is not None, "measurements name kinds that exist"
    named = {estimate.name: estimate for estimate in found}
    keys, left = [], []
    for key, source in measurement.keys[part_kind].items():
        if source.quantity not in named:
            continue
        bounds = forms_of(params, key)[0].bounds
        dimension = dimension_of(params, key) or ""
        estimate = replace(source.of(named[source.quantity]), name=key, dimension=dimension)
        fits, why = _within(estimate, bounds)
        if why:
            left.append(f"{key}: {why}")
        else:
            keys.append(FittedKey(key, *texts(fits)))
    return tuple(keys), tuple(left)


def _within(estimate: Estimate, bounds: dict[str, float]) -> tuple[Estimate, str]:
    """Return an estimate cut to the bounds of its key, or why it cannot stand there."""
    # An end that a key excludes is left by a hair.
    low = max(bounds.get("ge", -math.inf), _beside(bounds.get("gt", -math.inf), math.inf))
    high = min(bounds.get("le", math.inf), _beside(bounds.get("lt", math.inf), -math.inf))
    if estimate.low <= high and low <= estimate.high:
        # What is at a bound is found on either side of it, such as the loss of a lossless device.
        estimate = replace(estimate, value=min(max(estimate.value, low), high))
    if not low <= estimate.value <= high:
        value = texts(estimate)[0] if math.isfinite(estimate.value) else "without bound"
        return estimate, f"{value} is beyond what the key accepts"
    cut = replace(estimate, low=max(low, estimate.low), high=min(high, estimate.high))
    if not (math.isfinite(cut.low) and math.isfinite(cut.high)):
        known = cut.low if math.isfinite(cut.low) else cut.high
        side = "at least" if math.isfinite(cut.low) else "at most"
        text = _text(known, estimate.dimension, 3)
        return cut, f"not determined by the data, {side} {text}"
    return cut, ""


def _beside(end: float, towards: float) -> float:
    if not math.isfinite(end):
        return end
    return end + math.copysign(max(abs(end), 1.0) * 1e-9, towards)


def texts(estimate: Estimate) -> tuple[str, str, str]:
    """Return value, low and high of an estimate as text, two digits finer than its interval."""
    width = max(
        (abs(end - estimate.value) for end in (estimate.low, estimate.high) if math.isfinite(end)),
        default=0.0,
    )
    ends = (estimate.value, estimate.low, estimate.high)
    found = []
    for each in ends:
        digits = 6
        if width > 0.0 and each and math.isfinite(each):
            digits = 3 + math.ceil(math.log10(abs(each)) - math.log10(width))
            digits = min(max(digits, 3), 15)
        found.append(_text(each, estimate.dimension, digits))
    return found[0], found[1], found[2]


def _text(value: float, dimension: str, digits: int) -> str:
    if not math.isfinite(value):
        return "-inf" if value < 0.0 else "inf"
    if dimension:
        return readable_quantity(value, dimension, digits)
    return repr(float(f"{value:.{digits}g}"))


def fragment_text(
    measurement: Measurement,
    part_kind: str,
    found: Sequence[Estimate],
    source: str,
    notes: Sequence[str],
) -> str:
    """Return the fragment.

    Args:
        measurement: What was measured.
        part_kind: Such as `weight_banks.mrr`.
        found: Estimates.
        source: What stands as the source of each value.
        notes: Sentences about the fit.
    """
    part, _, kind = part_kind.partition(".")
    keys, left = fitted_keys(measurement, part_kind, found)
    quoted = source.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f"# {measurement.kind}: {measurement.summary.lower()}; ranges are 2 sigma"]
    lines += [f"# {note}" for note in notes]
    if keys:
        lines.append(f"{part}:  # kind {kind}")
        lines += [
            f'  {k.key}: {{value: {k.value}, range: [{k.low}, {k.high}], source: "{quoted}"}}'
            for k in keys
        ]
    used = {measurement.keys[part_kind][k.key].quantity for k in keys}
    others = [e for e in found if e.name not in used]
    if left:
        lines.append(f"# Not written as keys of {part_kind}:")
        lines += [f"#   {each}" for each in left]
    if others:
        lines.append("# Fitted as well:")
        for estimate in others:
            value, low, high = texts(estimate)
            lines.append(f"#   {estimate.name}: {value}, {low} to {high}")
    return "\n".join(lines) + "\n"
