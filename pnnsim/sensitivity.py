"""Say what a change of each parameter of a machine does to latency and energy.

Each parameter is moved a little up and down, and the run is timed again: what is the bottleneck,
what hides behind what, is decided by the schedule and not by a formula. Delays are whole
femtoseconds and steps are small, so the figures are those of the schedule as it is; where a small
change makes another part the bottleneck, they lie between those of both sides.
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
    """

    parameter: str
    value: str
    latency: float
    energy: float
    latency_share: float
    energy_share: float


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
    latency, energy = _figures(nominal, waves)
    found = []
    for section, key, value in _parameters(spec):
        step = 1 if isinstance(value, int) else STEP * value
        sides = []
        for moved in (value - step, value + step):
            figures = _moved(nominal, section, key, moved, waves)
            if figures is not None:
                sides.append((moved, figures))
        sides = sides if len(sides) == 2 else [(value, (latency, energy)), *sides]
        if len(sides) < 2:
            continue
        (low, below), (high, above) = sides[0], sides[1]
        slopes = [(b - a) / (high - low) for a, b in zip(below, above, strict=True)]
        if not any(slopes):
            continue
        shares = [
            slope * value / figure if figure else 0.0
            for slope, figure in zip(slopes, (latency, energy), strict=True)
        ]
        text = _shown(spec, section, key, value)
        found.append(Sensitivity(f"{section}.{key}", text, *slopes, *shares))
    return sorted(found, key=lambda s: (-abs(s.latency_share) - abs(s.energy_share), s.parameter))


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
    trace = run_cores(
        run_fast,
        chip.delays(),
        chip.network.weight_set_order(),
        mapping=chip.mapping,
        control=chip.spec.control,
        waves=waves,
        memory_capacity=chip.memory.capacity,
    )
    energy = EnergyLedger.from_trace(trace, chip.prices()).total / trace.waves
    return latencies(trace)["mean"], energy


def _shown(spec: HardwareSpec, section: str, key: str, value: float) -> str:
    dimension = dimension_of(type(getattr(spec, section)), key)
    return f"{value:g}" if dimension is None else readable_quantity(value, dimension)
