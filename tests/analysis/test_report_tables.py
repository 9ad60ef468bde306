"""Tables for papers: the digits of the plain table in the forms of LaTeX and Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

from pnnsim.analysis.report.format import engineering, percent
from pnnsim.analysis.report.html import report
from pnnsim.analysis.report.pictures.energy import energy_pictures
from pnnsim.analysis.report.tables import (
    compare_latex,
    escaped,
    quantity,
    run_latex,
    run_markdown,
)
from pnnsim.analysis.report.text import summary_table
from tests.analysis.report_example import make_metrics, make_record, make_trace

#: Factors of the prefixes that siunitx sets.
FACTORS = {
    "": 1.0, "\\femto": 1e-15, "\\pico": 1e-12, "\\nano": 1e-9, "\\micro": 1e-6, "\\milli": 1e-3,
    "\\kilo": 1e3, "\\mega": 1e6, "\\giga": 1e9,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("110.7 ns", "\\qty{110.7}{\\nano\\second}"),
        ("1 s", "\\qty{1}{\\second}"),
        ("5.536 µJ", "\\qty{5.536}{\\micro\\joule}"),
        ("8.64 M/s", "\\qty{8.64e6}{\\per\\second}"),
        ("17.76 GOPS/W", "\\qty{17.76}{\\giga\\operations\\per\\watt}"),
        ("94.82 ± 0.17 %", "\\qty{94.82 +- 0.17}{\\percent}"),
        ("<0.01 %", "\\qty{<0.01}{\\percent}"),
        ("8,320", "\\num{8320}"),
        ("5 m", "\\num{5e-3}"),
        ("5.12 mm²", "\\qty{5.12}{\\milli\\metre\\squared}"),
        ("1.2034 nat", "\\qty{1.2034}{\\nat}"),
        ("n/a", "n/a"),
        ("a_b & 5 %", "a\\_b \\& 5 \\%"),
    ],
)
def test_a_value_becomes_what_siunitx_sets(text: str, wanted: str) -> None:
    assert quantity(text) == wanted


def test_latex_reads_every_sign_of_a_text_as_itself() -> None:
    assert escaped("{50 %_#$&~^\\}") == (
        "\\{50 \\%\\_\\#\\$\\&\\textasciitilde{}\\textasciicircum{}\\textbackslash{}\\}"
    )


def test_numbers_of_one_run_agree_in_all_forms() -> None:
    trace = make_trace()
    metrics = make_metrics(trace)
    again = json.loads(json.dumps(metrics))
    page = unescape(re.sub(r"<[^>]+>", " ", report(metrics, make_record(trace))))
    text, latex, markdown = summary_table(metrics), run_latex(metrics), run_markdown(metrics)
    energy, latency = again["energy_j"], again["latency_s"]
    for value, unit in (
        (latency["first"], "s"), (latency["p50"], "s"), (latency["p99"], "s"),
        (again["interval_s"], "s"), (again["throughput_per_s"], "/s"), (again["makespan_s"], "s"),
        (energy["per_inference"], "J"), (again["power_w"], "W"), (again["energy_per_mac_j"], "J"),
        (again["setup"]["time_s"], "s"), (again["setup"]["energy_j"], "J"),
        *((joules / again["samples"], "J") for joules in energy["by_component"].values()),
    ):  # fmt: skip
        shown = engineering(value, unit)
        for form in (text, page, markdown):
            assert shown in form, shown
        assert quantity(shown) in latex
        if unit != "/s":
            number, power = re.fullmatch(
                r"\\qty\{([^}]*)\}\{(\\\w+?)??(?:\\second|\\joule|\\watt)\}", quantity(shown)
            ).groups()  # type: ignore[union-attr]
            read = float(number) * FACTORS[power or ""]
            assert read == pytest.approx(value, rel=5e-4, abs=0.0)
    for share in (again["accuracy"]["surrogate"], again["accuracy"]["hardware_mean"]):
        figure = percent(share).removesuffix(" %")
        for form in (text, page, markdown, latex):
            assert figure in form
    # The table of a figure has all digits of the metrics.
    (split,) = energy_pictures(metrics, None)
    rows = list(csv.DictReader(io.StringIO(split.table.csv())))
    assert {row["component"] for row in rows} == {
        name for name, joules in energy["by_component"].items() if joules
    }
    for row in rows:
        whole = energy["by_component"][row["component"]] / again["samples"]
        assert float(row["total_j"]) == pytest.approx(whole, rel=1e-12, abs=0.0)


def test_tables_of_latex_are_whole_whatever_the_names() -> None:
    metrics = make_metrics(make_trace())
    metrics["hardware"] = "a_b%c"
    for text in (run_latex(metrics), compare_latex([("x_1 & y", metrics)])):
        body = [line for line in text.splitlines() if not line.startswith("%")]
        assert text.count("{") == text.count("}")
        assert body[0].startswith("\\begin{tabular}")
        assert body[-1] == "\\end{tabular}"
        columns = len(re.search(r"\{([lr]+)\}", body[0])[1])  # type: ignore[index]
        for line in body:
            if line.endswith("\\\\") and "multicolumn" not in line:
                assert len(re.findall(r"(?<!\\)&", line)) == columns - 1
