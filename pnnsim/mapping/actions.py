"""Name the columns of a trace, and the words and marks in them.

What reads columns only, as `pnnsim.timing.invariants` does, needs no more than this.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pnnsim.common.times import Times

Ints = NDArray[np.int64]

#: Every action that a span can have. Component and unit say who does it.
ACTIONS: tuple[str, ...] = (
    "map_input",  # front_end: W_xh x
    "convert",  # encoder: digital to analog; readout: analog to digital
    "encode",  # encoder: modulator or row driver settles on the state
    "propagate",  # weight_banks: light on its way; occupies nothing
    "mvm",  # weight_banks: response of the bank
    "detect",  # detector: settle, integrate, capture
    "activate",  # nonlinearity: f
    "hold",  # memory: acquire the state for the next step
    "route",  # switch: move to another bank
    "write",  # weight_banks: program a bank
    "map_output",  # front_end: W_out h
    "hold_symbol",  # encoder: keep the symbol while bank and detector respond to it
    "refresh",  # weight_banks: program a bank again with what it holds
)

#: A span that nothing had to precede.
NO_CAUSE = -1

#: Lane of the digital engine, which computes input maps and output maps one at a time.
ENGINE_LANE = "front_end"

#: Lane of light on its way. It is no unit: any number of samples may be under way at once.
PATH_LANE = "weight_banks.path"


def is_path(unit: str) -> bool:
    """Return whether a lane is that of light on its way, on whichever core."""
    return unit == PATH_LANE or unit.startswith(f"{PATH_LANE}.")


def core_of(unit: str) -> int:
    """Return the core of a lane; 0 on a machine with a single one."""
    _, mark, number = unit.rpartition(".core")
    return int(number) if mark else 0


class Columns(Protocol):
    """Have the columns of a trace; `pnnsim.Trace` says what they mean."""

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
    def step(self) -> Ints:
        """Step of each span."""

    @property
    def bank(self) -> Ints:
        """Bank of each span."""

    @property
    def weight_set(self) -> Ints:
        """Weight set of each span."""

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
