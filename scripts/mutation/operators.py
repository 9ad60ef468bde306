"""Mutants of one Python file: small faults, each at an exact position of the source.

What no test should see is never changed: docstrings and other texts, messages of errors and
warnings, `__repr__`, annotations, decorators, `__all__`, assertions and `if TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .faults import negation, replacements

#: Functions whose result no test of behaviour compares.
_UNSEEN_FUNCTIONS = {"__repr__", "__str__"}

#: Calls whose arguments are texts or numbers for a reader, or types for the type checker.
_UNSEEN_CALLS = {"warn", "cast", "TypeVar", "NewType", "field_validator", "model_validator"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault in one file.

    Args:
        path: The file, relative to the root.
        line: Line of the part that is replaced.
        first: First line of the statement around it.
        last: Last line of that part.
        start: Offset of that part in the file, in bytes.
        end: Offset behind that part, in bytes.
        operator: Kind of the fault.
        original: Source of that part.
        mutated: Source that stands there instead.
    """

    path: str
    line: int
    first: int
    last: int
    start: int
    end: int
    operator: str
    original: str
    mutated: str

    def apply(self, source: str) -> str:
        """Return the source of the file with the fault in it."""
        data = source.encode()
        return (data[: self.start] + self.mutated.encode() + data[self.end :]).decode()


def mutants(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of the file, whether it compiles or not.

    Args:
        path: The file, relative to the root.
        source: Its text.
    """
    tree = ast.parse(source)
    offsets = _line_offsets(source)
    data = source.encode()
    found = []
    for node, statement, field in _seen(tree, tree):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        faults = list(replacements(node))
        if field in ("test", "ifs") and isinstance(node, ast.expr):
            faults.append(("condition", negation(node)))
        for operator, text in faults:
            mutant = Mutant(
                path=path,
                line=node.lineno,
                first=statement.lineno,
                last=node.end_lineno or node.lineno,
                start=start,
                end=end,
                operator=operator,
                original=data[start:end].decode(),
                mutated=text,
            )
            found.append(mutant)
    return sorted(found, key=lambda each: (each.start, each.end, each.operator, each.mutated))


def is_a_fault(mutant: Mutant, source: str) -> bool:
    """Say whether a mutant compiles and is another program than its source.

    Args:
        mutant: The mutant.
        source: Text of its file, without the fault.
    """
    try:
        changed = ast.parse(mutant.apply(source))
        compile(changed, mutant.path, "exec")
    except (SyntaxError, ValueError):
        return False
    return ast.dump(changed) != ast.dump(ast.parse(source))


def _line_offsets(source: str) -> list[int]:
    """Return the offset of each line [byte]; the columns of `ast` count bytes as well."""
    offsets = [0]
    for line in source.encode().split(b"\n"):
        offsets.append(offsets[-1] + len(line) + 1)
    return offsets


def _seen(
    node: ast.AST, statement: ast.AST
) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr | ast.stmt, str]]:
    """Yield the nodes whose faults a test should see, the statement around each, and its field."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_unseen(child):
                continue
            inner = child if isinstance(child, ast.stmt) else statement
            if isinstance(child, ast.expr | ast.stmt) and isinstance(inner, ast.expr | ast.stmt):
                yield child, inner, field
            yield from _seen(child, inner)


def _is_unseen(node: ast.AST) -> bool:
    """Say whether no test should see a fault within a node."""
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            # Parts of an f-string have no exact position before Python 3.12.
            return True
        case ast.Expr(value=ast.Call() as call):
            return _is_unseen(call)
        case ast.FunctionDef(name=name):
            return name in _UNSEEN_FUNCTIONS
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name("__all__")]):
            return True
        case ast.Subscript(value=ast.Name("Literal" | "Annotated")):
            return True
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name)):
            return name in _UNSEEN_CALLS or name.endswith(("Error", "Warning"))
    return False
