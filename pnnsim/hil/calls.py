"""Calls of a recorded session: what belongs to each, and what would make no sense.

They are made and replayed in `pnnsim.hil.recorded`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from torch import Tensor

from pnnsim.common import storage
from pnnsim.common.units import show
from pnnsim.hil.backend import Description
from pnnsim.hil.cost_report import KINDS

# Axes: `batch` has the same length within a call, all others within a session.
_WEIGHT = ("hidden", "hidden")
_SAMPLES = ("batch", "hidden")
_STATES = ("step", "batch", "hidden")


@dataclass(frozen=True, slots=True)
class _Form:
    """Form of a call: what belongs to it.

    Args:
        arguments: Type of each argument.
        sent: Axes of each tensor that goes to the machine.
        optional: Those of `sent` that may be left out.
        reply: Axes of each tensor that comes back.
        cost: Whether a cost comes back.
    """

    arguments: Mapping[str, type] = field(default_factory=dict)
    sent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    reply: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cost: bool = True


_FORMS = {
    "describe": _Form(cost=False),
    "write": _Form({"weight_set": int}, {"weight": _WEIGHT}),
    "electronics": _Form({}, {"gain": ("set",), "bias": ("set", "hidden")}, cost=False),
    "forward": _Form({"states": bool}, {"drive": _SAMPLES}, (), {"result": _SAMPLES}),
    "step": _Form(
        {"weight_set": int},
        {"state": _SAMPLES, "drive": _SAMPLES},
        ("drive",),
        {"result": _SAMPLES},
    ),
    "readback": _Form({"weight_set": int}, reply={"weight": _WEIGHT}),
    "wait": _Form({"time_s": float, "updates": int}),
}


class Call(BaseModel):
    """One call; its tensors are stored beside it, by its number."""

    call: Literal["describe", "write", "electronics", "forward", "step", "readback", "wait"]
    arguments: dict[str, Any]
    sent: list[str]
    cost: (
        Annotated[
            list[Annotated[float, Field(ge=0, allow_inf_nan=False)]],
            Field(min_length=3 * len(KINDS), max_length=3 * len(KINDS)),
        ]
        | None
    )
    description: Description | None

    def fault(self) -> str:
        """Return what does not belong to such a call; an empty text for nothing."""
        form = _FORMS[self.call]
        types = {name: type(value) for name, value in self.arguments.items()}
        if types != form.arguments:
            wanted = ", ".join(f"{name} ({kind.__name__})" for name, kind in form.arguments.items())
            return f"got the arguments {show(str(self.arguments))}; expected {wanted or 'none'}"
        needed = form.sent.keys() - set(form.optional)
        if self.sent != sorted(set(self.sent)) or not needed <= set(self.sent) <= form.sent.keys():
            return f"got {show(str(self.sent))} as sent; expected {', '.join(sorted(form.sent))}"
        if (self.cost is not None) != form.cost:
            return f"got {'no ' if form.cost else 'a '}cost; expected the other"
        if self.cost is not None and any(count % 1 for count in self.cost[::3]):
            return "got a count that is no whole number; expected whole numbers"
        if (self.description is not None) != (self.call == "describe"):
            return "got a description with another call than 'describe', or none with it"
        return ""

    def axes(self, number: int) -> dict[str, tuple[str, ...]]:
        """Return the axes of each tensor of the call, by its name in the file.

        Args:
            number: Number of the call in its session.
        """
        form = _FORMS[self.call]
        found = {f"{number:06d}.sent.{name}": form.sent[name] for name in self.sent}
        found |= {f"{number:06d}.reply.{name}": axes for name, axes in form.reply.items()}
        if self.arguments.get("states"):
            found[f"{number:06d}.reply.states"] = _STATES
        return found


class Shapes:
    """Lengths of the axes of a session, as far as its calls have shown them."""

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}

    def fault(self, axes: Mapping[str, tuple[str, ...]], tensors: Mapping[str, Tensor]) -> str:
        """Return what is wrong with the tensors of a call; an empty text for nothing.

        Args:
            axes: Axes of each.
            tensors: Tensors by the same names.
        """
        lengths = dict(self._lengths)
        for name, along in axes.items():
            if name not in tensors:
                return f"{name.partition('.')[2]}: got no such tensor; expected it"
            shape = tuple(lengths.get(axis, -1) for axis in along)
            what = storage.Declared(shape).fault(tensors[name])
            if what:
                return f"{name.partition('.')[2]}: {what}"
            lengths |= dict(zip(along, tensors[name].shape, strict=True))
            if tuple(lengths[axis] for axis in along) != tuple(tensors[name].shape):
                return f"{name.partition('.')[2]}: got no square; expected one"
        self._lengths = {axis: n for axis, n in lengths.items() if axis != "batch"}
        return ""
