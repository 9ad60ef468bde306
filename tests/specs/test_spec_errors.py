"""Every mistake in a description has an address, says what was expected, and hides no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pnnsim.devices.quantities import forms_of
from pnnsim.devices.registry import kinds
from pnnsim.errors import SpecError
from pnnsim.specs import validation
from pnnsim.specs.document import MAX_PROBLEMS
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.hints import readable
from tests.specs.spec_text import MACHINE, changed, place_of, problems_of

SMALL = load_spec(yaml.load(MACHINE, yaml.BaseLoader))

# old text, new text, the piece that the error must point at, the error behind the address
MISTAKES = [
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


def test_all_problems_of_a_file_come_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = changed("clock: 1 GHz", "clock: 1 Gz")
    text = changed("  bits: 8\n  symbol_rate", "  bit: 8\n  symbol_rate", text)
    text = changed("wavelength: 1550 nm", "wavelength: 1550", text)
    text = changed("overlap: true", "overlap: yes", text)
    assert [line.split(": ")[:2] for line in problems_of(text, tmp_path)] == [
        [f"m.yaml:{place_of('1 Gz', text)}", "front_end.clock"],
        [f"m.yaml:{place_of('encoder:', text)}", "encoder.bits"],  # missing
        [f"m.yaml:{place_of('bit: 8', text)}", "encoder.bit"],
        [f"m.yaml:{place_of('1550', text)}", "weight_banks.wavelength"],
        [f"m.yaml:{place_of('yes', text)}", "control.overlap"],
    ]


def test_every_missing_part_is_named(tmp_path: Path) -> None:
    problems = problems_of("schema: 1\nname: a\nsummary: b\ntechnology: photonic\n", tmp_path)
    names = "front_end encoder switch weight_banks detector nonlinearity memory readout"
    assert [line.split(": ")[1] for line in problems] == [*names.split(), "environment"]
    assert all(line.startswith("m.yaml:1:1: ") for line in problems)
    assert "this part is missing; expected a section with the key 'kind'" in problems[0]


def test_a_check_across_fields_waits_until_each_field_is_right(tmp_path: Path) -> None:
    text = "schema: 1\nhardware: photonic_mrr\nnetwork: {weight_sets: 30, steps: x}\n"
    assert problems_of(text, tmp_path) == [
        "m.yaml:3:35: network.steps: 'x' is not a whole number; expected a whole number"
    ]


def test_an_unknown_name_lists_the_machines_that_come_along() -> None:
    with pytest.raises(SpecError, match=r"'photonic_mr'; expected one of .*photonic_mrr.*did you"):
        load_spec("photonic_mr")
    with pytest.raises(SpecError, match="'photonic_mrr' without path and suffix is a machine"):
        load_spec("photonic_mrr.yaml")


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("weight_banks.cuont", "8", "--set weight_banks.cuont=8: weight_banks.cuont: unknown key. "
         "Hint: did you mean 'count'?"),
        ("weight_banks.count", "x", "--set weight_banks.count=x: weight_banks.count: 'x' is not a "
         "whole number"),
        ("wieght_banks.count", "8", "--set wieght_banks.count=8: wieght_banks: unknown key. Hint: "
         "did you mean 'weight_banks'?"),
        ("network.stpes", "8", "--set network.stpes=8: network.stpes: unknown key. Hint: did you "
         "mean 'steps'?"),
        ("network.order", "[0, 1, x]", "--set network.order=[0, 1, x]: network.order[2]: 'x' is "
         "not a whole number"),
        ("network.order", "[0, 1", "--set network.order=[0, 1: network.order: is not a list"),
        ("memory.hold_time", "5", "--set memory.hold_time=5: memory.hold_time: '5' has no unit"),
        ("memory.hold_time.value", "5 ns", "--set memory.hold_time.value=5 ns: "
         "memory.hold_time.value: is inside something that is a value"),
        ("memory..x", "5", "--set memory..x=5: is not a key"),
        ("memory", "5", "--set memory=5: memory: is not a section"),
    ],
)  # fmt: skip
def test_a_setting_is_checked_like_the_file_and_its_error_names_it(
    key: str, text: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(MACHINE)
    with pytest.raises(SpecError) as caught:
        load_experiment(file, [(key, text)])
    assert str(caught.value).startswith(expected)


def test_problems_of_an_experiment_and_of_its_machine_come_together(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(changed("rows: 64", "rows: 64.0"))
    file = tmp_path / "e.yaml"
    file.write_text(
        "schema: 1\nhardware: ./small.yaml\nnetwork: {steps: 0}\ntask: {nam: x}\nx: 1\n"
    )
    with pytest.raises(SpecError) as caught:
        load_experiment(file, chips=0)
    lines = str(caught.value).replace(f"{tmp_path}/", "").split("\n")
    assert [line.partition(": ")[0] for line in lines] == [
        "e.yaml:3:18",
        "e.yaml:4:8",
        "e.yaml:5:1",
        "small.yaml:36:9",
        "--chips 0",
    ]


def test_a_machine_that_an_experiment_cannot_find_is_reported_where_it_is_named(
    tmp_path: Path,
) -> None:
    problems = problems_of("schema: 1\nhardware: sub/none.yaml\n", tmp_path)
    assert problems == [f"m.yaml:2:11: hardware: {tmp_path}/sub/none.yaml: no such file"]
    problems = problems_of("schema: 1\nhardware: photonic_mr\n", tmp_path)
    assert problems[0].startswith("m.yaml:2:11: hardware: unknown machine 'photonic_mr'")
    problems = problems_of("schema: 1\nhardware: [a]\n", tmp_path)
    assert problems[0].startswith("m.yaml:2:11: hardware: is not a machine; expected its name")


def test_many_unknown_keys_cost_no_more_hints_than_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, looked_up = validation.get_close_matches, []

    def count(word: str, *how: Any, **more: Any) -> list[str]:
        looked_up.append(word)
        return plain(word, *how, **more)

    monkeypatch.setattr(validation, "get_close_matches", count)
    lines = "".join(f"  amplifier_nois{i}: 3\n" for i in range(2000))
    file = tmp_path / "m.yaml"
    file.write_text(MACHINE.replace("detector:\n", f"detector:\n{lines}", 1))
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    first, *_, last = caught.value.problems
    assert first.hint == "did you mean 'amplifier_noise'?"
    assert len(caught.value.problems) == MAX_PROBLEMS + 1
    assert all(problem.hint == first.hint for problem in caught.value.problems[:-1])
    assert last.what.startswith("1900 more problem(s)")
    assert len(looked_up) == MAX_PROBLEMS


def test_what_is_no_machine_but_a_file_is_read_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text(MACHINE)
    (tmp_path / "folder").mkdir()
    (tmp_path / "photonic_mrr").mkdir()
    assert load_spec("mine").name == "small"
    assert load_spec("photonic_mrr").name == "photonic_mrr"
    for folder in (".", "..", "folder"):
        with pytest.raises(SpecError) as caught:
            load_spec(folder)
        assert str(caught.value) == f"{folder}: is a folder; expected a YAML file"
    for name in ("", "a" * 5000, "a\0b"):
        with pytest.raises(SpecError, match="unknown machine"):
            load_spec(name)


def test_a_range_of_any_field_is_checked_by_the_bounds_of_the_field(tmp_path: Path) -> None:
    """A span that begins below the least value, for every bounded number of the small machine."""
    checked = 0
    for name, part in SMALL.sections().items():
        for key in type(part).model_fields:
            form = forms_of(type(part), key)[0]
            low = form.bounds.get("gt", form.bounds.get("ge"))
            if low is None or getattr(part, key) is None:
                continue
            ends = [readable(low - 1.0, form), readable(getattr(part, key), form)]
            value = {"value": ends[1], "range": ends}
            tree = {**SMALL.to_tree(), name: {**SMALL.to_tree()[name], key: value}}
            with pytest.raises(SpecError) as caught:
                load_spec(tree)
            where = f"{name}.{key}.range"
            assert [p.where for p in caught.value.problems] == [where]
            assert "is out of range; expected" in caught.value.problems[0].what
            checked += 1
    assert checked > 40


def named(count: int) -> str:
    return ", ".join(f"r{i}" for i in range(count))


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ("epochs: 0", "training.epochs: 0 is out of range; expected at least 1"),
        ("non_idealities: [weight_banks.resonance_eror]",
         "training.non_idealities[0]: unknown non-ideality 'weight_banks.resonance_eror'. Hint: "
         "did you mean 'weight_banks.resonance_error'?"),
        ("non_idealities: [qqq]",
         "training.non_idealities[0]: unknown non-ideality 'qqq'; expected some of encoder."),
        ("non_idealities: [switch.crosstalk, switch.crosstalk]",
         "training.non_idealities: has 'switch.crosstalk' more than once"),
        (f"non_idealities: [{named(49_000)}]",
         "training.non_idealities: has 49000 names; expected at most 100"),
    ],
)  # fmt: skip
def test_settings_of_a_training_that_mean_nothing_are_refused(
    training: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(f"schema: 1\nhardware: photonic_mrr\ntraining: {{{training}}}\n")
    with pytest.raises(SpecError) as caught:
        load_experiment(file)
    (problem,) = caught.value.problems
    assert f"{problem.where}: {problem.what}. Hint: {problem.hint}".startswith(expected)


def test_non_idealities_that_the_machine_has_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(
        "schema: 1\nhardware: photonic_mrr\ntraining: {non_idealities: [memory.droop]}\n"
    )
    assert load_experiment(file).training.non_idealities == ("memory.droop",)


def test_an_analog_activation_takes_no_memory_of_numbers() -> None:
    """Between the two a converter would be missing, whichever analog activation it is."""
    numbers = load_spec("photonic_mzi").to_tree()["memory"]
    for name in ("photonic_mrr", "spintronic_mtj", "spintronic_sto"):
        with pytest.raises(SpecError, match="'sram' keeps numbers; expected a memory of analog"):
            load_spec({**load_spec(name).to_tree(), "memory": numbers})


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ("rule: backprop, non_idealities: [memory.droop]",
         ["training.non_idealities: is given, but training.rule is backprop; it has no effect. "
          "Hint: training.rule: hardware_aware"]),
        ("redraw: 4, momentum: 0.5",
         ["training.redraw: is given, but training.rule is backprop; it has no effect. "
          "Hint: training.rule: hardware_aware",
          "training.momentum: is given, but training.optimizer is adamw; it has no effect. "
          "Hint: training.optimizer: sgd"]),
        ("rule: hardware_aware, non_idealities: [memory.droop], redraw: 4", []),
        ("optimizer: sgd, momentum: 0.5", []),
        ("non_idealities: all, redraw: 16, momentum: 0.9", []),
    ],
)  # fmt: skip
def test_settings_of_a_training_without_effect_are_warned_of(
    training: str, expected: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(f"schema: 1\nhardware: photonic_mrr\ntraining: {{{training}}}\n")
    experiment = load_experiment(file)
    assert [text for text in experiment.warnings() if text.startswith("training.")] == expected
    # What a run repeats from its folder warns of the same.
    again = tmp_path / "resolved.yaml"
    again.write_text(experiment.resolved(), encoding="utf-8")
    assert load_experiment(again).own_warnings() == expected
