"""Operands of an ONNX operator: what a sample makes, and what is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pnnsim.networks.lowering.onnx_file import Call
from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight

Given = Sequence[Operand | None]
Rule = Callable[[Sketch, Call, Given], Sequence[Operand]]


def symbol(sketch: Sketch, operand: Operand | None) -> Symbol:
    """Return what a sample makes.

    Args:
        sketch: What is drawn.
        operand: An operand.
    """
    if not isinstance(operand, Symbol):
        sketch.refuse("reads what no sample makes", "a tensor that depends on the sample")
    return operand


def weight(sketch: Sketch, operand: Operand | None, what: str) -> Weight:
    """Return what is known ahead of a sample.

    Args:
        sketch: What is drawn.
        operand: An operand.
        what: What it is for.
    """
    if not isinstance(operand, Weight):
        sketch.refuse(f"{what} depends on the sample", "numbers of the file")
    return operand


def maybe(sketch: Sketch, given: Given, index: int, what: str) -> Weight | None:
    """Return what is known ahead of a sample, or None where it is left out.

    Args:
        sketch: What is drawn.
        given: Operands.
        index: Which of them.
        what: What it is for.
    """
    if index >= len(given) or given[index] is None:
        return None
    return weight(sketch, given[index], what)


def wholes(sketch: Sketch, call: Call, given: Given, index: int, name: str) -> list[int] | None:
    """Return whole numbers that are an operand, or a setting in older versions.

    Args:
        sketch: What is drawn.
        call: The call.
        given: Operands.
        index: Which of them.
        name: Name of the setting.
    """
    if name in call.attributes:
        value = call.attributes[name]
        return [int(n) for n in value] if isinstance(value, Sequence) else [int(value)]
    found = maybe(sketch, given, index, name)
    return None if found is None else [int(n) for n in found.tensor.reshape(-1).tolist()]


def number(call: Call, name: str, default: float) -> float:
    """Return a setting as the decimal number that is meant; a file holds it in float32.

    Args:
        call: The call.
        name: Name of the setting.
        default: What it is where it is left out.
    """
    return float(f"{float(call.attributes.get(name, default)):.7g}")
