"""Record a session with a machine, and replay it without one.

A session is a folder: `calls.jsonl`, one call a line, and `tensors.safetensors`. Nothing is ever
unpickled. A replay fails on anything unexpected, and at its end on anything that was never asked.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from pnnsim.errors import BackendError, OutputError
from pnnsim.hil.bill import Bill
from pnnsim.hil.protocol import Description, HardwareBackend, Measured

CALLS, TENSORS = "calls.jsonl", "tensors.safetensors"

#: What every call is answered with.
_ANSWERS = {
    "describe": ("description",),
    "write": ("bill",),
    "electronics": (),
    "forward": ("result", "bill"),
    "step": ("result", "bill"),
    "readback": ("weight", "bill"),
    "wait": ("bill",),
}
_TENSORS = ("result", "weight")

#: Largest difference from a recorded number: other computers round otherwise, and that adds up.
_TOLERANCE = 1e-6


class Recorder:
    """Pass calls on to a machine and write them down.

    Args:
        backend: Machine to use.
        folder: Where to put the session when `save` is called.
    """

    def __init__(self, backend: HardwareBackend, folder: Path) -> None:
        self._backend = backend
        self._folder = folder
        self._lines: list[dict[str, Any]] = []
        self._tensors: dict[str, Tensor] = {}

    def describe(self) -> Description:
        """Return what the machine is; see `HardwareBackend`."""
        found = self._backend.describe()
        self._note("describe", {}, {}, {"description": found.to_data()})
        return found

    def write(self, weight_set: int, weight: Tensor) -> Bill:
        """Program one weight set; see `HardwareBackend`."""
        bill = self._backend.write(weight_set, weight)
        sent = {"weight": weight}
        self._note("write", {"weight_set": weight_set}, sent, {"bill": bill.numbers()})
        return bill

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Set gains and biases; see `HardwareBackend`."""
        self._backend.electronics(gain, bias)
        self._note("electronics", {}, {"gain": gain, "bias": bias}, {})

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Carry waves through all steps; see `HardwareBackend`."""
        found = self._backend.forward(drive, states=states)
        self._note("forward", {"states": states}, {"drive": drive}, _answer(found))
        return found

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Carry waves through one weight set; see `HardwareBackend`."""
        found = self._backend.step(weight_set, state, drive)
        sent = {"state": state} if drive is None else {"state": state, "drive": drive}
        self._note("step", {"weight_set": weight_set}, sent, _answer(found))
        return found

    def readback(self, weight_set: int) -> tuple[Tensor, Bill]:
        """Measure weights; see `HardwareBackend`."""
        found, bill = self._backend.readback(weight_set)
        answer = {"weight": found, "bill": bill.numbers()}
        self._note("readback", {"weight_set": weight_set}, {}, answer)
        return found, bill

    def wait(self, time_s: float, *, updates: int = 0) -> Bill:
        """Let time pass; see `HardwareBackend`."""
        bill = self._backend.wait(time_s, updates=updates)
        arguments = {"time_s": time_s, "updates": updates}
        self._note("wait", arguments, {}, {"bill": bill.numbers()})
        return bill

    def save(self) -> None:
        """Write the session.

        Raises:
            OutputError: If the folder cannot be written.
        """
        text = "".join(json.dumps(line) + "\n" for line in self._lines)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(self._tensors, self._folder / TENSORS)
            (self._folder / CALLS).write_text(text, encoding="utf-8")
        except (OSError, SafetensorError) as error:
            raise OutputError(f"{self._folder}: cannot write the session: {error}") from error

    def _note(
        self,
        call: str,
        arguments: dict[str, Any],
        sent: dict[str, Tensor],
        answer: dict[str, Any],
    ) -> None:
        """Write one call down; tensors go by name into the other file."""
        line: dict[str, Any] = {"call": call, "arguments": arguments, "sent": {}, "answer": {}}
        for name, tensor in sent.items():
            line["sent"][name] = self._stored(tensor)
        for name, value in answer.items():
            line["answer"][name] = self._stored(value) if isinstance(value, Tensor) else value
        self._lines.append(line)

    def _stored(self, tensor: Tensor) -> dict[str, str]:
        name = f"{len(self._tensors):06d}"
        self._tensors[name] = tensor.detach().clone().contiguous()
        return {"tensor": name}


def _answer(found: Measured) -> dict[str, Any]:
    answer: dict[str, Any] = {"result": found.result, "bill": found.bill.numbers()}
    if found.states is not None:
        answer["states"] = found.states
    return answer


class RecordedBackend:
    """Replay a session; use it as a context, whose end checks that all of it was asked.

    Args:
        folder: What a `Recorder` has written.

    Raises:
        BackendError: If the session cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0
        try:
            text = (folder / CALLS).read_text(encoding="utf-8")
            self._lines = [json.loads(line) for line in text.splitlines()]
            self._tensors = load_file(folder / TENSORS)
            for line in self._lines:
                self._check(line)
        except (BackendError, OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BackendError(
                f"{folder}: cannot read the session: {error}; expected {CALLS} and {TENSORS} as "
                "recorded by pnnsim"
            ) from error

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
        left = len(self._lines) - self._next
        if left:
            call = self._lines[self._next]["call"]
            raise BackendError(
                f"{self._folder}: {left} recorded calls were never made, the first is '{call}', "
                f"line {self._next + 1}"
            )

    def describe(self) -> Description:
        """Return what the recorded machine was."""
        return Description.from_data(self._replay("describe", {}, {})["description"])

    def write(self, weight_set: int, weight: Tensor) -> Bill:
        """Expect a write."""
        return self._bill(self._replay("write", {"weight_set": weight_set}, {"weight": weight}))

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Expect gains and biases."""
        self._replay("electronics", {}, {"gain": gain, "bias": bias})

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Expect a pass and return what was measured."""
        return self._measured(self._replay("forward", {"states": states}, {"drive": drive}))

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Expect a step and return what was measured."""
        sent = {"state": state} if drive is None else {"state": state, "drive": drive}
        return self._measured(self._replay("step", {"weight_set": weight_set}, sent))

    def readback(self, weight_set: int) -> tuple[Tensor, Bill]:
        """Expect a readback and return what was measured."""
        answer = self._replay("readback", {"weight_set": weight_set}, {})
        return answer["weight"], self._bill(answer)

    def wait(self, time_s: float, *, updates: int = 0) -> Bill:
        """Expect a wait."""
        return self._bill(self._replay("wait", {"time_s": time_s, "updates": updates}, {}))

    def _replay(
        self, call: str, arguments: dict[str, Any], sent: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Return the recorded answer to the next call, if it is this one."""
        where = f"{self._folder}/{CALLS}:{self._next + 1}"
        if self._next == len(self._lines):
            raise BackendError(f"{where}: got '{call}'; expected nothing, the session is over")
        line = self._lines[self._next]
        if (call, arguments) != (line["call"], line["arguments"]):
            raise BackendError(
                f"{where}: got '{call}' with {arguments}; expected '{line['call']}' with "
                f"{line['arguments']}"
            )
        if set(sent) != set(line["sent"]):
            raise BackendError(
                f"{where}: '{call}' got {sorted(sent)}; expected {sorted(line['sent'])}"
            )
        for name, given in sent.items():
            self._same(f"{where}: '{call}' {name}", given, self._value(line["sent"][name]))
        self._next += 1
        return {name: self._value(value) for name, value in line["answer"].items()}

    def _same(self, where: str, given: Tensor, recorded: Tensor) -> None:
        if given.shape != recorded.shape:
            raise BackendError(
                f"{where}: got the shape {tuple(given.shape)}; expected {tuple(recorded.shape)}"
            )
        gap = float((given.detach().double() - recorded.double()).abs().max())
        if not gap <= _TOLERANCE:
            raise BackendError(
                f"{where}: differs by {gap:.3g} from what was recorded; expected at most "
                f"{_TOLERANCE:g}"
            )

    def _check(self, line: dict[str, Any]) -> None:
        """Refuse a line that a replay could not use, before anything is replayed."""
        if line["call"] not in _ANSWERS or not isinstance(line["arguments"], dict):
            raise TypeError("a line has no call")
        sent, answer = dict(line["sent"]), dict(line["answer"])
        for name in _ANSWERS[line["call"]]:
            if name in _TENSORS:
                sent[name] = answer[name]
            elif name == "bill":
                self._bill(answer)
            else:
                Description.from_data(answer[name])
        for value in (*sent.values(), *answer.values()):
            self._value(value)
        if not all(isinstance(self._value(value), Tensor) for value in sent.values()):
            raise TypeError("a tensor is missing")

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"tensor"}:
            tensor = self._tensors[value["tensor"]]
            if not isinstance(tensor, torch.Tensor):
                raise TypeError("a tensor is missing")
            return tensor
        return value

    def _measured(self, answer: dict[str, Any]) -> Measured:
        return Measured(answer["result"], answer.get("states"), self._bill(answer))

    def _bill(self, answer: dict[str, Any]) -> Bill:
        return Bill.from_numbers(tuple(answer["bill"]))
