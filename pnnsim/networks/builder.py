"""Writes a workload step by step: shapes and counts follow, numbers of values are handed out.

Whatever lowers a network uses it, so that no lowering counts operations or works out shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pnnsim.errors import WorkloadError
from pnnsim.networks import operators
from pnnsim.networks.checks import crossed
from pnnsim.networks.parts import (
    Carried,
    Constant,
    Digital,
    Gather,
    Matrix,
    Mvm,
    Shape,
    Value,
)
from pnnsim.networks.workload import Workload


class WorkloadBuilder:
    """A workload that is being written.

    Args:
        source: What a sample brings.
    """

    def __init__(self, source: Value) -> None:
        self._values = [source]
        self._matrices: list[Matrix] = []
        self._numbers: dict[str, int] = {}
        self._steps: list[Mvm | Digital] = []
        self._shapes: dict[str, Shape] = {}
        self._carried: list[Carried] = []

    def value(self, number: int) -> Value:
        """Return shape and type of a value."""
        return self._values[number]

    def parameter(self, name: str, shape: Shape) -> str:
        """Declare a parameter, and return its name; the same twice is one.

        Args:
            name: Name of the parameter.
            shape: Its shape.

        Raises:
            WorkloadError: If the name stands for another shape.
        """
        known = self._shapes.setdefault(name, shape)
        if known != shape:
            raise WorkloadError(f"parameter {name}: has shape {known}; expected {shape}")
        return name

    def matrix(
        self,
        name: str,
        outputs: int,
        inputs: int,
        *,
        groups: int = 1,
        bits: int | None = None,
        scaling: Literal["row", "matrix"] = "row",
    ) -> int:
        """Return the number of a matrix, which is added where its name is new.

        Args:
            name: Name of the matrix and of its parameter.
            outputs: Rows.
            inputs: Columns over all groups.
            groups: Independent diagonal blocks.
            bits: Bits of its weights; None for no rounding.
            scaling: What fills the range of the banks, as of `Matrix`.

        Raises:
            WorkloadError: If the name stands for another matrix.
        """
        matrix = Matrix(name, outputs, inputs, groups, bits, scaling)
        number = self._numbers.setdefault(name, len(self._matrices))
        if number == len(self._matrices):
            self.parameter(name, matrix.shape)
            self._matrices.append(matrix)
        elif self._matrices[number] != matrix:
            raise WorkloadError(f"matrix {name}: is {self._matrices[number]}; expected {matrix}")
        return number

    def mvm(
        self,
        matrix: int,
        source: int,
        *,
        gather: Gather | None = None,
        bias: str | None = None,
        gain: str | None = None,
        scalar_gain: bool = False,
        activation: str | None = None,
        inject: int | None = None,
        residual: tuple[int, float] | None = None,
        barrier: bool = False,
    ) -> int:
        """Add a use of a matrix, declare its bias and gain, and return the value that it makes.

        Args:
            matrix: Number of the matrix.
            source: Value that feeds it.
            gather: How its vectors are taken from a map.
            bias: Name of the bias.
            gain: Name of the gain.
            scalar_gain: Whether there is one gain for all outputs, instead of one for each.
            activation: `machine` or the name of an activation.
            inject: Value that is added ahead of the activation.
            residual: Value that is added behind it, and its factor.
            barrier: Whether the first vector waits for all of the source.

        Raises:
            WorkloadError: If the source cannot feed the matrix, or a name stands for another shape.
        """
        used = self._matrices[matrix]
        if bias is not None:
            self.parameter(bias, (used.outputs,))
        if gain is not None:
            self.parameter(gain, () if scalar_gain else (used.outputs,))
        step = Mvm(matrix, source, gather, bias, gain, activation, inject, residual, barrier)
        where = f"step {len(self._steps)} ({used.name})"
        return self._add(step, Value(crossed(where, gather, self._values[source].shape, used)))

    def digital(
        self,
        operator: str,
        *sources: int,
        parameters: Sequence[str] = (),
        **constants: Constant,
    ) -> int:
        """Add a digital step, and return the value that it makes.

        Settings that state the default are left out, so that they make no other workload.

        Args:
            operator: Name in the table of operators.
            sources: Values that it reads.
            parameters: Names of its parameters, declared before.
            constants: Its settings.

        Raises:
            WorkloadError: If the operator cannot be applied to them.
        """
        settings = operators.canonical(operator, tuple(sorted(constants.items())))
        applied = operators.apply(
            operator,
            [self._values[source] for source in sources],
            constants=settings,
            parameters=[self._shapes[name] for name in parameters],
        )
        step = Digital(
            operator,
            sources,
            settings,
            tuple(parameters),
            applied.operations,
            applied.bytes,
        )
        return self._add(step, applied.value)

    def carry(self, source: int, target: int, *, initial: float = 0.0) -> None:
        """Let a value of one sample replace a constant of the next.

        Args:
            source: Value at the end of a sample.
            target: Value of a step `constant`.
            initial: What the first sample finds in all places.
        """
        self._carried.append(Carried(source, target, initial))

    def build(self, output: int) -> Workload:
        """Return the workload that gives a value.

        Raises:
            WorkloadError: If its parts do not agree.
        """
        return Workload(
            tuple(self._values),
            tuple(self._matrices),
            tuple(self._steps),
            output,
            tuple(self._carried),
            dict(self._shapes),
        )

    def _add(self, step: Mvm | Digital, made: Value) -> int:
        self._steps.append(step)
        self._values.append(made)
        return len(self._steps)
