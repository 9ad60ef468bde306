"""Component, the base of every part of a machine, whatever its family.

A component has three views, and each is read by one engine only:

* timing: `delay_fs(action)`, how long each of its actions takes;
* values: what it does to signals (the abstract methods of its family), torch only;
* cost: `cost(action)` per action, `static_power()` and `area()`.

No view calls another, and no view reads a clock: values that depend on time take elapsed times.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.common.units import to_fs
from pnnsim.devices.quantities import Carrier
from pnnsim.devices.quantities import Params as Description
from pnnsim.physics import dynamics

P = TypeVar("P", bound=Description)

#: What differs from one chip to the next: name → tensor. Empty for a nominal chip.
State = dict[str, Tensor]

#: Names of the non-idealities that are switched on, such as `weight_banks.crosstalk`.
Active = Set[str]


@dataclass(frozen=True, slots=True)
class Size:
    """Share of a machine that a network uses.

    Args:
        inputs: Values of one input vector.
        hidden: Width N of the state: activations, cells of the memory and of the readout.
        lines: Inputs of one logical bank, each with its encoder.
        detectors: Outputs of one logical bank, each with its detector.
        outputs: Values of one result.
        banks: Logical banks, each holding one whole weight matrix.
        tiles_out: Physical banks that share the outputs of one logical bank.
        tiles_in: Physical banks that share the inputs of one logical bank.
        analog_state: Whether the state stays analog between steps.
        temperature: Temperature of the package [K].
        carrier: What a line carries; banks of light that add as fields also leak as fields.
        line_power: Power [W], or voltage [V], of a line at logical 1 at a weight bank; 0 for parts
            other than banks.
        symbol_time: How long a symbol lasts where the lines of a bank follow each other [s]; 0
            where they come side by side.
    """

    inputs: int
    hidden: int
    lines: int
    detectors: int
    outputs: int
    banks: int
    tiles_out: int
    tiles_in: int
    analog_state: bool
    temperature: float
    carrier: Carrier
    line_power: float = 0.0
    symbol_time: float = 0.0


class Component(ABC, Generic[P]):
    """Part of a machine, with a view each for timing, values and cost."""

    part: ClassVar[str]
    kind: ClassVar[str]
    Params: ClassVar[type[Description]]
    non_idealities: ClassVar[tuple[str, ...]] = ()
    #: Those that are the same on every chip at every time, so that training can include them.
    deterministic: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: P, size: Size) -> None:
        self.params = params
        self.size = size
        #: What fabrication has made of this part; empty on the nominal chip, and for weight banks,
        #: each of which has a state of its own.
        self.state: State = {}

    @property
    def absent(self) -> frozenset[str]:
        """Return the non-idealities of the kind that this description leaves out."""
        return frozenset()

    def as_built(self, state: State) -> Self:
        """Return this part as one chip has it.

        Args:
            state: What `fabricate` has drawn for that chip.
        """
        if not state:
            return self
        built = copy.copy(self)
        built.state = state
        return built

    @abstractmethod
    def delay_fs(self, action: str) -> int:
        """Return how long one action takes [fs]; KeyError where the part has no such action."""

    @abstractmethod
    def cost(self, action: str) -> float:
        """Return the energy of one action for one whole sample [J]; KeyError as `delay_fs`."""

    @abstractmethod
    def static_power(self) -> float:
        """Return the power drawn while the machine is on [W]."""

    def area(self) -> float | None:
        """Return the chip area [m^2], or None where the description does not fix it."""
        return None

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw what is fixed once per chip; a part without spread draws nothing."""
        return {}

    def warnings(self) -> tuple[str, ...]:
        """Return warnings to the designer about these parameters."""
        return ()

    def overload(self, power: float) -> tuple[str, ...]:
        """Return warnings to the designer about a signal of this size at the part.

        Args:
            power: Power [W], or voltage [V], of one line at logical 1 that reaches the part; at the
                detector, what one line of weight 1 gives.
        """
        return ()

    def on(self, active: Active, non_ideality: str) -> bool:
        """Return whether one of this part's non-idealities is switched on.

        Args:
            active: Non-idealities that are switched on, with the name of their part.
            non_ideality: Name without that of the part.
        """
        return f"{self.part}.{non_ideality}" in active

    def unsettled(self, elapsed: Tensor, time_constant: float, active: Active) -> Tensor:
        """Return what an exponential approach has left; nothing where `settling` is off.

        Args:
            elapsed: Time since the change [s].
            time_constant: One-pole time constant [s].
            active: Non-idealities that are switched on.

        Returns:
            Share of the change that is left, as `elapsed`.
        """
        if not self.on(active, "settling"):
            return torch.zeros_like(elapsed)
        return dynamics.residue(elapsed, time_constant)


def built_parts(
    components: Mapping[str, Component[Any]], path: str, seed: int
) -> dict[str, Component[Any]]:
    """Return the parts of a machine with what fabrication makes of each on one chip.

    Weight banks stay as they are: each has a draw of its own.

    Args:
        components: Part name → component.
        path: Path of the chip, under which its parts draw their random numbers.
        seed: Seed of those numbers.
    """
    return {
        part: component
        if part == "weight_banks"
        else component.as_built(component.fabricate(stream(seed, f"{path}.{part}", "fabrication")))
        for part, component in components.items()
    }


class BandLimited(Protocol):
    """Description of what settles on a new value with one pole."""

    @property
    def bandwidth(self) -> float:
        """Return the 3 dB bandwidth [Hz]."""

    @property
    def bits(self) -> int:
        """Return the depth to which a new value settles."""

    @property
    def settling_time(self) -> float | None:
        """Return the wait for a new value [s]; None where it follows from the other two."""


def band_wait_fs(params: BandLimited) -> int:
    """Return the wait of a part of one pole [fs]: as described, or until half a bit is left."""
    time_constant = dynamics.time_constant_from_bandwidth(params.bandwidth)
    return wait_fs(params.settling_time, time_constant, params.bits)


def wait_fs(given: float | None, time_constant: float, bits: int) -> int:
    """Return the wait of a part of one pole [fs], as `settling`."""
    return to_fs(settling(given, time_constant, bits))


def settling(given: float | None, time_constant: float, bits: int) -> float:
    """Return the settling time of a part of one pole [s]: as given, or until half a bit is left.

    Args:
        given: Described settling time [s]; None where it follows from the other two.
        time_constant: One-pole time constant [s].
        bits: Depth to which the part settles.
    """
    return dynamics.settling_time(time_constant, bits) if given is None else given
