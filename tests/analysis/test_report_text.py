"""Figures as text: engineering units, one table for a run, one line per run in a comparison."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.metrics import refresh
from pnnsim.analysis.report.format import count, engineering, exact_time, percent
from pnnsim.analysis.report.rows import energy_parts
from pnnsim.analysis.report.tables import compare_markdown
from pnnsim.analysis.report.text import WIDTH, compare_table, summary_table
from pnnsim.common.units import parse_quantity
from pnnsim.mapping.prices import PriceTable
from tests.analysis.report_example import make_metrics, make_trace
from tests.timing.machines import machine

REFRESHING = PriceTable({("weight_banks", "refresh"): 5e-9}, {})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.195315117988e-07, "s", "119.5 ns"),
        (4.302322546522e-06, "J", "4.302 µJ"),
        (999.96e-9, "s", "1 µs"),  # rounds up into the next prefix
        (999.94e-9, "s", "999.9 ns"),
        (12.5e-12, "s", "12.5 ps"),
        (8.366e6, "/s", "8.366 M/s"),
        (-3e-3, "W", "-3 mW"),
        (0.0, "J", "0 J"),
        (1.0, "s", "1 s"),
        (1e-30, "J", "1e-30 J"),  # beyond the prefixes
        (None, "s", "n/a"),
        (math.nan, "s", "n/a"),
    ],
)
def test_engineering_text(value: float | None, unit: str, text: str) -> None:
    assert engineering(value, unit) == text


#: The SI prefixes from 1e-24 to 1e18, in steps of a thousand (BIPM, The International System of
#: Units, 2019).
PREFIXES = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"]


@pytest.mark.parametrize(("step", "prefix"), list(enumerate(PREFIXES)))
def test_every_power_of_a_thousand_has_its_prefix(step: int, prefix: str) -> None:
    power = 3 * step - 24
    assert engineering(float(f"2e{power}"), "J") == f"2 {prefix}J"
    assert engineering(float(f"-345e{power}"), "") == f"-345 {prefix}".rstrip()


@pytest.mark.parametrize(("value", "text"), [(2e-27, "2e-27 J"), (2e21, "2e+21 J")])
def test_beyond_the_prefixes_stands_a_power_of_ten(value: float, text: str) -> None:
    assert engineering(value, "J") == text


@given(st.floats(1e-17, 1e6))
@settings(deadline=None)  # the first reading loads the table of units
def test_engineering_text_reads_back_to_four_digits(value: float) -> None:
    read = parse_quantity(engineering(value, "s"), "time")
    # four significant digits: half a unit of the last, at worst 0.5e-3 of the value
    assert math.isclose(read, value, rel_tol=0.5001e-3, abs_tol=0)


@pytest.mark.parametrize(
    ("fs", "text"),
    [
        (0, "0 s"),
        (1, "1 fs"),
        (12_500, "12.5 ps"),
        (119_531_512, "119.531512 ns"),
        (10_000_000_000, "10 µs"),
        (3 * 10**15 + 1, "3.000000000000001 s"),
    ],
)
def test_exact_time_keeps_every_digit(fs: int, text: str) -> None:
    assert exact_time(fs) == text


@given(st.integers(0, 10**18))
def test_exact_time_reads_back(fs: int) -> None:
    # a double holds 53 bits; the text itself holds all digits
    assert math.isclose(
        parse_quantity(exact_time(fs), "time"), fs * 1e-15, rel_tol=1e-15, abs_tol=0
    )


def test_a_share_never_looks_like_nothing_or_like_all() -> None:
    assert percent(0.9694) == "96.94 %"
    assert percent(0.00001) == "<0.01 %"
    assert percent(0.99999) == ">99.99 %"
    assert percent(0.0) == "0.00 %"
    assert percent(1.0) == "100.00 %"
    assert percent(None) == "n/a"


def test_counts_have_their_thousands_apart() -> None:
    assert count(49920) == "49,920"
    assert count(10.875) == "10.9"
    assert count(1234.5) == "1,234"


def test_energy_parts_add_up_to_the_energy_of_one_inference() -> None:
    metrics = make_metrics(make_trace(samples=5))
    parts = energy_parts(metrics)
    energy = metrics["energy_j"]
    # sums of ten doubles: 1e-12 leaves room for rounding only
    whole = math.fsum(part.total for part in parts)
    assert math.isclose(whole, energy["per_inference"], rel_tol=1e-12, abs_tol=0)
    static = math.fsum(part.static for part in parts)
    assert math.isclose(static, energy["static"] / 5, rel_tol=1e-12, abs_tol=0)
    assert [part.total for part in parts] == sorted((p.total for p in parts), reverse=True)


def test_summary_holds_the_figures_a_reader_came_for() -> None:
    trace = make_trace(samples=5, steps=12)
    lines = summary_table(make_metrics(trace), folder="runs/a").splitlines()

    def line(label: str) -> str:
        return next(text for text in lines if text.strip().startswith(label))

    assert "96.94 ± 0.42 %" in line("chips")
    assert "96.67  97.50  96.67" in line("chips")
    # 2 + 1 ns in, 12 (encode + T_MM) - the encode hidden behind 11 moves, activate, 1.5 ns out
    first = 3e6 + 50_000 + 12 * 558_333 + 11 * 9_086_317 + 60_000 + 1.5e6
    assert engineering(first * 1e-15, "s") in line("first sample")
    assert "equal to the simulation" in line("closed form")
    assert "static" in line("total")
    assert "78.00 %" in line("switch, route")
    assert "2" in line("bank writes")
    assert lines[-1] == "Run folder: runs/a"
    # exactly three shares of the critical path
    at = next(i for i, text in enumerate(lines) if text.startswith("Critical path"))
    assert [bool(text) for text in lines[at + 1 : at + 5]] == [True, True, True, False]


def test_summary_counts_samples_and_not_conversions() -> None:
    # A sample in two parts is converted twice.
    metrics = make_metrics(make_trace(samples=5))
    parts = energy_parts(metrics)
    metrics["counts"]["readout.convert"] *= 2
    assert energy_parts(metrics) == parts
    assert "5 inferences" in summary_table(metrics)


def test_summary_tells_of_refreshes_where_banks_are_refreshed() -> None:
    # One bank, due at 12 and at 27 and free at 15 and 29 fs: see `test_timing_refresh`.
    case = machine(samples=3, block=3, sets=1, steps=1, banks=1, write_fs=10, refresh_fs=12)
    metrics = make_metrics(make_trace(samples=5))
    assert "refresh" not in summary_table(metrics).lower()
    metrics["refresh"] = refresh(EnergyLedger.from_trace(machine(samples=3).run(), REFRESHING))
    assert "refresh" not in summary_table(metrics).lower()
    metrics["refresh"] = refresh(EnergyLedger.from_trace(case.run(), REFRESHING))
    metrics["energy_j"]["total"] = 40e-9
    lines = summary_table(metrics).splitlines()
    at = lines.index("Refresh, while inference goes on")
    found = [line.split() for line in lines[at + 1 : at + 4]]
    assert found[0] == ["bank", "writes", "2", "0.4", "per", "inference"]
    assert found[1] == ["time", "20", "fs", "10", "fs", "each,", "added", "up"]
    assert found[2][:5] == ["energy", "10", "nJ", "25.00", "%"]
    assert lines[at + 4] == ""
    assert next(line for line in lines if "after set-up" in line).endswith("refreshes not included")


def test_summary_says_by_how_much_the_closed_form_is_off() -> None:
    metrics = make_metrics(make_trace())
    metrics["closed_form"]["latency_s"] = metrics["latency_s"]["first"] - 12.5e-12
    assert "simulation is 12.5 ps longer" in summary_table(metrics)
    metrics["closed_form"] = {"applies": False, "latency_s": None}
    assert "does not apply" in summary_table(metrics)


def test_summary_fits_its_width_with_many_chips_and_long_warnings() -> None:
    metrics = make_metrics(make_trace())
    metrics["accuracy"]["chips"] = [0.9 + 0.001 * i for i in range(64)]
    metrics["warnings"] = ["word " * 60, "short"]
    lines = summary_table(metrics).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert sum(text.startswith("  ! ") for text in lines) == 2


def test_summary_leaves_out_what_was_not_measured() -> None:
    metrics = make_metrics(make_trace())
    for key in ("accuracy", "task", "area_m2", "warnings", "critical_path"):
        del metrics[key]
    metrics["tops_per_w"] = metrics["energy_per_mac_j"] = None
    text = summary_table(metrics)
    assert "Accuracy" not in text
    assert "Warnings" not in text
    assert "Critical path" not in text
    assert "n/a" in text


def test_comparison_has_one_line_per_run_and_fits_its_width() -> None:
    metrics = make_metrics(make_trace(write_fs=10_000_000_000))
    rows = [("relaxnet", metrics), ("runs/a_label_far_too_long/for_a_column/b.yaml", metrics)]
    lines = compare_table(rows).splitlines()
    assert len(lines) == 2 + 1 + len(rows)
    assert max(map(len, lines)) <= WIDTH
    assert lines[3].startswith("relaxnet")
    assert "…" in lines[4]
    assert lines[4].startswith("runs/a_")
    # samples of 4 steps rewrite a bank at each of the 3 changes, and for each next sample: 11 / 3
    assert lines[3].split()[-3] == "3.67"


def test_comparison_without_accuracy_says_so() -> None:
    metrics = make_metrics(make_trace())
    del metrics["accuracy"]
    assert compare_table([("a", metrics)]).splitlines()[3].split()[1:3] == ["n/a", "n/a"]


def test_markdown_comparison_is_a_table_whatever_the_label() -> None:
    text = compare_markdown([("a|b", make_metrics(make_trace()))])
    head, rule, row = text.splitlines()
    assert head.count("|") == rule.count("|") == row.count("|") - 1
    assert "a\\|b" in row
    assert "96.94 ± 0.42 %" in row


def test_reports_are_written_without_torch_and_simpy() -> None:
    # a comparison of finished runs must answer at once
    code = (
        "import pnnsim.analysis.report.html, sys; "
        "sys.exit(bool({'torch', 'simpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
