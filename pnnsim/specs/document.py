"""Descriptions as they were typed: a tree of texts, each with its line and column.

Nothing is converted here: every value stays the text that was typed, so that each field can read
its own. Three notations are unwrapped: a value may be written
`{value: 10 us, range: [1 us, 100 us], source: "Author, venue, year"}`, a law may stand in its place
(`{law: dac, node: 16 nm}`), and a section may have one `source:` for all its values without their
own. Values with the same `group:` beside their ranges are one assumption: what is drawn from their
ranges moves together. From the range of a value that is a choice, and not an assumption, nothing is
drawn: `drawn: false`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from pnnsim.common.units import show
from pnnsim.errors import Problem, SpecError

MAX_DEPTH = 30
#: Problems that one message lists; a file with more is not a description.
MAX_PROBLEMS = 100

#: Where a value stands in a description: keys and list positions.
KeyPath = tuple[str | int, ...]
#: Sections, lists, texts; None where a key has no value.
Tree = dict[str, "Tree"] | list["Tree"] | str | None

#: Whole numbers of Python that stand for no value; this one has 1001 digits.
_MOST_WHOLE = 10**1000

_WRAPPER = ("value", "range", "group", "drawn", "source")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

#: Source of a value that was set over the one in the file, whose range it may leave.
USER_SOURCE = "set by the user"


@dataclass(frozen=True, slots=True)
class Position:
    """Place of a key or a value; line 0 where there is no text to point at."""

    file: str
    line: int = 0
    column: int = 0


@dataclass(slots=True)
class Document:
    """Description that has been read and not yet validated.

    Args:
        file: Name for messages.
        tree: The values, unwrapped.
        keys: Position of each key.
        values: Position of each value.
        sources: Literature or reason given for a value.
        ranges: Span given for a value, as typed.
        groups: Name that ties the span of a value to others.
        chosen: Values whose span is not drawn from.
        laws: What stands beside `law:` where a law gives the value, by key, as typed.
        problems: What is wrong with the text itself.
        refused: Values that a problem has been reported for; nothing more is said about them.
    """

    file: str
    tree: Tree = None
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    values: dict[KeyPath, Position] = field(default_factory=dict)
    sources: dict[KeyPath, str] = field(default_factory=dict)
    ranges: dict[KeyPath, tuple[str, str]] = field(default_factory=dict)
    groups: dict[KeyPath, str] = field(default_factory=dict)
    chosen: dict[KeyPath, bool] = field(default_factory=dict)
    laws: dict[KeyPath, dict[str, Tree]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[KeyPath] = field(default_factory=set)

    def copy(self) -> Document:
        """Return the same description, to be changed without a trace in this one."""
        return Document(
            file=self.file,
            tree=_copied(self.tree),
            keys=dict(self.keys),
            values=dict(self.values),
            sources=dict(self.sources),
            ranges=dict(self.ranges),
            groups=dict(self.groups),
            chosen=dict(self.chosen),
            laws={path: dict(beside) for path, beside in self.laws.items()},
            problems=list(self.problems),
            refused=set(self.refused),
        )

    def report(self, path: KeyPath, what: str, hint: str = "", *, key: bool = False) -> None:
        """Add a problem at the nearest path that has a position.

        Args:
            path: Key or value that the problem is about.
            what: What is wrong, and what is expected.
            hint: How to mend it.
            key: Point at the key rather than at its value.
        """
        self.problems.append(problem_at(self.place(path, key=key), path, what, hint))

    def place(self, path: KeyPath, *, key: bool = False) -> Position:
        """Return the position of a value or key, or of the nearest section around it.

        Args:
            path: The value or key.
            key: Prefer the key to its value.
        """
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            at = path[:length]
            found = first.get(at) or second.get(at)
            if found is not None:
                return found
            first, second = self.keys, self.values
        return Position(self.file)


def _copied(tree: Tree) -> Tree:
    """Return a tree that shares no section and no list with another."""
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(item) for item in tree] if isinstance(tree, list) else tree


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as it is written in messages: `network.order[3]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w.<-]{1,60}", part) else show(part)
            text += f".{name}" if text else name
    return text


def problem_at(place: Position, path: KeyPath, what: str, hint: str = "") -> Problem:
    """Return a problem with its address.

    Args:
        place: Where it stands.
        path: Key or value that it is about.
        what: What is wrong, and what is expected.
        hint: How to mend it.
    """
    return Problem(dotted(path), what, hint, place.file, place.line, place.column)


def limited(problems: list[Problem]) -> list[Problem]:
    """Return the first problems and how many more there are."""
    rest = len(problems) - MAX_PROBLEMS
    if rest <= 0:
        return problems
    what = f"{rest} more problem(s) are not shown; mend these first"
    return [*problems[:MAX_PROBLEMS], Problem("", what, "", problems[0].file)]


def from_data(data: Mapping[str, Any], name: str = "<data>") -> Document:
    """Return a description that is given as Python mappings, lists, numbers and texts.

    Args:
        data: The description.
        name: Name for messages.
    """
    document = Document(name)
    document.values[()] = Position(name)
    tree = _plain(document, data, ())
    document.tree = unwrap(document, tree)
    return document


def _plain(document: Document, data: object, path: KeyPath) -> Tree:
    """Return Python data as text, mappings and lists; what is neither becomes a problem."""
    if len(path) > MAX_DEPTH:
        document.report(path[:3], f"is nested deeper than {MAX_DEPTH} levels")
        document.refused.add(path)
        return None
    if isinstance(data, Mapping):
        section: dict[str, Tree] = {}
        for key, value in data.items():
            if isinstance(key, str):
                section[key] = _plain(document, value, (*path, key))
            else:
                document.report(path, f"has the key {show(repr(key))}; expected text")
        return section
    if isinstance(data, list | tuple):
        return [_plain(document, value, (*path, i)) for i, value in enumerate(data)]
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, Integral):
        number = int(data)
        if abs(number) >= _MOST_WHOLE:  # Python writes out no number of thousands of digits
            document.report(path, "is a whole number of more than 1000 digits; expected a value")
            document.refused.add(path)
            return None
        return str(number)
    if isinstance(data, Real):  # NumPy's own numbers too
        return repr(float(data))
    if data is not None and not isinstance(data, str):
        document.report(path, f"got a {type(data).__name__}; expected text, a number or a mapping")
        document.refused.add(path)
    return str(data) if isinstance(data, str) else None


def unwrap(document: Document, tree: Tree) -> Tree:
    """Return the tree with values in place of wrappers; sources and ranges go to the document.

    Args:
        document: Description that the tree belongs to.
        tree: Texts, lists and sections as they were typed.
    """
    return _unwrap(document, tree, (), None)


def _unwrap(document: Document, tree: Tree, path: KeyPath, inherited: str | None) -> Tree:
    if isinstance(tree, list):
        if inherited is not None:
            document.sources[path] = inherited
        return [_unwrap(document, item, (*path, i), None) for i, item in enumerate(tree)]
    if not isinstance(tree, dict):
        if inherited is not None and path:
            document.sources[path] = inherited
        return tree
    if "law" in tree:
        return _unwrap_law(document, tree, path, inherited)
    if "value" in tree or ("range" in tree and set(tree) <= set(_WRAPPER)):
        return _unwrap_value(document, tree, path, inherited)
    own = _source_text(document, tree, path) if "source" in tree else None
    return {
        key: _unwrap(document, value, (*path, key), own or inherited)
        for key, value in tree.items()
        if key != "source"
    }


def _unwrap_value(
    document: Document, tree: dict[str, Tree], path: KeyPath, inherited: str | None
) -> Tree:
    for key in tree:
        if key not in _WRAPPER:
            what = f"unknown key {show(key)} beside a value; expected {', '.join(_WRAPPER)}"
            document.report((*path, key), what, key=True)
    source = _source_text(document, tree, path) if "source" in tree else inherited
    if source is not None:
        document.sources[path] = source
    if "range" in tree:
        span = tree["range"]
        texts = [item for item in span if isinstance(item, str)] if isinstance(span, list) else []
        if isinstance(span, list) and len(span) == len(texts) == 2:
            document.ranges[path] = (texts[0], texts[1])
        else:
            what = "is not a span; expected a list of two, the lowest and the highest value"
            document.report((*path, "range"), what)
    if "group" in tree:
        _read_group(document, tree, path)
    if "drawn" in tree:
        _read_drawn(document, tree, path)
    if (*path, "value") in document.values:
        document.values[path] = document.values[(*path, "value")]
    value = tree.get("value")
    return _unwrap(document, value, path, None) if isinstance(value, list) else value


def _read_group(document: Document, tree: dict[str, Tree], path: KeyPath) -> None:
    """Keep the name that ties a span to others, or report why there is none."""
    group = tree["group"]
    if not (isinstance(group, str) and _GROUP.fullmatch(group)):
        what = "is not a name; expected letters, digits, '-' and '_', at most 64"
        document.report((*path, "group"), what)
    elif "range" not in tree:
        what = "ties nothing without a range; expected a range beside it"
        document.report((*path, "group"), what, key=True)
    else:
        document.groups[path] = group


def _read_drawn(document: Document, tree: dict[str, Tree], path: KeyPath) -> None:
    """Keep whether a span is drawn from, or report why that is not said."""
    if tree["drawn"] not in ("true", "false"):
        document.report((*path, "drawn"), "is not a truth value; expected true or false")
    elif "range" not in tree:
        what = "means nothing without a range; expected a range beside it"
        document.report((*path, "drawn"), what, key=True)
    elif tree["drawn"] == "false":
        document.chosen[path] = True


def _unwrap_law(
    document: Document, tree: dict[str, Tree], path: KeyPath, inherited: str | None
) -> Tree:
    """Return the value that is shown beside a law, and keep what the law is given."""
    source = _source_text(document, tree, path) if "source" in tree else inherited
    if source is not None:
        document.sources[path] = source
    if (*path, "law") in document.values:
        document.values[path] = document.values[(*path, "law")]
    document.laws[path] = {key: item for key, item in tree.items() if key != "source"}
    shown = tree.get("value")
    return shown if isinstance(shown, str) else None


def _source_text(document: Document, tree: dict[str, Tree], path: KeyPath) -> str | None:
    source = tree["source"]
    if isinstance(source, str) and source.strip():
        return source
    document.report((*path, "source"), "is not text; expected such as 'Author, venue, year'")
    return None


def leaves(tree: Tree, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Tree]]:
    """Yield every value that is not a section, with its path.

    Args:
        tree: Section, list or value.
        path: Where it stands.
    """
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, tree


def raise_problems(documents: Iterable[Document]) -> None:
    """Raise one error with the problems of all documents in the order of their lines, if any."""
    order: dict[str, int] = {}
    problems: list[Problem] = []
    for document in documents:
        order.setdefault(document.file, len(order))
        problems.extend(document.problems)
    # What was typed on the command line comes after what stands in files.
    problems.sort(key=lambda p: (order.get(p.file, len(order)), p.line, p.column))
    if problems:
        raise SpecError(limited(problems))
