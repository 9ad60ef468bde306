"""Files of measured data that are wrong are refused, with the place of the fault."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

import pnnsim
from pnnsim.cli.app import main
from pnnsim.errors import InputError, MeasurementError
from tests.devices.measured_curves import GENERATORS, Curves

RINGS = {"ring_radius": "10 um", "group_index": "4.2"}


def good(kind: str) -> str:
    return GENERATORS[kind](np.random.default_rng(1)).csv()


def lines(kind: str, change: dict[int, str]) -> str:
    """Return good data with other lines, counted from 1; an empty one is left out."""
    rows = good(kind).splitlines()
    for number, text in change.items():
        rows[number - 1] = text
    return "\n".join(row for row in rows if row) + "\n"


def constant(kind: str, column: int) -> str:
    header, *rows = good(kind).splitlines()
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[column] = cells[0][column]
    return "\n".join([header, *(",".join(row) for row in cells)]) + "\n"


def refused(tmp_path: Path, kind: str, data: str | bytes, **known: str) -> str:
    path = tmp_path / "data.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(MeasurementError) as caught:
        pnnsim.fit_device(kind, path, known=known)
    text = str(caught.value).replace(str(path), "data.csv")
    assert text.startswith("data.csv"), text
    return text


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("photodiode", "", "data.csv: is empty"),
        ("photodiode", " \n\n", "data.csv: is empty"),
        ("photodiode", "# a comment alone\n", "data.csv: holds no data; expected a header such as"),
        ("photodiode", b"\x89PNG\r\n\x1a\n" + bytes(50), "data.csv:1:1: got the byte 0x89"),
        ("photodiode", b"power\0current\n1,2\n", "data.csv: is a binary file"),
        ("photodiode", "current [uA]\n1\n", "data.csv:1:1: optical_power: is missing"),
        (
            "photodiode",
            "optical_powr [mW],current [uA]\n1,2\n",
            "data.csv:1:1: unknown column 'optical_powr [mW]'; expected one of optical_power [mW], "
            "current [nA]. Hint: did you mean 'optical_power'?",
        ),
        (
            "photodiode",
            "optical_power [mW],current [uA],current [mA]\n1,2,3\n",
            "data.csv:1:33: current: is there twice",
        ),
        (
            "photodiode",
            "optical_power [mW],current [V]\n1,2\n",
            "data.csv:1:20: current: has the unit 'V'; expected a current",
        ),
        ("photodiode", "optical_power,current [uA]\n1,2\n", "data.csv:1:1: optical_power: has no"),
        ("photodiode", lines("photodiode", {5: "0.3,nan"}), "data.csv:5:5: current: 'nan' is not"),
        ("photodiode", lines("photodiode", {5: "0.3,"}), "data.csv:5:5: current: '' is not a"),
        ("photodiode", lines("photodiode", {5: "0.3,x2"}), "data.csv:5:5: current: 'x2' is not"),
        ("photodiode", lines("photodiode", {5: "0.3,1e999"}), "5:5: current: '1e999' is"),
        ("photodiode", lines("photodiode", {5: "0.3"}), "5:1: has 1 cells; expected 2"),
        ("photodiode", lines("photodiode", {2: "1e300,3"}), "2:1: optical_power: '1e300' is out"),
        (
            "photodiode",
            "optical_power [dBm],current [mA]\n4000,1\n",
            "2:1: optical_power: '4000' i",
        ),
        ("photodiode", lines("photodiode", {2: "0.1,1e-40"}), "expected a magnitude from 1e-18 to"),
        ("photodiode", lines("photodiode", {2: "-1,3"}), "2:1: optical_power: '-1' is out"),
        ("photodiode", "optical_power [mW];current [uA]\n0,5;1\n", "with a decimal point"),
        ("photodiode", "optical_power [mW],current [uA]\n1,2\n2,3\n", "data.csv:3:1: has 2 rows"),
        (
            "photodiode",
            lines("photodiode", {9: "0.01,3"}),
            "data.csv:9:1: optical_power: turns back; expected an axis that only rises",
        ),
        (
            "photodiode",
            lines("photodiode", {9: good("photodiode").splitlines()[7]}),
            "data.csv:9:1: optical_power: repeats the value before",
        ),
        ("photodiode", constant("photodiode", 1), "current: is the same in all rows"),
        ("step-response", constant("step-response", 1), "response: is the same in all rows"),
        (
            "step-response",
            "time [us],response\n" + "".join(f"{-i},{i}\n" for i in range(19, 0, -1)),
            "has 0 rows from time 0 on",
        ),
        (
            "mtj-loop",
            "field [mT],resistance [kohm]\n" + "".join(f"{i},{i + 1}\n" for i in range(20)),
            "field: goes one way only; expected a loop",
        ),
        (
            "mtj-switching",
            lines("mtj-switching", {4: "50,10,2000,1000"}),
            "data.csv:4:7: switched: has 2000 of 1000 trials",
        ),
        ("mtj-switching", lines("mtj-switching", {4: "50,10,1.5,1000"}), "is no whole number"),
        ("mzi-fringe", "transmission\n" + "0.5\n0.6\n" * 6, "has neither heater_power nor volt"),
        (
            "pcm-drift",
            "time [s],conductance\n" + "".join(f"{i},{1 - i}\n" for i in range(9)),
            "data.csv:3:3: conductance: is not above 0",
        ),
        (
            "ring-spectrum",
            "wavelength [nm],through\n"
            + "".join(f"{1550 + i / 100:.2f},{0.8 + 1e-3 * (-1) ** i}\n" for i in range(60)),
            "through: has no resonance here",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    tmp_path: Path, kind: str, data: str | bytes, message: str
) -> None:
    known = RINGS if kind == "ring-spectrum" else {}
    assert message in refused(tmp_path, kind, data, **known)


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = lines("photodiode", {4: "0.2,nan", 7: "0.3,oops", 9: "x,1"})
    found = refused(tmp_path, "photodiode", text).splitlines()
    assert [line.split(":")[1] for line in found] == ["4", "7", "9"]


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(MeasurementError, match="got 1000000000 bytes; expected at most 16777216"):
        pnnsim.fit_device("photodiode", path)


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{i},1\n" for i in range(100_001))
    text = refused(tmp_path, "photodiode", "optical_power [mW],current [uA]\n" + rows)
    assert "has 100001 rows; expected at most 100000" in text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_and_a_folder_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", "."):
        with pytest.raises(MeasurementError, match=r"regular file|cannot be read"):
            pnnsim.fit_device("photodiode", tmp_path / name)
    with pytest.raises(MeasurementError, match="no such file"):
        pnnsim.fit_device("photodiode", tmp_path / "none.csv")


def test_one_resonance_needs_the_group_index(tmp_path: Path) -> None:
    header, *rows = good("ring-spectrum").splitlines()
    first = [
        row for row in rows if row.split(",")[1] == "0" and 1546 < float(row.split(",")[0]) < 1554
    ]
    path = tmp_path / "one.csv"
    path.write_text("\n".join([header, *first]) + "\n")
    # One heater power is no tuning, so that column must go.
    with pytest.raises(MeasurementError, match="heater_power: is the same in all rows"):
        pnnsim.fit_device("ring-spectrum", path, known={"ring_radius": "10 um"})
    cut = [",".join(row.split(",")[i] for i in (0, 2, 3)) for row in [header, *first]]
    path.write_text("\n".join(cut) + "\n")
    with pytest.raises(MeasurementError, match="leaves the group index open"):
        pnnsim.fit_device("ring-spectrum", path, known={"ring_radius": "10 um"})
    fit = pnnsim.fit_device("ring-spectrum", path, known=RINGS)
    assert "group_index" not in [each.name for each in fit.estimates]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("rings", {}, "unknown measurement 'rings'; expected one of ring-spectrum"),
        ("photodiode", {"part": "detector.camera"}, "gives keys of detector.balanced_photodiode"),
        ("photodiode", {"known": {"radius": "1 um"}}, "radius: is not used by a photodiode"),
        ("ring-spectrum", {}, "ring_radius: is missing"),
        ("ring-spectrum", {"known": {"ring_radius": "10"}}, "ring_radius: '10' has no unit"),
        ("ring-spectrum", {"known": {"ring_radius": "-1 um"}}, "expected more than 0"),
        ("ring-spectrum", {"known": {"ring_radius": "1 um", "group_index": "x"}}, "'x' is not a"),
    ],
)
def test_a_wrong_question_is_refused(
    tmp_path: Path, kind: str, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pnnsim.fit_device(kind, tmp_path / "data.csv", **options)


def test_the_command_has_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(lines("photodiode", {5: "0.3,nan"}))
    assert main(["fit-device", "photodiode", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"{path}:5:5: current: 'nan'")
    path.write_text(good("photodiode"))
    taken = tmp_path / "fragment.yaml"
    taken.write_text("mine")
    assert main(["fit-device", "photodiode", str(path), "--out", str(taken)]) == 2
    assert taken.read_text() == "mine"
    assert main(["fit-device", "photodiode", str(path), "--plot", str(tmp_path / "p.pdf")]) == 2
    assert (
        main(["fit-device", "photodiode", str(path), "--plot", str(tmp_path / "no" / "p.svg")]) == 2
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.csv", "fragment.yaml"]


def strange(kind: str, seed: int) -> str:
    """Return a table of the right form whose numbers make no sense, or little."""
    random = np.random.default_rng(seed)
    columns = dict(GENERATORS[kind](random).columns)
    first, *others = columns
    size = columns[first].size
    ways = (
        lambda y: random.normal(0.0, 1.0, size),
        lambda y: np.abs(random.normal(0.0, 1.0, size)),
        lambda y: np.linspace(0.0, 1.0, size),
        lambda y: np.where(np.arange(size) > size // 2, 1.0, 0.0),
        lambda y: y * random.choice([0.0, 1.0, -1.0, 1e6], size),
        lambda y: y * 10.0 ** random.integers(-300, 300),
    )
    way = ways[seed % len(ways)]
    for name in others:
        columns[name] = way(columns[name])
    return Curves(columns, {}, {}).csv()


@pytest.mark.slow
@pytest.mark.parametrize("kind", GENERATORS)
def test_numbers_without_sense_give_an_error_or_an_interval(tmp_path: Path, kind: str) -> None:
    known = GENERATORS[kind](np.random.default_rng(0)).known
    path = tmp_path / "data.csv"
    for seed in range(12):
        path.write_text(strange(kind, seed))
        try:
            fit = pnnsim.fit_device(kind, path, known=known)
        except MeasurementError as error:
            refused_at = {problem.file for problem in error.problems}
        else:
            refused_at = {str(path)}
            assert all(e.low <= e.value <= e.high for e in fit.estimates)
            yaml.safe_load(fit.fragment())
        assert refused_at == {str(path)}
