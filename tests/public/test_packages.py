"""Every package says what it is for and what it must not do, and the map of the house is true."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted((ROOT / "pnnsim").rglob("__init__.py"))
HOUSE = (ROOT / "docs" / "house.md").read_text("utf-8")

#: Words by which a text sets a bound.
BOUND = re.compile(r"\b(not|no|nothing|only|never|none|neither|without|cannot)\b", re.IGNORECASE)


@pytest.mark.parametrize("file", PACKAGES, ids=lambda p: p.parent.relative_to(ROOT).as_posix())
def test_a_package_says_what_it_is_for_and_what_it_must_not_do(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    assert text is not None
    first, *rest = text.splitlines()
    assert len(first.split()) >= 4
    assert not first.startswith(("Hold ", "Be ", "Say "))
    # A family of devices says in its second paragraph what belongs to whom.
    family = file.parent.parent.name == "devices"
    assert BOUND.search(" ".join(rest)) or (family and len(rest) > 1), "what must it not do?"


def test_files_are_of_one_idea_and_read_fields_by_their_names() -> None:
    texts = {file: file.read_text("utf-8") for file in (ROOT / "pnnsim").rglob("*.py")}
    assert [str(file) for file, text in texts.items() if len(text.splitlines()) > 350] == []
    # What is read by a computed name is seen by no type checker: each such line has its reason.
    assert sum(text.count("getattr") for text in texts.values()) < 10


def layers() -> list[str]:
    """Return the packages in the order in which they may import each other."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = [
        found
        for found in settings["tool"]["importlinter"]["contracts"]
        if found["type"] == "layers"
    ]
    return list(contract["layers"])


def test_every_package_has_its_floor() -> None:
    there = {
        f"pnnsim.{file.parent.name}" for file in PACKAGES if file.parent.parent.name == "pnnsim"
    }
    assert there | {"pnnsim.errors"} == set(layers())


def test_the_house_lists_the_packages_in_their_order() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \|", HOUSE, re.M)
    assert [f"pnnsim.{row.removesuffix('.py')}" for row in rows] == layers()


def test_every_file_that_the_house_names_exists() -> None:
    named = re.findall(r"`([a-z_]+/[A-Za-z_/]+\.(?:py|yaml|j2))`", HOUSE)
    assert len(named) > 30
    for name in named:
        assert (ROOT / name).is_file() or (ROOT / "pnnsim" / name).is_file(), name


def test_every_name_that_the_house_calls_is_in_the_file_beside_it() -> None:
    pairs = re.findall(r"`([a-z_]+/[A-Za-z_/]+\.py)` \(([^)]*)\)", HOUSE)
    assert len(pairs) > 20
    for file, names in pairs:
        path = ROOT / file if (ROOT / file).is_file() else ROOT / "pnnsim" / file
        source = path.read_text("utf-8")
        for name in re.findall(r"`([A-Za-z_]+)`", names):
            assert re.search(rf"^ *(?:(?:def|class) {name}\b|{name}\b *[:=])", source, re.M), (
                f"{file}: {name}"
            )
