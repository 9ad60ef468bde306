"""Differentiate latency and energy with respect to each parameter of a machine.

Each parameter is moved a little up and down, and the run is timed again: what is the bottleneck,
what hides behind what, is decided by the schedule and not by a formula.

A time of the schedule is a maximum of sums of delays, so a latency is piecewise linear in each
delay, with whole numbers as slopes: how often the delay stands in the chain of causes that leads
to the result. Away from kinks a difference therefore gives this number itself, however wide the
step, up to the rounding of delays to femtoseconds; energy is linear in prices and in that time. At
a kink, where another part becomes the bottleneck, the slopes of both sides differ, and both are
given. What is no delay and no price, such as the coupling of a ring near 1, may bend much more:
steps are taken on a scale that fits the bounds of the field, and checked by halving them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.metrics import latencies
from pnnsim.common.forms import dimension_of, forms_of
from pnnsim.common.units import readable_quantity
from pnnsim.errors import PnnsimError
from pnnsim.inference.chip import Chip
from pnnsim.networks.protocol import Network
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.timing.ahead import planned
from pnnsim.timing.run import run_cores, run_fast

#: Step of a physical value on its scale (`_neighbors`); whole numbers move by 1.
STEP = 0.01
#: Relative difference to the slopes over half the step up to which they agree, and share of a
#: figure below which a slope is not compared.
_AGREES, _MATTERS = 0.01, 1e-6
#: Relative difference of both sides from which on there is a kink between them.
_BEND = 0.1
_HOLDS = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
#: Sections that say how work is ordered, not what a part is like.
_POLICY = ("control",)

#: Mean latency [s] and energy of one inference [J].
_Figures = tuple[float, float]
#: A value of a parameter, and the figures of the machine that has it; None where there is none.
_Point = tuple[float, _Figures | None]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Effect of one parameter on latency and energy.

    Args:
        parameter: Dotted path, such as `switch.rise_time`.
        value: Its value as people write it.
        latency: Change of the mean latency per change of the parameter [s per its SI unit].
        energy: Change of the energy of one inference, likewise [J per its SI unit].
        latency_share: Relative change of the latency per relative change of the parameter.
        energy_share: Relative change of the energy, likewise.
        latency_sides: `latency` for a smaller and for a larger value; None where the value cannot
            be moved to that side.
        energy_sides: `energy` likewise.
        steady: Whether half the step gives the same slopes; otherwise those over half of it are
            given. A whole number moves by 1 and has no half step.
    """

    parameter: str
    value: str
    latency: float
    energy: float
    latency_share: float
    energy_share: float
    latency_sides: tuple[float | None, float | None]
    energy_sides: tuple[float | None, float | None]
    steady: bool = True

    @property
    def kink(self) -> bool:
        """Return whether both sides differ by more than the curvature of a formula explains.

        Over a step of 1 %, inverse and logarithm bend by some 2 %; the loss or gain of a whole
        bottleneck is far more.
        """
        return _bends(*self.latency_sides) or _bends(*self.energy_sides)


def sensitivities(spec: HardwareSpec, network: Network, *, samples: int = 64) -> list[Sensitivity]:
    """Return the effect of each parameter that matters, the most influential first.

    Derivatives are central differences of replayed runs; one-sided where a step to one side is
    not possible. Differences over half the step check them, and take the curvature out where they
    agree (Richardson extrapolation). Parameters that move neither figure are left out, and so are
    those that are 0, as there is no relative change of nothing, and sizes that decide where
    matrices lie.

    Args:
        spec: Machine.
        network: What it computes.
        samples: Samples of each run, which come as fast as the machine takes them.

    Raises:
        MappingError: If the network does not fit the machine.
    """
    nominal = Chip.nominal(spec, network)
    here = _figures(nominal, samples)
    found = []
    for section, key, value in _parameters(spec):
        steps = (1,) if isinstance(value, int) else (STEP, STEP / 2)
        around = [
            [
                (moved, _moved(nominal, section, key, moved, samples))
                for moved in _neighbors(spec, section, key, value, step)
            ]
            for step in steps
        ]
        center = (value, here)
        low, high = _slopes(around[0][0], center), _slopes(center, around[0][1])
        slopes, central = _slopes(*around[0]), low is not None and high is not None
        if slopes is None:
            slopes = high if low is None else low
        if slopes is None or not any(slopes):
            continue
        relative = [value / figure if figure else 0.0 for figure in here]
        steady = True
        for below, above in around[1:]:
            # On the same sides as over the whole step.
            fine = _slopes(center if low is None else below, center if high is None else above)
            steady = fine is not None and all(map(_agree, slopes, fine, relative))
            slopes = _refined(slopes, fine or slopes, steady=steady, central=central)
        shares = [slope * scale for slope, scale in zip(slopes, relative, strict=True)]
        text = _shown(spec, section, key, value)
        latency, energy = (
            (None if low is None else low[i], None if high is None else high[i]) for i in (0, 1)
        )
        found.append(
            Sensitivity(
                f"{section}.{key}", text, slopes[0], slopes[1], shares[0], shares[1], latency,
                energy, steady,
            )
        )  # fmt: skip
    return sorted(found, key=lambda s: (-abs(s.latency_share) - abs(s.energy_share), s.parameter))


def _bends(low: float | None, high: float | None) -> bool:
    if low is None or high is None:
        return False
    return abs(high - low) > _BEND * max(abs(low), abs(high))


def _neighbors(
    spec: HardwareSpec, section: str, key: str, value: float, step: float
) -> tuple[float, float]:
    """Return the values a step below and above one, on the scale on which its effect is even.

    That is the logarithm of the odds between two bounds, as what matters of a value near one of
    them is the distance from it; the logarithm of what has no upper bound or lies on it; and the
    value itself, in units of its size, where it may be negative. Whole numbers move by the step.
    """
    if isinstance(value, int):
        return value - step, value + step
    bounds = forms_of(type(spec.sections()[section]), key)[0].bounds
    low, high = bounds.get("gt", bounds.get("ge")), bounds.get("lt", bounds.get("le"))
    if low is not None and high is not None and low < value < high:
        odds = (value - low) / (high - value)
        return _at_odds(low, high, odds * math.exp(-step)), _at_odds(
            low, high, odds * math.exp(step)
        )
    if low is not None and low >= 0:
        return value * math.exp(-step), value * math.exp(step)
    return value - step * abs(value), value + step * abs(value)


def _at_odds(low: float, high: float, odds: float) -> float:
    """Return the value that divides the way between two bounds at these odds."""
    # From the nearer end, so that no digit of the distance from it is lost.
    if odds < 1:
        return low + (high - low) * odds / (1 + odds)
    return high - (high - low) / (1 + odds)


def _slopes(below: _Point, above: _Point) -> list[float] | None:
    """Return the slopes between two points; None where one of them is no machine."""
    (x, before), (y, after) = below, above
    if before is None or after is None or x == y:
        return None
    return [(a - b) / (y - x) for b, a in zip(before, after, strict=True)]


def _agree(coarse: float, fine: float, relative: float) -> bool:
    """Return whether two slopes are one as far as it matters, of figures in these units."""
    apart, size = abs(coarse - fine) * abs(relative), abs(fine) * abs(relative)
    return apart <= max(_AGREES * size, _MATTERS)


def _refined(
    coarse: Sequence[float], fine: Sequence[float], *, steady: bool, central: bool
) -> list[float]:
    """Return slopes from those over a step and over half of it.

    The error of a central difference is a quarter over half the step, of a one-sided one a half.

    Reference: L. F. Richardson, Phil. Trans. R. Soc. A 210, 307, 1911.
    """
    if not steady:
        return list(fine)
    error = 3 if central else 1
    return [f + (f - c) / error for c, f in zip(coarse, fine, strict=True)]


def _parameters(spec: HardwareSpec) -> Iterator[tuple[str, str, float]]:
    """Yield section, key and value of every number of a machine that is not 0."""
    for section, part in spec.sections().items():
        if section in _POLICY:
            continue
        for key, value in part:
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value:
                yield section, key, value


def _moved(nominal: Chip, section: str, key: str, value: float, samples: int) -> _Figures | None:
    """Return the figures with one value changed; None where that is no such machine."""
    spec = nominal.spec
    part = spec.sections()[section]
    bounds = forms_of(type(part), key)[0].bounds
    if not all(_HOLDS[name](value, bound) for name, bound in bounds.items()):
        return None
    changes: dict[str, Any] = {section: part.model_copy(update={key: value})}
    try:
        chip = Chip.nominal(replace(spec, **changes), nominal.network)
        # Another way to lay out the matrices is another machine, not a small change of this one.
        return _figures(chip, samples) if chip.mapping == nominal.mapping else None
    except (PnnsimError, ValueError):  # ValueError: outside the range of a formula
        return None


def _figures(chip: Chip, samples: int) -> _Figures:
    """Return mean latency [s] and energy of one inference [J]."""
    trace = run_cores(run_fast, planned(chip.work()), samples)
    energy = EnergyLedger.from_trace(trace, chip.prices()).total / trace.samples
    return latencies(trace)["mean"], energy


def _shown(spec: HardwareSpec, section: str, key: str, value: float) -> str:
    dimension = dimension_of(type(spec.sections()[section]), key)
    return f"{value:g}" if dimension is None else readable_quantity(value, dimension)
