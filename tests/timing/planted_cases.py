"""Runs whose traces are damaged on purpose, and the table of damages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pnnsim.mapping.delays import Stage
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals, poisson
from pnnsim.timing.trace import Trace
from tests.timing.machines import Machine, machine
from tests.timing.planted import Fault

PLAIN = machine(samples=3)


BLOCKS = machine(samples=4, block=2, hold_fs=9)


SAME_BANK = machine(samples=4, block=2, sets=1, banks=1)


TWO_DRIVERS = machine(
    sets=3, steps=6, banks=2, prefetch=True, write_drivers=2, route_fs=3, write_fs=20
)


QUEUE = machine(samples=5, block=5)


APART = machine(samples=2, overlap=False)


REWRITE = machine(samples=2, sets=3, steps=3, route_fs=3, write_fs=10)


AHEAD = machine(samples=2, sets=3, steps=3, banks=2, prefetch=True, route_fs=3, write_fs=20)


#: Bank 0 is refreshed at 15 and 29, see `test_timing_refresh`.
REFRESH = machine(samples=3, block=3, sets=1, steps=1, banks=1, write_fs=10, refresh_fs=12)


TWO_DUE = machine(samples=4, write_fs=10, refresh_fs=25, write_drivers=2)


#: Two tiles on one bank: two products in each of two steps.
FOLDS = machine(samples=2, sets=1, steps=2, banks=1, tile=(2, 4), write_fs=6)


TILES = machine(samples=4, banks=4, tile=(2, 4), write_fs=10, refresh_fs=25, write_drivers=4)


#: A loop with room for two states, each of which comes back after 20.
LOOP = machine(samples=4, block=2, hold_fs=20)


RANDOM = machine(samples=12, block=3, arrivals=poisson(12, 1 / 40e-15, 3))


#: A queue with two places, and more that come.
FULL = machine(
    samples=6, sets=1, steps=1, banks=1, arrivals=Arrivals(6, (0,) * 5 + (40,), capacity=2)
)


TIMES = machine(samples=3, arrivals=Arrivals(3, (0, 5, 60)))


SLOW_READOUT = machine(
    samples=5, sets=1, steps=1, banks=1, output=(Stage("readout", "convert", 16),)
)


CONVERTERS = machine(
    samples=3,
    input=(Stage("front_end", "map_input", 2), Stage("encoder.dac", "convert", 2)),
    output=(Stage("readout", "convert", 3), Stage("front_end.output", "map_output", 4)),
)


KEPT = replace(machine(samples=4, block=2, route_fs=2).work, stateful=True)


FAULTS: list[Fault] = []


Damage = Callable[[Trace], Trace | tuple[Trace, Work]]


def planted(case: Machine | Work, message: str) -> Callable[[Damage], Damage]:
    """Enter a damage into the table, under the name of the function."""

    def enter(damage: Damage) -> Damage:
        work = case.work if isinstance(case, Machine) else case
        requests = case.requests if isinstance(case, Machine) else Arrivals(4)
        FAULTS.append(Fault(damage.__name__, work, requests, damage, message))
        return damage

    return enter
