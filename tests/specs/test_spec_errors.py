"""Every mistake in a description has an address, says what was expected, and hides no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pnnsim.common import hints
from pnnsim.common.forms import forms_of
from pnnsim.common.hints import readable
from pnnsim.errors import SpecError
from pnnsim.specs.document import MAX_PROBLEMS
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import load_spec
from tests.specs.spec_text import MACHINE, changed, place_of, problems_of

SMALL = load_spec(yaml.load(MACHINE, yaml.BaseLoader))


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


def test_a_value_that_follows_from_another_is_blamed_only_where_that_one_is_right() -> None:
    def blamed(**network: Any) -> list[str]:
        with pytest.raises(SpecError) as caught:
            load_experiment({"schema": "1", "hardware": "photonic_mrr", "network": network})
        return [problem.where for problem in caught.value.problems]

    for wrong in ("x", ["1"], {"a": "1"}, "0", -3, "5 ns"):
        assert blamed(kind="dnn", steps=wrong) == ["network.steps"]
    assert blamed(kind="dnn", steps="5000") == ["network.weight_sets"]


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
    plain, looked_up = hints.get_close_matches, []

    def count(word: str, *how: Any, **more: Any) -> list[str]:
        looked_up.append(word)
        return plain(word, *how, **more)

    monkeypatch.setattr(hints, "get_close_matches", count)
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


def test_banks_without_a_switch_between_them_are_refused(tmp_path: Path) -> None:
    begin, end = MACHINE.index("switch:"), MACHINE.index("weight_banks:")
    text = changed(MACHINE[begin:end], "switch:\n  kind: none\n")
    (problem,) = problems_of(text, tmp_path)
    assert "2 banks, and a switch of kind 'none'; expected 1 bank" in problem
    one = changed("  count: 2\n  rows", "  count: 1\n  rows", text)
    assert load_spec(yaml.load(one, yaml.BaseLoader)).switch.kind == "none"
