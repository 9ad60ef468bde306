"""Switches by tables of scattering parameters: what is read, what it means, what is refused."""

from __future__ import annotations

import io
import json
import math
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import pnnsim
from pnnsim.devices.switches.switch_tree import ElectroOpticSwitch
from pnnsim.devices.switches.switch_tree_params import ElectroOpticSwitchParams
from pnnsim.devices.switches.tabulated import TabulatedSwitch
from pnnsim.devices.switches.tabulated_params import TabulatedSwitchParams
from pnnsim.devices.tables.read_scattering import read_scattering
from pnnsim.devices.tables.routes import routes_of
from pnnsim.devices.tables.scattering_table import TableError
from pnnsim.testing import check_component, small_size

ROOT = Path(__file__).parents[2]
AXIS = np.linspace(1540e-9, 1560e-9, 41)
#: Loss of the device as a field, and angle error of both its couplers.
AMPLITUDE, ERROR = 10 ** (-0.7 / 20), 0.03
LEAK = 1e-3


def device(selected: int) -> dict[str, Any]:
    """Return a 1x2 interferometer that selects an output, as gdsfactory writes it.

    Cross state: couplers off by the same angle leave sin²(2 e) in bar. Bar state: perfect, and so a
    given leak stands in.
    """
    turn = np.exp(1j * 2 * np.pi * 1e-3 / AXIS)
    wrong = math.sin(2 * ERROR) if selected == 0 else math.sqrt(LEAK)
    right = math.sqrt(1 - wrong**2)
    ends = (right, wrong) if selected == 0 else (wrong, right)
    return {
        "wavelengths": AXIS * 1e6,
        "o1@0,o2@0": AMPLITUDE * ends[0] * turn,
        "o1@0,o3@0": AMPLITUDE * ends[1] * turn * 1j,
    }


def write_npz(path: Path, data: dict[str, Any]) -> Path:
    np.savez(path, **data)
    return path


def write_json(path: Path, data: dict[str, Any]) -> Path:
    plain = {
        name: {"real": values.real.tolist(), "imag": values.imag.tolist()}
        if np.iscomplexobj(values)
        else values.tolist()
        for name, values in data.items()
    }
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def write_touchstone(path: Path, data: dict[str, Any]) -> Path:
    """Write all nine parameters in magnitude and degrees, over rising frequency in GHz."""
    lines = ["! a 1x2 switch", "# GHZ S MA R 50"]
    for i in range(AXIS.size - 1, -1, -1):
        field = np.zeros((3, 3), dtype=complex)
        field[1, 0] = field[0, 1] = data["o1@0,o2@0"][i]
        field[2, 0] = field[0, 2] = data["o1@0,o3@0"][i]
        rows = [
            " ".join(f"{abs(s):.12g} {math.degrees(np.angle(s)):.12g}" for s in row)
            for row in field
        ]
        frequency = 299792458.0 / AXIS[i] * 1e-9
        lines += [f"{frequency:.12f} {rows[0]}", *rows[1:]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


WRITERS = {"npz": write_npz, "json": write_json, "s3p": write_touchstone}


def machine(folder: Path, files: list[str], **switch: str) -> Path:
    """Write a ring machine whose switch has tables, beside which it stands."""
    tree = yaml.safe_load((ROOT / "hardware_specs" / "photonic_mrr.yaml").read_text("utf-8"))
    tree["switch"] = {
        "kind": "tabulated",
        "count": 2,
        "wavelength": "1550 nm",
        "band": "18 nm",
        "files": files,
        "rise_time": "3.2 ns",
        "bits": 8,
        "toggle_energy": "10 pJ",
        "static_power": "15 mW",
        **switch,
    }
    path = folder / "machine.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", WRITERS)
def test_routes_are_those_of_the_closed_form(tmp_path: Path, suffix: str) -> None:
    if suffix == "s3p":
        pytest.importorskip("skrf", reason="scikit-rf reads Touchstone files: pnnsim[rf]")
    files = [WRITERS[suffix](tmp_path / f"state{k}.{suffix}", device(k)) for k in (0, 1)]
    tables = [read_scattering(file)[0] for file in files]
    assert tables[0].wavelengths == pytest.approx(AXIS, rel=1e-9, abs=0)
    routes = routes_of(tables, None, 1541e-9, 1559e-9)
    cross = math.sin(2 * ERROR) ** 2
    assert routes.loss == pytest.approx(
        (0.7 - 10 * math.log10(1 - cross), 0.7 - 10 * math.log10(1 - LEAK)), rel=1e-6, abs=0
    )
    assert routes.extinction == pytest.approx(
        (10 * math.log10((1 - cross) / cross), 10 * math.log10((1 - LEAK) / LEAK)), rel=1e-6, abs=0
    )


def test_the_worst_wavelength_of_the_band_counts(tmp_path: Path) -> None:
    """A notch of 3 dB at 1545 nm, between 1544.5 and 1545.5 nm."""
    files = []
    for k in (0, 1):
        data = device(k)
        data["o1@0,o2@0"] = data["o1@0,o2@0"] * np.where(
            np.abs(AXIS - 1545e-9) < 1e-12, 0.5**0.5, 1
        )
        files.append(write_npz(tmp_path / f"{k}.npz", data))
    tables = [read_scattering(file)[0] for file in files]
    flat = 0.7 - 10 * math.log10(1 - math.sin(2 * ERROR) ** 2)
    wide = routes_of(tables, None, 1541e-9, 1559e-9).loss[0]
    narrow = routes_of(tables, None, 1549e-9, 1551e-9).loss[0]
    flank = routes_of(tables, None, 1545.25e-9, 1559e-9).loss[0]
    assert narrow == pytest.approx(flat, rel=1e-6, abs=0)
    assert wide == pytest.approx(flat + 10 * math.log10(2), rel=1e-6, abs=0)
    # Half way up the flank: three quarters of the power.
    assert flank == pytest.approx(flat - 10 * math.log10(0.75), rel=1e-6, abs=0)


def test_the_strongest_of_the_other_outputs_is_the_leak(tmp_path: Path) -> None:
    leaks = ((0.9, 0.01, 0.03), (0.02, 0.8, 0.01), (0.001, 0.004, 0.7))
    tables = []
    for k, powers in enumerate(leaks):
        pairs = {f"o1,o{i + 2}": np.sqrt(p) * np.ones(41) for i, p in enumerate(powers)}
        file = write_npz(tmp_path / f"{k}.npz", {"wavelengths": AXIS * 1e6, **pairs})
        tables.append(read_scattering(file)[0])
    routes = routes_of(tables, None, 1550e-9, 1550e-9)
    expected = (0.9 / 0.03, 0.8 / 0.02, 0.7 / 0.004)
    assert routes.extinction == pytest.approx(
        [10 * math.log10(x) for x in expected], rel=1e-9, abs=0
    )
    assert routes.loss == pytest.approx(
        [-10 * math.log10(x) for x in (0.9, 0.8, 0.7)], rel=1e-9, abs=0
    )


def test_a_machine_reads_tables_beside_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        for k in (0, 1):
            write_npz(folder / f"state{k}.npz", device(k))
        monkeypatch.chdir(ROOT if folder.name == "a" else folder)
        specs.append(pnnsim.load_spec(machine(folder, ["state0.npz", "state1.npz"])))
    spec = specs[0]
    assert spec.switch.files is None
    assert spec.switch.route_loss[1] == pytest.approx(0.7043, abs=1e-3)
    assert spec.sources["switch.route_loss"] == "table: state0.npz, state1.npz"
    assert spec.sha256() == specs[1].sha256()  # the content counts, not the place
    assert pnnsim.load_spec(spec.to_tree()).sha256() == spec.sha256()  # and no file any more
    changed = device(1)
    changed["o1@0,o2@0"][0] *= 0.5  # beyond the band: the same routes, by another table
    write_npz(tmp_path / "b" / "state1.npz", changed)
    other = pnnsim.load_spec(tmp_path / "b" / "machine.yaml")
    assert other.switch.route_extinction == spec.switch.route_extinction
    assert other.sha256() != spec.sha256()


def test_ports_may_be_named_in_any_order(tmp_path: Path) -> None:
    for k in (0, 1):
        write_npz(tmp_path / f"{k}.npz", device(k))
    found = pnnsim.load_spec(machine(tmp_path, ["1.npz", "0.npz"], ports=["o1", "o3", "o2"]))
    usual = pnnsim.load_spec(machine(tmp_path, ["0.npz", "1.npz"]))
    assert found.switch.route_loss == usual.switch.route_loss[::-1]


def test_a_tabulated_switch_is_an_electro_optic_one_of_the_same_numbers() -> None:
    shared = {
        "count": "2",
        "rise_time": "3.2 ns",
        "bits": "8",
        "toggle_energy": "10 pJ",
        "static_power": "15 mW",
    }
    shared = {key: int(v) if v.isdigit() else v for key, v in shared.items()}
    tabulated = TabulatedSwitchParams.model_validate(
        {
            "kind": "tabulated",
            "wavelength": "1550 nm",
            "route_loss": ["0.5 dB", "1 dB"],
            "route_extinction": ["25 dB", "20 dB"],
            **shared,
        }
    )
    plain = ElectroOpticSwitchParams.model_validate(
        {"kind": "electro_optic", "insertion_loss": "1 dB", "crosstalk": "20 dB", **shared}
    )
    on = {"switch.leakage", "switch.settling"}
    for carrier in ("power", "field"):
        size = small_size(carrier)  # three banks: a tree of two levels
        mine, theirs = TabulatedSwitch(tabulated, size), ElectroOpticSwitch(plain, size)
        assert mine.transmission == pytest.approx(theirs.transmission, rel=1e-12, abs=0)
        assert mine.leakage(on) == pytest.approx(theirs.leakage(on), rel=1e-12, abs=0)
        assert mine.delay_fs("route") == theirs.delay_fs("route")
        assert mine.cost("route") == pytest.approx(theirs.cost("route"), rel=1e-12, abs=0)
        # Two routes of the second level are one device too many for three banks.
        assert mine.static_power() == pytest.approx(3 / 2 * theirs.static_power(), rel=1e-12, abs=0)


def test_the_battery_passes_with_routes_of_tables(tmp_path: Path) -> None:
    for k in (0, 1):
        write_npz(tmp_path / f"{k}.npz", device(k))
    spec = pnnsim.load_spec(machine(tmp_path, ["0.npz", "1.npz"]))
    check_component("switch", "tabulated", spec.switch)


def test_a_machine_with_tables_runs(tmp_path: Path) -> None:
    for k in (0, 1):
        write_npz(tmp_path / f"{k}.npz", device(k))
    spec = pnnsim.load_spec(machine(tmp_path, ["0.npz", "1.npz"]))
    network = pnnsim.ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=4)
    surrogate = pnnsim.Surrogate(network, spec)
    x = np.random.default_rng(0).uniform(0.0, 1.0, (4, 64))
    result = pnnsim.simulate(spec, surrogate.parameter_set(), x, np.zeros(4, dtype=int), seed=0)
    assert result.metrics["latency_s"]["first"] > 0.0
    assert result.metrics["energy_j"]["by_component"]["switch"] > 0.0


def broken(tmp_path: Path, data: dict[str, Any]) -> str:
    with pytest.raises(TableError) as caught:
        read_scattering(write_npz(tmp_path / "table.npz", data))
    return str(caught.value)


def test_a_table_that_is_no_passive_reciprocal_device_is_refused(tmp_path: Path) -> None:
    good = device(0)
    gain = {**good, "o1@0,o2@0": good["o1@0,o2@0"] * 1.2}
    assert "times the power that comes in" in broken(tmp_path, gain)
    # Each entry is below 1, but together they give off more than comes in.
    together = {**good, "o1@0,o2@0": 0.9 * np.ones(41), "o1@0,o3@0": 0.9 * np.ones(41)}
    assert "gives off 1.62 times the power" in broken(tmp_path, together)
    one_way = {**good, "o2@0,o1@0": 0.1 * good["o1@0,o2@0"]}
    assert "than back; expected a reciprocal device" in broken(tmp_path, one_way)
    both = {**good, "o2@0,o1@0": good["o1@0,o2@0"]}
    read_scattering(write_npz(tmp_path / "both.npz", both))
    holes = {**good, "o1@0,o2@0": np.where(AXIS > 1.55e-6, np.nan, good["o1@0,o2@0"])}
    assert "is not finite" in broken(tmp_path, holes)
    short = {**good, "o1@0,o2@0": good["o1@0,o2@0"][:-1]}
    assert "has 40 values from 'o1' to 'o2'; expected 41" in broken(tmp_path, short)
    assert "has no 'wavelengths'" in broken(tmp_path, {"o1,o2": np.ones(3)})
    assert "expected pairs of ports" in broken(tmp_path, {**good, "o1": np.ones(41)})
    radio = {**good, "wavelengths": AXIS * 1e12}
    assert "beyond light" in broken(tmp_path, radio)
    twice = {**good, "wavelengths": np.where(np.arange(41) == 3, AXIS[4], AXIS) * 1e6}
    assert "has a wavelength twice" in broken(tmp_path, twice)


def test_archives_are_never_unpickled_and_never_large(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    np.savez(tmp_path / "trap.npz", wavelengths=np.array([Trap()], dtype=object))
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.npz", "raw.npz"):
        with pytest.raises(TableError, match="is no archive of plain NumPy arrays"):
            read_scattering(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wavelengths.npy", bytes(70 * 1024 * 1024))
    with pytest.raises(TableError, match="unpacks to 73400320 bytes"):
        read_scattering(tmp_path / "bomb.npz")
    with (tmp_path / "huge.npz").open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(TableError, match="expected at most 16777216"):
        read_scattering(tmp_path / "huge.npz")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[1, 2]", "is no JSON object"),
        ("a.json", "{", "got no JSON text"),
        ("a.json", '{"wavelengths": [1, NaN]}', "expected finite numbers"),
        ("a.json", '{"wavelengths": "x"}', "with something else than numbers"),
        ("a.json", '{"wavelengths": [1.5, 1.6], "a,b": {"real": [1, 1], "imag": [0]}}', "lengths"),
        ("a.json", '{"wavelengths": [1.5, 1.6], "a,b": {"mag": [1, 1]}}', "in another form"),
        ("a.json", "[" * 100 + "]" * 100, "more than 6 levels"),
        ("a.csv", "1,2", "is a .csv file; expected .sNp, .npz or .json"),
        ("a.s2p", "hello\nworld\n", "no Touchstone file"),
        ("a.s2p", "", "Touchstone file|no frequencies|wavelengths"),
        ("a.s3p", "# GHZ S MA R 50\n193000 1 0 1 0\n", "Touchstone file|values|wavelengths"),
    ],
)
def test_files_of_another_form_are_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    if name.endswith("p"):
        pytest.importorskip("skrf", reason="scikit-rf reads Touchstone files: pnnsim[rf]")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=message):
        read_scattering(path)


@pytest.mark.parametrize(
    ("files", "switch", "message"),
    [
        (["0.npz", "no.npz"], {}, "switch.files[1]: no.npz is no file"),
        (["0.npz"], {}, "switch.files: is no list of at least two files"),
        (["1.npz", "0.npz"], {}, "switch.files: passes more to another output than to 'o2'"),
        (["0.npz", "1.npz", "1.npz"], {}, "has 2 output(s) in 3 table(s)"),
        (["0.npz", "1.npz"], {"ports": ["o1", "o2", "o9"]}, "has no port 'o9'; expected one of o1"),
        (["0.npz", "1.npz"], {"ports": ["o1", "o2", "o2"]}, "has a port twice"),
        (["0.npz", "1.npz"], {"wavelength": "1310 nm"}, "spans 1.54 um to 1.56 um; expected the b"),
        (["0.npz", "1.npz"], {"route_loss": ["1 dB", "1 dB"]}, "is given beside route_loss"),
    ],
)
def test_a_wrong_table_is_one_problem_with_its_place(
    tmp_path: Path, files: list[str], switch: dict[str, Any], message: str
) -> None:
    for k in (0, 1):
        write_npz(tmp_path / f"{k}.npz", device(k))
    path = machine(tmp_path, files, **switch)
    with pytest.raises(pnnsim.SpecError) as caught:
        pnnsim.load_spec(path)
    (problem,) = caught.value.problems
    assert message in str(problem)
    assert problem.file == str(path)
    assert problem.line > 0


def test_routes_may_be_written_instead_of_files(tmp_path: Path) -> None:
    path = machine(tmp_path, [])
    tree = yaml.safe_load(path.read_text("utf-8"))
    del tree["switch"]["files"]
    tree["switch"] |= {"route_loss": ["1 dB", "3 dB"], "route_extinction": ["20 dB", "25 dB"]}
    spec = pnnsim.load_spec(tree)
    switch = TabulatedSwitch(spec.switch, small_size())
    assert "routes lose 1 dB to 3 dB" in switch.warnings()[0]
    tree["switch"]["route_extinction"] = ["20 dB"]
    with pytest.raises(pnnsim.SpecError, match="route_extinction"):
        pnnsim.load_spec(tree)


def test_validation_with_tables_loads_no_torch(tmp_path: Path) -> None:
    for k in (0, 1):
        write_npz(tmp_path / f"{k}.npz", device(k))
    path = machine(tmp_path, ["0.npz", "1.npz"])
    program = (
        "import sys, pnnsim\n"
        f"pnnsim.load_spec({str(path)!r})\n"
        "print(sorted({'torch', 'skrf', 'simpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_bytes_that_change_nothing_read_the_same(tmp_path: Path) -> None:
    """Wavelengths in nm or m, falling, are the same table."""
    base = read_scattering(write_npz(tmp_path / "um.npz", device(0)))[0]
    data = device(0)
    for scale in (1e9, 1.0):
        turned = {name: values[::-1] for name, values in data.items()}
        turned["wavelengths"] = AXIS[::-1] * scale
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **turned)
        (tmp_path / "other.npz").write_bytes(buffer.getvalue())
        other = read_scattering(tmp_path / "other.npz")[0]
        np.testing.assert_allclose(other.wavelengths, base.wavelengths, rtol=1e-12, atol=0)
        np.testing.assert_allclose(other.power, base.power, rtol=1e-12, atol=0)
