"""The table of actions, and the names of the columns of a trace.

What reads columns only, as `pnnsim.timing.invariants` does, needs no more than this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.times import Times

Ints = NDArray[np.int64]

#: A span that nothing had to precede.
NO_CAUSE = -1

#: Lane of the digital engine, which computes input maps and output maps one at a time.
ENGINE_LANE = "front_end"

#: Lane of the converter that hands results, and values for digital steps, over as numbers.
READOUT_LANE = "readout"

#: Lane of light on its way. It is no unit: any number of samples may be under way at once.
PATH_LANE = "weight_banks.path"

#: When an action takes place: in the stages that `Delays` lists, behind the encoder at each
#: product, or ahead of an access, for no single sample.
When = Literal["stage", "product", "preparing"]


@dataclass(frozen=True, slots=True)
class Action:
    """What a span can do.

    Args:
        name: The action.
        components: Components that do it, and pay for it.
        when: When it takes place.
        lane: Lane, with `{bank}` in the place of a number; empty where a stage names it.
        place: Place in the order of spans that end together and take no time.
        price: Action whose price it has; None where it is free.
        exclusive: Whether its lane does one thing at a time.
    """

    name: str
    components: tuple[str, ...]
    when: When
    lane: str
    place: int
    price: str | None
    exclusive: bool = True


_BANK = "weight_banks.{bank}"

#: Every action that a span can have; a trace has their numbers in this table.
TABLE: tuple[Action, ...] = (
    # W_xh x
    Action("map_input", ("front_end",), "stage", "", 2, "map_input"),
    # Encoder: digital to analog; readout: analog to digital.
    Action("convert", ("encoder", "readout"), "stage", "", 3, "convert"),
    # Modulator or row driver settles on the state.
    Action("encode", ("encoder",), "stage", "", 4, "encode"),
    # Light on its way; occupies nothing.
    Action("propagate", ("weight_banks",), "product", PATH_LANE, 6, "propagate", exclusive=False),
    # Response of the bank.
    Action("mvm", ("weight_banks",), "product", _BANK, 7, "mvm"),
    # Settle, integrate, capture.
    Action("detect", ("detector",), "product", "detector", 8, "detect"),
    # f
    Action("activate", ("nonlinearity",), "product", "nonlinearity", 9, "activate"),
    # Acquire the state for the next step; a whole block may be under way.
    Action("hold", ("memory",), "product", "memory", 12, "hold", exclusive=False),
    # Move to another bank.
    Action("route", ("switch",), "preparing", "switch", 1, "route"),
    # Program a bank.
    Action("write", ("weight_banks",), "preparing", _BANK, 0, "write"),
    # W_out h
    Action("map_output", ("front_end",), "stage", "", 13, "map_output"),
    # Keep the symbol while bank and detector respond to it; part of the price of `encode`.
    Action("hold_symbol", ("encoder",), "product", "", 5, None),
    # Program a bank again with what it holds.
    Action("refresh", ("weight_banks",), "preparing", _BANK, 14, "write"),
    # Analog to digital, of values that digital steps read.
    Action("digitize", ("readout",), "product", READOUT_LANE, 10, "convert"),
    # Digital steps between products; its price is that of one operation.
    Action("compute", ("front_end",), "product", ENGINE_LANE, 11, None),
)

#: Names of the actions, by number.
ACTIONS: tuple[str, ...] = tuple(action.name for action in TABLE)

#: Actions that serve no single sample.
PREPARING: tuple[str, ...] = tuple(a.name for a in TABLE if a.when == "preparing")

#: Lanes that hold any number of spans at once.
SHARED_LANES = frozenset(a.lane for a in TABLE if not a.exclusive)


def numbers(*names: str) -> list[int]:
    """Return the numbers of actions."""
    return [ACTIONS.index(name) for name in names]


def priced_actions(component: str) -> tuple[str, ...]:
    """Return the actions of a component that have a price of their own."""
    return tuple(a.name for a in TABLE if component in a.components and a.price == a.name)


def is_path(unit: str) -> bool:
    """Return whether a lane is that of light on its way, on whichever core."""
    return unit.removesuffix(f".core{core_of(unit)}") == PATH_LANE


def is_shared(unit: str) -> bool:
    """Return whether a lane holds any number of spans at once, on whichever core."""
    return unit.removesuffix(f".core{core_of(unit)}") in SHARED_LANES


def numbered(whole: Ints, fold: Ints, firsts: int | Ints) -> Ints:
    """Return steps or matrices and their folds as one number; -1 where there is none.

    Args:
        whole: Step or matrix of each span, shape `(n_span,)`.
        fold: Fold of it, same shape.
        firsts: Folds of each where all have as many, or the number of the first fold of each.
    """
    if isinstance(firsts, int):
        return whole if firsts == 1 else np.where(whole < 0, -1, whole * firsts + fold)
    return np.where(whole < 0, -1, firsts[whole] + fold)


def parted(number: Ints, firsts: int | Ints) -> tuple[Ints, Ints]:
    """Return the step or matrix of each number that `numbered` gives, and its fold; -1 for none.

    Args:
        number: Number of each span, shape `(n_span,)`.
        firsts: As for `numbered`.
    """
    if isinstance(firsts, int):
        return number // firsts, np.where(number < 0, -1, number % firsts)
    whole = np.searchsorted(firsts, number, side="right").astype(np.int64) - 1
    return whole, np.where(number < 0, -1, number - firsts[whole])


def core_of(unit: str) -> int:
    """Return the core of a lane; 0 on a machine with a single one."""
    _, mark, number = unit.rpartition(".core")
    return int(number) if mark else 0


class Columns(Protocol):
    """The columns of a trace; `pnnsim.Trace` says what they mean."""

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the lanes."""

    @property
    def unit(self) -> Ints:
        """Lane of each span."""

    @property
    def action(self) -> Ints:
        """Action of each span."""

    @property
    def start_fs(self) -> Times:
        """Start of each span [fs]."""

    @property
    def end_fs(self) -> Times:
        """End of each span [fs]."""

    @property
    def sample(self) -> Ints:
        """Sample that each span served."""

    @property
    def product(self) -> Ints:
        """Product of each span among those of a sample."""

    @property
    def bank(self) -> Ints:
        """Bank of each span."""

    @property
    def content(self) -> Ints:
        """Return what the bank of each span holds: a weight set, or a fold of it."""

    @property
    def amount(self) -> Ints:
        """Return what each span counts."""

    @property
    def cause(self) -> Ints:
        """Row that allowed each span to start."""

    @property
    def arrival_fs(self) -> Times:
        """Arrival of each sample [fs]."""

    @property
    def result_fs(self) -> Times:
        """Result of each sample [fs]."""

    @property
    def dropped(self) -> Ints:
        """Numbers of the requests that found the queue full."""

    @property
    def samples(self) -> int:
        """Number of samples."""

    def __len__(self) -> int:
        """Return the number of spans."""

    def rows(self, action: str) -> Ints:
        """Return the rows with this action, in row order."""
