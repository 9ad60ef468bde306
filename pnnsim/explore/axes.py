"""What a study varies: lists of values, spaced or random values of a span, and whole spans.

    [2, 4, 8]                            these values
    {log: ["0.1 ns", "10 us"], n: 9}     9 values, evenly spaced in their logarithm, ends included
    {linear: [1, 2], n: 5}               5 values, evenly spaced
    {random: ["1 ns", "9 ns"], n: 20}    20 values drawn evenly; `scale: log` for their logarithm
    {log: ["0.1 ns", "10 us"]}           the span itself, for a Latin hypercube or a search

Every value is a text, as after `--set`. Whether a key takes it is not known here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pnnsim.common.forms import Form
from pnnsim.common.units import UnitError, read_quantity, readable_quantity, show
from pnnsim.specs.document import Document, KeyPath, Tree
from pnnsim.specs.validation import unknown_keys

#: Values of one axis.
MOST_VALUES = 100_000

#: Significant digits of a value that is computed.
_DIGITS = 9

_SCALES = ("linear", "log")


@dataclass(frozen=True, slots=True)
class Axis:
    """Values of one key, crossed with those of all others.

    Args:
        key: Dotted key, as after `--set`.
        texts: Its values as they would be typed.
    """

    key: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Span of one numeric key.

    Args:
        key: Dotted key, as after `--set`.
        low: Lowest value, SI.
        high: Highest value, SI.
        scale: How values spread: `linear` or `log`.
        dimension: Dimension of the value; None for a number.
        whole: Whether the value is a whole number.
    """

    key: str
    low: float
    high: float
    scale: str
    dimension: str | None
    whole: bool

    def at(self, share: float) -> str:
        """Return the value at a share of the span, from 0 at its low end to 1 at its high end."""
        if self.scale == "log":
            first, last = math.log(self.low), math.log(self.high)
            value = math.exp(first + share * (last - first))
        else:
            value = self.low + share * (self.high - self.low)
        return self.text(min(self.high, max(self.low, value)))

    def text(self, value: float) -> str:
        """Return a value [SI] as it would be typed."""
        if self.whole:
            return str(round(value))
        if self.dimension is not None:
            return readable_quantity(value, self.dimension, digits=_DIGITS)
        return f"{value:.{_DIGITS}g}"

    def spaced(self, count: int) -> tuple[str, ...]:
        """Return evenly spaced values, ends included; fewer where whole numbers coincide."""
        shares = [i / (count - 1) for i in range(count)] if count > 1 else [0.0]
        return tuple(dict.fromkeys(map(self.at, shares)))

    def drawn(self, count: int, seed: int) -> tuple[str, ...]:
        """Return random values, the same for the same key and seed.

        Args:
            count: How many values.
            seed: Seed of the draws.
        """
        source = random.Random(f"{seed}:{self.key}:random")
        return tuple(self.at(source.random()) for _ in range(count))

    def stratified(self, count: int, seed: int) -> tuple[str, ...]:
        """Return one random value from each of `count` equal parts of the span, shuffled.

        Args:
            count: How many values.
            seed: Seed of the draws.
        """
        source = random.Random(f"{seed}:{self.key}:latin hypercube")
        order = list(range(count))
        source.shuffle(order)
        return tuple(self.at((part + source.random()) / count) for part in order)


def read_axis(
    document: Document, path: KeyPath, key: str, tree: Tree, forms: Sequence[Form], seed: int
) -> Axis | Span | None:
    """Return what is varied of one key; None after reporting why it cannot be.

    Args:
        document: Study that has been read; problems are added to it.
        path: Where the entry stands in it.
        key: Dotted key that is varied.
        tree: The entry.
        forms: Ways in which the key's value may be written; none where the key is not known.
        seed: Seed of random values.
    """
    if isinstance(tree, list):
        return _listed(document, path, key, tree)
    if not isinstance(tree, dict):
        got = "has no value" if tree is None else f"got {show(tree)}"
        document.report(path, f"{got}; expected a list, or such as {{log: [1, 10], n: 5}}")
        return None
    found = [name for name in ("log", "linear", "random") if name in tree]
    if len(found) != 1:
        document.report(path, "expected exactly one of log, linear and random", key=True)
        return None
    (kind,) = found
    before = len(document.problems)
    unknown_keys(document, path, (kind, "n", *(["scale"] if kind == "random" else [])))
    scale: str = kind
    if kind == "random":
        scale = str(tree.get("scale", "linear"))
        if scale not in _SCALES:
            document.report((*path, "scale"), f"got {show(scale)}; expected linear or log")
            return None
    span = _span(document, (*path, kind), key, tree[kind], forms, scale)
    count = _count(document, path, tree, required=kind == "random")
    if span is None or len(document.problems) > before:
        return None
    if count is None:
        return span
    texts = span.drawn(count, seed) if kind == "random" else span.spaced(count)
    return Axis(key, texts)


def _listed(document: Document, path: KeyPath, key: str, items: list[Tree]) -> Axis | None:
    if not items:
        document.report(path, "is an empty list; expected one value or more")
        return None
    if len(items) > MOST_VALUES:
        document.report(path, f"has {len(items)} values; expected at most {MOST_VALUES}")
        return None
    texts = []
    for index, item in enumerate(items):
        text = _typed(item)
        if text is None:
            document.report((*path, index), "is not a value; expected a text, a number or a list")
            return None
        if text in texts:
            document.report((*path, index), f"{show(text)} is repeated; expected each value once")
            return None
        texts.append(text)
    return Axis(key, tuple(texts))


def _typed(item: Tree) -> str | None:
    """Return a value as it would be typed after `--set`; None where it is none."""
    if isinstance(item, str):
        return item
    if isinstance(item, list):
        texts = [_typed(entry) for entry in item]
        return None if None in texts else f"[{', '.join(map(str, texts))}]"
    return None


def _count(
    document: Document, path: KeyPath, tree: dict[str, Tree], *, required: bool
) -> int | None:
    text = tree.get("n")
    if "n" not in tree and not required:
        return None
    wanted = f"expected a whole number from 1 to {MOST_VALUES}"
    if not isinstance(text, str):
        document.report((*path, "n"), f"is missing; {wanted}", key="n" not in tree)
    elif not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_VALUES):
        document.report((*path, "n"), f"got {show(text)}; {wanted}")
    else:
        return int(text)
    return None


def _span(
    document: Document, path: KeyPath, key: str, tree: Tree, forms: Sequence[Form], scale: str
) -> Span | None:
    """Return a span of a key whose value is numeric; None after reporting why it is none."""
    ends = [item for item in tree if isinstance(item, str)] if isinstance(tree, list) else []
    if not isinstance(tree, list) or len(tree) != 2 or len(ends) != 2:
        document.report(path, "is not a span; expected a list of two, the lowest value first")
        return None
    form = next((f for f in forms if f.dimension is not None or f.type in (int, float)), None)
    if form is None:
        if forms:
            document.report(path, f"{key} is not a number; expected a list of its values")
        return None
    values = []
    for index, text in enumerate(ends):
        try:
            values.append(_number(text, form))
        except UnitError as error:
            document.report((*path, index), str(error))
    if len(values) < 2:
        return None
    low, high = values
    if low >= high:
        empty = f"has {show(ends[0])} and {show(ends[1])}, an empty range"
        document.report(path, f"{empty}; expected the lowest value first, and a higher one")
        return None
    if scale == "log" and low <= 0:
        document.report((*path, 0), f"got {show(ends[0])}; expected more than 0 for a logarithm")
        return None
    return Span(key, low, high, scale, form.dimension, form.dimension is None and form.type is int)


def _number(text: str, form: Form) -> float:
    if form.dimension is not None:
        return read_quantity(text, form.dimension)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (form.type is int and value != int(value)):
        kind = "a whole number" if form.type is int else "a number"
        raise UnitError(f"{show(text)} is not {kind}; expected one")
    return value
