"""One mistake at a time, in every kind of value: its place and its message."""

from __future__ import annotations

from pathlib import Path

import pytest

from pnnsim.devices.registry import kinds
from tests.specs.spec_text import changed, place_of, problems_of

# old text, new text, the piece that the error must point at, the error behind the address
MISTAKES = [
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [1 ns, 2 ns]}", "[1 ns",
        "memory.hold_time.range: '1 ns' to '2 ns' does not hold the value '0.1 ns'; expected a",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, group: cell}", "group",
        "memory.hold_time.group: ties nothing without a range; expected a range beside it",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [0 s, 1 ns], group: a b}", "a b",
        "memory.hold_time.group: is not a name; expected letters",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [0 s, 1 ns], drawn: no}", "no}",
        "memory.hold_time.drawn: is not a truth value; expected true or false",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, drawn: false}", "drawn",
        "memory.hold_time.drawn: means nothing without a range; expected a range beside it",
    ),
    (
        "  rows: 64", "  rowz: 64", "rowz",
        "weight_banks.rowz: unknown key. Hint: did you mean 'rows'?",
    ),
    (
        "memory:", "memery:", "memery",
        "memery: unknown key. Hint: did you mean 'memory'?",
    ),
    (
        "  v_pi: 1.5 V", "  v_pi: 1.5 V\n  qqq: 1", "qqq",
        "nonlinearity.qqq: unknown key; expected one of kind, carrier, v_pi,",
    ),
    (
        "  rows: 64", "  rows: 64\n  rows: 32", "rows: 32",
        "weight_banks.rows: the key is repeated; it stands at 36:3 already",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: 0.1 pss", "0.1 pss",
        "memory.hold_time: unknown unit 'pss' in '0.1 pss'; expected a time such as '12.5 ps'",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: 0.1 nW", "0.1 nW",
        "memory.hold_time: unit 'nW' in '0.1 nW' measures something else; expected a time",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: 7.25", "7.25",
        "memory.hold_time: '7.25' has no unit; expected a time such as '12.5 ps'",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: 7,25 ns", "7,25 ns",
        "memory.hold_time: '7,25 ns' has a decimal comma; expected a time",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: 12:30:45", "12:30:45",
        "memory.hold_time: unknown unit ':30:45' in '12:30:45'; expected a time",
    ),
    (
        "excess_loss: 2.7 dB", "excess_loss: -3 dB", "-3 dB",
        "weight_banks.excess_loss: -3 dB is out of range; "
        "expected at least 0 dB and at most 60 dB",
    ),
    (
        "ring_radius: 5 um", "ring_radius: 7 mm", "7 mm",
        "weight_banks.ring_radius: 7 mm is out of range; expected more than 0 m and at most 1 mm",
    ),
    (
        "  count: 2\n  rows", "  count: 0\n  rows", "0\n  rows",
        "weight_banks.count: 0 is out of range; expected at least 1 and at most 1000000",
    ),
    (
        "  rows: 64", "  rows: 6.4e1", "6.4e1",
        "weight_banks.rows: '6.4e1' is not a whole number; expected a whole number without point",
    ),
    (
        "  rows: 64", "  rows: 1_000", "1_000",
        "weight_banks.rows: '1_000' is not a whole number; expected",
    ),
    (
        "  rows: 64", "  rows: 0x10", "0x10",
        "weight_banks.rows: '0x10' is not a whole number; expected",
    ),
    (
        "  rows: 64", "  rows: many", "many",
        "weight_banks.rows: 'many' is not a whole number; expected a whole number",
    ),
    (
        "  rows: 64", "  rows: [64, 32]", "[64, 32]",
        "weight_banks.rows: got a list; expected a whole number",
    ),
    (
        "  rows: 64", "  rows: {count: 64}", "{count: 64}",
        "weight_banks.rows: got a section; expected a whole number",
    ),
    (
        "group_index: 4.2", "group_index: .nan", ".nan",
        "weight_banks.group_index: '.nan' is not a number; expected a number",
    ),
    (
        "group_index: 4.2", "group_index: inf", "inf",
        "weight_banks.group_index: 'inf' is not a number; expected a number",
    ),
    (
        "group_index: 4.2", "group_index: 4.2 nm", "4.2 nm",
        "weight_banks.group_index: '4.2 nm' is not a number; expected a number without a unit",
    ),
    (
        "overlap: true", "overlap: on", "on",
        "control.overlap: 'on' is not a truth value; expected true or false",
    ),
    (
        "overlap: true", "overlap: True", "True",
        "control.overlap: 'True' is not a truth value; expected true or false",
    ),
    (
        "carrier: pump", "carrier: pmup", "pmup",
        "nonlinearity.carrier: unknown value 'pmup'; expected 'pump' or 'signal'; did you mean",
    ),
    (
        "kind: mrr", "kind: mmr", "mmr",
        "weight_banks.kind: unknown kind 'mmr'; expected "
        + " or ".join(f"'{kind}'" for kind in kinds("weight_banks"))
        + ". Hint: did you mean 'mrr'?",
    ),
    (
        "schema: 1", "schema: 2", "2",
        "schema: got '2'; expected 1, the version that is read here",
    ),
    (
        "technology: photonic", "technology: optical", "optical",
        "technology: unknown value 'optical'; expected 'photonic' or",
    ),
    (
        "name: small", "name: ../small", "../small",
        "name: '../small' is not a name; expected letters, digits, '-' and '_'",
    ),
    (
        "hold_time: 0.1 ns", "hold_time:", "hold_time",
        "memory.hold_time: has no value; expected a time such as '12.5 ps'",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: null", "null",
        "memory.hold_time: has no value; expected a time such as '12.5 ps'",
    ),
    (
        "  hold_time: 0.1 ns\n", "", "memory",
        "memory.hold_time: is missing; expected a time such as '12.5 ps'",
    ),
    (
        "  kind: sample_hold\n", "", "memory",
        "memory.kind: is missing; expected "
        + " or ".join(f"'{kind}'" for kind in kinds("memory")),
    ),
    (
        "  temperature: 300 K\n  stabilization_power: 10 W\n", "", "environment",
        "environment: has no value; expected a section with keys",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: &t 0.1 ns", "&t",
        "memory.hold_time: anchor '&t' is not allowed. Hint: write the value out",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: *t", "*t",
        "memory.hold_time: alias '*t' is not allowed. Hint: write the value out",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: !!str 0.1 ns", "!!str",
        "memory.hold_time: tag 'tag:yaml.org,2002:str' is not allowed",
    ),
    (
        "  hold_time: 0.1 ns", "  [a, b]: 0.1 ns\n  hold_time: 0.1 ns", "[a, b]",
        "memory: a key is a list or a mapping; expected a name",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, sorce: x}", "sorce",
        "memory.hold_time.sorce: unknown key 'sorce' beside a value; expected value, range, g",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [1 ns]}", "[1 ns]",
        "memory.hold_time.range: is not a span; expected a list of two, the lowest and",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [-1 ns, 1 ns]}", "[-1 ns",
        "memory.hold_time.range: -1 ns is out of range; expected at least 0 s",
    ),
    (
        "usable_range: 98 %", "usable_range: {value: 98 %, range: [50 %, 100 %]}", "[50 %",
        "weight_banks.usable_range.range: 100 % is out of range; expected more than 0 and less",
    ),
    (
        "rows: 64", "rows: {value: 64, range: [0, 64]}", "[0",
        "weight_banks.rows.range: 0 is out of range; expected at least 1 and at most 1000000",
    ),
    (
        "overlap: true", "overlap: true\n  gating: [encoder, encoder]", "[encoder",
        "control.gating: has 'encoder' more than once; expected each name once",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [2 ns, 1 ns]}", "[2 ns",
        "memory.hold_time.range: has '2 ns' above '1 ns'; expected the lowest value first",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, range: [2 nW, 1 ns]}", "[2 nW",
        "memory.hold_time.range: unit 'nW' in '2 nW' measures something else",
    ),
    (
        "carrier: pump", "carrier: {value: pump, range: [a, b]}", "[a, b]",
        "nonlinearity.carrier.range: is given for something that is not a number",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {range: [1 ns, 2 ns]}", "{range",
        "memory.hold_time: has no value; expected a time",
    ),
    (
        "hold_time: 0.1 ns", "hold_time: {value: 0.1 ns, source: [x]}", "[x]",
        "memory.hold_time.source: is not text; expected",
    ),
    (
        "cols: 64", "cols: 65", "65",
        "weight_banks.cols: a bank has 65 inputs, the encoder drives 64 lines; expected no more",
    ),
    (
        "channels_per_bus: 32", "channels_per_bus: 16", "2\n  rise",
        "switch.count: 2 switch tree(s) for 4 buses; expected one for each bus. Hint: 64 inputs",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "needle", "expected"), MISTAKES)
def test_a_mistake_is_reported_at_its_line_and_column(
    old: str, new: str, needle: str, expected: str, tmp_path: Path
) -> None:
    text = changed(old, new)
    marked = text if text.count(needle) == 1 else None
    if marked is None:  # the piece occurs elsewhere too: look for it inside the new text only
        start = text.index(new) + new.index(needle) if needle in new else text.index(f"\n{needle}:")
        before = text[: start + (0 if needle in new else 1)]
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    else:
        place = place_of(needle, text)
    problems = problems_of(text, tmp_path)
    assert any(line.startswith(f"m.yaml:{place}: {expected}") for line in problems), problems


@pytest.mark.parametrize(("old", "new", "needle", "expected"), MISTAKES)
def test_one_mistake_is_one_problem(
    old: str, new: str, needle: str, expected: str, tmp_path: Path
) -> None:
    consequences = {
        "rowz": 2,  # the right key is missing then
        "memery": 2,
        "65": 2,  # and no switch for the third bus
    }
    problems = problems_of(changed(old, new), tmp_path)
    assert len(problems) == consequences.get(needle, 1), problems
