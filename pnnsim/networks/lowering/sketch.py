"""Network that is being lowered, with its numbers: nodes in the order in which they are computed.

Readers of other formats draw a sketch node by node; `sketch_fusion` joins what the hardware does at
once, and `sketch_emission` writes the workload. Nothing here depends on a format or a machine.

A tensor of the network is a `Symbol` (made by a node) or a `Weight` (known beforehand). The shape
of a symbol has an axis for the batch, of size 1. The value of its node holds the same numbers in
the same order, in a shape of at most three axes: an axis of size 1 more or less, and every reshape,
cost no node until an operator needs another shape.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from torch import Tensor

from pnnsim.errors import WorkloadError
from pnnsim.networks import operators
from pnnsim.networks.layer_settings import LayerSettings
from pnnsim.networks.layers import refuse_unknown_layers, setting_of
from pnnsim.networks.operator_rules import places
from pnnsim.networks.parts import Constant, Gather, Shape, Value


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """Tensor that is known before a sample comes.

    Args:
        tensor: The numbers.
        key: What identifies it: the same parameter in two places has one key.
        name: Name of the parameter in the network; empty for a constant.
        learned: Whether it stays a parameter even where all its numbers are equal.
    """

    tensor: Tensor
    key: Hashable
    name: str = ""
    learned: bool = True

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return tuple(self.tensor.shape)

    @property
    def number(self) -> float | None:
        """Return the number that a constant has in all places; None where there is none."""
        if self.learned or self.tensor.numel() == 0:
            return None
        first = self.tensor.reshape(-1)[0]
        return float(first) if bool((self.tensor == first).all()) else None

    def derived(self, key: Hashable, tensor: Tensor) -> Weight:
        """Return another form of the same numbers.

        Args:
            key: What was done to them.
            tensor: What has come out.
        """
        return Weight(tensor, (key, self.key), self.name, self.learned)


@dataclass(frozen=True, slots=True)
class Symbol:
    """Tensor that a sample makes.

    Args:
        node: Number of the node that makes it.
        shape: Shape in the network, the batch included.
    """

    node: int
    shape: Shape


Operand = Symbol | Weight


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Matrix of a node, and what the hardware does behind it.

    Args:
        matrix: Weights, shape `(outputs, inputs // groups)`.
        groups: Independent diagonal blocks.
        gather: How vectors are taken from a map.
        bias: Added to each output.
        gain: Factor of each output ahead of the bias, besides the scale of the weights.
        activation: Operator that follows.
        inject: Node whose value is added ahead of it.
        residual: Node whose value is added behind it, and its factor.
        settings: Settings of its layer.
    """

    matrix: Weight
    groups: int = 1
    gather: Gather | None = None
    bias: Weight | None = None
    gain: Weight | None = None
    activation: str | None = None
    inject: int | None = None
    residual: tuple[int, float] | None = None
    settings: LayerSettings = field(default_factory=LayerSettings)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One step of a sketch.

    Args:
        operator: Name in the table of operators; empty for a product on banks.
        sources: Nodes that it reads; of a product, the one that feeds it.
        value: What it makes.
        constants: Settings of the operator.
        weights: Parameters of the operator.
        product: The product; None for a digital operator.
    """

    operator: str
    sources: tuple[int, ...]
    value: Value
    constants: Mapping[str, Constant] = field(default_factory=dict)
    weights: tuple[Weight, ...] = ()
    product: Product | None = None

    @property
    def reads(self) -> tuple[int, ...]:
        """Return every node that it reads."""
        if self.product is None:
            return self.sources
        more = () if self.product.inject is None else (self.product.inject,)
        return (*self.sources, *more, *(self.product.residual or ())[:1])


class Sketch:
    """Nodes of a network, the first of which is its input.

    Args:
        source: What a sample brings.
        layers: Settings of layers, by name or by the name ahead of a dot.
    """

    def __init__(self, source: Value, layers: Mapping[str, LayerSettings]) -> None:
        self.nodes = [Node("input", (), source)]
        #: Part of the network that is being lowered, for messages.
        self.where = ""
        self._layers = dict(layers)
        self._forms: dict[tuple[int, Shape], int] = {}
        self._stored: dict[tuple[Hashable, Shape], int] = {}
        self._found: set[str] = set()
        self._names: set[str] = set()

    def refuse(self, what: str, expected: str, hint: str = "") -> NoReturn:
        """Raise that a part cannot be lowered.

        Args:
            what: What it is.
            expected: What is supported.
            hint: What to try.

        Raises:
            WorkloadError: Always.
        """
        tail = f" Hint: {hint}." if hint else ""
        raise WorkloadError(f"{self.where or 'network'}: {what}; expected {expected}.{tail}")

    def shape(self, symbol: Symbol) -> Shape:
        """Return the shape that the value of a symbol has."""
        return self.nodes[symbol.node].value.shape

    def form(self, symbol: Symbol, shape: Sequence[int]) -> int:
        """Return a node that holds a symbol in a shape, by a free reshape where needed.

        Args:
            symbol: The tensor.
            shape: Shape of the value, as many numbers.
        """
        wanted, node = tuple(shape), symbol.node
        while self.nodes[node].operator == "reshape":
            node = self.nodes[node].sources[0]
        if self.nodes[node].value.shape == wanted:
            return node
        if (node, wanted) not in self._forms:
            made = self.digital("reshape", [node], (1, *wanted), shape=wanted)
            self._forms[node, wanted] = made.node
        return self._forms[node, wanted]

    def symbol(self, operand: Operand, shape: Shape | None = None) -> Symbol:
        """Return an operand as something that a node makes.

        Args:
            operand: Symbol, or weight that is stored.
            shape: Shape of its value; None for that of the weight, axes of 1 left out.
        """
        if isinstance(operand, Symbol):
            return operand
        if shape is None:
            shape = tuple(size for size in operand.shape if size != 1) or (1,)
        if len(shape) > 3:
            self.refuse(f"a stored tensor has shape {operand.shape}", "at most three axes")
        number = operand.number
        key = (("number", number) if number is not None else operand.key, shape)
        if key not in self._stored:
            if number is not None:
                made = self.digital("constant", [], (1, *shape), shape=shape, value=number)
            else:
                weight = operand.derived(("stored", shape), operand.tensor.reshape(shape))
                made = self.digital("parameter", [], (1, *shape), weights=(weight,))
            self._stored[key] = made.node
        return Symbol(self._stored[key], operand.shape)

    def digital(
        self,
        operator: str,
        sources: Sequence[int],
        shape: Sequence[int] | None,
        /,
        *,
        weights: Sequence[Weight] = (),
        **constants: Constant,
    ) -> Symbol:
        """Add a digital operator, and return what it makes.

        Args:
            operator: Name in the table of operators.
            sources: Nodes that it reads.
            shape: Shape of what it makes, in the network; None for that of the value, and a batch.
            weights: Its parameters.
            constants: Its settings.

        Raises:
            WorkloadError: If the operator cannot be applied to them.
        """
        try:
            applied = operators.apply(
                operator,
                [self.nodes[source].value for source in sources],
                constants=sorted(constants.items()),
                parameters=[weight.shape for weight in weights],
            )
        except WorkloadError as error:
            raise WorkloadError(f"{self.where or 'network'}: {error}") from None
        node = Node(operator, tuple(sources), applied.value, constants, tuple(weights))
        return self._add(node, (1, *applied.value.shape) if shape is None else tuple(shape))

    def product(
        self,
        source: int,
        matrix: Weight,
        shape: Sequence[int],
        *,
        bias: Weight | None = None,
        gather: Gather | None = None,
        groups: int = 1,
        inject: int | None = None,
    ) -> Symbol:
        """Add the product of a matrix with every vector of a value, and return what it makes.

        Args:
            source: Node that feeds it.
            matrix: Weights, shape `(outputs, inputs // groups)`.
            shape: Shape of what it makes, in the network.
            bias: Added to each output, shape `(outputs,)`.
            gather: How vectors are taken from a map.
            groups: Independent diagonal blocks.
            inject: Node whose value is added.
        """
        settings = self._settings(matrix.name)
        if settings.place == "digital":
            return self._digital_product(source, matrix, shape, bias, gather, groups, inject)
        before, rows = self.nodes[source].value.shape, matrix.shape[0]
        if gather is None:
            made: Shape = (*before[:-1], rows)
        else:
            try:
                made = (rows, *places(gather, before[1], before[2]))
            except WorkloadError as error:
                raise WorkloadError(f"{self.where or 'network'}: {error}") from None
        product = Product(matrix, groups, gather, bias, inject=inject, settings=settings)
        return self._add(Node("", (source,), Value(made), product=product), tuple(shape))

    def refuse_unknown_layers(self) -> None:
        """Refuse settings of layers that have no matrix.

        Raises:
            WorkloadError: If there is one.
        """
        known = sorted({name.rpartition(".")[0] or name for name in self._names if name})
        refuse_unknown_layers(set(self._layers) - self._found, known)

    def _digital_product(
        self,
        source: int,
        matrix: Weight,
        shape: Sequence[int],
        bias: Weight | None,
        gather: Gather | None,
        groups: int,
        inject: int | None,
    ) -> Symbol:
        """Return a product of the digital engine."""
        if gather is None:
            if groups > 1:
                self.refuse("a digital matrix in groups", "a convolution, which may have them")
            weights = (matrix,) if bias is None else (matrix, bias)
            made = self.digital("linear_digital", [source], shape, weights=weights)
        else:
            made = self.digital(
                "conv_digital",
                [source],
                shape,
                weights=(matrix,) if bias is None else (matrix, bias),
                kernel=gather.kernel,
                stride=gather.stride,
                padding=gather.padding,
                dilation=gather.dilation,
                groups=groups,
            )
        if inject is None:
            return made
        return self.digital("add", [inject, made.node], shape)

    def _settings(self, name: str) -> LayerSettings:
        """Return the settings of the layer of a weight."""
        self._names.add(name)
        found = setting_of(name, self._layers)
        if found is None:
            return LayerSettings()
        self._found.add(found[0])
        return found[1]

    def _add(self, node: Node, shape: Shape) -> Symbol:
        if math.prod(shape) != node.value.size:
            self.refuse(f"makes {node.value.shape} for {shape}", "as many numbers")
        self.nodes.append(node)
        return Symbol(len(self.nodes) - 1, shape)
