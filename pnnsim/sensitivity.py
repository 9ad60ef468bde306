"""Say what a change of each parameter of a machine does to latency and energy.

Each parameter is moved a little up and down, and the run is timed again: what is the bottleneck,
what hides behind what, is decided by the schedule and not by a formula.

A time of the schedule is a maximum of sums of delays, so a latency is piecewise linear in each
delay, with whole numbers as slopes: how often the delay stands in the chain of causes that leads
to the result. Away from kinks a difference therefore gives this number itself, however wide the
step, up to the rounding of delays to femtoseconds; energy is linear in prices and in that time. At
a kink, where another part becomes the bottleneck, the slopes of both sides differ, and both are
given.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pnnsim.chip import Chip
from pnnsim.errors import PnnsimError
from pnnsim.ledger import EnergyLedger
from pnnsim.metrics import latencies
from pnnsim.network import ReLaXNet
from pnnsim.params.base import Params, dimension_of, forms_of
from pnnsim.spec import HardwareSpec
from pnnsim.timing import run_cores, run_fast
from pnnsim.units import readable_quantity

#: Relative step of a physical value; whole numbers move by 1.
STEP = 0.01
#: Relative difference of both sides from which on there is a kink between them.
_BEND = 0.1
_HOLDS = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
#: Sections that say how work is ordered, not what a part is like.
_POLICY = ("control",)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """State what one parameter does.

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
    """

    parameter: str
    value: str
    latency: float
    energy: float
    latency_share: float
    energy_share: float
    latency_sides: tuple[float | None, float | None]
    energy_sides: tuple[float | None, float | None]

    @property
    def kink(self) -> bool:
        """Return whether both sides differ by more than the curvature of a formula explains.

        Over a step of 1 %, inverse and logarithm bend by some 2 %; the loss or gain of a whole
        bottleneck is far more.
        """
        return _bends(*self.latency_sides) or _bends(*self.energy_sides)


def sensitivities(spec: HardwareSpec, network: ReLaXNet, *, waves: int = 64) -> list[Sensitivity]:
    """Return what each parameter that matters does, the most influential first.

    Derivatives are central differences of replayed runs; one-sided where a step to one side is
    not possible. Parameters that move neither figure are left out, and so are those that are 0,
    as there is no relative change of nothing, and sizes that decide where matrices lie.

    Args:
        spec: Machine.
        network: What it computes.
        waves: Waves of each run, which come as fast as the machine takes them.

    Raises:
        MappingError: If the network does not fit the machine.
    """
    nominal = Chip.nominal(spec, network)
    here = _figures(nominal, waves)
    found = []
    for section, key, value in _parameters(spec):
        step = 1 if isinstance(value, int) else STEP * value
        below, above = (
            _moved(nominal, section, key, moved, waves) for moved in (value - step, value + step)
        )
        low = None if below is None else [(f - b) / step for f, b in zip(here, below, strict=True)]
        high = None if above is None else [(a - f) / step for f, a in zip(here, above, strict=True)]
        slopes = _mean(low, high)
        if slopes is None or not any(slopes):
            continue
        shares = [
            slope * value / figure if figure else 0.0
            for slope, figure in zip(slopes, here, strict=True)
        ]
        text = _shown(spec, section, key, value)
        latency, energy = (
            (None if low is None else low[i], None if high is None else high[i]) for i in (0, 1)
        )
        found.append(
            Sensitivity(
                f"{section}.{key}", text, slopes[0], slopes[1], shares[0], shares[1], latency,
                energy,
            )
        )  # fmt: skip
    return sorted(found, key=lambda s: (-abs(s.latency_share) - abs(s.energy_share), s.parameter))


def _bends(low: float | None, high: float | None) -> bool:
    if low is None or high is None:
        return False
    return abs(high - low) > _BEND * max(abs(low), abs(high))


def _mean(low: list[float] | None, high: list[float] | None) -> list[float] | None:
    """Return the slopes between both sides, or those of the only one."""
    if low is None or high is None:
        return high if low is None else low
    return [(a + b) / 2 for a, b in zip(low, high, strict=True)]


def _parameters(spec: HardwareSpec) -> Iterator[tuple[str, str, float]]:
    """Yield section, key and value of every number of a machine that is not 0."""
    for section, part in spec.sections().items():
        if section in _POLICY:
            continue
        for key, value in part:
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value:
                yield section, key, value


def _moved(
    nominal: Chip, section: str, key: str, value: float, waves: int
) -> tuple[float, float] | None:
    """Return the figures with one value changed; None where that is no such machine."""
    spec = nominal.spec
    part: Params = getattr(spec, section)
    bounds = forms_of(type(part), key)[0].bounds
    if not all(_HOLDS[name](value, bound) for name, bound in bounds.items()):
        return None
    changes: dict[str, Any] = {section: part.model_copy(update={key: value})}
    try:
        chip = Chip.nominal(replace(spec, **changes), nominal.network)
        # Another way to lay out the matrices is another machine, not a small change of this one.
        return _figures(chip, waves) if chip.mapping == nominal.mapping else None
    except (PnnsimError, ValueError):  # ValueError: outside the range of a formula
        return None


def _figures(chip: Chip, waves: int) -> tuple[float, float]:
    """Return mean latency [s] and energy of one inference [J]."""
    trace = run_cores(run_fast, chip.work(), waves)
    energy = EnergyLedger.from_trace(trace, chip.prices()).total / trace.waves
    return latencies(trace)["mean"], energy


def _shown(spec: HardwareSpec, section: str, key: str, value: float) -> str:
    dimension = dimension_of(type(getattr(spec, section)), key)
    return f"{value:g}" if dimension is None else readable_quantity(value, dimension)
