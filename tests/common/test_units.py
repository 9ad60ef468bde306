"""Physical values: text with a unit in, SI floats out, and back without losing a bit."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnnsim.common.units import (
    DIMENSIONS,
    UnitError,
    amplitude_ratio,
    format_quantity,
    from_fs,
    level_db,
    parse_quantity,
    power_ratio,
    read_quantity,
    readable_quantity,
    show_path,
    to_fs,
)


# Right-hand sides are the SI values written down by hand.
@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("12.5 ps", "time", 12.5e-12),
        ("12.5ps", "time", 12.5e-12),
        (" +1e3 fs ", "time", 1e-12),
        ("0.3 ps", "time", 0.3e-12),
        ("10 µs", "time", 10e-6),
        ("10 μs", "time", 10e-6),  # Greek mu, which looks the same
        ("10 us", "time", 10e-6),
        ("2 min", "time", 120.0),
        ("5 GHz", "frequency", 5e9),
        ("0.01 mm^2", "area", 0.01e-6),
        ("77 fJ", "energy", 77e-15),
        ("1 eV", "energy", 1.602176634e-19),  # exact since the SI of 2019
        ("1 Mohm", "resistance", 1e6),
        ("5 %", "fraction", 0.05),
        ("0.05", "fraction", 0.05),
        ("1 %/us", "rate", 1e4),
        ("3 1/s", "rate", 3.0),
        ("6.4 pA/Hz^0.5", "current_noise", 6.4e-12),
        ("0.25 nm/mW", "length_per_power", 0.25e-6),
        ("0.075 nm/K", "length_per_temperature", 0.075e-9),
        ("-0.15 %/K", "per_temperature", -0.0015),
        ("90 deg", "angle", math.pi / 2),
        ("3 dB", "ratio_db", 3.0),
        ("0.3 dB/cm", "loss_per_length_db", 30.0),
        ("2 dB/mm", "loss_per_length_db", 2000.0),
        ("-150 dBc/Hz", "noise_dbc", -150.0),
        ("0 dBm", "power", 1e-3),
        ("-10 dBm", "power", 1e-4),
        ("30dBm", "power", 1.0),
        ("25 degC", "temperature", 298.15),
        ("-40 °C", "temperature", 273.15 - 40.0),
        ("5 mK", "temperature_difference", 5e-3),
        ("6.4 pA/sqrt(Hz)", "current_noise", 6.4e-12),
        ("5 nV/Hz^0.5", "voltage_noise", 5e-9),
        ("6.4 nA*s**0.5", "current_noise", 6.4e-9),
        ("64 pA/sqrt(MHz)", "current_noise", 64e-15),
        ("3 s^-1", "rate", 3.0),
        ("20 ppm/K", "per_temperature", 20e-6),
        ("100 Ω", "resistance", 100.0),
        ("100 k\u2126", "resistance", 1e5),  # the ohm sign, which looks the same
        ("2 cm", "length", 2e-2),
        ("5 zJ", "energy", 5e-21),
        ("1.5 mA/mW", "responsivity", 1.5),
        ("1 J/s", "power", 1.0),
        ("2 V*A", "power", 2.0),
        ("30 mT", "magnetic_field", 0.03),
        ("2 d", "time", 172800.0),
    ],
)
def test_text_gives_the_si_value_to_the_last_bit(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "what"),
    [
        ("12.5 pss", "time", "unknown unit 'pss' in '12.5 pss'; expected a time such as '12.5 ps'"),
        ("12.5", "time", "'12.5' has no unit; expected a time"),
        ("12,5 ps", "time", "has a decimal comma"),
        ("1_000 ps", "time", "has an underscore in its number"),
        ("3 dB", "time", "'3 dB' is in decibels; expected a time"),
        ("3 mW", "time", "unit 'mW' in '3 mW' measures something else"),
        ("10 GS/s", "frequency", "is a sample rate"),
        ("10 GSa/s", "frequency", "is a sample rate"),
        ("5 %", "frequency", "measures something else"),
        ("1 rad/s", "frequency", "measures something else"),
        ("1 rpm", "frequency", "unknown unit 'rpm'"),
        ("50 fJ/bit", "energy", "measures something else"),
        ("25 degC", "temperature_difference", "unit 'degC' in '25 degC' measures something else"),
        ("25 degC", "time", "measures something else"),
        ("5 dBm", "voltage", "'5 dBm' is in decibels"),
        ("1e5 dBm", "power", "is not a finite number"),
        ("5 DBM", "power", "unknown unit 'DBM'"),
        ("5 mdBm", "power", "is in decibels"),
        ("3 mmin", "time", "unknown unit 'mmin'"),  # minutes and the like take no prefix
        ("3 days", "time", "unknown unit 'days'"),
        ("3 nns", "time", "unknown unit 'nns'"),
        ("1 pA/sqrt(Hz", "current_noise", "unknown unit"),
        ("1 sqrt(s)", "time", "measures something else"),
        ("1 sqrt(sqrt(s))", "time", "unknown unit"),
        ("1 eV^9*eV^9*eV^9/eV^9/eV^9/eV^8", "energy", "unknown unit"),
        ("1 m/", "length", "unknown unit"),
        ("1 /s", "rate", "unknown unit"),
        ("1 s1/s", "time", "unknown unit"),
        ("3 dBm", "ratio_db", "unit 'dBm' in '3 dBm' does not fit; expected a ratio in decibels"),
        ("3", "ratio_db", "has no unit"),
        ("2 rad", "fraction", "does not fit"),
        ("5 %", "angle", "does not fit"),
        ("", "time", "does not start with a number"),
        ("ps", "time", "does not start with a number"),
        ("nan s", "time", "does not start with a number"),
        ("inf s", "time", "does not start with a number"),
        ("0x10 s", "time", "unknown unit 'x10 s'"),
        ("1e400 s", "time", "is not a finite number"),
        ("1e" + "9" * 60 + " s", "time", "is not a finite number"),
        ("٣ s", "time", "does not start with a number"),
        ("9" * 100 + " s", "time", "too long"),
        ("1 s**9**9", "time", "unknown unit"),
        ("1 __import__('os')", "time", "underscore"),
        ("1 A/A", "current", "unknown unit|measures something else"),
    ],
)
def test_text_that_is_not_the_value_is_refused_in_words(
    text: str, dimension: str, what: str
) -> None:
    with pytest.raises(UnitError, match=what.replace("(", r"\(")):
        parse_quantity(text, dimension)


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
def test_the_example_of_every_dimension_is_right(dimension: str) -> None:
    assert math.isfinite(parse_quantity(DIMENSIONS[dimension].example, dimension))


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
def test_magnitudes_from_the_least_to_the_greatest_are_read_and_no_others(dimension: str) -> None:
    allowed = DIMENSIONS[dimension]
    example = abs(read_quantity(allowed.example, dimension))
    assert 0 < allowed.least < example < allowed.most
    for value in (allowed.least, -allowed.least, allowed.most, -allowed.most, 0.0):
        assert read_quantity(format_quantity(value, dimension), dimension) == value
    for value in (0.99 * allowed.least, -1.01 * allowed.most):
        with pytest.raises(UnitError, match=r" is out of range; expected a magnitude from "):
            read_quantity(format_quantity(value, dimension), dimension)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("runs/a.yaml", "runs/a.yaml"),
        ("a" * 200, "a" * 200),
        ("b" + "a" * 200, "…" + "a" * 200),
        ("a\x1b[2J\n", r"a\x1b[2J\n"),
    ],
)
def test_a_path_in_a_message_is_one_line_and_keeps_its_end(path: str, shown: str) -> None:
    assert show_path(path) == shown


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(DIMENSIONS)))
def test_formatted_values_read_back_exactly(value: float, dimension: str) -> None:
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(st.text(max_size=30), st.sampled_from(sorted(DIMENSIONS)))
def test_any_text_is_a_value_or_a_unit_error(text: str, dimension: str) -> None:
    try:
        assert math.isfinite(parse_quantity(text, dimension))
    except UnitError as error:
        message = str(error)
        if "\n" in message:
            raise


@given(st.text("smHzWJVAKdegµΩ%/*^-.0123456789 ", max_size=10))
def test_any_unit_is_known_or_a_unit_error(unit: str) -> None:
    with suppress(UnitError):
        assert math.isfinite(parse_quantity(f"1 {unit}", "rate"))


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (1e-9, "length", "1 nm"),
        (20e-6, "length", "20 um"),
        (0.0, "time", "0 s"),
        (-3e-3, "power", "-3 mW"),
        (999.9999999, "power", "1 kW"),  # not 1000 W
        (0.05, "fraction", "0.05"),
        (60.0, "ratio_db", "60 dB"),
        (1.0, "area", "1 m^2"),
    ],
)
def test_readable_values_look_as_people_write_them(value: float, dimension: str, text: str) -> None:
    assert readable_quantity(value, dimension) == text


def test_decibels_are_power_ratios_and_their_roots_amplitude_ratios() -> None:
    assert power_ratio(10.0) == 10.0
    assert power_ratio(-30.0) == pytest.approx(1e-3, rel=1e-15, abs=0)  # one rounding of a power
    assert level_db(1e-3) == pytest.approx(-30.0, rel=1e-15, abs=0)
    assert level_db(power_ratio(1.7)) == pytest.approx(1.7, rel=1e-14, abs=0)
    assert amplitude_ratio(20.0) == 10.0
    assert amplitude_ratio(3.0) ** 2 == pytest.approx(power_ratio(3.0), rel=1e-15, abs=0)


def test_femtoseconds_are_whole_and_eight_steps_are_a_hundred_picoseconds() -> None:
    assert 8 * to_fs(12.5e-12) == to_fs(100e-12) == 100_000
    assert to_fs(0.4e-15) == 0
    assert to_fs(0.6e-15) == 1
    assert from_fs(100_000) == 100e-12


PREFIXES = {"z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "c": -2,
            "": 0, "k": 3, "M": 6, "G": 9, "T": 12}  # fmt: skip


#: Units that are one symbol, or begin with one that is not squared.
PREFIXED = [
    (name, dimension.si)
    for name, dimension in DIMENSIONS.items()
    if re.match(r"[A-Za-z]+(/|$)", dimension.si) and "dB" not in dimension.si and name != "angle"
]


@pytest.mark.parametrize(("dimension", "si"), PREFIXED)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_moves_the_decimal_point_of_every_unit_that_takes_one(
    dimension: str, si: str, prefix: str
) -> None:
    assert len(PREFIXED) > 15
    assert parse_quantity(f"3 {prefix}{si}", dimension) == float(f"3e{PREFIXES[prefix]}")


@pytest.mark.parametrize("pair", list(combinations(sorted(DIMENSIONS), 2)))
def test_no_dimension_takes_the_unit_of_another(pair: tuple[str, str]) -> None:
    same = {"temperature", "temperature_difference"}
    for one, other in (pair, pair[::-1]):
        si = DIMENSIONS[other].si
        # A rate is counted in 1/s, which is what Hz means.
        if not si or set(pair) in (same, {"frequency", "rate"}):
            continue
        with pytest.raises(UnitError):
            parse_quantity(f"3 {si}", one)
