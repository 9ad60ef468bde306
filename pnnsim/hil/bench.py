"""Use of a machine with a network's parameters, and what it costs.

A bench computes the maps in and out, writes only the weight sets that have changed, and adds up
what every call took. It does not train: see `pnnsim.learning.rules`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from pnnsim.errors import BackendError
from pnnsim.hil.backend import HardwareBackend, checked
from pnnsim.hil.cost_report import CostReport
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.relaxnet import ReLaXNet


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Results of a machine for some inputs.

    Args:
        outputs: Outputs of the network, float64, shape `(batch, n_outputs)`.
        drive: What the front end handed over, shape `(batch, n_hidden)`.
        result: Last state, shape `(batch, n_hidden)`.
        states: State after each step, shape `(n_step, batch, n_hidden)`; None where
            they were not read.
    """

    outputs: Tensor
    drive: Tensor
    result: Tensor
    states: Tensor | None


class Bench:
    """Machine that works for a host.

    Args:
        backend: Machine.
        update_time: Time that the host takes for one update of the parameters, during which the
            machine stands on [s]. The default, a millisecond, is assumed: a batch of a network of
            this size on an ordinary computer.

    Raises:
        BackendError: If the time is not a time, or the network has a gain for each row.
    """

    def __init__(self, backend: HardwareBackend, *, update_time: float = 1e-3) -> None:
        if not (math.isfinite(update_time) and update_time >= 0.0):
            raise BackendError(f"update_time: got {update_time}; expected seconds from 0")
        self.backend = backend
        self.description = backend.describe()
        if self.description.network.gains != "set":
            raise BackendError(
                f"network.gains: got {self.description.network.gains}; expected set, as a bench "
                "programs one gain for each weight set"
            )
        self.update_time = update_time
        self.cost = CostReport()
        self._written: dict[int, Tensor] = {}

    @property
    def network(self) -> ReLaXNet:
        """Return what the machine computes."""
        return self.description.network

    def load(self, parameters: ParameterSet) -> None:
        """Write the weight sets that differ from what was last written, and the electronics.

        Raises:
            ParameterError: If the parameters are not those of the machine's network.
            BackendError: If the machine refuses them.
        """
        parameters.check(self.network)
        for number, weight in enumerate(parameters.weight):
            wanted = weight.detach().to(torch.float64).clamp(-1.0, 1.0)
            written = self._written.get(number)
            if written is None or not torch.equal(written, wanted):
                # Forgotten first: after a failure it is open what the bank holds.
                self._written.pop(number, None)
                self.cost = self.cost + self.backend.write(number, wanted)
                self._written[number] = wanted.clone()
        gain, bias = (t.detach().to(torch.float64) for t in (parameters.gain, parameters.bias))
        self.backend.electronics(gain, bias)

    def refresh(self) -> None:
        """Let the next `load` write every weight set anew, changed or not."""
        self._written.clear()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Use the machine for something else; what that has written must be written again after it.

        So the cost of what goes on later is that of work which was never interrupted.
        """
        before = dict(self._written)
        try:
            yield
        finally:
            for number, weight in list(self._written.items()):
                if weight is not before.get(number):
                    self._written.pop(number)

    def run(self, parameters: ParameterSet, x: Tensor, *, states: bool = False) -> Run:
        """Carry inputs through the machine as it is written.

        Args:
            parameters: For the maps in and out.
            x: Inputs, shape `(batch, n_inputs)`.
            states: Whether the state is read after each step.

        Raises:
            BackendError: If the machine fails, or gives what no machine of its network can.
        """
        maps = parameters.to(torch.float64)
        with torch.no_grad():
            drive = x.to(torch.float64) @ maps.input_weight.T
            if self.network.injection == "first":
                drive = drive + maps.input_bias
            measured = self.backend.forward(drive, states=states)
            self.cost = self.cost + measured.cost
            shape = len(x), self.network.hidden
            result, seen = checked("result", measured.result, *shape), measured.states
            if states:
                if seen is None:
                    raise BackendError("forward: the machine sent no states")
                seen = checked("states", seen, self.network.steps, *shape)
            outputs = result @ maps.output_weight.T + maps.output_bias
        return Run(outputs, drive, result, seen)

    def updated(self) -> None:
        """Take note that the host has computed one update."""
        self.cost = self.cost + self.backend.wait(self.update_time, updates=1)
