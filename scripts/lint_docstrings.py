"""Refuse docstrings that a reader cannot rely on.

The summary of a class is a noun phrase that says what an object of it is; that of a function is a
command. A public function with two or more arguments has an Args section, unless it overrides a
method that has one, refers to the function or record that has (`as of`, `see`, `as`), or stands in
a module whose own docstring has the section for all of its functions. A method does not repeat
what the method says that it overrides.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: First words that make the summary of a class a command, whatever follows.
_COMMAND = re.compile(
    r"(Answer|Ask|Be|Carry|Describe|Gather|Give|Hold|Keep|Know|Let|Locate|Make|Obey|Occupy|Provide|"
    r"Represent|Say|Serve|Speak|Stand|Take|Tell|Wrap)\b"
)

#: A first word that may be a noun or a command, with an object behind it.
_OBJECT = re.compile(
    r"(?!What |How |Where |Half |Some |All )"
    r"[A-Z][a-z]+ (a|an|the|what|how|whether|each|every|its)\b"
)

#: First words that make the summary of a function no command.
_STATEMENT = re.compile(r"(A|An|Each|Gets|Is|Returns|That|The|This|What|Whether|Yields)\b")

#: Ways to say that the arguments are explained elsewhere.
_ELSEWHERE = re.compile(r"\b(?:see|as of|as for|as|like|those of) `")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Class:
    """Class of some file: the names of its bases, and the docstrings of its methods."""

    bases: tuple[str, ...]
    methods: dict[str, str]


#: Classes by name; several files may have one of the same name.
Classes = dict[str, list[Class]]


def problems(sources: dict[str, str]) -> list[str]:
    """Return one line for each docstring that breaks a rule.

    Args:
        sources: Python source by name of its file; bases are looked for in all of them.
    """
    trees = {name: ast.parse(text, name) for name, text in sources.items()}
    classes: Classes = {}
    for tree in trees.values():
        for node in _classes(tree.body):
            methods = {m.name: ast.get_docstring(m) or "" for m in _functions(node.body)}
            classes.setdefault(node.name, []).append(Class(_bases(node), methods))
    found = []
    for name, tree in trees.items():
        known = _explained(ast.get_docstring(tree) or "")
        for line, what in sorted(_wrong(tree, classes, known)):
            found.append(f"{name}:{line}: {what}")
    return found


def _wrong(tree: ast.Module, classes: Classes, known: set[str]) -> Iterator[tuple[int, str]]:
    for function in _functions(tree.body):
        yield from _of_function(function, known)
    for node in _classes(tree.body):
        summary = (ast.get_docstring(node) or "").partition("\n")[0]
        if _COMMAND.match(summary) or _OBJECT.match(summary):
            yield node.lineno, f"class {node.name}: '{summary}'; expected a noun phrase"
        for method in _functions(node.body):
            above = _overridden(method.name, _bases(node), classes)
            text = ast.get_docstring(method)
            if not above:
                yield from _of_function(method, known)
            elif text in above:
                yield method.lineno, f"{node.name}.{method.name} repeats what it overrides"


def _of_function(function: Function, known: set[str]) -> Iterator[tuple[int, str]]:
    text = ast.get_docstring(function) or ""
    if function.name.startswith("_") or not text:
        return
    summary = text.partition("\n")[0]
    if _STATEMENT.match(summary):
        yield function.lineno, f"{function.name}: '{summary}'; expected a command"
    names = _arguments(function)
    explained = _explained(text) | known
    if len(names) < 2 or _ELSEWHERE.search(text):
        return
    missing = [name for name in names if name not in explained]
    if missing:
        yield function.lineno, f"{function.name}: no Args for {', '.join(missing)}"


def _explained(text: str) -> set[str]:
    """Return the arguments that a docstring has in its section."""
    _, _, section = text.partition("Args:\n")
    return set(re.findall(r"^ {4}\*{0,2}(\w+)(?:, \w+)*:", section, re.M)) | {
        name
        for names in re.findall(r"^ {4}(\w+(?:, \w+)+):", section, re.M)
        for name in names.split(", ")
    }


def _arguments(function: Function) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [each.arg for each in every if each.arg not in ("self", "cls")]


def _overridden(name: str, bases: tuple[str, ...], classes: Classes) -> list[str]:
    """Return the docstrings of the methods that a name overrides; none where it is the first."""
    found = []
    for above in (each for base in bases for each in classes.get(base, ())):
        if name in above.methods:
            found.append(above.methods[name])
        found += _overridden(name, above.bases, classes)
    return found


def _functions(body: list[ast.stmt]) -> Iterator[Function]:
    return (node for node in body if isinstance(node, Function))


def _classes(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    """Yield the classes of a file, those within classes included."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node
            yield from _classes(node.body)


def _bases(node: ast.ClassDef) -> tuple[str, ...]:
    return tuple(base for each in node.bases if (base := _last(each)))


def _last(base: ast.expr) -> str:
    """Return the last part of the name of a base; empty where it has none."""
    if isinstance(base, ast.Subscript):
        return _last(base.value)
    if isinstance(base, ast.Attribute):
        return base.attr
    return base.id if isinstance(base, ast.Name) else ""


def main(folders: list[str]) -> str:
    """Return the lines for all files below some folders."""
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    return "\n".join(problems({str(file): file.read_text("utf-8") for file in files}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["pnnsim"]) or 0)
