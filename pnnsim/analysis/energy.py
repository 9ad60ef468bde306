"""Price the actions of a trace: energy by component and action, and power against time.

Energy is (times an action happened) x (its price) + static power x time on. Nothing else adds
energy, and the integral of the power trace is the total of the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.gating import on_fs, on_times
from pnnsim.common.cost import Cost
from pnnsim.common.times import Times, seconds, wide_enough
from pnnsim.common.units import from_fs
from pnnsim.mapping.prices import PriceTable
from pnnsim.timing.trace import ACTIONS

if TYPE_CHECKING:  # arrivals of several cores load torch
    from pnnsim.timing.multicore import AnyTrace

#: Name under which static power stands in lists of actions.
STATIC = "static"

_FS_PER_S = 10**15


@dataclass(frozen=True, slots=True)
class EnergyLedger:
    """Cost of a run, one line for each component and action.

    Args:
        lines: Cost of the whole run by (component, action): how often, busy time of all lanes
            together, energy. Static power has a line of its own for each component that draws any:
            `static` as its action, count 0, and the time for which it was drawn.
    """

    lines: Mapping[tuple[str, str], Cost]

    @classmethod
    def from_trace(cls, trace: AnyTrace, prices: PriceTable) -> EnergyLedger:
        """Count the actions of a trace and price them.

        A component draws its static power for the makespan; where it is gated, while it works or
        keeps something, as a mean over the cores.

        Args:
            trace: Trace of the run.
            prices: Energy of each action and static power of each component.
        """
        lines = {
            pair: Cost(count, from_fs(busy_fs), count * prices.dynamic.get(pair, 0.0))
            for pair, (count, busy_fs) in _busy(trace).items()
        }
        for component, power in sorted(prices.static_w.items()):
            on_s = from_fs(trace.makespan_fs)
            if component in prices.gated:
                on = sum(on_fs(part, component, prices.engine_keeps) for part in trace.parts)
                on_s = on / prices.cores / _FS_PER_S
            lines[component, STATIC] = Cost(0, on_s, power * on_s)
        return cls(lines)

    def by_component(self) -> dict[str, float]:
        """Return the energy of each component, static power included [J]."""
        return _grouped((component, cost) for (component, _), cost in self.lines.items())

    def by_action(self) -> dict[str, float]:
        """Return the energy of each action over all components; static power is one of them [J]."""
        return _grouped((action, cost) for (_, action), cost in self.lines.items())

    def static_by_component(self) -> dict[str, float]:
        """Return the energy of the static power of each component that draws any [J]."""
        return {
            component: cost.energy_j
            for (component, action), cost in self.lines.items()
            if action == STATIC
        }

    @property
    def dynamic(self) -> float:
        """Return the energy of all actions [J]."""
        return math.fsum(c.energy_j for (_, action), c in self.lines.items() if action != STATIC)

    @property
    def static(self) -> float:
        """Return the energy of static power [J]."""
        return math.fsum(c.energy_j for (_, action), c in self.lines.items() if action == STATIC)

    @property
    def total(self) -> float:
        """Return the energy of the run [J]."""
        return math.fsum(cost.energy_j for cost in self.lines.values())


@dataclass(frozen=True, slots=True, eq=False)
class PowerTrace:
    """Power against time: constant pieces, and impulses of actions that take no time.

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

    def spent(self) -> NDArray[np.float64]:
        """Return the integral up to each end of a piece, shape `(n_piece + 1,)` [J]."""
        pieces = np.append(0.0, self.power * seconds(np.diff(self.t_fs)))
        at = np.searchsorted(self.t_fs, self.impulse_fs)
        impulses = np.bincount(at, weights=self.impulse_energy, minlength=len(self.t_fs))
        return np.asarray(np.cumsum(pieces + impulses))

    def until(self, end_fs: int) -> PowerTrace:
        """Return the part up to a time [fs], impulses at that time included."""
        edges = self.t_fs[self.t_fs < end_fs]
        if len(edges) < len(self.t_fs):
            edges = np.append(edges, self.t_fs.dtype.type(end_fs))
        kept = self.impulse_fs <= end_fs
        return PowerTrace(
            edges, self.power[: len(edges) - 1], self.impulse_fs[kept], self.impulse_energy[kept]
        )


def counts(trace: AnyTrace) -> dict[tuple[str, str], int]:
    """Return how often each (component, action) happened, in alphabetic order.

    A span counts its amount: the lines, states or operations of all vectors of its sample.
    """
    return {pair: count for pair, (count, _) in _busy(trace).items()}


def power_trace(run: AnyTrace, prices: PriceTable) -> PowerTrace:
    """Spread the energy of each span evenly over it and add the static power.

    Spans of one component, action and duration draw a power in proportion to what they count. Their
    amounts are added as integers in each piece, so that no rounding adds up along the run.

    Args:
        run: Trace of the run.
        prices: Energy of each action and static power of each component.
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
                impulse_energy.append(trace.amount[chosen] * price)
                continue
            change = np.zeros(len(edges), dtype=np.int64)
            amount = trace.amount[chosen]
            np.add.at(change, np.searchsorted(edges, trace.start_fs[chosen]), amount)
            np.add.at(change, np.searchsorted(edges, trace.end_fs[chosen]), -amount)
            power += np.cumsum(change)[:-1] * (price / (float(duration) / _FS_PER_S))
    times = np.concatenate([*impulse_fs, np.zeros(0, dtype=np.int64)])
    energies = np.concatenate([*impulse_energy, np.zeros(0)])
    order = np.argsort(times, kind="stable")
    return PowerTrace(edges, power, times[order], energies[order])


def _busy(trace: AnyTrace) -> dict[tuple[str, str], tuple[int, int]]:
    """Return count and summed duration [fs] of each (component, action), in alphabetic order.

    Of several vectors, the first alone takes the time of a span of the encoder's stages; the other
    ones pass them while the symbols are kept.
    """
    components = trace.components()
    base, times = trace.base, trace.row_counts()
    lengths = base.end_fs - base.start_fs
    most = float(lengths.astype(np.float64) @ times)
    shape = len(components), len(ACTIONS)
    counted = float(base.amount.astype(np.float64) @ times)
    number = wide_enough(np.zeros(shape, dtype=np.int64), counted)
    np.add.at(number, (base.unit, base.action), wide_enough(base.amount, counted) * times)
    busy = wide_enough(np.zeros(shape, dtype=np.int64), most)
    np.add.at(busy, (base.unit, base.action), wide_enough(lengths, most) * times)
    happened = np.zeros(shape, dtype=bool)
    happened[base.unit, base.action] = True
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for lane, action in np.argwhere(happened):
        pair = components[lane], ACTIONS[action]
        count, busy_fs = found.get(pair, (0, 0))
        found[pair] = count + int(number[lane, action]), busy_fs + int(busy[lane, action])
    return dict(sorted(found.items()))


def _grouped(lines: Iterable[tuple[str, Cost]]) -> dict[str, float]:
    """Return the energy of costs under the same name, in alphabetic order [J]."""
    groups: dict[str, list[float]] = {}
    for name, cost in lines:
        groups.setdefault(name, []).append(cost.energy_j)
    return {name: math.fsum(groups[name]) for name in sorted(groups)}
