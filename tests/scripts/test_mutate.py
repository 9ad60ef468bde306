"""Faults are small, exact and visible; a weak test leaves one alive and a strong one kills it."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.mutation.command import main
from scripts.mutation.coverage_map import CoverageMap, read, write
from scripts.mutation.operators import is_a_fault, mutants
from scripts.mutation.sample import changed_lines, library_files, stratified
from scripts.mutation.table import line_of, table
from scripts.mutation.table import read as read_results
from scripts.mutation.trial import MOST_TESTS, Trial, attempt, covering_tests

ROOT = Path(__file__).parents[2]

FAULTS = {
    "a < b": {"(a <= b)", "(a >= b)"},
    "a + b * c": {"(a - b * c)", "a + (b / c)"},
    "a * b * c": {"(a * b / c)", "(a / b) * c"},
    "a - (b + c)": {"(a + (b + c))", "a - ((b - c))"},
    "'µ', a < b": {"'µ', (a <= b)", "'µ', (a >= b)"},
    "f(3)": {"f(4)", "f(2)"},
    "f(2.5)": {"f(0.0)", "f((-2.5))"},
    "f(True)": {"f(False)"},
    "f(0)": {"f(1)", "f((-1))"},
    "-a": {"(a)"},
    "a and b": {"(a or b)"},
    "not a": {"(a)"},
    "b if a else c": {"b if (not (a)) else c"},
    "[a for a in b if a]": {"[a for a in b if (not (a))]"},
    "f(a, b)": {"f(b, a)"},
    "a[b:c]": {"a[:c]", "a[b:]"},
    "a.max(b)": {"a.min(b)"},
    "range(a)": {"range(a - 1)", "range(1, a)"},
    "range(a, b)": {"range(a + 1, b)", "range(b, a)"},
}

STATEMENTS = {
    "a += b": {"a -= b", "pass"},
    "a.b = c": {"pass"},
    "f()": {"pass"},
    "for a in b:\n    continue": {"for a in b:\n    break"},
    "def f():\n    return a": {"def f():\n    return None"},
    "if a:\n    b": {"if (not (a)):\n    b"},
    "while a:\n    b": {"while (not (a)):\n    b"},
}

UNSEEN = [
    '"""Text of 3 parts."""',
    "raise ValueError(3 + a)",
    "assert a < 3",
    "a: Literal[3]",
    "def f(a: x[3]) -> y[3]: ...",
    "@f(3)\ndef g(): ...",
    "def __repr__(self):\n    return 3",
    "if TYPE_CHECKING:\n    a = 3",
    "if typing.TYPE_CHECKING:\n    a = 3",
    "__all__ = ['a'][3:]",
    "a = f'{b + 3}'",
    "a = 'b' + c",
    "warn('a', 3)",
    "a = SpecError('b', 3)",
]


def _mutated(source: str) -> set[str]:
    return {each.apply(source) for each in mutants("a.py", source) if is_a_fault(each, source)}


@pytest.mark.parametrize("expression", FAULTS)
def test_an_expression_has_these_faults_and_no_others(expression: str) -> None:
    source = f"x = {expression}\n"
    assert _mutated(source) == {f"x = {each}\n" for each in FAULTS[expression]}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_has_these_faults_and_no_others(statement: str) -> None:
    assert _mutated(f"{statement}\n") == {f"{each}\n" for each in STATEMENTS[statement]}


@pytest.mark.parametrize("source", UNSEEN)
def test_what_no_test_should_see_is_never_changed(source: str) -> None:
    assert _mutated(f"{source}\n") == set()


def test_every_drawn_fault_of_the_library_compiles_and_is_another_program() -> None:
    files = dict.fromkeys(library_files(ROOT, ["mapping", "physics"]))
    drawn = stratified(ROOT, files, count=60, seed=5)
    assert len(drawn) == 60
    for mutant in drawn:
        source = (ROOT / mutant.path).read_text("utf-8")
        changed = mutant.apply(source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))
        assert mutant.first <= mutant.line <= mutant.last
        assert source.encode()[mutant.start : mutant.end].decode() == mutant.original


def test_a_sample_follows_its_seed_and_spares_lines_and_packages() -> None:
    files = dict.fromkeys(library_files(ROOT, ["mapping", "common"]))
    one = stratified(ROOT, files, count=40, seed=1)
    assert one == stratified(ROOT, files, count=40, seed=1)
    assert one != stratified(ROOT, files, count=40, seed=2)
    assert len({(each.path, each.line) for each in one}) == 40
    assert sum(each.path.startswith("pnnsim/mapping/") for each in one) == 20


def test_the_tests_of_a_fault_come_from_every_file_and_run_quickest_first() -> None:
    (mutant, *_) = mutants("pnnsim/physics/a.py", "def f(a):\n    return a + 1\n")
    quick = {f"tests/physics/test_a.py::test_{n}": 0.01 for n in range(2 * MOST_TESTS)}
    other = {"tests/timing/test_b.py::test_b": 5.0, "tests/timing/test_c.py::test_c": 1e3}
    lines = {2: [*quick, *other]}
    chosen = covering_tests(mutant, CoverageMap(quick | other, {mutant.path: lines}))
    assert len(chosen) == MOST_TESTS
    assert chosen[-1] == "tests/timing/test_b.py::test_b"
    assert set(chosen[:-1]) <= set(quick)


def test_a_line_that_runs_at_import_is_tested_by_the_tests_of_its_module() -> None:
    covered = CoverageMap({"t": 1.0, "u": 1.0}, {"a.py": {1: [], 5: ["t"]}, "b.py": {1: ["u"]}})
    assert covered.tests("a.py", 1, 1) == {"t"}
    assert covered.tests("a.py", 3, 3) == set()
    assert covered.tests("c.py", 1, 1) == set()


def test_a_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    covered = CoverageMap({"b": 1.5, "a": 0.25}, {"x.py": {1: ["a", "b"], 7: []}})
    write(covered, tmp_path / "new" / "map.json")
    assert read(tmp_path / "new" / "map.json") == covered


def test_results_go_on_behind_a_line_that_was_cut_off(tmp_path: Path) -> None:
    one, two = mutants("pnnsim/a/b.py", "a < b\n")
    lines = [line_of(Trial(one, "killed", 3, 3)), line_of(Trial(two, "survived", 1, 2))]
    (tmp_path / "r.jsonl").write_text(f"{lines[0]}\n{lines[1][:40]}", encoding="utf-8")
    assert read_results(tmp_path / "r.jsonl") == {one: Trial(one, "killed", 3, 3)}
    assert read_results(tmp_path / "none.jsonl") == {}


def test_the_table_counts_by_package_and_lists_what_survived() -> None:
    one, two = mutants("pnnsim/a/b.py", "a < b\n")
    text = table([Trial(one, "killed", 3, 3), Trial(two, "survived", 1, 2)])
    assert [line.split() for line in text.splitlines()[1:3]] == [
        ["a", "1", "0", "1", "0", "50%"],
        ["all", "1", "0", "1", "0", "50%"],
    ]
    assert text.endswith(
        "survived (1)\n  pnnsim/a/b.py:1  comparison, 1 of 2 tests\n    - a < b\n    + (a >= b)\n"
    )


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Return a small tree with one weak, one strong test and one line without any."""
    root = tmp_path / "tree"
    (root / "pnnsim" / "physics").mkdir(parents=True)
    (root / "tests" / "physics").mkdir(parents=True)
    (root / "pnnsim" / "__init__.py").touch()
    (root / "pnnsim" / "physics" / "__init__.py").touch()
    (root / "pnnsim" / "physics" / "a.py").write_text(
        "def weak(a, b):\n    return a + b\n\n\ndef strong(a, b):\n    return a * b\n\n\n"
        "def none(a, b):\n    return a - b\n"
    )
    (root / "pnnsim" / "physics" / "b.py").write_text(
        "def endless(n):\n    while n > 0:\n        n -= 1\n    return n == 0\n"
    )
    (root / "tests" / "physics" / "test_a.py").write_text(
        "from pnnsim.physics import a, b\n\n\ndef test_weak():\n    assert a.weak(3, 0) == 3\n\n\n"
        "def test_strong():\n    assert a.strong(3, 2) == 6\n\n\ndef test_endless():\n"
        "    assert b.endless(2)\n\n\ndef test_that_fails():\n    assert a.weak(1, 0) == 2\n"
    )
    (root / ".gitignore").write_text(".mutate/\n__pycache__/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    return root


def _contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not {".git", ".mutate"} & set(path.relative_to(root).parts)
    }


@pytest.mark.long
def test_a_weak_test_leaves_its_fault_alive_and_a_strong_one_kills_it(
    planted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _contents(planted)
    arguments = ["--files", "pnnsim/physics/a.py", "--count", "4", "--seed", "2"]
    assert main([*arguments, "--list"], root=planted) == 0
    listed = capsys.readouterr().out.splitlines()
    assert main(arguments, root=planted) == 1
    first = capsys.readouterr()
    # A run that was stopped in the middle of a line goes on behind the line before it.
    (results,) = (planted / ".mutate").glob("results-*.jsonl")
    results.write_bytes(results.read_bytes()[:-20])
    assert main(arguments, root=planted) == 1
    second = capsys.readouterr()
    assert second.out == first.out
    assert second.err.count("\n") == 1
    # The third has every result already, and runs no test.
    assert main(arguments, root=planted) == 1
    third = capsys.readouterr()
    assert third.out == first.out
    assert third.err == ""
    assert _contents(planted) == before
    assert len(listed) == 4
    assert first.err.count("\n") == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "original", "mutated", "outcome"),
    [
        ("a", "a + b", "(a - b)", "survived"),
        ("a", "a * b", "(a / b)", "killed"),
        ("a", "a - b", "(a + b)", "no test"),
        pytest.param("b", "n -= 1", "pass", "timeout", marks=pytest.mark.long),
    ],
)
def test_the_outcome_of_a_fault(
    planted: Path, file: str, original: str, mutated: str, outcome: str
) -> None:
    path = f"pnnsim/physics/{file}.py"
    source = (planted / path).read_text("utf-8")
    (mutant,) = (
        each
        for each in mutants(path, source)
        if (each.original, each.mutated) == (original, mutated)
    )
    weak, strong, endless = (
        f"tests/physics/test_a.py::test_{name}" for name in ("weak", "strong", "endless")
    )
    covered = CoverageMap(
        dict.fromkeys((weak, strong, endless), 0.01),
        {
            "pnnsim/physics/a.py": {2: [weak], 6: [strong]},
            "pnnsim/physics/b.py": {2: [endless], 3: [endless], 4: [endless]},
        },
    )
    # An endless loop is ended after ten times the duration of a start.
    start_s = 0.8 if outcome == "timeout" else 60.0
    assert attempt(mutant, planted, covered, start_s=start_s).outcome == outcome
    assert (planted / path).read_text("utf-8") == source


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_tests_running(planted: Path, tmp_path: Path) -> None:
    # The test tells its process and then waits, as a mutant in an endless loop does.
    (planted / "tests" / "physics" / "test_a.py").write_text(
        "import os, pathlib, time\n\n\ndef test_endless():\n"
        f"    pathlib.Path({str(tmp_path / 'part')!r}).write_text(str(os.getpid()))\n"
        f"    os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'pid')!r})\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", f"""
import pathlib, sys
sys.path.insert(0, {str(ROOT)!r})
from scripts.mutation.tree import pytest_run
pytest_run(pathlib.Path({str(planted)!r}), ["tests"], limit=None, extra={{}})
"""]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert _within(60, (tmp_path / "pid").exists)
        of_tests = int((tmp_path / "pid").read_text())
        assert _runs(of_tests)
    finally:
        process.kill()
        process.wait()
    assert _within(60, lambda: not _runs(of_tests))


def _within(seconds: int, what: Callable[[], bool]) -> bool:
    """Return whether something has become true within some time, looking again and again."""
    for _ in range(seconds * 20):
        if what():
            return True
        subprocess.run(["sleep", "0.05"], check=True)
    return what()


def _runs(process: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_lines_of_a_change_are_those_that_differ(planted: Path) -> None:
    path = planted / "pnnsim" / "physics" / "a.py"
    path.write_text(path.read_text("utf-8").replace("a * b", "b * a"))
    assert changed_lines(planted, "HEAD") == {"pnnsim/physics/a.py": {6}}
    with pytest.raises(SystemExit, match="no difference to 'nothing'"):
        changed_lines(planted, "nothing")


def test_unknown_packages_and_files_are_named(planted: Path) -> None:
    with pytest.raises(SystemExit, match=r"no package optics; expected some of .*physics"):
        main(["--packages", "optics"], root=planted)
    with pytest.raises(SystemExit, match=r"no file pnnsim/b\.py"):
        main(["--files", "pnnsim/b.py"], root=planted)
