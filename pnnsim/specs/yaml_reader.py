"""Read a description as plain text values that know their line and column.

Nothing is converted here: every value stays the text that was typed, so that each field can read
its own (YAML itself turns `on` into true, `12:30:45` into 45045 and lets a repeated key win). The
tree is built from parser events in one loop, without recursion, and never constructs an object:
anchors, aliases and tags are refused, and depth, size and number of values are bounded.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

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

MAX_BYTES = 1_000_000
MAX_VALUES = 50_000

#: Control characters that YAML forbids; tab, line feed and carriage return are text.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
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
    return parse_yaml(_read_text(path, file), file)


def parse_yaml(text: str, file: str) -> Document:
    """Return the description in a text; see `read_yaml`."""
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        line, column = _line_column(text, bad.start())
        what = f"holds the control character {bad[0]!a}; expected a text file"
        raise SpecError([Problem("", what, "", file, line, column)])
    document = Document(file)
    builder = _Builder(document)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise SpecError(limited([*document.problems, _syntax_problem(error, file)])) from None
    except yaml.YAMLError as error:
        what = f"is not YAML: {show(str(error))}"
        raise SpecError([*document.problems, Problem("", what, "", file)]) from None
    if not builder.seen:
        raise SpecError(
            [Problem("", "is empty; expected 'schema: 1' and the description", "", file)]
        )
    document.tree = unwrap(document, builder.tree)
    return document


def _read_text(path: Path | Traversable, file: str) -> str:
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
        why = getattr(error, "strerror", None) or str(error)
        raise SpecError([Problem("", f"cannot be read: {why}", "", show_path(file))]) from None
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


class _Builder:
    """Build a tree from parser events, with a stack of its own instead of recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.tree: Tree = None
        self.seen = False
        self.count = 0
        self.path: list[str | int] = []
        #: Open containers; a mapping waits for a key where `pending` is None.
        self.stack: list[dict[str, Tree] | list[Tree]] = []
        self.pending: list[str | None] = []
        #: Depth below which everything is skipped, because its key was refused.
        self.skip = 0
        self.skip_next = False

    def take(self, event: yaml.Event) -> None:
        """Digest one event."""
        if isinstance(event, yaml.DocumentStartEvent) and self.seen:
            self._stop(event, "starts a second document; expected one description in a file")
        elif isinstance(event, yaml.AliasEvent):
            self._node(event)
            self._alias(event)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            else:
                self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _node(self, event: yaml.NodeEvent) -> None:
        self.seen = True
        self.count += 1
        if self.count > MAX_VALUES:
            self._stop(event, f"has more than {MAX_VALUES} values; expected a description")
        if isinstance(event, yaml.AliasEvent):
            return
        if event.anchor is not None:
            self._refuse(event, f"anchor '&{event.anchor}' is not allowed", "write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, f"tag {show(tag)} is not allowed", "descriptions are plain data")

    def _alias(self, event: yaml.AliasEvent) -> None:
        self._refuse(event, f"alias '*{event.anchor}' is not allowed", "write the value out")
        if self.skip:
            return
        if self._wants_key():
            self.skip_next = True
        elif self.skip_next:
            self.skip_next = False
        else:
            self.document.refused.add(self._put(None, event))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self.skip:
            return
        if self._wants_key():
            self._key(event)
        elif self.skip_next:
            self.skip_next = False
        else:
            missing = not event.style and event.value in _NULLS
            if _SURROGATE.search(event.value):
                self._refuse(event, "holds half of a surrogate pair; expected a character")
                missing = True
            path = self._put(None if missing else event.value, event)
            if missing and not event.value:
                # Nothing is there to point at: the key is where the eye should go.
                self.document.values[path] = self.document.place(path, key=True)

    def _key(self, event: yaml.ScalarEvent) -> None:
        section = self.stack[-1]
        key = str(event.value)
        if not event.style and key in _NULLS:
            self._refuse(event, "a key is missing before ':'; expected a name")
            self.skip_next = True
        elif key in section:
            first = self.document.keys[(*self.path, key)]
            what = f"the key is repeated; it stands at {first.line}:{first.column} already"
            place = _position(self.document.file, event)
            self.document.problems.append(problem_at(place, (*self.path, key), what))
            self.skip_next = True
        else:
            self.pending[-1] = key
            self.document.keys[(*self.path, key)] = _position(self.document.file, event)

    def _open(self, container: dict[str, Tree] | list[Tree], event: yaml.NodeEvent) -> None:
        if len(self.stack) + self.skip >= MAX_DEPTH:
            self._stop(event, f"is nested deeper than {MAX_DEPTH} levels")
        if self.skip:
            self.skip += 1
        elif self._wants_key():
            self._refuse(event, "a key is a list or a mapping; expected a name")
            self.skip, self.skip_next = 1, True
        elif self.skip_next:
            self.skip, self.skip_next = 1, False
        else:
            path = self._put(container, event)
            self.stack.append(container)
            self.pending.append(None)
            self.path = list(path)

    def _close(self) -> None:
        if self.skip:
            self.skip -= 1
            return
        self.stack.pop()
        self.pending.pop()
        if self.path:
            self.path.pop()

    def _wants_key(self) -> bool:
        return (
            bool(self.stack)
            and isinstance(self.stack[-1], dict)
            and self.pending[-1] is None
            and not self.skip_next
        )

    def _put(self, value: Tree, event: yaml.Event) -> KeyPath:
        """Store a value where it belongs and return its path."""
        path: KeyPath = ()
        if not self.stack:
            self.tree = value
        else:
            holder = self.stack[-1]
            if isinstance(holder, list):
                path = (*self.path, len(holder))
                holder.append(value)
            else:
                key = self.pending[-1]
                assert key is not None, "a mapping takes a value only after its key"
                path = (*self.path, key)
                holder[key] = value
                self.pending[-1] = None
        self.document.values[path] = _position(self.document.file, event)
        return path

    def _here(self) -> KeyPath:
        key = self.pending[-1] if self.pending else None
        return (*self.path, key) if key is not None else tuple(self.path)

    def _refuse(self, event: yaml.Event, what: str, hint: str = "") -> None:
        place = _position(self.document.file, event)
        self.document.problems.append(problem_at(place, self._here(), what, hint))

    def _stop(self, event: yaml.Event, what: str) -> None:
        self._refuse(event, what)
        raise SpecError(limited(self.document.problems))


def _position(file: str, event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(file) if mark is None else Position(file, mark.line + 1, mark.column + 1)
