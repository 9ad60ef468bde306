"""Comparisons of the library with published figures: tolerances, sources, pass or fail.

Nothing is tuned here: where a value was chosen so as to meet the published figure, `fitted` of the
check names it, and the check proves no more than that the equations are consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from pnnsim.common.hints import did_you_mean
from pnnsim.errors import Problem, SpecError
from pnnsim.specs.resolve import published_figures
from pnnsim.testing.published import described, devices, machines, networks, throughput
from pnnsim.testing.published.check import Check, Demonstration

__all__ = ["DEMONSTRATIONS", "Check", "Demonstration", "verify"]

_ALL: tuple[tuple[Demonstration, Callable[[], Iterator[Check]]], ...] = (
    (throughput.TENSOR_CORE, throughput.tensor_core),
    (throughput.CONVOLUTION, throughput.convolution),
    (devices.HEATER, devices.heater),
    (devices.SWITCH, devices.switch),
    (devices.MIRRORS, devices.mirrors),
    (devices.RINGS, devices.rings),
    (networks.ANALOG_COMPUTER, networks.analog_computer),
    (networks.JUNCTIONS, networks.junctions),
    (machines.MACROS, machines.mram_macros),
    (machines.HERMES, machines.electronic_pcm),
    (networks.SURVEY, networks.adc_survey),
)

#: Names of all demonstrations, in the order in which they are checked: single figures first, then
#: the machines that are described from their works.
DEMONSTRATIONS: tuple[str, ...] = (*(known.name for known, _ in _ALL), *published_figures())


def verify(names: Iterable[str] = ()) -> list[Check]:
    """Return the comparisons with some published demonstrations, or with all of them.

    Args:
        names: Names of demonstrations; none for all.

    Raises:
        SpecError: If there is no demonstration of a name.
    """
    wanted = tuple(names)
    problems = [
        Problem(
            "verify",
            f"unknown demonstration '{name}'; expected one of {', '.join(DEMONSTRATIONS)}",
            did_you_mean(name, DEMONSTRATIONS),
        )
        for name in wanted
        if name not in DEMONSTRATIONS
    ]
    if problems:
        raise SpecError(problems)
    runs = {known.name: run for known, run in _ALL}
    runs |= {name: partial(described.checks, name) for name in published_figures()}
    return [check for name, run in runs.items() if not wanted or name in wanted for check in run()]
