"""Add up what calls to a machine cost: how often, how long, how many joules, and for what.

Here is arithmetic alone: `pnnsim.hil.cost_model`, or the machine, gives the cost of one call.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from pnnsim.common.cost import Cost


@dataclass(frozen=True, slots=True)
class CostReport:
    """Cost of some calls, split by what was done.

    Args:
        forward: Passes of samples; counts samples.
        write: Programmings of banks and the wait until they have settled; counts weight sets.
        read: Readouts beyond the result; counts states of one sample.
        host: Time for which the machine stood on while the host computed; counts updates.
    """

    forward: Cost = field(default_factory=Cost)
    write: Cost = field(default_factory=Cost)
    read: Cost = field(default_factory=Cost)
    host: Cost = field(default_factory=Cost)

    def __add__(self, other: CostReport) -> CostReport:
        pairs = zip(self.costs(), other.costs(), strict=True)
        return CostReport(*(mine + theirs for mine, theirs in pairs))

    def __mul__(self, times: int) -> CostReport:
        return CostReport(*(cost * times for cost in self.costs()))

    def costs(self) -> tuple[Cost, ...]:
        """Return the cost of each kind, in the order of `KINDS`."""
        return self.forward, self.write, self.read, self.host

    @property
    def time_s(self) -> float:
        """Return the time on the bench [s]."""
        return math.fsum(cost.time_s for cost in self.costs())

    @property
    def energy_j(self) -> float:
        """Return the energy that the machine took [J]."""
        return math.fsum(cost.energy_j for cost in self.costs())

    def time_share(self, kind: str) -> float:
        """Return the share of the bench time that one kind of work took; 0 of no time at all."""
        cost = dict(zip(KINDS, self.costs(), strict=True))[kind]
        return cost.time_s / self.time_s if self.time_s else 0.0

    def figures(self) -> dict[str, Any]:
        """Return the cost as plain data, SI units in the names."""
        parts = {
            name: {
                "count": cost.count,
                "time_s": cost.time_s,
                "energy_j": cost.energy_j,
                "time_share": self.time_share(name),
            }
            for name, cost in zip(KINDS, self.costs(), strict=True)
        }
        return {"time_s": self.time_s, "energy_j": self.energy_j, **parts}

    def numbers(self) -> tuple[float, ...]:
        """Return count, time and energy of each kind in a row, as instruments send them."""
        return tuple(
            number for cost in self.costs() for number in (cost.count, cost.time_s, cost.energy_j)
        )

    @staticmethod
    def from_numbers(numbers: tuple[float, ...]) -> CostReport:
        """Return the report that `numbers` has written.

        Raises:
            ValueError: If there are more or fewer, or some are not finite.
        """
        if len(numbers) != 3 * len(KINDS) or not all(map(math.isfinite, numbers)):
            raise ValueError(f"got {numbers}; expected {3 * len(KINDS)} finite numbers")
        rows = [numbers[first : first + 3] for first in range(0, 3 * len(KINDS), 3)]
        return CostReport(*(Cost(round(count), time, energy) for count, time, energy in rows))


#: The kinds of work, in the order of a report.
KINDS = tuple(each.name for each in fields(CostReport))
