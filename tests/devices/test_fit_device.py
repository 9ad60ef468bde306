"""Fits of measured curves: what they find is true, as certain as they say, and can be pasted."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from scipy import optimize, stats

import pnnsim
from pnnsim.cli.app import main
from pnnsim.devices.fit.fit_device import MEASUREMENTS, DeviceFit
from pnnsim.physics import dynamics
from tests.devices.measured_curves import GENERATORS, Curves

ROOT = Path(__file__).parents[2]
RING = ROOT / "examples" / "data" / "ring_double_bus.csv"
DAY = "2026-01-31"


def fitted(tmp_path: Path, kind: str, curves: Curves, **options: Any) -> DeviceFit:
    path = tmp_path / "data.csv"
    path.write_text(curves.csv(), encoding="utf-8")
    return pnnsim.fit_device(kind, path, known=curves.known, date=DAY, **options)


def drawn(kind: str, seed: int) -> Curves:
    return GENERATORS[kind](np.random.default_rng([seed, 7]))


def test_every_measurement_has_synthetic_data_and_is_in_the_help_and_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(GENERATORS) == list(MEASUREMENTS)
    assert main(["fit-device", "--help"]) == 0
    words = set(
        re.findall(r"[a-z][a-z-]+", re.sub(r"-?\s*│?\n│?\s*", " ", capsys.readouterr().out))
    )
    page = (ROOT / "docs" / "how-to" / "measured-parts.md").read_text("utf-8")
    for kind, measurement in MEASUREMENTS.items():
        assert kind in words or set(kind.split("-")) <= words
        assert f"| `{kind}` |" in page
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{kind}` |")]
        for name in (*(column.name for column in measurement.columns), *measurement.known):
            assert f"`{name}`" in row, (kind, name)


@pytest.mark.parametrize("kind", GENERATORS)
def test_estimates_lie_around_the_truth(tmp_path: Path, kind: str) -> None:
    for seed in range(2):
        curves = drawn(kind, seed)
        fit = fitted(tmp_path, kind, curves)
        for name, truth in curves.truth.items():
            found = fit[name]
            assert found.low < found.value < found.high
            # Five standard deviations of 2 sigma intervals.
            reach = 2.5 * (found.high - found.low) / 2
            assert abs(found.value - truth) < reach, (name, found, truth)


@pytest.mark.long
@pytest.mark.parametrize("kind", GENERATORS)
def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path: Path, kind: str) -> None:
    """30 sets: counts within a binomial of 95.45 % at a chance of 1e-6 for each side of all."""
    sets, held, squares = 30, dict[str, int](), dict[str, float]()
    for seed in range(sets):
        curves = drawn(kind, 100 + seed)
        fit = fitted(tmp_path, kind, curves)
        for name, truth in curves.truth.items():
            found = fit[name]
            held[name] = held.get(name, 0) + (found.low <= truth <= found.high)
            size = ((found.value - truth) / ((found.high - found.low) / 4)) ** 2
            squares[name] = squares.get(name, 0.0) + size
    assert min(held.values()) >= stats.binom.ppf(1e-6, sets, 0.9545), held
    # Intervals that are too wide hold the truth as well: their squared deviations are too small.
    low = stats.chi2.ppf(stats.norm.cdf(-5.0), sets)
    assert all(size > low for size in squares.values()), squares


def machines() -> dict[str, str]:
    """Return a shipped machine for each kind of part that one has."""
    return {
        f"{part}.{section.kind}": name
        for name in pnnsim.available_specs()
        for part, section in pnnsim.load_spec(name).sections().items()
        if part not in ("environment", "control")
    }


def pairs() -> list[tuple[str, str]]:
    known = machines()
    return [(k, part) for k, m in MEASUREMENTS.items() for part in m.keys if part in known]


@pytest.mark.parametrize(("kind", "part"), pairs())
def test_a_fragment_can_be_pasted_into_a_machine(tmp_path: Path, kind: str, part: str) -> None:
    curves = drawn(kind, 3)
    text = fitted(tmp_path, kind, curves, part=part).fragment()
    pasted = yaml.safe_load(text)
    if pasted is None:  # such as a heater's fringe, which has no voltage for pi
        assert (kind, part) in {
            ("mzi-fringe", "nonlinearity.electro_optic"),
            ("noise-spectrum", "encoder.mzm"),
            ("noise-spectrum", "encoder.mrm"),
            ("noise-spectrum", "encoder.source_array"),
        }
        return
    ((section, keys),) = pasted.items()
    assert section == part.partition(".")[0]
    tree = pnnsim.load_spec(machines()[part]).to_tree()
    if kind == "mtj-write-errors":
        tree[section].pop("write_error_rate", None)
        tree[section]["anisotropy_field"] = "0.3 T"
        tree[section]["write_torque"] = "stt"
    if (
        kind == "ring-spectrum"
    ):  # wider rings than those of the machine leave room for fewer channels
        tree[section]["channels_per_bus"], tree["switch"]["count"] = "4", "16"
    tree[section] |= keys
    spec = pnnsim.load_spec(tree)
    for key in keys:
        path = f"{section}.{key}"
        assert spec.sources[path] == f"fit: data.csv, {DAY}"
        assert path in spec.ranges
        assert not [warning for warning in spec.warnings() if warning.startswith(path)]
        value = getattr(getattr(spec, section), key)
        source = MEASUREMENTS[kind].keys[part][key]
        truth = curves.truth.get(source.quantity)
        if truth is not None:
            assert value == pytest.approx(source.convert(truth), rel=0.25, abs=0)


def test_a_fragment_replaces_lines_of_a_shipped_file(tmp_path: Path) -> None:
    fit = pnnsim.fit_device("ring-spectrum", RING, known={"ring_radius": "10 um"})
    text = (ROOT / "hardware_specs" / "photonic_mrr.yaml").read_text("utf-8")
    lines = [line for line in fit.fragment().splitlines() if line.startswith("  ")]
    assert len(lines) == 3
    for line in lines:
        key = line.split(":")[0]
        text, count = re.subn(rf"(?m)^{key}:.*$", lambda _, new=line: new, text)
        assert count == 1
    text = text.replace("channels_per_bus: {value: 32", "channels_per_bus: {value: 4")
    text = text.replace("ring_radius: {value: 5 um", "ring_radius: {value: 10 um")
    text = text.replace('count: {value: 2, source: "derived: one', 'count: {value: 16, source: "d')
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["validate", str(path)]) == 0


def test_a_measured_ring_is_fitted() -> None:
    """Group index of a 500 x 220 nm strip: 4.1 to 4.3; dips 9.14 nm apart, as read off the file."""
    fit = pnnsim.fit_device("ring-spectrum", RING, known={"ring_radius": "10 um"}, date=DAY)
    index, coupling = fit["group_index"], fit["self_coupling"]
    assert index.value == pytest.approx(4.1726, abs=0.002)
    fsr = 1.5488e-6**2 / (index.value * 2 * math.pi * 10e-6)
    assert fsr == pytest.approx(9.14e-9, rel=0.005, abs=0)
    assert coupling.value == pytest.approx(0.9733, abs=0.001)
    assert coupling.high - coupling.low < 0.003
    # The dip at 1553.4 nm is half as deep (in power) 0.17 nm wide.
    assert fit["linewidth"].value == pytest.approx(0.171e-9, rel=0.03, abs=0)
    residuals = np.concatenate(fit.solution.residuals)
    assert float(np.sqrt(np.mean(residuals**2))) < 0.3  # dB, of curves that span 34 dB
    assert any("widened" in note for note in fit.notes)


def test_least_squares_agree_with_another_solver(tmp_path: Path) -> None:
    curves = drawn("step-response", 5)
    fit = fitted(tmp_path, "step-response", curves)
    time, response = curves.columns["time [us]"] * 1e-6, curves.columns["response [V]"]
    best, covariance = optimize.curve_fit(
        lambda t, tau, a, b: b + (a - b) * np.exp(-t / (tau * 1e-6)),
        time,
        response,
        (9.0, 0.0, 1.0),
    )
    tau = fit["time_constant"]
    assert tau.value == pytest.approx(best[0] * 1e-6, rel=1e-5, abs=0)
    half = stats.t.ppf(stats.norm.cdf(2.0), time.size - 3) * math.sqrt(covariance[0, 0]) * 1e-6
    assert (tau.high - tau.low) / 2 == pytest.approx(half, rel=1e-3, abs=0)


def test_intervals_scale_with_the_noise_and_the_number_of_points(tmp_path: Path) -> None:
    def width(noise: float, points: int) -> float:
        random = np.random.default_rng(8)
        time = np.linspace(0.0, 8e-5, points)
        response = 1.0 - np.exp(-time / 1e-5) + noise * random.normal(0.0, 1.0, points)
        curves = Curves({"time [us]": time * 1e6, "response": response}, {}, {})
        found = fitted(tmp_path, "step-response", curves)["time_constant"]
        return found.high - found.low

    assert width(0.02, 200) / width(0.01, 200) == pytest.approx(2.0, rel=0.02, abs=0)
    # The estimated noise of 200 points is known to 5 %, at 5 sigma to 25 %.
    assert width(0.01, 200) / width(0.01, 3200) == pytest.approx(4.0, rel=0.25, abs=0)


def test_lone_outliers_do_not_move_the_fit(tmp_path: Path) -> None:
    curves = drawn("photodiode", 4)
    current = curves.columns["current [uA]"]
    hit = np.array([7, 31, 66])
    current[hit] += np.array([400.0, -700.0, 900.0])
    fit = fitted(tmp_path, "photodiode", curves)
    assert "3 lone point(s) beyond 6 deviations were left out" in fit.notes
    assert np.flatnonzero(~fit.solution.used[0]).tolist() == hit.tolist()
    for name, truth in curves.truth.items():
        reach = 2.5 * (fit[name].high - fit[name].low) / 2
        assert abs(fit[name].value - truth) < reach


def test_the_tip_of_a_dip_is_no_outlier() -> None:
    """The deepest points of the measured ring deviate alone, as steps of 10 pm are coarse there."""
    fit = pnnsim.fit_device("ring-spectrum", RING, known={"ring_radius": "10 um"}, date=DAY)
    assert all(mask.all() for mask in fit.solution.used)
    printed = [line for line in fit.fragment().splitlines() if line.startswith("  ")]
    page = (ROOT / "docs" / "how-to" / "measured-parts.md").read_text("utf-8")
    assert all(line in page for line in printed)


def test_alike_residuals_widen_the_intervals(tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    time = np.linspace(0.0, 8e-5, 400)
    white = random.normal(0.0, 0.01, 400)
    slow = np.convolve(random.normal(0.0, 0.01, 440), np.ones(40) / math.sqrt(40), "valid")[:400]
    step = 1.0 - np.exp(-time / 1e-5)
    widths, notes = [], []
    for noise in (white, slow):
        curves = Curves({"time [us]": time * 1e6, "response": step + noise}, {}, {})
        fit = fitted(tmp_path, "step-response", curves)
        widths.append(fit["time_constant"].high - fit["time_constant"].low)
        notes.append(" ".join(fit.notes))
    assert widths[1] > 3.0 * widths[0]
    assert "alike" in notes[1]
    assert "alike" not in notes[0]


def test_what_the_data_leave_open_is_no_key(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    power = np.linspace(1e-6, 1e-4, 60)
    current = 0.9 * power + 1e-7 + random.normal(0.0, 1e-7, 60)
    curves = Curves({"optical_power [uW]": power * 1e6, "current [uA]": current * 1e6}, {}, {})
    text = fitted(tmp_path, "photodiode", curves).fragment()
    assert "saturation_power" not in yaml.safe_load(text)["detector"]
    assert re.search(r"#   saturation_power: (not determined by the data, at least|without)", text)


def test_a_parameter_that_changes_nothing_is_named(tmp_path: Path) -> None:
    time = np.linspace(0.0, 1e-3, 50)
    # Settled within the first step.
    response = np.where(time == 0.0, 0.0, 1.0) + np.random.default_rng(1).normal(0.0, 1e-3, 50)
    curves = Curves({"time [us]": time * 1e6, "response": response}, {}, {})
    with pytest.raises(pnnsim.SpecError, match="do not determine time_constant"):
        fitted(tmp_path, "step-response", curves)


def test_a_value_at_the_bound_of_its_key_stays_within(tmp_path: Path) -> None:
    """A lossless switch is found to lose a little less than nothing, or a little more."""
    power = np.linspace(0.0, 60e-3, 121)
    bright = np.sin((0.3 + np.pi * power / 24e-3) / 2) ** 2
    losses = []
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(0.0, 0.004, 121)
        columns = {"heater_power [mW]": power * 1e3, "transmission": np.maximum(bright + noise, 0)}
        keys = yaml.safe_load(fitted(tmp_path, "mzi-fringe", Curves(columns, {}, {})).fragment())
        loss = keys["switch"]["insertion_loss"]
        losses.append(loss["value"])
        assert loss["range"][0] == "0 dB"
        # The extinction is open to one side, and a switch of more than 100 dB is none.
        assert keys["switch"]["crosstalk"]["range"][1] == "100 dB"
    assert "0 dB" in losses
    assert set(losses) != {"0 dB"}


def test_a_value_beyond_its_key_is_a_comment(tmp_path: Path) -> None:
    power = np.linspace(0.0, 1e-3, 40)
    current = 3.0 * power + 1e-6 + np.random.default_rng(1).normal(0.0, 1e-7, 40)
    columns = {"optical_power [mW]": power * 1e3, "current [mA]": current * 1e3}
    text = fitted(tmp_path, "photodiode", Curves(columns, {}, {})).fragment()
    assert "responsivity" not in yaml.safe_load(text)["detector"]  # an A/W is 2 at most
    assert "#   responsivity: 2.99" in text
    assert "is beyond what the key accepts" in text


def test_counts_have_the_uncertainty_of_their_information(tmp_path: Path) -> None:
    """Standard deviations are those of the inverse Fisher information of a binomial."""
    barrier, critical, pulse, trials = 55.0, 1e-4, 1e-7, 5000.0
    current = np.linspace(0.82, 0.98, 40) * critical

    def chance(height: float, limit: float) -> np.ndarray:
        return -np.expm1(-pulse / 1e-9 * np.exp(-height * (1 - current / limit)))

    p = chance(barrier, critical)
    slopes = np.stack(
        [
            (chance(barrier * 1.0001, critical) - chance(barrier * 0.9999, critical)) / 2e-4,
            (chance(barrier, critical * 1.00001) - chance(barrier, critical * 0.99999)) / 2e-5,
        ]
    )
    information = (slopes * trials / (p * (1 - p))) @ slopes.T
    expected = np.sqrt(np.diag(np.linalg.inv(information))) * (barrier, critical)
    count = np.random.default_rng(3).binomial(int(trials), p).astype(float)
    columns = {
        "current [uA]": current * 1e6,
        "pulse [ns]": np.full(40, pulse * 1e9),
        "switched": count,
        "trials": np.full(40, trials),
    }
    solution = fitted(tmp_path, "mtj-switching", Curves(columns, {}, {})).solution
    found = [solution.deviation(name) for name in ("barrier", "critical_current")]
    assert found == pytest.approx(expected, rel=0.1, abs=0)


def test_the_spread_of_cells_is_without_that_of_their_measurement(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    time, cells = np.geomspace(1.0, 1e5, 30), 150
    level = np.concatenate(
        [
            10.0
            * (np.maximum(time, 20) / 20) ** -random.normal(0.1, 0.01)
            * np.exp(random.normal(0, 0.2, 30))
            for _ in range(cells)
        ]
    )
    columns = {
        "time [s]": np.tile(time, cells),
        "conductance [uS]": level,
        "cell": np.repeat(np.arange(float(cells)), 30),
    }
    fit = fitted(tmp_path, "pcm-drift", Curves(columns, {}, {}))
    names = [f"exponent_{i}" for i in range(cells)]
    seen = float(np.std([fit.solution.value(name) for name in names], ddof=1))
    assert seen > 0.014  # cells and measurement together
    assert fit["drift_spread"].low < 0.01 < fit["drift_spread"].high
    assert fit["drift_spread"].value < 0.75 * seen


def test_drift_is_that_of_the_cells_from_their_reference_time_on(tmp_path: Path) -> None:
    """Levels that the bank's own law makes are fitted exactly; what was read before is left out."""
    time = torch.logspace(0, 5, 40, dtype=torch.float64)
    made = dynamics.power_law_drift(torch.tensor(8.0), time, 20.0, 0.061)
    for early in (1.0, 3.0):
        level = torch.where(time < 20.0, early * made, made)
        columns = {"time [s]": time.numpy(), "conductance [uS]": level.numpy()}
        fit = fitted(tmp_path, "pcm-drift", Curves(columns, {}, {}))
        assert fit["drift_exponent"].value == pytest.approx(0.061, rel=1e-6, abs=0)
    few = {name: values[:20] for name, values in columns.items()}
    known = {"drift_reference_time": "10 min"}
    with pytest.raises(pnnsim.SpecError, match="0 rows of this cell from 600 s"):
        fitted(tmp_path, "pcm-drift", Curves(few, known, {}))


def test_units_and_separators_do_not_matter(tmp_path: Path) -> None:
    curves = drawn("photodiode", 2)
    first = fitted(tmp_path, "photodiode", curves)
    power, current = curves.columns.values()
    dbm = 10 * np.log10(power)
    rows = "".join(
        f"{p:.14g};{c * 1e-3:.14g}\n" for p, c in zip(dbm[::-1], current[::-1], strict=True)
    )
    path = tmp_path / "other.csv"
    path.write_text("# from the bench\n\nOptical Power (dBm);Current (mA)\n" + rows)
    second = pnnsim.fit_device("photodiode", path)
    for a, b in zip(first.estimates, second.estimates, strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-6, abs=0)
        assert b.high == pytest.approx(a.high, rel=1e-6, abs=0)


@pytest.mark.parametrize("kind", ["ring-spectrum", "mzi-fringe"])
def test_transmissions_may_be_ratios_or_decibels(tmp_path: Path, kind: str) -> None:
    curves = drawn(kind, 6)
    columns = {}
    for name, values in curves.columns.items():
        if "dB" in name:
            columns[name.replace("dB", "%")] = 100 * 10 ** (values / 10)
        elif name == "transmission":
            columns["transmission [dB]"] = 10 * np.log10(np.maximum(values, 1e-4))
        else:
            columns[name] = values
    other = fitted(tmp_path, kind, Curves(columns, curves.known, {}))
    for name, truth in curves.truth.items():
        if name != "extinction":  # below the noise of a linear scale, decibels are biased
            assert other[name].value == pytest.approx(truth, rel=0.2, abs=0.05)


def test_a_voltage_fringe_gives_v_pi(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    voltage = np.linspace(-4.0, 4.0, 161)
    passed = 0.7 * np.sin((0.4 + np.pi * voltage / 2.5) / 2) ** 2 + random.normal(0, 0.005, 161)
    columns = {"voltage [V]": voltage, "transmission": np.maximum(passed, 0.0)}
    fit = fitted(tmp_path, "mzi-fringe", Curves(columns, {}, {}), part="nonlinearity.electro_optic")
    keys = yaml.safe_load(fit.fragment())["nonlinearity"]
    assert list(keys) == ["v_pi"]
    assert fit["pi_voltage"].low < 2.5 < fit["pi_voltage"].high


def test_a_depleted_ring_gives_a_shift_with_voltage(tmp_path: Path) -> None:
    curves = drawn("ring-spectrum", 1)
    columns = {
        "bias_voltage [V]" if "heater" in name else name: values
        for name, values in curves.columns.items()
    }
    fit = fitted(tmp_path, "ring-spectrum", Curves(columns, curves.known, {}))
    shift = curves.truth["heater_efficiency"] * 1e-3  # volts stand where milliwatts stood
    assert fit["voltage_shift"].value == pytest.approx(shift, rel=0.01, abs=0)


def test_one_cell_gives_its_exponent_and_two_are_too_few(tmp_path: Path) -> None:
    curves = drawn("pcm-drift", 0)
    cell = curves.columns["cell"]
    for count, good in ((1, True), (2, False)):
        columns = {name: values[cell < count] for name, values in curves.columns.items()}
        if good:
            fit = fitted(tmp_path, "pcm-drift", Curves(columns, {}, {}))
            assert [each.name for each in fit.estimates] == ["drift_exponent"]
        else:
            with pytest.raises(pnnsim.SpecError, match="2 cells leave their spread open"):
                fitted(tmp_path, "pcm-drift", Curves(columns, {}, {}))


def test_intensity_noise_of_a_laser_is_in_decibels(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    frequency = np.geomspace(1e6, 1e10, 100)
    columns = {
        "frequency [GHz]": frequency * 1e-9,
        "noise [dB/Hz]": -152.0 + random.normal(0.0, 0.5, 100),
    }
    fit = fitted(tmp_path, "noise-spectrum", Curves(columns, {}, {}))
    assert fit.part == "encoder.mzm"
    assert [each.name for each in fit.estimates] == ["intensity_noise"]  # no corner, no edge
    assert fit["intensity_noise"].low < -152.0 < fit["intensity_noise"].high


def test_plots_show_data_fit_and_residuals(tmp_path: Path) -> None:
    fit = fitted(tmp_path, "photodiode", drawn("photodiode", 0))
    fit.plot(tmp_path / "fit.svg")
    fit.plot(tmp_path / "fit.png")
    drawing = (tmp_path / "fit.svg").read_text("utf-8")
    assert drawing.count('<g id="axes_') == 2
    assert "residual" in drawing
    assert "optical power [W]" in drawing
    assert (tmp_path / "fit.png").read_bytes().startswith(b"\x89PNG")
    first = (tmp_path / "fit.svg").read_bytes()
    fit.plot(tmp_path / "fit.svg")
    assert (tmp_path / "fit.svg").read_bytes() == first


def test_the_command_prints_and_saves_the_fragment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "diode.csv"
    path.write_text(drawn("photodiode", 0).csv())
    out, plot = tmp_path / "diode.yaml", tmp_path / "diode.svg"
    words = ["fit-device", "photodiode", str(path), "--out", str(out), "--plot", str(plot)]
    assert main([*words, "--part", "detector.photodiode"]) == 0
    printed = capsys.readouterr().out
    assert printed == out.read_text("utf-8")
    assert list(yaml.safe_load(printed)["detector"]) == [
        "responsivity",
        "dark_current",
        "saturation_power",
    ]
    assert plot.exists()
    assert main(["fit-device", "photodiode", str(path), "--json"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["estimates"]["responsivity"]["unit"] == "A/W"
