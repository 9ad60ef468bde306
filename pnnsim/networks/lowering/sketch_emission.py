"""Writes the workload of a sketch, and the numbers of its parameters.

Names are numbered in the order of the first use, so that two formats of one network give one
workload: `matrix.0`, `gain.0`, `bias.0` of the first matrix, `gain.0.1` of a second use that has a
gain of its own, `parameter.0` of the digital engine.

A bank holds weights from -1 to 1, and a gain behind the detector gives each row its scale:
`W = gain * W_hat`, the greatest number of a row of `W_hat` being 1 or -1. Where hardware has one
gain for a weight set, that number is the greatest of the whole matrix.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Literal

import torch
from torch import Tensor

from pnnsim.errors import WorkloadError
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.lowering.sketch import Node, Product, Sketch, Symbol, Weight
from pnnsim.networks.lowering.sketch_fusion import fuse
from pnnsim.networks.workload import Workload

Gains = Literal["row", "set"]


def emit(
    sketch: Sketch,
    output: Symbol,
    shape: tuple[int, ...],
    *,
    dtype: torch.dtype,
    gains: Gains,
) -> tuple[Workload, dict[str, Tensor]]:
    """Return the workload of a sketch, and its parameters.

    Args:
        sketch: What was drawn.
        output: What the network gives.
        shape: Shape of the outputs of a sample.
        dtype: Type of the parameters where nothing that is learned has one.
        gains: Whether each row of a matrix has a gain, or the whole of it has one. A batch norm
            has one for each row.

    Raises:
        WorkloadError: If it has no shape that a value may have, or a weight is not finite.
    """
    last = sketch.form(output, shape)
    nodes = fuse(sketch.nodes, last)
    return _Emission(nodes, dtype, gains).run()


class _Emission:
    """Workload that is being written from nodes."""

    def __init__(self, nodes: Mapping[int, Node], dtype: torch.dtype, gains: Gains) -> None:
        self._nodes = nodes
        self._builder = WorkloadBuilder(nodes[0].value)
        self._dtype = _dtype(nodes, dtype)
        self._gains = gains
        self._numbers: dict[str, Tensor] = {}
        self._matrices: dict[Hashable, int] = {}
        self._scales: dict[int, Tensor] = {}
        self._names: dict[Hashable, str] = {}

    def run(self) -> tuple[Workload, dict[str, Tensor]]:
        made = {0: 0}
        for number, node in self._nodes.items():
            if number == 0:
                continue
            if node.product is None:
                made[number] = self._builder.digital(
                    node.operator,
                    *(made[source] for source in node.sources),
                    parameters=[self._parameter(weight) for weight in node.weights],
                    **node.constants,
                )
            else:
                made[number] = self._mvm(node, node.product, made)
        workload = self._builder.build(made[max(made)])
        return workload, {name: self._numbers[name] for name in workload.shapes}

    def _mvm(self, node: Node, product: Product, made: Mapping[int, int]) -> int:
        matrix = self._matrix(product)
        residual = product.residual
        return self._builder.mvm(
            matrix,
            made[node.sources[0]],
            gather=product.gather,
            bias=self._bias(matrix, product),
            gain=self._gain(matrix, product),
            scalar_gain=self._gains == "set" and product.gain is None,
            activation=product.activation,
            inject=None if product.inject is None else made[product.inject],
            residual=None if residual is None else (made[residual[0]], residual[1]),
        )

    def _matrix(self, product: Product) -> int:
        """Return the number of a matrix, whose weights are scaled where it is new."""
        weight = product.matrix
        key = (weight.key, product.groups)
        if key not in self._matrices:
            numbers = self._finite(weight)
            greatest = numbers.abs().amax(dim=1)
            if self._gains == "set":
                greatest = greatest.amax().expand_as(greatest)
            scales = torch.where(greatest > 0, greatest, torch.ones_like(greatest))
            name = f"matrix.{len(self._matrices)}"
            rows, columns = weight.shape
            matrix = self._builder.matrix(
                name, rows, columns * product.groups, groups=product.groups,
                bits=product.settings.bits, scaling=product.settings.scaling,
            )  # fmt: skip
            self._matrices[key] = matrix
            self._scales[matrix] = scales
            self._numbers[name] = numbers / scales[:, None]
        return self._matrices[key]

    def _gain(self, matrix: int, product: Product) -> str:
        gain = product.gain
        name = self._use("gain", matrix, None if gain is None else gain.key)
        if name not in self._numbers:
            own = self._scales[matrix]
            if self._gains == "set" and gain is None:
                own = own[0].clone()
            self._numbers[name] = own if gain is None else own * self._finite(gain)
        return name

    def _bias(self, matrix: int, product: Product) -> str | None:
        if product.bias is None:
            return None
        name = self._use("bias", matrix, product.bias.key)
        if name not in self._numbers:
            self._numbers[name] = self._finite(product.bias)
        return name

    def _use(self, kind: str, matrix: int, key: Hashable) -> str:
        """Return the name of a gain or bias of a matrix, numbered where there are several."""
        whole = (kind, matrix, key)
        if whole not in self._names:
            count = sum(
                1 for known in self._names if isinstance(known, tuple) and known[:2] == whole[:2]
            )
            self._names[whole] = f"{kind}.{matrix}" + (f".{count}" if count else "")
        return self._names[whole]

    def _parameter(self, weight: Weight) -> str:
        """Return the name of a parameter of the digital engine."""
        key = ("parameter", weight.key)
        if key not in self._names:
            count = sum(1 for name in self._names.values() if name.startswith("parameter."))
            name = self._names[key] = f"parameter.{count}"
            self._numbers[name] = self._finite(weight)
            self._builder.parameter(name, weight.shape)
        return self._names[key]

    def _finite(self, weight: Weight) -> Tensor:
        """Return numbers in the type of all, detached from the network they come from."""
        numbers = weight.tensor.detach().to(self._dtype, copy=True)
        if not bool(torch.isfinite(numbers).all()):
            raise WorkloadError(
                f"{weight.name or 'constant'}: has numbers that are not finite; expected others"
            )
        return numbers


def _dtype(nodes: Mapping[int, Node], other: torch.dtype) -> torch.dtype:
    """Return the widest type of what is learned; another one where nothing is."""
    found: torch.dtype | None = None
    for node in nodes.values():
        weights = list(node.weights)
        if node.product is not None:
            weights.append(node.product.matrix)
        for weight in weights:
            if weight.learned and weight.tensor.is_floating_point():
                dtype = weight.tensor.dtype
                found = dtype if found is None else torch.promote_types(found, dtype)
    return other if found is None else found
