"""The lint of docstrings refuses summaries of the wrong form and arguments without a word."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
problems = runpy.run_path(str(ROOT / "scripts" / "lint_docstrings.py"))["problems"]

BASE = 'class Part:\n    """Part."""\n    def act(self, a, b):\n        """Act, see `x`."""\n'
REFUSED = {
    'class A:\n    """Hold the rows of a run."""': "expected a noun phrase",
    'class A:\n    """Record a run as columns."""': "expected a noun phrase",
    'def f():\n    """Returns a sum."""': "expected a command",
    'def f(a, b):\n    """Return a sum."""': "no Args for a, b",
    'def f(a, *, b):\n    """Return a sum.\n\n    Args:\n        a: One.\n    """': "no Args for b",
    'class A:\n    """Sum."""\n    def f(self, a, b):\n        """Add."""': "no Args for a, b",
    f'{BASE}class A(Part):\n    """A."""\n    def act(self, a, b):\n        """Act, see `x`."""': (
        "A.act repeats what it overrides"
    ),
}
ACCEPTED = [
    'class A:\n    """Record of a run, one row a span."""',
    'class A:\n    """What the rows have in common."""',
    'def f(a):\n    """Return a sum."""',
    'def _f(a, b):\n    """Return a sum."""',
    'def f(a, b):\n    """Return a sum; arguments as for `g`."""',
    'def f(a, b):\n    """Return a sum.\n\n    Args:\n        a: One.\n        b: Two.\n    """',
    '"""Sums.\n\nArgs:\n    a: One.\n    b: Two.\n"""\ndef f(a, b):\n    """Return a sum."""',
    f'{BASE}class A(Part):\n    """A."""\n    def act(self, a, b):\n        """Act at once."""',
]


@pytest.mark.parametrize("source", REFUSED)
def test_a_docstring_of_the_wrong_form_is_refused(source: str) -> None:
    (problem,) = problems({"file.py": source})
    assert REFUSED[source] in problem


@pytest.mark.parametrize("source", ACCEPTED)
def test_a_docstring_of_the_right_form_is_accepted(source: str) -> None:
    assert problems({"file.py": source}) == []
