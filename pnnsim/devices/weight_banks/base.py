"""Family of the weight banks: the methods that each kind has."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pnnsim.devices.component import Active, Component, P, State


@dataclass(frozen=True, slots=True)
class ProgrammedWeights:
    """Weights that a bank makes of a matrix, once settled.

    Args:
        weights: Effective weights in logical units, shape `(n_out, n_in)`.
        scale: Signal at weight 1 over that of the bank's `transmission`: a passive mesh must scale
            a matrix down to singular values of at most 1, and the detector gets less.
        light: Light of each line that each output absorbs, over that at weight 1, as `weights`;
            None where the bank's `absorbed` holds for every weight.
        leaking: Weights that light meets which a switch leaks into the bank, as `weights`: fields
            come with phases of their own. None where they are `weights`.
        offset: Signal of each output that does not depend on any line, shape `(n_out,)`; None for
            none.
    """

    weights: Tensor
    scale: float | Tensor = 1.0
    light: Tensor | None = None
    leaking: Tensor | None = None
    offset: Tensor | None = None

    def unselected(self) -> ProgrammedWeights:
        """Return what light meets that leaks into the bank while another one is selected."""
        return self if self.leaking is None else replace(self, weights=self.leaking)


class WeightBank(Component[P]):
    """Part that holds weight matrices and multiplies by them."""

    part = "weight_banks"

    #: Whether a bank's weights change with their age, so that samples are grouped by it.
    ages: bool = False

    #: Whether a programming measures the bank and so corrects what has drifted until then. Drifts
    #: are sums of changes in this case.
    corrects_drift: bool = False

    @abstractmethod
    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the weights that a bank has once settled.

        Args:
            target: Wanted weights in [-1, 1], shape `(n_out, n_in)`.
            state: What this bank's fabrication and environment add.
            active: Non-idealities that are switched on.
            age: Time since the write began [s], infinite where it does not matter; only banks
                that declare `ages` depend on it.
        """

    def beside(
        self,
        own: ProgrammedWeights,
        before: ProgrammedWeights | None,
        after: ProgrammedWeights | None,
        active: Active,
    ) -> ProgrammedWeights:
        """Return the weights of a bank as the contents of its neighbors change them.

        Args:
            own: Weights of the bank alone.
            before: Those of the bank with the next lower number; None where there is none.
            after: Those of the bank with the next higher number, likewise.
            active: Non-idealities that are switched on.
        """
        return own

    def respond(self, line: Tensor, full_scale: float, active: Active) -> Tensor:
        """Return the lines as the cells respond to them, where they do not respond in proportion.

        Args:
            line: What the lines carry, shape `(batch, n_in)`.
            full_scale: Power [W], or voltage [V], of one line at logical 1.
            active: Non-idealities that are switched on.
        """
        return line

    def write_error(
        self, held: Tensor, generator: torch.Generator, active: Active
    ) -> Tensor | None:
        """Draw by how much one programming misses; None for nothing.

        Whether there is an error must depend on `active` and the description alone.

        Args:
            held: Settled weights of a programming without error, shape `(n_out, n_in)`.
            generator: Stream of the write.
            active: Non-idealities that are switched on.

        Returns:
            What is added to the weights, as `held`.
        """
        return None

    def read_variance(self, held: Tensor, age: float, active: Active) -> Tensor | None:
        """Return the variance of each weight from read to read, as `held`; None for nothing.

        Args:
            held: Settled weights, shape `(n_out, n_in)`.
            age: Time since the write began [s].
            active: Non-idealities that are switched on.
        """
        return None

    @abstractmethod
    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return the share of the replaced weights that is left, as `elapsed`.

        Args:
            elapsed: Time since the write began [s].
            active: Non-idealities that are switched on.
        """

    @abstractmethod
    def setup_wait(self) -> float:
        """Return how long a written machine waits before its first sample [s]."""

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
    def path_delay(self) -> float:
        """Return by how much lines take longer than local oscillators [s]; 0 without these."""
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
        """Return what drifts with time, such as temperatures; empty where nothing does.

        Args:
            previous: State some time ago; None at the start.
            elapsed: Time since `previous` [s].
            generator: Stream of the drift.
        """
        return {}

    def drifted(self, now: State, then: State) -> State:
        """Return the environment that acts on weights programmed in another one.

        Args:
            now: What `environment` gives when the weights are read.
            then: What it gave when they were programmed.
        """
        if not self.corrects_drift:
            return now
        return {name: value - then[name] for name, value in now.items()}

    def correlation_time(self) -> float:
        """Return the time scale on which `environment` changes [s]."""
        return float("inf")
