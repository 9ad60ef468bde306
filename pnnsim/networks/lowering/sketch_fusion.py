"""Joins nodes of a sketch that the hardware computes at once.

Four rules, in the order of the nodes; in each, nothing else may read the product in between:

    gain and shift   a batch norm right behind a product becomes its gain and bias, and a stored
                     vector that is added to it becomes its bias
    activation       an activation with its usual settings right behind a product becomes the
                     product's; behind a digital product, where that operator has it
    inject           what is added to a product that has no activation yet is added ahead of it
    residual         what is added to a product behind its activation; its factor is that of a
                     `scale` in between

Sums join the later of their two terms, as the other one has been made by then. A sum of a product
with its own source, or with a multiple of a value, and no activation behind it, is a residual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pnnsim.networks.lowering.sketch import Node, Product, Weight
from pnnsim.networks.operator_constants import Setting
from pnnsim.networks.operators import ACTIVATIONS, OPERATORS


def fuse(nodes: Sequence[Node], output: int) -> dict[int, Node]:
    """Return the nodes that are left, by number, with what they have taken in.

    Args:
        nodes: Nodes of a sketch.
        output: Node that the network gives.

    Returns:
        Nodes that the output needs, in order; the last one is the output, which may have gone into
        another node.
    """
    return _Fusion(nodes, output).run()


def live(nodes: dict[int, Node], output: int) -> dict[int, Node]:
    """Return the nodes that an output needs, and the input.

    Args:
        nodes: Nodes by number, each behind all that it reads.
        output: The output.
    """
    needed = {0, output}
    for number in reversed(nodes):
        if number in needed:
            needed.update(nodes[number].reads)
    return {number: node for number, node in nodes.items() if number in needed}


class _Fusion:
    """Nodes that are being joined."""

    def __init__(self, nodes: Sequence[Node], output: int) -> None:
        self._nodes = live(dict(enumerate(nodes)), output)
        self._output = output
        self._host: dict[int, int] = {}
        self._uses: Counter[int] = Counter([output])
        for node in self._nodes.values():
            self._uses.update(node.reads)

    def run(self) -> dict[int, Node]:
        for number in list(self._nodes):
            node = self._renamed(self._nodes[number])
            self._nodes[number] = node
            host = self._join(node)
            if host is not None:
                self._host[number] = host
                self._uses[host] = self._uses[number]
                del self._nodes[number]
        output = self._host.get(self._output, self._output)
        left = live(self._nodes, output)
        for number, node in left.items():
            left[number] = self._as_residual(node)
        # The output is the last, as nothing that it does not need is left.
        return live(left, output)

    def _renamed(self, node: Node) -> Node:
        """Return a node that reads hosts in the place of what has gone into them."""
        sources = tuple(self._host.get(source, source) for source in node.sources)
        product = node.product
        if product is not None and product.inject is not None:
            product = replace(product, inject=self._host.get(product.inject, product.inject))
        return replace(node, sources=sources, product=product)

    def _join(self, node: Node) -> int | None:
        """Return the node that has taken another in; None where none has."""
        if node.operator == "affine":
            return self._join_norm(node)
        if node.operator in ACTIVATIONS:
            return self._join_activation(node)
        if node.operator == "add":
            return self._join_sum(node)
        return None

    def _join_norm(self, node: Node) -> int | None:
        host, product = self._bare(node.sources[0])
        if product is None or product.inject is not None or product.gain is not None:
            return None
        gain, shift = node.weights
        bias = shift
        if product.bias is not None:
            total = product.bias.tensor * gain.tensor + shift.tensor
            bias = Weight(total, ("fold", product.bias.key, shift.key), product.bias.name)
        return self._put(host, replace(product, gain=gain, bias=bias))

    def _join_activation(self, node: Node) -> int | None:
        if not _usual(node):
            return None
        host, product = self._bare(node.sources[0])
        if product is not None:
            return self._put(host, replace(product, activation=node.operator))
        before = self._nodes[host]
        if before.operator not in ("linear_digital", "conv_digital") or self._uses[host] != 1:
            return None
        if "activation" in before.constants:
            return None
        if node.operator not in OPERATORS[before.operator].constants["activation"].choices:
            return None
        constants = {**before.constants, "activation": node.operator}
        self._nodes[host] = replace(before, constants=constants)
        return host

    def _join_sum(self, node: Node) -> int | None:
        first, second = node.sources
        stored = self._join_stored(first, second)
        if stored is not None or first == second:
            return stored
        later, earlier = max(first, second), min(first, second)
        if self._takes(later, earlier, node):
            product = self._nodes[later].product
            assert product is not None, "it takes a summand"
            if product.activation is None:
                return self._put(later, replace(product, inject=earlier))
            return self._put(later, replace(product, residual=self._multiple(earlier)))
        base, factor = self._multiple(later)
        if base < earlier and self._takes(earlier, later, node):
            # A multiple that was computed behind the product, of a value from ahead of it.
            product = self._nodes[earlier].product
            assert product is not None, "it takes a summand"
            if product.activation is not None:
                return self._put(earlier, replace(product, residual=(base, factor)))
        return None

    def _takes(self, host: int, other: int, node: Node) -> bool:
        """Return whether a product has room for a summand of its shape that a sum adds to it."""
        product = self._nodes[host].product
        if product is None or self._uses[host] != 1 or product.residual is not None:
            return False
        if self._nodes[host].value != node.value or self._nodes[other].value != node.value:
            return False
        return product.activation is not None or product.inject is None

    def _join_stored(self, first: int, second: int) -> int | None:
        """Return the product that has taken a stored vector for its bias."""
        for host, other in ((first, second), (second, first)):
            found = self._nodes[other]
            if found.operator == "reshape":
                found = self._nodes[found.sources[0]]
            _, product = self._bare(host)
            if found.operator != "parameter" or product is None:
                continue
            if product.bias is not None or product.inject is not None:
                continue
            shape = self._nodes[host].value.shape
            outputs = product.matrix.shape[0]
            vector = found.value.size == outputs == self._nodes[other].value.shape[-1]
            if vector and product.gather is None and shape[-1] == outputs:
                weight = found.weights[0]
                flat = weight.derived("flat", weight.tensor.reshape(outputs))
                return self._put(host, replace(product, bias=flat))
        return None

    def _bare(self, number: int) -> tuple[int, Product | None]:
        """Return a product with nothing behind it that only one node reads; None for another."""
        product = self._nodes[number].product
        if product is None or self._uses[number] != 1:
            return number, None
        bare = product.activation is None and product.residual is None
        return number, product if bare else None

    def _multiple(self, number: int) -> tuple[int, float]:
        """Return a value and its factor, where a node is a multiple that nothing else reads."""
        node = self._nodes[number]
        if node.operator != "scale" or node.constants.get("offset") or self._uses[number] != 1:
            return number, 1.0
        return node.sources[0], float(node.constants["factor"])  # type: ignore[arg-type]

    def _as_residual(self, node: Node) -> Node:
        """Return a product that takes its own source, or a multiple of a value, from the lines."""
        product = node.product
        if product is None or product.inject is None or product.activation is not None:
            return node
        other, factor = self._multiple(product.inject)
        if other == product.inject and other not in node.sources:
            return node
        return replace(node, product=replace(product, inject=None, residual=(other, factor)))

    def _put(self, host: int, product: Product) -> int:
        self._nodes[host] = replace(self._nodes[host], product=product)
        return host


def _usual(node: Node) -> bool:
    """Return whether an activation has the settings that it has by default."""
    known: dict[str, Setting] = dict(OPERATORS[node.operator].constants)
    return all(value == known[name].default for name, value in node.constants.items())
