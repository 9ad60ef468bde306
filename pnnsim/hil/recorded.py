"""Record a session with a machine, and replay it without one.

A session is a folder with one file. A replay fails on anything unexpected, and at its end on
calls that were not made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ValidationError
from torch import Tensor

from pnnsim.common import storage
from pnnsim.common.units import show, show_path
from pnnsim.errors import BackendError, OutputError
from pnnsim.hil.backend import Description, HardwareBackend, Measured
from pnnsim.hil.calls import Call, Shapes
from pnnsim.hil.cost_report import CostReport

FILE = "session.safetensors"

KIND = storage.Kind(
    "session",
    2,
    "the session",
    BackendError,
    "record it again with a `Recorder`; sessions of older versions are not read",
)

#: Largest difference from a recorded number: other computers round otherwise, and that adds up.
_TOLERANCE = 1e-6


class _Record(BaseModel):
    """Record that is stored beside the tensors."""

    calls: list[Call]


class Recorder:
    """Backend that passes calls on to a machine and writes them down.

    Args:
        backend: Machine to use.
        folder: Where to put the session when `save` is called.
    """

    def __init__(self, backend: HardwareBackend, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._calls: list[Call] = []
        self._tensors: dict[str, Tensor] = {}
        self._shapes = Shapes()

    def describe(self) -> Description:
        """Return what the machine is; see `HardwareBackend`."""
        found = self._backend.describe()
        self._note("describe", description=found)
        return found

    def write(self, weight_set: int, weight: Tensor) -> CostReport:
        """Program one weight set; see `HardwareBackend`."""
        cost = self._backend.write(weight_set, weight)
        self._note("write", {"weight_set": int(weight_set)}, {"weight": weight}, cost=cost)
        return cost

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Set gains and biases; see `HardwareBackend`."""
        self._backend.electronics(gain, bias)
        self._note("electronics", {}, {"gain": gain, "bias": bias})

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Carry samples through all steps; see `HardwareBackend`."""
        found = self._backend.forward(drive, states=states)
        self._note(
            "forward", {"states": bool(states)}, {"drive": drive}, _reply(found), cost=found.cost
        )
        return found

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Carry samples through one weight set; see `HardwareBackend`."""
        found = self._backend.step(weight_set, state, drive)
        sent = {"state": state} if drive is None else {"state": state, "drive": drive}
        self._note("step", {"weight_set": int(weight_set)}, sent, _reply(found), cost=found.cost)
        return found

    def readback(self, weight_set: int) -> tuple[Tensor, CostReport]:
        """Measure weights; see `HardwareBackend`."""
        found, cost = self._backend.readback(weight_set)
        self._note("readback", {"weight_set": int(weight_set)}, {}, {"weight": found}, cost=cost)
        return found, cost

    def wait(self, time_s: float, *, updates: int = 0) -> CostReport:
        """Let time pass; see `HardwareBackend`."""
        cost = self._backend.wait(time_s, updates=updates)
        self._note("wait", {"time_s": float(time_s), "updates": int(updates)}, cost=cost)
        return cost

    def save(self) -> None:
        """Write the session.

        Raises:
            OutputError: If the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{show_path(str(self._folder))}: cannot write the session: got "
                f"'{error.strerror}'; expected a folder that can be made. Hint: choose another"
            ) from None
        record = _Record(calls=self._calls)
        storage.write(self._folder / FILE, KIND, record=record, tensors=self._tensors)

    def _note(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        sent: Mapping[str, Tensor] | None = None,
        reply: Mapping[str, Tensor] | None = None,
        *,
        cost: CostReport | None = None,
        description: Description | None = None,
    ) -> None:
        """Write one call down, unless it could not be replayed."""
        sent, reply = sent or {}, reply or {}
        numbers = None if cost is None else list(cost.numbers())
        try:
            call = Call(
                call=name,
                arguments=dict(arguments or {}),
                sent=sorted(sent),
                cost=numbers,
                description=description,
            )
        except ValidationError:
            raise BackendError(
                f"'{name}' cost: got {show(str(numbers))}; expected finite numbers from 0"
            ) from None
        number = len(self._calls)
        parts = [("sent", sent), ("reply", reply)]
        tensors = {
            f"{number:06d}.{part}.{key}": tensor.detach().cpu().double().clone()
            for part, given in parts
            for key, tensor in given.items()
        }
        axes = call.axes(number)
        what = self._shapes.fault(axes, tensors)
        if what:
            raise BackendError(f"'{name}' {what}")
        self._calls.append(call)
        self._tensors |= {key: tensors[key] for key in axes}


def _reply(found: Measured) -> dict[str, Tensor]:
    reply = {"result": found.result}
    if found.states is not None:
        reply["states"] = found.states
    return reply


class RecordedBackend:
    """Replay of a session, also as a context, whose end checks that every call was made.

    Args:
        folder: What a `Recorder` has written.

    Raises:
        BackendError: If the session cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._next = 0
        stored = storage.read(self._file, KIND)
        self._calls = stored.record(_Record).calls
        shapes = Shapes()
        known: set[str] = set()
        for number, call in enumerate(self._calls):
            axes = call.axes(number)
            what = call.fault() or shapes.fault(axes, stored.tensors)
            if what:
                raise stored.fault(f"call {number + 1}, '{call.call}': {what}")
            known |= axes.keys()
        self._tensors = stored.tensors
        others = self._tensors.keys() - known
        if others:
            raise stored.fault(f"got a tensor {show(min(others))}; expected none of that name")

    def __enter__(self) -> RecordedBackend:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()

    def finish(self) -> None:
        """Check that every recorded call was made.

        Raises:
            BackendError: If some were not.
        """
        left = len(self._calls) - self._next
        if left:
            raise BackendError(
                f"{show_path(str(self._file))}: {left} recorded calls were never made, the first "
                f"is '{self._calls[self._next].call}', call {self._next + 1}"
            )

    def describe(self) -> Description:
        """Return what the recorded machine was."""
        call, _ = self._replay("describe", {}, {})
        assert call.description is not None, "checked when the session was read"
        return call.description

    def write(self, weight_set: int, weight: Tensor) -> CostReport:
        """Expect a write; see `HardwareBackend`."""
        return _cost(self._replay("write", {"weight_set": weight_set}, {"weight": weight})[0])

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Expect gains and biases; see `HardwareBackend`."""
        self._replay("electronics", {}, {"gain": gain, "bias": bias})

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Expect a pass and return what was measured; see `HardwareBackend`."""
        return _measured(*self._replay("forward", {"states": states}, {"drive": drive}))

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Expect a step and return what was measured; see `HardwareBackend`."""
        sent = {"state": state} if drive is None else {"state": state, "drive": drive}
        return _measured(*self._replay("step", {"weight_set": weight_set}, sent))

    def readback(self, weight_set: int) -> tuple[Tensor, CostReport]:
        """Expect a readback and return what was measured."""
        call, reply = self._replay("readback", {"weight_set": weight_set}, {})
        return reply["weight"], _cost(call)

    def wait(self, time_s: float, *, updates: int = 0) -> CostReport:
        """Expect a wait; see `HardwareBackend`."""
        return _cost(self._replay("wait", {"time_s": time_s, "updates": updates}, {})[0])

    def _replay(
        self, name: str, arguments: dict[str, Any], sent: dict[str, Tensor]
    ) -> tuple[Call, dict[str, Tensor]]:
        """Return the next call and what came back, if it is this one."""
        where = f"{show_path(str(self._file))}: call {self._next + 1}"
        if self._next == len(self._calls):
            raise BackendError(f"{where}: got '{name}'; expected nothing, the session is over")
        call = self._calls[self._next]
        if (name, arguments) != (call.call, call.arguments):
            raise BackendError(
                f"{where}: got '{name}' with {arguments}; expected '{call.call}' with "
                f"{call.arguments}"
            )
        if sorted(sent) != call.sent:
            raise BackendError(f"{where}: '{name}' got {sorted(sent)}; expected {call.sent}")
        prefix = f"{self._next:06d}"
        for key, given in sent.items():
            _same(f"{where}: '{name}' {key}", given, self._tensors[f"{prefix}.sent.{key}"])
        self._next += 1
        wanted = f"{prefix}.reply."
        names = [key for key in call.axes(self._next - 1) if key.startswith(wanted)]
        return call, {key.removeprefix(wanted): self._tensors[key].clone() for key in names}


def _same(where: str, given: Tensor, recorded: Tensor) -> None:
    """Refuse a tensor that is not the recorded one, but for rounding."""
    if given.shape != recorded.shape:
        raise BackendError(
            f"{where}: got the shape {tuple(given.shape)}; expected {tuple(recorded.shape)}"
        )
    gap = float((given.detach().double() - recorded).abs().max())
    if not gap <= _TOLERANCE:
        raise BackendError(
            f"{where}: differs by {gap:.3g} from what was recorded; expected at most {_TOLERANCE:g}"
        )


def _measured(call: Call, reply: Mapping[str, Tensor]) -> Measured:
    return Measured(reply["result"], reply.get("states"), _cost(call))


def _cost(call: Call) -> CostReport:
    assert call.cost is not None, "checked when the session was read"
    return CostReport.from_numbers(tuple(call.cost))
