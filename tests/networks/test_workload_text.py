"""Workloads as texts and files, whole and damaged."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import OutputError, WorkloadError
from pnnsim.networks import workload_json
from pnnsim.networks.workload import Workload
from tests.networks.workloads import example


def test_a_file_gives_the_workload_back(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    example().save(path)
    assert Workload.load(path) == example()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == example().sha256()
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_a_file_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none.net\.json: cannot write the workload"):
        example().save(tmp_path / "none" / "net.json")
    with pytest.raises(WorkloadError, match=r"gone\.json: cannot read a workload"):
        Workload.load(tmp_path / "gone.json")
    with pytest.raises(WorkloadError, match="cannot read a workload"):
        Workload.load(tmp_path)
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(WorkloadError, match=r"bad\.json: cannot read a workload"):
        Workload.load(tmp_path / "bad.json")


def test_a_text_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = example().to_json()
    monkeypatch.setattr(workload_json, "LIMIT", len(text) - 1)
    with pytest.raises(WorkloadError, match=f"has {len(text)} bytes; expected at most"):
        Workload.from_json(text)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "cannot read a workload"),
        ("null", "holds no workload"),
        ('{"pnnsim_workload": 2}', "is 2; expected 1. Hint: it was written by another version"),
        ('{"pnnsim_workload": true}', "holds no workload"),
        ('{"pnnsim_workload": 1}', "is missing"),
        ('{"pnnsim_workload": 1, "pnnsim_workload": 1}', "got the key 'pnnsim_workload' twice"),
        ('{"pnnsim_workload": NaN}', "got the number 'NaN'; expected finite numbers"),
        ('{"pnnsim_workload": -Infinity}', "got the number '-Infinity'"),
        ("[" * 200_000, "got JSON of more than 5 levels"),
        ('{"a":' * 200_000, "got JSON of more than 5 levels"),
        ("1" * 5000, "got an integer of 5000 digits; expected at most 64"),
        ('{"pnnsim_workload": 1e999}', "got the number '1e999'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_texts_of_something_else_are_refused(text: str, match: str) -> None:
    with pytest.raises(WorkloadError, match=match):
        Workload.from_json(text, "net.json")


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a tree."""
    found = [path] if path else []
    entries = data.items() if isinstance(data, dict) else ()
    entries = enumerate(data) if isinstance(data, list) else entries
    for key, value in entries:
        found += places(value, (*path, key))
    return found


TREE = json.loads(example().to_json())


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.sampled_from([2**41, 10**400, -1, 1e308, 0.5, "", "w", "conv", "loop", "relu", "machine"]),
    st.text(max_size=3),
)


ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(places(TREE)), st.sampled_from(["put", "drop", "add"]), ANYTHING),
        min_size=1,
        max_size=3,
    )
)
def test_a_damaged_tree_is_refused_or_is_another_workload(
    changes: list[tuple[tuple[Any, ...], str, Any]],
) -> None:
    tree = copy.deepcopy(TREE)
    for path, how, value in changes:
        at: Any = tree
        try:
            for key in path[:-1]:
                at = at[key]
            if how == "drop":
                del at[path[-1]]
            elif how == "put":
                at[path[-1]] = value
            elif isinstance(at, list):
                at.insert(path[-1], value)
            else:
                at[str(value)[:5]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken the place away
    _refused_or_round(json.dumps(tree))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 5000), st.binary(max_size=4), st.integers(0, 4))
def test_a_damaged_file_is_refused_or_is_another_workload(at: int, put: bytes, cut: int) -> None:
    text = example().to_json().encode()
    at %= len(text)
    _refused_or_round(text[:at] + put + text[at + cut :])
    _refused_or_round(text[:at])


def _refused_or_round(text: str | bytes) -> None:
    """Accept an error of the tree that names the file, or a workload that is its own text."""
    try:
        workload = Workload.from_json(text, "net.json")
    except WorkloadError:
        return
    assert Workload.from_json(workload.to_json()) == workload


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.json")
    with pytest.raises(WorkloadError, match="got something else than a regular file"):
        Workload.load(tmp_path / "net.json")


@pytest.mark.parametrize("factor", [10**40, 2**53 + 1, -(10**50)])
def test_a_number_that_no_double_is_is_refused(factor: int) -> None:
    """It would be another number, and another workload, in its own text."""
    data = json.loads(example().to_json())
    step = next(step for step in data["steps"] if "residual" in step)
    step["residual"][1] = factor
    with pytest.raises(WorkloadError, match=r"residual factor is .*; expected a finite number"):
        Workload.from_json(json.dumps(data))
