"""Laws in descriptions: how they are written, what is refused, and what a change of input moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pnnsim.devices.laws import Evaluation
from pnnsim.errors import SpecError
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import load_spec
from tests.specs.spec_text import changed, place_of, problems_of

DAC = "dac_energy: {law: dac, node: 16 nm}"


def with_laws(*pairs: tuple[str, str]) -> str:
    """Return the small machine with some values replaced by laws."""
    text = changed("dac_energy: 3.5 pJ", DAC)
    for old, new in pairs:
        text = changed(old, new, text)
    return text


def test_a_law_stands_in_the_place_of_a_value(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(with_laws())
    spec = load_spec(file)
    encoder: Any = spec.encoder
    use = spec.laws["encoder.dac_energy"]
    # 10^(-11.412 + 0.284 log10 2 + 1.004 log10(16/28)) at 8 bits and 1 GS/s, by hand.
    assert encoder.dac_energy == pytest.approx(2.688e-12, rel=1e-3, abs=0)
    assert use.value == encoder.dac_energy
    assert use.ends[0] < use.value < use.ends[1]
    assert use.arguments == {"bits": 8.0, "rate": 1e9, "node": 16e-9, "factor": 1.0}
    assert spec.sources["encoder.dac_energy"].startswith("law: Caragiulo")
    assert "encoder.dac_energy" not in spec.unsourced()


def test_resolved_text_keeps_the_law_and_shows_its_value(tmp_path: Path) -> None:
    noted = DAC.replace("}", ", source: 'assumed: a node'}")
    experiment = load_experiment(
        {"schema": 1, "hardware": yaml.safe_load(changed("dac_energy: 3.5 pJ", noted))}
    )
    shown = yaml.safe_load(experiment.resolved())["hardware"]["encoder"]["dac_energy"]
    assert {**shown, "value": ""} == {
        "law": "dac", "node": "16 nm", "value": "", "source": "assumed: a node",
    }  # fmt: skip
    assert shown["value"].startswith("2.688")
    assert shown["value"].endswith("pJ")
    file = tmp_path / "resolved.yaml"
    file.write_text(experiment.resolved())
    again = load_experiment(file)
    assert again == experiment
    assert again.warnings() == experiment.warnings()
    # The value that is shown follows from the law: another resolution, another value.
    wider = load_experiment(file, [("encoder.bits", "12")])
    assert (
        wider.hardware.laws["encoder.dac_energy"].value
        > 3 * again.hardware.laws["encoder.dac_energy"].value
    )
    assert not any("is shown" in warning for warning in wider.warnings())


def test_a_shown_value_that_is_not_the_laws_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(changed("dac_energy: 3.5 pJ", DAC.replace("}", ", value: 9 pJ}")))
    spec = load_spec(file)
    (warning,) = [w for w in spec.warnings() if "is shown" in w]
    assert warning.startswith("encoder.dac_energy: 9 pJ is shown, but law 'dac' gives 2.688")


def test_changing_an_input_of_a_law_moves_the_price(tmp_path: Path) -> None:
    def price(key: str, *changes: tuple[str, str]) -> float:
        return load_spec("photonic_mrr", changes).laws[key].value

    dac, cooler, trim = (
        "encoder.dac_energy", "environment.stabilization_power", "weight_banks.hold_power"
    )  # fmt: skip
    assert price(dac, ("encoder.bits", "12")) > 3 * price(dac)
    assert price(dac, ("encoder.symbol_rate", "100 GHz")) > 2.5 * price(dac)
    assert price("readout.enob", ("readout.bits", "12")) == pytest.approx(
        0.81 * 12, rel=1e-12, abs=0
    )
    tia = "detector.static_power"
    assert price(tia, ("detector.bandwidth", "20 GHz")) > 2.5 * price(tia)
    assert price(cooler, ("environment.temperature", "290 K")) > 1.5 * price(cooler)
    # Half as many channels need less trim, and the cooler feels it: laws follow one another.
    fewer = ("weight_banks.channels_per_bus", "16"), ("switch.count", "4")
    assert price(trim, *fewer) < 0.95 * price(trim)
    assert price(cooler, *fewer) < 0.97 * price(cooler)
    bigger = ("weight_banks.cols", "128"), ("encoder.lines", "128"), ("switch.count", "4")
    assert price(cooler, *bigger) > 2 * price(cooler)


def test_a_law_may_be_set_from_the_command_line_and_given_up_again(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(with_laws())
    key = "encoder.dac_energy"
    other = load_spec(file, [(f"{key}.node", "28 nm")])
    assert other.laws[key].value > 1.5 * load_spec(file).laws[key].value
    given: Any = load_spec(file, [(key, "1 pJ")])
    assert given.laws == {}
    assert given.encoder.dac_energy == 1e-12
    file.write_text(
        changed("dac_energy: 3.5 pJ", "dac_energy: {value: 3.5 pJ, range: [1 pJ, 9 pJ]}")
    )
    taken = load_spec(file, [(f"{key}.law", "dac"), (f"{key}.node", "16 nm")])
    assert taken.laws[key].arguments["node"] == 16e-9
    assert key not in taken.ranges


@pytest.mark.parametrize(("text", "needle", "expected"), [
    ("dac_energy: {law: dak}", "dak",
     "encoder.dac_energy.law: unknown law 'dak'; expected 'dac'. Hint: did you mean 'dac'?"),
    ("dac_energy: {law: dac, nod: 16 nm}", "nod:",
     "encoder.dac_energy.nod: unknown parameter of law 'dac'; expected one of node, factor. "
     "Hint: did you mean 'node'?"),
    ("dac_energy: {law: dac, bits: 8}", "bits: 8}",
     "encoder.dac_energy.bits: is an input that the description has already (bits); expected it "
     "there"),
    ("dac_energy: {law: dac, node: 16 mW}", "16 mW", "encoder.dac_energy.node: "),
    ("dac_energy: {law: dac, node: -16 nm}", "-16 nm",
     "encoder.dac_energy.node: -16 nm is out of range; expected at least 1 nm"),
    ("dac_energy: {law: dac, factor: much}", "much", "encoder.dac_energy.factor: "),
    ("dac_energy: {law: [dac]}", "[dac]", "encoder.dac_energy.law: is not a name; expected 'dac'"),
    ("dac_energy: {law: dac, range: [1 pJ, 2 pJ]}", "range: [1 pJ",
     "encoder.dac_energy.range: unknown parameter of law 'dac'; expected one of node, factor"),
    ("dac_energy: {law: dac, factor: 1e30}", "dac, ",
     "encoder.dac_energy: by its law, '4715117.48924016 TJ' is out of range"),
])  # fmt: skip
def test_what_cannot_be_a_law_is_refused_where_it_stands(
    text: str, needle: str, expected: str, tmp_path: Path
) -> None:
    whole = changed("dac_energy: 3.5 pJ", text)
    found = problems_of(whole, tmp_path)
    assert len(found) == 1, found
    assert f"{place_of(needle, whole)}: {expected}" in found[0]


def test_a_field_without_a_law_is_refused(tmp_path: Path) -> None:
    (found,) = problems_of(changed("capacity: 1", "capacity: {law: dac}"), tmp_path)
    assert "memory.capacity: has no law; expected a whole number" in found
    with pytest.raises(SpecError, match=r"network.hidden: has no law"):
        load_experiment({"hardware": "photonic_mrr", "network": {"hidden": {"law": "dac"}}})


def test_all_problems_of_laws_and_values_appear_at_once(tmp_path: Path) -> None:
    text = with_laws(("stabilization_power: 10 W", "stabilization_power: {law: coolr}"))
    text = changed(DAC, "dac_energy: {law: dac, node: 16}", text)
    found = problems_of(changed("droop: 1 %/us", "droop: fast", text), tmp_path)
    assert len(found) == 3, found


def test_a_law_that_gives_no_value_is_a_located_problem(tmp_path: Path) -> None:
    text = with_laws(
        ("stabilization_power: 10 W", "stabilization_power: {law: cooler, hot_side: 500 K}")
    )
    (found,) = problems_of(text, tmp_path)
    assert "environment.stabilization_power: law 'cooler' gives no value here: no single" in found
    assert place_of("cooler", text) in found


def test_a_law_beyond_its_data_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(with_laws())
    assert load_spec(file).warnings() == []
    (warning,) = load_spec(file, [("encoder.dac_energy.node", "500 nm")]).warnings()
    assert warning == (
        "encoder.dac_energy: law 'dac' is extrapolated to a process node of 500 nm; its data span "
        "7 nm to 180 nm"
    )


def test_a_value_far_from_its_law_is_a_warning_that_gives_both(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(changed("dac_energy: 3.5 pJ", "dac_energy: 0.1 pJ"))
    (warning,) = load_spec(file).warnings()
    assert warning == (
        "encoder.dac_energy: 100 fJ contradicts law 'dac', which gives 4.72 pJ (1.89 pJ to 13.9 pJ)"
    )
    # Within the scatter nothing is said, and nothing where the law has no data.
    file.write_text(changed("dac_energy: 3.5 pJ", "dac_energy: 2 pJ"))
    assert load_spec(file).warnings() == []
    file.write_text(changed("dac_energy: 3.5 pJ", "dac_energy: 0.1 pJ"))
    assert load_spec(file, [("encoder.symbol_rate", "0.1 GHz")]).warnings() == []


def test_laws_follow_other_values_of_a_machine_and_drawn_factors() -> None:
    spec = load_spec("photonic_mrr")
    sections = dict(spec.sections())
    uses = {(path.split(".")[0], path.split(".")[1]): use for path, use in spec.laws.items()}
    plain, drawn = (Evaluation(sections, uses, factors) for factors in (None, {"ring_trim": 2.0}))
    was: Any = spec
    assert {(s, key): plain.value(s, key) for s, key in uses} == {
        (s, key): dict(sections[s])[key] for s, key in uses
    }
    hold, cooling = drawn.value("weight_banks", "hold_power"), was.environment.stabilization_power
    assert hold == pytest.approx(2 * was.weight_banks.hold_power, rel=1e-12, abs=0)
    assert 1.9 < drawn.value("environment", "stabilization_power") / cooling < 2.0
