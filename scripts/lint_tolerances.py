"""Refuse comparisons of floats that leave a tolerance to the library.

The default absolute tolerances (1e-12 of `approx`, 1e-7 of `assert_close`) are larger than a
current or an energy of these machines, so such a comparison holds whatever is compared. Every call
must name its tolerances, 0 included: what is of order one as well, as no reader knows the size of
a number from its name.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

#: Function -> keywords that a call must state. `approx` drops its relative tolerance where only an
#: absolute one is given, so the absolute one is enough.
REQUIRED = {
    "approx": ("abs",),
    "assert_close": ("rtol", "atol"),
    "assert_allclose": ("rtol", "atol"),
    "allclose": ("rtol", "atol"),
}

#: Keywords of `isclose`, in the spelling of `math` and in that of numpy and torch.
CLOSE = (("rel_tol", "abs_tol"), ("rtol", "atol"))


def problems(text: str, name: str) -> list[str]:
    """Return one line for each comparison that leaves a tolerance open.

    Args:
        text: Python source.
        name: Name of its file, for the lines.
    """
    calls = (node for node in ast.walk(ast.parse(text, name)) if isinstance(node, ast.Call))
    found = []
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        function = _name(call)
        stated = {keyword.arg for keyword in call.keywords}
        if function == "isclose":
            spelling = CLOSE[0] if stated & set(CLOSE[0]) else CLOSE[1]
            missing = [keyword for keyword in spelling if keyword not in stated]
        else:
            missing = [each for each in REQUIRED.get(function, ()) if each not in stated]
        if missing:
            found.append(
                f"{name}:{call.lineno}: {function} without {' and '.join(missing)}. Hint: state "
                "it with a reason; 0 where the other tolerance is enough"
            )
    return found


def _name(call: ast.Call) -> str:
    """Return the last part of the name that is called; empty where it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def main(folders: list[str]) -> str:
    """Return the problems of all Python files in some folders, a line each."""
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    found = [line for file in files for line in problems(file.read_text("utf-8"), str(file))]
    return "\n".join(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["tests"]) or 0)
