"""Read a YAML file as plain texts with line and column.

Nothing is converted here: every value stays the text that was typed, so that each field can read
its own (YAML itself turns `on` into true, `12:30:45` into 45045 and lets a repeated key win). The
nodes of PyYAML's composer become the tree, and no object is ever constructed: anchors, aliases and
tags are refused, and depth, size and number of values are bounded while nodes are composed.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.composer import Composer

from pnnsim.common.files import reason
from pnnsim.common.units import show, show_path
from pnnsim.errors import Problem, SpecError
from pnnsim.specs.document import (
    MAX_DEPTH,
    Document,
    KeyPath,
    Position,
    Tree,
    limited,
    problem_at,
    unwrap,
)

#: Source of events: libyaml, where there is libyaml, is ten times as fast.
_Events = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

MAX_BYTES = 1_000_000
MAX_VALUES = 50_000

#: Control characters that YAML forbids; tab, line feed and carriage return are text.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_NO_TAGS = "descriptions are plain data"
#: Anchor of every node, as there are no aliases; PyYAML's stubs have another type for it.
_NO_ANCHOR: Any = None
_NULLS = ("", "~", "null", "Null", "NULL")


def read_yaml(path: Path | Traversable, name: str | None = None) -> Document:
    """Return the description in a file.

    Args:
        path: File to read.
        name: Name for messages; the path itself where it is not given.

    Raises:
        SpecError: If the file cannot be read, is not text, or is not YAML. What is wrong with
            single keys is collected in the document instead.
    """
    file = str(path) if name is None else name
    return parse_yaml(read_text(path, file), file)


def parse_yaml(text: str, file: str) -> Document:
    """Return the description in a text; see `read_yaml`.

    Args:
        text: YAML.
        file: Name for messages.
    """
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        line, column = _line_column(text, bad.start())
        what = f"holds the control character {bad[0]!a}; expected a text file"
        raise SpecError([Problem("", what, "", file, line, column)])
    document = Document(file)
    try:
        node = _Composer(text, document).compose_only()
    except yaml.MarkedYAMLError as error:
        raise SpecError(limited([*document.problems, _syntax_problem(error, file)])) from None
    except yaml.YAMLError as error:
        what = f"is not YAML: {show(str(error))}"
        raise SpecError([*document.problems, Problem("", what, "", file)]) from None
    if node is None:
        raise SpecError(
            [Problem("", "is empty; expected 'schema: 1' and the description", "", file)]
        )
    document.tree = unwrap(document, _tree(document, node, ()))
    return document


def read_text(path: Path | Traversable, file: str) -> str:
    """Return the text of a description.

    Args:
        path: File to read.
        file: Name for messages.

    Raises:
        SpecError: If the file cannot be read, or is not text.
    """
    special = None
    try:
        if isinstance(path, Path) and path.exists() and not path.is_file():
            special = "a folder" if path.is_dir() else "not a regular file"
        else:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError([Problem("", "no such file", "", show_path(file))]) from None
    except (OSError, ValueError) as error:
        problem = Problem("", f"cannot be read: {reason(error)}", "", show_path(file))
        raise SpecError([problem]) from None
    if special is not None:
        raise SpecError([Problem("", f"is {special}; expected a YAML file", "", file)])
    if len(raw) > MAX_BYTES:
        what = f"is larger than {MAX_BYTES // 1000} kB; expected a description of a few kB"
        raise SpecError([Problem("", what, "", file)])
    encoding = _ENCODINGS.get(raw[:2])
    if encoding is not None:
        raise SpecError([Problem("", f"is {encoding} text; expected UTF-8", "", file)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line_column(raw[: error.start].decode("utf-8", "replace"), error.start)
        what = f"holds the byte 0x{raw[error.start]:02x}; expected UTF-8 text"
        raise SpecError([Problem("", what, "", file, line, column)]) from None


def _line_column(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    """Return what the YAML parser met, in its own words and with a way out where one is known."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    why = " ".join(part for part in (error.problem, error.context) if part)
    hint = ""
    if "'\\t'" in why or "tab" in why or "cannot start any token" in why:
        hint = "indent with spaces, and put text that begins with a special character in quotes"
    elif "mapping values are not allowed" in why or "block mapping" in why:
        hint = "check the indentation, and put text that contains ': ' in quotes"
    return Problem("", f"is not YAML here: {why}", hint, file, line, column)


class _Alias(yaml.ScalarNode):
    """Node in the place of an alias; the problem has been reported."""


class _Composer(Composer):
    """Composer whose nodes have the text that was typed, with bounds on depth and number.

    Depth is bounded before it recurses, so that no file exhausts the stack.

    Args:
        text: YAML without control characters.
        document: Where refusals go.
    """

    def __init__(self, text: str, document: Document) -> None:
        super().__init__()
        events: Any = _Events(text)
        self.check_event = events.check_event
        self.peek_event = events.peek_event
        self.get_event = events.get_event
        self.document = document
        #: Keys and list positions of the node that is composed.
        self.path: KeyPath = ()
        self.depth = 0
        self.count = 0

    def compose_only(self) -> yaml.Node | None:
        """Return the root of the only document of a stream; None where there is none.

        Raises:
            SpecError: If a bound is exceeded or a second document begins.
        """
        self.get_event()  # the start of the stream
        if self.check_event(yaml.StreamEndEvent):
            return None
        node = self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            what = "starts a second document; expected one description in a file"
            self._stop(self.peek_event(), what)
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node; see `Composer`."""
        event = self.peek_event()
        self.count += 1
        if self.count > MAX_VALUES:
            self._stop(event, f"has more than {MAX_VALUES} values; expected a description")
        outside = self.path
        if isinstance(index, yaml.ScalarNode) and not isinstance(index, _Alias):
            self.path = (*outside, str(index.value))
        elif isinstance(index, int):
            self.path = (*outside, index)
        node = self._composed(event)
        self.path = outside
        return node

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return no tag, as every text stays what it is; see `Resolver` of PyYAML."""
        return ""

    def _composed(self, event: Any) -> yaml.Node | None:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"alias '*{event.anchor}' is not allowed", "write the value out")
            self.get_event()
            mark: Any = event.start_mark
            return _Alias("", "", mark, mark)
        if event.anchor is not None:
            self._refuse(event, f"anchor '&{event.anchor}' is not allowed", "write the value out")
        if event.tag is not None:
            self._refuse(event, f"tag {show(event.tag)} is not allowed", _NO_TAGS)
        if isinstance(event, yaml.ScalarEvent):
            return self.compose_scalar_node(_NO_ANCHOR)
        if self.depth >= MAX_DEPTH:
            self._stop(event, f"is nested deeper than {MAX_DEPTH} levels")
        self.depth += 1
        is_list = isinstance(event, yaml.SequenceStartEvent)
        compose = self.compose_sequence_node if is_list else self.compose_mapping_node
        node = compose(_NO_ANCHOR)
        self.depth -= 1
        return node

    def _refuse(self, event: yaml.Event, what: str, hint: str = "") -> None:
        place = _position(self.document.file, event)
        self.document.problems.append(problem_at(place, self.path, what, hint))

    def _stop(self, event: yaml.Event, what: str) -> NoReturn:
        self._refuse(event, what)
        raise SpecError(limited(self.document.problems))


def _tree(document: Document, node: yaml.Node, path: KeyPath) -> Tree:
    """Return a node as texts, lists and sections, whose positions go to the document."""
    document.values[path] = _position(document.file, node)
    if isinstance(node, yaml.SequenceNode):
        return [_tree(document, item, (*path, i)) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        section: dict[str, Tree] = {}
        for key, value in node.value:
            name = _key(document, key, path)
            if name is not None:
                section[name] = _tree(document, value, (*path, name))
        return section
    if isinstance(node, _Alias):
        document.refused.add(path)
        return None
    return _text(document, node, path)


def _text(document: Document, node: Any, path: KeyPath) -> str | None:
    """Return what was typed for a value; None where nothing was."""
    if not node.style and node.value in _NULLS:
        if not node.value:
            # Nothing is there to point at: the key is where the eye should go.
            document.values[path] = document.place(path, key=True)
        return None
    if _SURROGATE.search(node.value):
        document.report(path, "holds half of a surrogate pair; expected a character")
        return None
    return str(node.value)


def _key(document: Document, node: Any, path: KeyPath) -> str | None:
    """Return a key of a section; None after reporting why it is none."""
    place = _position(document.file, node)
    if not isinstance(node, yaml.ScalarNode):
        what = "a key is a list or a mapping; expected a name"
    elif isinstance(node, _Alias):
        return None
    elif not node.style and node.value in _NULLS:
        what = "a key is missing before ':'; expected a name"
    elif (*path, node.value) in document.keys:
        path = (*path, node.value)
        first = document.keys[path]
        what = f"the key is repeated; it stands at {first.line}:{first.column} already"
    else:
        document.keys[(*path, node.value)] = place
        return str(node.value)
    document.problems.append(problem_at(place, path, what))
    return None


def _position(file: str, found: yaml.Event | yaml.Node) -> Position:
    mark = found.start_mark
    return Position(file) if mark is None else Position(file, mark.line + 1, mark.column + 1)
