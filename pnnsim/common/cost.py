"""Count, time and energy of work that a machine does: one record for all who price it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Count, time and energy of one kind of work.

    Args:
        count: How often it was done.
        time_s: Time taken [s].
        energy_j: Energy taken, the machine's standing power included [J].
    """

    count: int = 0
    time_s: float = 0.0
    energy_j: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.count + other.count, self.time_s + other.time_s, self.energy_j + other.energy_j
        )

    def __mul__(self, times: int) -> Cost:
        return Cost(self.count * times, self.time_s * times, self.energy_j * times)
