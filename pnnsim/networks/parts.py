"""Parts of a workload: values, stationary matrices, and the steps that use them.

Plain data: nothing here checks itself, as only the whole shows what is right (`checks`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]
Constant = int | float | str | bool | tuple[int, ...] | tuple[float, ...]

#: f of the machine, whatever its kind; other activations are names of operators.
MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Value:
    """Shape and type of what one step makes of one sample.

    Args:
        shape: One of the three forms above.
        dtype: `float`, or `int` for numbers of classes or characters.
    """

    shape: Shape
    dtype: Literal["float", "int"] = "float"

    @property
    def size(self) -> int:
        """Return how many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Stationary operand, which a bank holds.

    Its weights are the parameter `name`, shape `(outputs, inputs // groups)`; of a convolution, the
    inputs of a group stand in the order channel, row, column of the kernel.

    Args:
        name: Name of the parameter.
        outputs: Rows of the whole matrix.
        inputs: Columns of the whole matrix, over all groups.
        groups: Independent diagonal blocks; 1 for a dense matrix.
        bits: Bits to which its weights are rounded before they are written; None for no rounding.
        scaling: Where sums become numbers, whether each `row` fills the range of the banks, or the
            largest row of the `matrix` alone does.
    """

    name: str
    outputs: int
    inputs: int
    groups: int = 1
    bits: int | None = None
    scaling: Literal["row", "matrix"] = "row"

    @property
    def shape(self) -> tuple[int, int]:
        """Return the shape of the weights."""
        return self.outputs, self.inputs // self.groups

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of one vector."""
        return self.outputs * (self.inputs // self.groups)


@dataclass(frozen=True, slots=True)
class Gather:
    """How the vectors of a convolution are taken from a map: one at each place of the kernel.

    Each pair is (vertical, horizontal).
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def places(self, high: int, wide: int) -> tuple[int, int]:
        """Return how many places a kernel has on a map, down and across.

        Args:
            high: Rows of the map.
            wide: Columns of the map.
        """
        down, across = (
            (size + 2 * pad - step * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, pad, step in zip(
                (high, wide), self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return down, across


@dataclass(frozen=True, slots=True)
class Mvm:
    """One use of a matrix by every sample: `activation(gain * (W x) + bias + inject) + residual`.

    Args:
        matrix: Number of the matrix.
        source: Value that feeds it.
        gather: How its vectors are taken from a map; None for the vectors as they stand.
        bias: Name of the parameter that is added, shape `(outputs,)`; None for none.
        gain: Name of the electronic gain behind the detector, shape `()` or `(outputs,)`; None
            for 1.
        activation: `machine`, the name of an operator, or None for none.
        inject: Value that is added ahead of the activation; None for none.
        residual: Value that is added behind the activation, and its factor; None for none. A value
            that is also the source is taken from the lines, which carry it.
        barrier: Whether the first vector waits for all vectors of the source. A convolution always
            needs several vectors of its source.
    """

    matrix: int
    source: int
    gather: Gather | None = None
    bias: str | None = None
    gain: str | None = None
    activation: str | None = None
    inject: int | None = None
    residual: tuple[int, float] | None = None
    barrier: bool = False

    @property
    def sources(self) -> tuple[int, ...]:
        """Return every value that the step reads."""
        more = [self.inject] if self.inject is not None else []
        more += [self.residual[0]] if self.residual is not None else []
        return (self.source, *more)


@dataclass(frozen=True, slots=True)
class Digital:
    """Work of the digital engine on the values of one sample.

    Args:
        operator: Name in the table of operators.
        sources: Values that it reads, in the order that the operator states.
        constants: Settings of the operator by name, sorted by name.
        parameters: Names of the parameters that it uses, in the order that the operator states.
        operations: Multiply-accumulates, or other operations where it has none, per sample.
        bytes: Bytes of weight memory that are read per sample.
    """

    operator: str
    sources: tuple[int, ...]
    constants: tuple[tuple[str, Constant], ...] = ()
    parameters: tuple[str, ...] = ()
    operations: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """Value that starts the next sample of a stateful network.

    Args:
        source: Value at the end of a sample.
        target: Value of the next sample that it replaces.
        initial: What the first sample finds in all places.
    """

    source: int
    target: int
    initial: float = 0.0
