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

from pnnsim.params.base import Carrier
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
        carrier: What a line carries; banks of light that add as fields also leak as fields.
    """

    inputs: int
    lines: int
    outputs: int
    banks: int
    tiles_out: int
    tiles_in: int
    analog_state: bool
    temperature: float
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class Held:
    """Hold what a bank makes of a weight matrix.

    Args:
        weights: Effective weights in logical units, shape `(n_out, n_in)`.
        scale: Signal at weight 1 over that of the bank's `transmission`: a passive mesh must scale
            a matrix down to singular values of at most 1, and the detector sees less.
        light: Light of each line that each output absorbs, over that at weight 1, as `weights`;
            None where the bank's `absorbed` says so for every weight.
    """

    weights: Tensor
    scale: float | Tensor = 1.0
    light: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """Describe what reaches a detector in one step, in logical units.

    Args:
        signal: Weighted sum, shape `(batch, n_out)`.
        total: Sum of all light that is absorbed, sign dropped, shape `(batch, n_out)`, or
            `(batch, 1)` where it is the same on every output.
        squares: Sum of the squared terms of `signal`, shape `(batch, n_out)`: independent
            sources add their noise in power. None where no noise is drawn.
        square_total: Sum of the squared terms of `total`, as `total`, or None likewise.
        unit_input: Power [W], or current [A], of logical 1 at the detector, shape `()`.
        intensity_noise: Relative intensity noise of one source [1/Hz].
        emission: Spontaneous emission that an optical amplifier sends along with each line, at the
            detector behind weight 1 [W/Hz]; 0 without one.
        conductance: Conductance that hangs on one output node [S]; 0 for light.
        beats: Sum of the lines, each times its squared weight, shape `(batch, n_out)`: what beats
            with the emission. None without an amplifier or where no noise is drawn.
    """

    signal: Tensor
    total: Tensor
    squares: Tensor | None
    square_total: Tensor | None
    unit_input: float | Tensor
    intensity_noise: float = 0.0
    emission: float = 0.0
    conductance: float = 0.0
    beats: Tensor | None = None


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

    def overload(self, power: float) -> tuple[str, ...]:
        """Return what a designer should know about so much of a signal at this part.

        Args:
            power: Power [W], or voltage [V], of one line at logical 1 that reaches the part; at the
                detector, what one line of weight 1 gives.
        """
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
    def full_scale(self) -> float:
        """Return the power [W], or the voltage [V], of one line at logical 1."""

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of one line [1/Hz]; 0 for electrical lines."""
        return 0.0


class Switch(Component[P]):
    """Choose the weight bank."""

    part = "switch"

    @property
    @abstractmethod
    def transmission(self) -> float:
        """Return the part of the power, or current, that goes by way of the selected bank."""

    @abstractmethod
    def leakage(self, active: Active) -> float:
        """Return the part of an unselected bank's product that adds to the selected one's.

        Banks of light that add as fields leak as fields: the square root of the power.
        """

    @abstractmethod
    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return the share of the previous bank that is left after a dwell [s]."""

    def injection(self, dwell: Tensor, active: Active) -> Tensor | None:
        """Return the current that a move leaves on an output after a dwell [A]; None for none."""
        return None

    @property
    def emission(self) -> float:
        """Return the spontaneous emission at the switch's output [W/Hz]; 0 without an amplifier.

        It is noise where the switch's imperfection `emission` is on.
        """
        return 0.0

    @property
    def endurance(self) -> float:
        """Return how many moves the switch survives."""
        return float("inf")


class WeightBank(Component[P]):
    """Hold weight matrices."""

    part = "weight_banks"

    #: Whether a bank's weights change with their age, so that waves are grouped by it.
    ages: bool = False

    @abstractmethod
    def program(self, target: Tensor, state: State, active: Active, age: float) -> Held:
        """Return the weights that a bank has once settled.

        Args:
            target: Wanted weights in [-1, 1], shape `(n_out, n_in)`.
            state: What this bank's fabrication and environment add.
            active: Imperfections that are switched on.
            age: Time since the write began [s], infinite where nobody asks; only banks that
                declare `ages` depend on it.
        """

    def respond(self, line: Tensor, full_scale: float, active: Active) -> Tensor:
        """Return the lines as the cells respond to them, where they do not respond in proportion.

        Args:
            line: What the lines carry, shape `(batch, n_in)`.
            full_scale: Power [W], or voltage [V], of one line at logical 1.
            active: Imperfections that are switched on.
        """
        return line

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw by how much one programming misses the settled weights `held`; None for nothing.

        Whether there is an error must depend on `active` and the description alone.
        """
        return None

    def read_variance(self, held: Tensor, age: float, active: Active) -> Tensor | None:
        """Return the variance of each weight from read to read, as `held`; None for nothing."""
        return None

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
        """Return power out over power in of one line at weight 1, or current over voltage [S]."""

    @property
    def absorbed(self) -> float:
        """Return the light of one line that an output absorbs, over that at weight 1."""
        return 0.0

    @property
    def conductance(self) -> float:
        """Return the conductance of a bank on one output node [S]; 0 for light."""
        return 0.0

    def line_power(self, full_scale: float) -> float:
        """Return the mean power that driven lines give to the bank that is read [W]; 0 for light.

        Args:
            full_scale: Voltage of one line at logical 1 [V].
        """
        return 0.0

    @property
    def endurance(self) -> float:
        """Return how many programmings a cell survives."""
        return float("inf")

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

    @abstractmethod
    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return the current of logical 1 [A] for a power [W] or current [A] of logical 1."""

    @abstractmethod
    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return the captured signal in logical units, shape `(batch, n_out)`.

        Args:
            received: What reaches the detector.
            generator: Stream of the read noise; None for no noise.
            active: Imperfections that are switched on.
        """

    def residue(self, active: Active) -> float:
        """Return the share of the previous symbol that is left at the capture."""
        return 0.0


class Nonlinearity(Component[P]):
    """Apply the activation f."""

    part = "nonlinearity"

    @abstractmethod
    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return f of the pre-activation, shape as `value`.

        Args:
            value: Pre-activation, logical.
            previous: Last output of this part in the same wave; None in the first step. Only parts
                that have not settled depend on it.
            generator: Stream of the read noise; None for no noise.
            active: Imperfections that are switched on.
        """

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """Return the least and the greatest value of f, which the last converter spans."""

    @property
    def slope(self) -> float:
        """Return the steepest slope of f, by which training scales its first weights."""
        value = torch.linspace(-1.0, 1.0, 2001, dtype=torch.float64, requires_grad=True)
        answer = self.activate(value, None, None, frozenset())
        (gradient,) = torch.autograd.grad(answer.sum(), value)
        return float(gradient.abs().max())


class Memory(Component[P]):
    """Keep the state between steps."""

    part = "memory"
    analog: ClassVar[bool]
    #: Whether a state may stay for longer than `hold` takes; a loop gives it back after one round.
    patient: ClassVar[bool] = True

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Return how many waves fit."""

    @property
    def transmission(self) -> float:
        """Return what is left of a line's power, or voltage, behind the memory."""
        return 1.0

    @abstractmethod
    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the state after it was held for some time [s], shape `(batch, 1)`."""


class Readout(Component[P]):
    """Hand the result to the host."""

    part = "readout"

    @abstractmethod
    def read(self, state: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return the state as numbers, shape as `state`; `span` is the range of f."""


def wait_fs(given: float | None, time_constant: float, bits: int) -> int:
    """Return the wait of a first-order part [fs]: as given, or until half a bit is left."""
    wait = dynamics.settling_time(time_constant, bits) if given is None else given
    return to_fs(wait)
