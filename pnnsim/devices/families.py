"""Families of the parts around the weight banks: the methods that each kind has."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.component import Active, Component, P
from pnnsim.devices.family_params import FrontEndParams


@dataclass(frozen=True, slots=True)
class Received:
    """Signal that reaches a detector in one step, in logical units.

    Args:
        signal: Weighted sum, shape `(batch, n_out)`.
        total: Sum of all light that is absorbed, sign dropped, shape `(batch, n_out)`, or
            `(batch, 1)` where it is the same on every output.
        unit_input: Power [W], or current [A], of logical 1 at the detector, shape `()`.
        fluctuation: Part of `total` that is the intensity noise of its sources, as `total`; None
            where there is none. The signal includes its own part of that noise.
        laser: Intensity less its mean, relative to it, of the one laser that feeds all lines and
            the local oscillators, shape `(batch, 1)`; None where each line has its own, or where
            there is no noise.
        emission: Spontaneous emission that an optical amplifier sends along with each line, at the
            detector behind weight 1 [W/Hz]; 0 without one.
        conductance: Conductance that hangs on one output node [S]; 0 for light.
        beats: Sum of the lines, each times its squared weight, shape `(batch, n_out)`: what beats
            with the emission. None without an amplifier or where no noise is drawn.
    """

    signal: Tensor
    total: Tensor
    unit_input: float | Tensor
    fluctuation: Tensor | None = None
    laser: Tensor | None = None
    emission: float = 0.0
    conductance: float = 0.0
    beats: Tensor | None = None


class FrontEnd(Component[P]):
    """Digital engine that computes the input map and the output map."""

    part = "front_end"

    def job_fs(self, operations: int) -> int:
        """Return the time of digital steps [fs]: whole cycles of the array.

        Args:
            operations: Operations, a multiply-accumulate each.
        """
        params = cast("FrontEndParams", self.params)
        return to_fs(-(-operations // params.macs_per_cycle) / params.clock)

    @property
    def weight_energy(self) -> float:
        """Return the energy to read one byte of weights [J]; 0 where that is free."""
        return 0.0

    @property
    def buffer_energy(self) -> float:
        """Return the energy to move one byte to or from the buffer of values [J]; 0 for free."""
        return 0.0

    @property
    def buffer_capacity(self) -> int | None:
        """Return the bytes of the buffer of values; None where it is as large as needed."""
        return None

    @property
    def operation_energy(self) -> float:
        """Return the energy of one operation [J]."""
        return cast("FrontEndParams", self.params).mac_energy

    @abstractmethod
    def map_input(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return `x W_xh^T + b`, shape `(batch, n_hidden)`.

        Args:
            x: Inputs, shape `(batch, n_in)`.
            weight: Matrix W_xh, shape `(n_hidden, n_in)`.
            bias: Bias b, shape `(n_hidden,)`; None for none.
        """

    @abstractmethod
    def map_output(self, state: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return `h W_out^T + b`, shape `(batch, n_out)`.

        Args:
            state: State h, shape `(batch, n_hidden)`.
            weight: Matrix W_out, shape `(n_out, n_hidden)`.
            bias: Bias b, shape `(n_out,)`.
        """


class Encoder(Component[P]):
    """Part that puts the state onto lines."""

    part = "encoder"

    @abstractmethod
    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return what the lines carry, within their range, shape as `state`.

        Args:
            state: State h, shape `(batch, n_line)`.
            converted: Whether the state comes through the digital-to-analog converter.
            active: Non-idealities that are switched on.
        """

    @property
    @abstractmethod
    def full_scale(self) -> float:
        """Return the power [W], or the voltage [V], of one line at logical 1."""

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of one line [1/Hz]; 0 for electrical lines."""
        return 0.0

    @property
    def common_intensity(self) -> float:
        """Return the part of its variance that all lines have in common; 0 for lines apart."""
        return 0.0

    @property
    def linewidth(self) -> float:
        """Return the linewidth of the laser [Hz]; 0 where phases do not matter."""
        return 0.0

    @property
    def one_source(self) -> bool:
        """Return whether one source feeds all lines, so that its intensity noise is common."""
        return False


class Switch(Component[P]):
    """Part that selects the weight bank."""

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
        """Return the share of the previous bank that is left after a dwell, as `dwell`.

        Args:
            dwell: Time since the move began [s].
            active: Non-idealities that are switched on.
        """

    def injection(
        self, dwell: Tensor, previous: Tensor, bank: Tensor, active: Active
    ) -> Tensor | None:
        """Return the current that a move leaves on each output [A]; None for none.

        Args:
            dwell: Time since the move began [s], shape `(n_sample,)`.
            previous: Bank that was selected before, shape `(n_sample,)`.
            bank: Bank that is selected now, likewise.
            active: Non-idealities that are switched on.

        Returns:
            Currents, shape `(n_sample, n_out)`.
        """
        return None

    @property
    def emission(self) -> float:
        """Return the spontaneous emission at the switch's output [W/Hz]; 0 without an amplifier.

        It is noise where the switch's non-ideality `emission` is on.
        """
        return 0.0

    @property
    def endurance(self) -> float:
        """Return how many moves the switch survives."""
        return float("inf")


class Detector(Component[P]):
    """Part that turns what leaves a bank into an electrical signal."""

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
            active: Non-idealities that are switched on.
        """

    def intensity_band(self, active: Active) -> float:
        """Return the noise bandwidth in which the intensity noise of light is captured [Hz].

        It is 0 for a detector of currents, and where that noise is off.
        """
        return 0.0

    def residue(self, active: Active) -> float:
        """Return the share of the previous symbol that is left at the capture."""
        return 0.0


class Nonlinearity(Component[P]):
    """Part that applies the activation f."""

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
            previous: Last output of this part in the same sample; None in the first step. Only
                parts that have not settled depend on it.
            generator: Stream of the read noise; None for no noise.
            active: Non-idealities that are switched on.
        """

    def convert(self, value: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return values as numbers, where f is that of a converter; as they are otherwise.

        Args:
            value: What was captured, shape `(..., n_out)`.
            span: Least and greatest value of the converter.
            active: Non-idealities that are switched on.
        """
        return value

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """Return the least and the greatest value of f, which the last converter spans."""

    @property
    def slope(self) -> float:
        """Return the steepest slope of f, by which training scales its first weights."""
        with torch.inference_mode(False), torch.enable_grad():
            value = torch.linspace(-1.0, 1.0, 2001, dtype=torch.float64, requires_grad=True)
            output = self.activate(value, None, None, frozenset())
            (gradient,) = torch.autograd.grad(output.sum(), value)
        return float(gradient.abs().max())


class Memory(Component[P]):
    """Part that keeps the state between steps."""

    part = "memory"
    analog: ClassVar[bool]
    #: Whether a state may stay for longer than `hold` takes; a loop gives it back after one round.
    patient: ClassVar[bool] = True

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Return how many samples fit."""

    @property
    def transmission(self) -> float:
        """Return what is left of a line's power, or voltage, behind the memory."""
        return 1.0

    @abstractmethod
    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the state after it was held, shape as `state`.

        Args:
            state: State when it was stored, shape `(batch, n_hidden)`.
            held: Time for which it was held [s], shape `(batch, 1)` or `(1, 1)`.
            active: Non-idealities that are switched on.
        """


class Readout(Component[P]):
    """Part that passes the result to the host."""

    part = "readout"

    @abstractmethod
    def read(self, state: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return the state as numbers, shape as `state`.

        Args:
            state: State behind the last step, shape `(batch, n_hidden)`.
            span: Least and greatest value of f.
            active: Non-idealities that are switched on.
        """
