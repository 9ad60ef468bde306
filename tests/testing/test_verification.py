"""`pnnsim verify` compares with published figures, says what was fitted, and can fail."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from pnnsim.cli.app import main
from pnnsim.errors import SpecError
from pnnsim.specs.resolve import published_specs
from pnnsim.testing.published import DEMONSTRATIONS, described, devices, verify
from pnnsim.testing.published.check import (
    Band,
    Check,
    Demonstration,
    about,
    at_least,
    at_most,
    exactly,
    percent,
)
from pnnsim.testing.published.networks import _on_junctions

#: Trains a network that has met the defects of arrays: twenty seconds.
LONG = ("mtj_array",)
CHECKS = verify(name for name in DEMONSTRATIONS if name not in LONG)


def check(quantity: str, name: str) -> Check:
    (found,) = (c for c in CHECKS if c.demonstration.name == name and quantity in c.quantity)
    return found


@pytest.mark.parametrize("one", CHECKS, ids=lambda c: f"{c.demonstration.name}: {c.quantity}")
def test_every_published_figure_is_met_or_differs_for_a_reason(one: Check) -> None:
    assert one.expected, one.row()
    assert one.band.low <= one.band.high
    assert one.inputs
    assert one.demonstration.source


def test_every_demonstration_and_every_described_machine_has_checks() -> None:
    names = dict.fromkeys(c.demonstration.name for c in CHECKS)
    assert [*names] == [name for name in DEMONSTRATIONS if name not in LONG]
    assert set(published_specs()) <= set(DEMONSTRATIONS)


@pytest.mark.long
@pytest.mark.parametrize("name", LONG)
def test_figures_that_take_a_training_are_met(name: str) -> None:
    assert all(one.expected for one in verify([name]))


@pytest.mark.parametrize(
    ("name", "quantity", "expected"),
    [
        # By hand: 9 x 4 x 4 x 14e9; 2 x 10 x 9 x 62.9e9.
        # 128 words of 40 ns and 10 ns to settle, ln 2^8 times 1.8 ns.
        ("lightmatter", "write", 128 * 40e-9 + 1.8e-9 * math.log(2.0**8)),
        # 3 x 6 x 6.
        ("ficonn", "weights", 108.0),
        ("tensor-core", "rate", 2.016e12),
        ("convolution", "rate", 11.322e12),
        # ln 9 / (2 pi 130 kHz), and twelve and a half microseconds on 768 x 16 / 400 MHz.
        ("heater", "rise time", math.log(9.0) / (2.0 * math.pi * 130e3)),
        ("mirrors", "global reset [s]", 43.22e-6),
        # ln 512 / (2 pi 200 MHz) and 15 ns.
        ("analog-computer", "period", math.log(512.0) / (2.0 * math.pi * 200e6) + 15e-9),
        # 10^-11.324 / 2^7 at 1 GHz, scaled by the square root of 3 GHz^2 to the power 0.262.
        ("adc-survey", "at 1 to 3", 10**-11.324 / 128 * math.sqrt(3.0) ** 0.262),
    ],
)
def test_computed_figures_equal_hand_arithmetic(name: str, quantity: str, expected: float) -> None:
    quantity = "pattern with global reset" if "[s]" in quantity else quantity
    assert check(quantity, name).simulated == pytest.approx(expected, rel=1e-9, abs=0)


def test_ring_precision_is_that_of_the_slope() -> None:
    """Slope 2 / linewidth at weight 0: log2(linewidth / (0.075 nm/K x 2.6 mK))."""
    expected = math.log2(0.10e-9 / (0.075e-9 * 2.6e-3))
    # The lossy ring's slope is a few percent off, and 4096 draws know sigma to 1.1 % (0.016 bit).
    assert check("2.6 mK", "rings").simulated == pytest.approx(expected, abs=0.1)


def test_weights_on_many_junctions_approach_the_wanted_ones() -> None:
    weight = torch.linspace(-1.0, 1.0, 41, dtype=torch.float64)
    bias = torch.zeros(1, dtype=torch.float64)
    errors = [
        float((_on_junctions((weight, bias), count)[0] - weight).abs().max())
        for count in (1, 4, 64)
    ]
    # One junction a polarity: -1, 0, 1, at most half a step off; many: half the widest step, which
    # is at the top, (K + tmr) / (K (1 + ...)) apart, below 2 / K.
    assert errors[0] == pytest.approx(0.5, abs=1e-12)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 2.0 / 64


def test_bands_hold_their_ends() -> None:
    known = Demonstration("d", "t", "s")

    def passed(value: float, band: Band) -> bool:
        return Check(known, "q", "", 1.0, value, band, "closed form", "i").passed

    assert passed(1.01, percent(1.0, 1.0))
    assert not passed(1.0101, percent(1.0, 1.0))
    assert passed(-0.99, percent(-1.0, 1.0))
    assert not passed(1.0 + 1e-9, exactly(1.0))
    assert passed(0.8, about(1.0, 0.2, ""))
    assert not passed(0.7999, at_least(0.8))
    assert passed(0.8, at_most(0.8))
    assert not passed(-1e-9, at_most(0.8))
    assert not passed(math.nan, at_least(0.8))


def test_the_command_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "mirrors", "heater"]) == 0
    text = capsys.readouterr().out
    assert "4 of 4 figures agree" in text
    assert "Harris et al., Opt. Express 22, 10487, 2014" in text
    assert "that heat: published power times the time constant" in text
    assert main(["verify", "mirrors", "tensor-core", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [entry["demonstration"]["name"] for entry in found] == ["tensor-core", *["mirrors"] * 2]
    assert found[0]["band"] == {"low": 1e12, "high": None, "text": "at least"}
    assert found[1]["passed"] is True


def test_a_figure_that_is_missed_ends_in_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices.photonic_switch, "mirror_load_time", lambda *arguments: 60e-6)
    assert main(["verify", "mirrors"]) == 1
    text = capsys.readouterr().out
    assert "FAIL  mirrors" in text
    assert "0 of 2 figures agree" in text
    assert main(["verify", "mirrors", "--quiet"]) == 1
    assert capsys.readouterr().out == ""


def test_an_unknown_demonstration_is_a_users_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecError, match="unknown demonstration 'mirors'"):
        verify(["mirors"])
    assert main(["verify", "mirors"]) == 2
    assert "Hint: did you mean 'mirrors'?" in capsys.readouterr().err


def test_the_page_of_published_machines_shows_the_figures_of_today() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/published-machines.md").read_text("utf-8")
    names = published_specs()
    described_machines = [c for c in CHECKS if c.demonstration.name in names]
    assert len({c.demonstration.name for c in described_machines}) >= 8
    for one in described_machines:
        assert f"## `{one.demonstration.name}`" in page
        _, _, figure, published, simulated, *_ = one.row()
        # What is drawn may differ in its last digit on another processor.
        shown = f"{simulated} |" if one.unit in ("s", "J", "W", "op/s") else ""
        assert f"| {figure} | {published} | {shown}" in page


FIGURES = """
shown: A loop
work: "Somebody, 2025"
left_out: the rest
network: {kind: rnn, inputs: 6, hidden: 6, outputs: 6, steps: 3, input_map: none, output_map: none}
figures:
  weights:
    measure: weights
    published: {value: "36", source: "derived: 6 x 6"}
    tolerance: 1 %
    basis: closed form
    assumed: nothing
"""


def figures_of(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    file = tmp_path / "ficonn.yaml"
    file.write_text(text)
    monkeypatch.setattr(described, "published_figures", lambda: {"ficonn": file})
    return list(described.checks("ficonn"))


def test_a_reason_to_differ_passes_only_where_the_figure_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statuses(text: str) -> list[str]:
        return [one.status for one in figures_of(text, tmp_path, monkeypatch)]

    reason = FIGURES.rstrip() + "\n    differs: a reason\n"
    assert statuses(FIGURES) == ["pass"]
    assert statuses(reason) == ["FAIL"]
    assert statuses(FIGURES.replace('"36"', '"37"')) == ["FAIL"]
    assert statuses(reason.replace('"36"', '"37"')) == ["differs"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (', source: "derived: 6 x 6"', "", "weights.published: has no source"),
        ('"36"', '"36 ns"', "weights.published"),
        ("1 %", "nearly", "'nearly' is no tolerance"),
        ("measure: weights", "measure: weight", "weights.measure"),
        ("left_out: the rest", "", "left_out: is missing"),
        ("hidden: 6", "hidden: six", "network.hidden"),
    ],
)
def test_a_file_of_figures_is_refused_with_the_place_of_its_fault(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old in FIGURES
    with pytest.raises(SpecError, match=re.escape(message)):
        figures_of(FIGURES.replace(old, new), tmp_path, monkeypatch)
