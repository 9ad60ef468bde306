"""Price the actions of a trace: energy by component and action, and power against time.

Energy is (times an action happened) x (its price) + static power x time on. Nothing else adds
energy, and the integral of the power trace is the total of the ledger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.gating import on_fs, on_times
from pnnsim.common.times import Times, seconds
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.trace import ACTIONS

#: Name under which static power stands in lists of actions.
STATIC = "static"

_FS_PER_S = 10**15


@dataclass(frozen=True, slots=True)
class Entry:
    """State one line of the ledger.

    Args:
        component: Who pays.
        action: What was done, or `static`.
        count: How often; 0 for static power.
        energy: Energy of the whole run [J].
    """

    component: str
    action: str
    count: int
    energy: float


@dataclass(frozen=True, slots=True)
class EnergyLedger:
    """Hold the energy of a run, line by line."""

    entries: tuple[Entry, ...]

    @classmethod
    def from_trace(cls, trace: AnyTrace, prices: PriceTable) -> EnergyLedger:
        """Count the spans of a trace and price them; parts are on for the makespan.

        Parts that are gated are on while they work or keep something.
        """
        dynamic = [
            Entry(component, action, count, count * prices.dynamic.get((component, action), 0.0))
            for (component, action), count in counts(trace).items()
        ]
        static = []
        for component, power in sorted(prices.static_w.items()):
            on_s = trace.makespan_fs / _FS_PER_S
            if component in prices.gated:
                on = sum(on_fs(part, component, prices.engine_keeps) for part in trace.parts)
                on_s = on / prices.cores / _FS_PER_S
            static.append(Entry(component, STATIC, 0, power * on_s))
        return cls((*dynamic, *static))

    def by_component(self) -> dict[str, float]:
        """Return the energy of each component, static power included [J]."""
        return self._grouped([entry.component for entry in self.entries])

    def by_action(self) -> dict[str, float]:
        """Return the energy of each action over all components; static power is one of them [J]."""
        return self._grouped([entry.action for entry in self.entries])

    def static_by_component(self) -> dict[str, float]:
        """Return the energy of the static power of each component that draws any [J]."""
        return {entry.component: entry.energy for entry in self.entries if entry.action == STATIC}

    @property
    def dynamic(self) -> float:
        """Return the energy of all actions [J]."""
        return math.fsum(entry.energy for entry in self.entries if entry.action != STATIC)

    @property
    def static(self) -> float:
        """Return the energy of static power [J]."""
        return math.fsum(entry.energy for entry in self.entries if entry.action == STATIC)

    @property
    def total(self) -> float:
        """Return the energy of the run [J]."""
        return math.fsum(entry.energy for entry in self.entries)

    def _grouped(self, names: list[str]) -> dict[str, float]:
        groups: dict[str, list[float]] = {}
        for name, entry in zip(names, self.entries, strict=True):
            groups.setdefault(name, []).append(entry.energy)
        return {name: math.fsum(groups[name]) for name in sorted(groups)}


@dataclass(frozen=True, slots=True, eq=False)
class PowerTrace:
    """Hold power against time: constant pieces, and impulses of actions that take no time.

    Args:
        t_fs: Ends of the pieces, ascending, shape `(n_piece + 1,)` [fs].
        power: Power of each piece, shape `(n_piece,)` [W].
        impulse_fs: Times of the impulses, ascending, shape `(n_impulse,)` [fs].
        impulse_energy: Energy of each impulse, shape `(n_impulse,)` [J].
    """

    t_fs: Times
    power: NDArray[np.float64]
    impulse_fs: Times
    impulse_energy: NDArray[np.float64]

    def energy(self) -> float:
        """Return the integral over the run [J]."""
        pieces = self.power * seconds(np.diff(self.t_fs))
        return math.fsum([*pieces.tolist(), *self.impulse_energy.tolist()])


def counts(trace: AnyTrace) -> dict[tuple[str, str], int]:
    """Return how often each (component, action) happened, in alphabetic order."""
    components = trace.components()
    number = np.zeros((len(components), len(ACTIONS)), dtype=np.int64)
    np.add.at(number, (trace.base.unit, trace.base.action), trace.row_counts())
    result: dict[tuple[str, str], int] = {}
    for lane, action in np.argwhere(number):
        key = (components[lane], ACTIONS[action])
        result[key] = result.get(key, 0) + int(number[lane, action])
    return dict(sorted(result.items()))


def power_trace(run: AnyTrace, prices: PriceTable) -> PowerTrace:
    """Spread the energy of each span evenly over it and add the static power.

    Spans of one component, action and duration draw the same power. They are counted as integers
    in each piece, so that no rounding adds up along the run.
    """
    trace = run.expand()
    components = np.array(trace.components())
    edges = np.unique(
        np.concatenate(
            [trace.start_fs, trace.end_fs, [trace.arrival_fs.min(), trace.result_fs.max()]]
        )
    )
    on = (edges[:-1] >= trace.arrival_fs.min()) & (edges[1:] <= trace.result_fs.max())
    power = np.where(on, prices.standing_w, 0.0)
    for component in sorted(prices.gated & prices.static_w.keys()):
        active = np.zeros(len(edges), dtype=np.int64)
        for core in range(prices.cores):
            begin, end = on_times(trace, component, prices.engine_keeps, core=core)
            np.add.at(active, np.searchsorted(edges, begin), 1)
            np.add.at(active, np.searchsorted(edges, end), -1)
        power += np.cumsum(active)[:-1] * (prices.static_w[component] / prices.cores)
    impulse_fs: list[Times] = []
    impulse_energy: list[NDArray[np.float64]] = []
    for (component, action), price in sorted(prices.dynamic.items()):
        lanes = np.flatnonzero(components == component)
        rows = np.flatnonzero(np.isin(trace.unit, lanes) & (trace.action == ACTIONS.index(action)))
        durations = trace.end_fs[rows] - trace.start_fs[rows]
        for duration in np.unique(durations):
            chosen = rows[durations == duration]
            if duration == 0:
                impulse_fs.append(trace.end_fs[chosen])
                impulse_energy.append(np.full(len(chosen), price))
                continue
            change = np.zeros(len(edges), dtype=np.int64)
            np.add.at(change, np.searchsorted(edges, trace.start_fs[chosen]), 1)
            np.add.at(change, np.searchsorted(edges, trace.end_fs[chosen]), -1)
            power += np.cumsum(change)[:-1] * (price / (float(duration) / _FS_PER_S))
    times = np.concatenate([*impulse_fs, np.zeros(0, dtype=np.int64)])
    energies = np.concatenate([*impulse_energy, np.zeros(0)])
    order = np.argsort(times, kind="stable")
    return PowerTrace(edges, power, times[order], energies[order])
