"""State what every kind of part must answer, family by family.

A component has three views, and each is read by one engine only:

* timing: `delay_fs(action)`, how long each of its actions takes;
* values: what it does to signals (the abstract methods of its family), torch only;
* cost: `cost(action)` per action, `static_power()` and `area()`.

No view calls another, and a component never knows the clock: values that depend on time are given
elapsed times. Classes here are abstract; a kind is final.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Set
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from pnnsim.params.base import Params as Description
from pnnsim.physics import dynamics
from pnnsim.units import to_fs

P = TypeVar("P", bound=Description)

#: What differs from one chip to the next: name → tensor. Empty for a nominal chip.
State = dict[str, Tensor]

#: Names of the imperfections that are switched on, such as `weight_banks.crosstalk`.
Active = Set[str]


@dataclass(frozen=True, slots=True)
class Size:
    """Say how much of a machine a network uses.

    Args:
        inputs: Values of one input vector.
        lines: Width N of the state: encoders, detectors and activations in use.
        outputs: Values of one result.
        banks: Logical banks, each holding one whole weight matrix.
        tiles_out: Physical banks that share the outputs of one logical bank.
        tiles_in: Physical banks that share the inputs of one logical bank.
        analog_state: Whether the state stays analog between steps.
        temperature: Temperature of the package [K].
    """

    inputs: int
    lines: int
    outputs: int
    banks: int
    tiles_out: int
    tiles_in: int
    analog_state: bool
    temperature: float


@dataclass(frozen=True, slots=True)
class Light:
    """Describe what reaches a detector for one step, in logical units.

    Args:
        signal: Weighted sum, shape `(batch, n_out)`.
        total: Sum of everything that is absorbed, sign dropped, shape `(batch, 1)`.
        squares: Sum of the squared terms of `signal`, shape `(batch, n_out)`: independent
            sources add their noise in power. None where no noise is drawn.
        square_total: Sum of the squared terms of `total`, shape `(batch, 1)`, or None likewise.
        unit_current: Photocurrent of logical 1 [A].
        unit_power: Power of logical 1 at the detector [W].
        intensity_noise: Relative intensity noise of one source [1/Hz].
    """

    signal: Tensor
    total: Tensor
    squares: Tensor | None
    square_total: Tensor | None
    unit_current: float
    unit_power: float
    intensity_noise: float


class Component(ABC, Generic[P]):
    """Be one part of a machine, seen by timing, values and cost."""

    part: ClassVar[str]
    kind: ClassVar[str]
    Params: ClassVar[type[Description]]
    imperfections: ClassVar[tuple[str, ...]] = ()
    #: Those that are the same on every chip at every time, so that training can know them.
    deterministic: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: P, size: Size) -> None:
        self.params = params
        self.size = size

    @abstractmethod
    def delay_fs(self, action: str) -> int:
        """Return how long one action takes [fs]; KeyError where the part does not know it."""

    @abstractmethod
    def cost(self, action: str) -> float:
        """Return the energy of one action for one whole wave [J]; KeyError as `delay_fs`."""

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
        """Return what a designer should know about these parameters."""
        return ()

    def on(self, active: Active, imperfection: str) -> bool:
        """Return whether one of this part's imperfections is switched on."""
        return f"{self.part}.{imperfection}" in active


class FrontEnd(Component[P]):
    """Compute the input map and the output map."""

    part = "front_end"

    @abstractmethod
    def map_input(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return `x W_xh^T + b`, shape `(batch, n_hidden)`."""

    @abstractmethod
    def map_output(self, state: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return `h W_out^T + b`, shape `(batch, n_out)`."""


class Encoder(Component[P]):
    """Put the state onto lines."""

    part = "encoder"

    @abstractmethod
    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return what the lines carry, within their range, shape as `state`.

        Args:
            state: State h, shape `(batch, n_line)`.
            converted: Whether the state comes through the digital-to-analog converter.
            active: Imperfections that are switched on.
        """

    @property
    @abstractmethod
    def line_power(self) -> float:
        """Return the power of one line at logical 1 [W]."""

    @property
    @abstractmethod
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of one line [1/Hz]; 0 for electrical lines."""


class Switch(Component[P]):
    """Choose the weight bank."""

    part = "switch"

    @property
    @abstractmethod
    def transmission(self) -> float:
        """Return the power that reaches the selected bank, as a fraction."""

    @abstractmethod
    def leakage(self, active: Active) -> float:
        """Return the part of an unselected bank's product that adds to the selected one's."""

    @abstractmethod
    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return the share of the previous bank that is left after a dwell [s]."""


class WeightBank(Component[P]):
    """Hold weight matrices."""

    part = "weight_banks"

    @abstractmethod
    def program(self, target: Tensor, state: State, active: Active) -> Tensor:
        """Return the weights that a bank has once settled.

        Args:
            target: Wanted weights in [-1, 1], shape `(n_out, n_in)`.
            state: What this bank's fabrication and environment add.
            active: Imperfections that are switched on.
        """

    @abstractmethod
    def write_deviation(self, active: Active) -> float:
        """Return the standard deviation of a weight from one programming to the next."""

    @abstractmethod
    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return the share of the replaced weights left, by time since the write began [s]."""

    @abstractmethod
    def setup_wait(self) -> float:
        """Return how long a written machine waits before its first wave [s]."""

    @property
    @abstractmethod
    def rest_weight(self) -> float:
        """Return the weight of a cell that was never written."""

    @property
    @abstractmethod
    def transmission(self) -> float:
        """Return the power that one line sends to one output at weight 1, as a fraction."""

    @property
    @abstractmethod
    def absorbed(self) -> float:
        """Return the power of one line that an output absorbs, over that at weight 1."""

    def environment(
        self, previous: State | None, elapsed: float, generator: torch.Generator
    ) -> State:
        """Return what drifts with time, some time [s] after `previous`; None at the start."""
        return {}

    def correlation_time(self) -> float:
        """Return the time scale on which `environment` changes [s]."""
        return float("inf")


class Detector(Component[P]):
    """Turn what leaves a bank into an electrical signal."""

    part = "detector"

    @property
    @abstractmethod
    def responsivity(self) -> float:
        """Return the current per power [A/W]."""

    @abstractmethod
    def detect(self, light: Light, generator: torch.Generator | None, active: Active) -> Tensor:
        """Return the captured signal in logical units, shape `(batch, n_out)`.

        Args:
            light: What reaches the detector.
            generator: Stream of the read noise; None for no noise.
            active: Imperfections that are switched on.
        """


class Nonlinearity(Component[P]):
    """Apply the activation f."""

    part = "nonlinearity"

    @abstractmethod
    def activate(self, value: Tensor) -> Tensor:
        """Return f of the pre-activation, shape as `value`."""

    @property
    @abstractmethod
    def slope(self) -> float:
        """Return the steepest slope of f, by which training scales its first weights."""


class Memory(Component[P]):
    """Keep the state between steps."""

    part = "memory"
    analog: ClassVar[bool]

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Return how many waves fit."""

    @abstractmethod
    def hold(self, state: Tensor, held: Tensor | None, active: Active) -> Tensor:
        """Return the state after it was held for some time [s], shape `(batch, 1)`."""


class Readout(Component[P]):
    """Hand the result to the host."""

    part = "readout"

    @abstractmethod
    def read(self, state: Tensor, active: Active) -> Tensor:
        """Return the state as numbers, shape as `state`."""


def wait_fs(given: float | None, time_constant: float, bits: int) -> int:
    """Return the wait of a first-order part [fs]: as given, or until half a bit is left."""
    wait = dynamics.settling_time(time_constant, bits) if given is None else given
    return to_fs(wait)
