"""What is not a description at all, or is meant to do harm, is refused with a short error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pnnsim.errors import SpecError
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.yaml_reader import MAX_BYTES, parse_yaml
from tests.specs.spec_text import MACHINE, changed, problems_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "m.yaml: is empty; expected 'schema: 1'"),
        (b"# only a comment\n", "m.yaml: is empty"),
        (b"---\n...\n", "m.yaml"),
        (b"schema: 1\nname: a\x00b\n", "m.yaml:2:8: holds the control character '\\x00'"),
        (b"\x89PNG\r\n\x1a\n\x00", "m.yaml:1:1: holds the byte 0x89; expected UTF-8 text"),
        ("schema: 1\n# µ\nname: é".encode("latin-1"), "m.yaml:2:3: holds the byte 0xb5"),
        (MACHINE.encode("utf-16"), "m.yaml: is UTF-16 text; expected UTF-8"),
        (b"just words", "m.yaml:1:1: is not a description; expected keys"),
        (b"- a\n- b\n", "m.yaml:1:1: is not a description; expected keys"),
        (b"schema: 1\n\tname: a\n", "m.yaml:2:"),
        (b"a: b: c\n", "m.yaml:1:5: is not YAML here: mapping values are not allowed"),
        (b"a: [1, 2\n", "m.yaml:2:1: is not YAML here"),
        (b"a: 'open\n", "m.yaml:2:1: is not YAML here"),
        (b"a: 1\n---\nb: 1\n", "m.yaml:2:1: starts a second document"),
        (b"? \n: 2\n", "m.yaml:1:2: a key is missing before ':'"),
        (b"x: !!python/object/apply:os.system [ls]\n", "m.yaml:1:1: schema: is missing"),
    ],
)
def test_a_file_that_is_no_description_is_refused_with_a_place(
    text: bytes, expected: str, tmp_path: Path
) -> None:
    assert any(line.startswith(expected) for line in problems_of(text, tmp_path))


def test_python_tags_are_refused_and_never_built(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    text = f"schema: !!python/object/apply:pathlib.Path.touch [!!python/name:x {flag}]\n"
    assert any("is not allowed" in line for line in problems_of(text, tmp_path))
    assert not flag.exists()


HOSTILE = {
    "billion laughs": "a: &a [x, x]\n"
    + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(9)
    ),
    "deep lists": "[" * 100_000,
    "deep mappings": "{a: " * 100_000,
    "deep sequences": "- " * 100_000,
    "deep keys": "? " * 100_000,
    "deep indentation": "".join(" " * i + f"k{i}:\n" for i in range(500)),
    "many keys": "\n".join(f"key_{i}: 1" for i in range(20_000)),
    "many repeats": "a: 1\n" * 20_000,
    "many anchors": " ".join(f"&a{i}" for i in range(50_000)),
    "long number": "schema: " + "9" * 900_000,
    "long word": "name: " + "x" * 900_000,
    "only colons": ":" * 900_000,
    "10 MB": "a: b\n" * 2_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_a_short_error(name: str, tmp_path: Path) -> None:
    """An exponential or quadratic reading would not end here in minutes."""
    problems = problems_of(HOSTILE[name], tmp_path)
    assert 1 <= len(problems) <= 101
    assert all(len(line) < 1500 for line in problems)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith("deep ")])
@pytest.mark.parametrize("with_c", [True, False])
def test_deep_nesting_is_refused_at_its_place(
    name: str, with_c: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_c:
        monkeypatch.setattr("pnnsim.specs.yaml_reader._Events", yaml.SafeLoader)
    (problem,) = problems_of(HOSTILE[name], tmp_path)
    assert re.fullmatch(r"m\.yaml:\d+:\d+: .*is nested deeper than 30 levels", problem)


def test_refusals_come_together_and_do_not_hide_each_other(tmp_path: Path) -> None:
    text = "a: &x 1\n*x : {b: !t 2}\n[k]: &y 3\nc: *x\nc: *y\n"
    document = parse_yaml(text, "m.yaml")
    assert sorted((p.line, p.column, p.where, p.what.partition(" is not")[0])
                  for p in document.problems) == [
        (1, 4, "a", "anchor '&x'"),
        (2, 1, "", "alias '*x'"),
        (2, 10, "b", "tag '!t'"),
        (3, 1, "", "a key is a list or a mapping; expected a name"),
        (3, 6, "", "anchor '&y'"),
        (4, 4, "c", "alias '*x'"),
        (5, 1, "c", "the key is repeated; it stands at 4:1 already"),
        (5, 4, "c", "alias '*y'"),
    ]  # fmt: skip
    assert (document.tree, document.refused) == ({"a": "1", "c": None}, {("c",)})


def test_the_number_of_values_is_bounded(tmp_path: Path) -> None:
    problems = problems_of("a: [" + "1," * 60_000 + "]", tmp_path)
    assert problems == ["m.yaml:1:99999: a: has more than 50000 values; expected a description"]


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    fill = "# " + "x" * 97 + "\n"
    at_limit = MACHINE + fill * ((MAX_BYTES - len(MACHINE)) // len(fill))
    assert problems_of(at_limit, tmp_path) == []
    assert problems_of(at_limit + fill, tmp_path) == [
        "m.yaml: is larger than 1000 kB; expected a description of a few kB"
    ]


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: no such file"):
        load_spec(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="is a folder; expected a YAML file"):
        load_spec(tmp_path)
    with pytest.raises(SpecError, match="cannot be read: File name too long"):
        load_spec(f"{tmp_path}/{'x' * 300}.yaml")
    with pytest.raises(SpecError, match="cannot be read: embedded null byte"):
        load_spec("a\0b.yaml")


def test_the_parser_without_libyaml_finds_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    text = changed("hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, source: x}")
    with_c = parse_yaml(text, "m.yaml")
    monkeypatch.setattr("pnnsim.specs.yaml_reader._Events", yaml.SafeLoader)
    without = parse_yaml(text, "m.yaml")
    assert (without.tree, without.keys, without.values) == (with_c.tree, with_c.keys, with_c.values)
    with pytest.raises(SpecError, match="nested deeper than 30 levels"):
        parse_yaml("[" * 10_000, "m.yaml")
    assert "surrogate" in str(parse_yaml('a: "\\ud800"', "m.yaml").problems[0])


PIECES = st.sampled_from(
    ["\n", "  ", ":", ": ", "{", "}", "[", "]", ",", "- ", "&a ", "*a", "!!x ", "'", '"', "#", "|",
     ">", "%", "\t", "\x00", "é", "\ufeff", "null", "~", "-1", "1e9", "nan", "0x1", "true", "kind",
     "value", "range", "source", "schema", "hardware", "network", "weight_banks", "\\ud800"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_damage_to_a_valid_file_gives_a_machine_or_a_spec_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = MACHINE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 40)))
        text = text[:start] + data.draw(PIECES | st.text(max_size=5)) + text[stop:]
    folder = tmp_path_factory.getbasetemp()
    for line in problems_of(text.encode("utf-8", "replace"), folder):
        assert line.isprintable()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=200))
def test_any_bytes_give_a_spec_error(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert problems_of(raw, tmp_path_factory.getbasetemp())
