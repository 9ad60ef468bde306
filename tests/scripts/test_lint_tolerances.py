"""The lint of tolerances refuses every comparison that leaves one to the library."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = runpy.run_path(str(ROOT / "scripts" / "lint_tolerances.py"))
problems = LINT["problems"]

REFUSED = {
    "approx(1e-12)": "abs",
    "approx(1e-12, rel=1e-6)": "abs",
    "pytest.approx([1.0, 2.0], rel=0.1)": "abs",
    "assert_close(a, b)": "rtol and atol",
    "torch.testing.assert_close(a, b, rtol=1e-7)": "atol",
    "torch.testing.assert_close(a, b, atol=0)": "rtol",
    "np.testing.assert_allclose(a, b, rtol=1e-12)": "atol",
    "np.testing.assert_allclose(a, b, atol=0)": "rtol",
    "np.allclose(a, b)": "rtol and atol",
    "torch.allclose(a, b, 1e-5, 1e-8)": "rtol and atol",
    "assert_close(a, b, **tolerances)": "rtol and atol",
    "math.isclose(a, b)": "rtol and atol",
    "math.isclose(a, b, rel_tol=1e-9)": "abs_tol",
    "np.isclose(a, b, atol=0)": "rtol",
    "f(lambda: [approx(x) for x in y])": "abs",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_call_that_leaves_a_tolerance_open_is_named(call: str) -> None:
    (line,) = problems(f"import numpy as np\n\nassert {call}\n", "tests/a.py")
    assert line.startswith("tests/a.py:3: ")
    assert f" without {REFUSED[call]}. Hint: " in line


@pytest.mark.parametrize(
    "call",
    [
        "approx(1.0, abs=1e-9)",
        "approx(1e-12, rel=1e-6, abs=0)",
        "assert_close(a, b, rtol=0, atol=1e-9)",
        "np.testing.assert_allclose(a, b, rtol=1e-12, atol=0)",
        "math.isclose(a, b, rel_tol=1e-9, abs_tol=0)",
        "np.isclose(a, b, rtol=1e-9, atol=0)",
        "a == b",
        "np.testing.assert_array_equal(a, b)",
        "table['approx'](1.0)",
    ],
)
def test_a_call_that_names_its_tolerances_passes(call: str) -> None:
    assert problems(f"assert {call}\n", "tests/a.py") == []


def test_problems_come_in_the_order_of_the_file() -> None:
    found = problems("approx(\n    approx(1.0)\n)\nnp.allclose(a, b)\n", "a.py")
    assert [line.split(":")[1] for line in found] == ["1", "2", "4"]


def test_whole_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.py").write_text("approx(1.0)\n")
    (tmp_path / "a.txt").write_text("approx(1.0)\n")
    assert LINT["main"]([str(tmp_path)]).startswith(f"{tmp_path}/deep/b.py:1: approx without abs")


def test_our_own_tests_name_their_tolerances() -> None:
    assert LINT["main"]([str(ROOT / "tests")]) == ""
