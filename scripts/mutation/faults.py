"""The kinds of fault: what may stand in place of one expression or statement.

Each kind is a function from a node to the sources that replace it. A replaced expression stands in
parentheses wherever it could bind in another way, so the rest of its line keeps its meaning.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}

_OPPOSITES = {
    "min": "max",
    "minimum": "maximum",
    "amin": "amax",
    "argmin": "argmax",
    "floor": "ceil",
    "any": "all",
    "sin": "cos",
}
_OPPOSITES |= {other: name for name, other in _OPPOSITES.items()}

#: Calls whose first two arguments may be swapped without a difference, or never without an error.
_SYMMETRIC = {*_OPPOSITES, "gcd", "isclose", "allclose", "mul", "add", "isinstance", "issubclass"}


def replacements(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (kind of fault, source) of all that may stand in place of a node."""
    for kind, fault in _FAULTS.items():
        for text in fault(node):
            yield kind, text


def negation(condition: ast.expr) -> str:
    """Return the source of the negation of a condition."""
    return f"(not ({ast.unparse(condition)}))"


def _comparison(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                changed = copy.deepcopy(node)
                changed.ops[index] = other()
                yield f"({ast.unparse(changed)})"


def _arithmetic(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and not (_is_text(node.left) or _is_text(node.right)):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None and not _is_union(node):
            yield f"({ast.unparse(ast.BinOp(node.left, other(), node.right))})"
    if isinstance(node, ast.AugAssign) and not _is_text(node.value):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None:
            yield ast.unparse(ast.AugAssign(node.target, other(), node.value))


def _is_text(node: ast.AST) -> bool:
    """Say whether an operand is plainly a text, so that another operator only raises."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _is_union(node: ast.BinOp) -> bool:
    """Say whether `|` joins types."""
    none = isinstance(node.right, ast.Constant) and node.right.value is None
    return isinstance(node.op, ast.BitOr) and (none or isinstance(node.right, ast.Subscript))


def _constant(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=bool(value)):
            yield repr(not value)
        case ast.Constant(value=int(value)):
            yield repr(value + 1)
            yield repr(value - 1) if value > 0 else "(-1)"
        case ast.Constant(value=float(value)):
            yield from ("0.0", f"(-{value!r})") if value else ("1.0",)


def _sign(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Invert):
        yield f"({ast.unparse(node.operand)})"


def _condition(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.BoolOp(op=operator, values=values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})"


def _result(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Return(value=None | ast.Constant(value=None)):
            return
        case ast.Return():
            yield "return None"


def _arguments(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=[one, two, *rest]):
            plain = not any(isinstance(each, ast.Starred | ast.Constant) for each in (one, two))
            if plain and name not in _SYMMETRIC:
                changed = ast.Call(node.func, [two, one, *rest], node.keywords)
                yield ast.unparse(changed)


def _statement(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case ast.Continue():
            yield "break"
        case ast.Break():
            yield "continue"


def _slice(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Slice):
        for bound in ("lower", "upper", "step"):
            if getattr(node, bound) is not None:
                changed = copy.copy(node)
                setattr(changed, bound, None)
                yield ast.unparse(changed) or ":"


def _opposite(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(name)) if name in _OPPOSITES:
            yield ast.unparse(ast.Call(ast.Name(_OPPOSITES[name]), node.args, node.keywords))
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _OPPOSITES:
            function = ast.Attribute(value, _OPPOSITES[name])
            yield ast.unparse(ast.Call(function, node.args, node.keywords))


def _range(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name("range"), args=[stop]):
            yield f"range({ast.unparse(stop)} - 1)"
            yield f"range(1, {ast.unparse(stop)})"
        case ast.Call(func=ast.Name("range"), args=[start, *rest]):
            others = ", ".join(ast.unparse(each) for each in rest)
            yield f"range({ast.unparse(start)} + 1, {others})"


_FAULTS: dict[str, Callable[[ast.AST], Iterator[str]]] = {
    "comparison": _comparison,
    "arithmetic": _arithmetic,
    "constant": _constant,
    "sign": _sign,
    "condition": _condition,
    "result": _result,
    "arguments": _arguments,
    "statement": _statement,
    "slice": _slice,
    "opposite": _opposite,
    "range": _range,
}
