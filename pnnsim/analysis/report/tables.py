"""Lay the figures of runs out as tables of LaTeX and of Markdown, for papers and notes.

Every value is the text of the plain table, so that all forms agree to the last digit: nothing is
rounded here a second time. LaTeX needs the packages `booktabs` and `siunitx`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pnnsim.analysis.report.rows import title
from pnnsim.analysis.report.section import Metrics, Section
from pnnsim.analysis.report.sections import sections
from pnnsim.analysis.report.text import comparison_cells

_PREAMBLE = (
    "% \\usepackage{booktabs, siunitx}",
    "% \\DeclareSIUnit{\\operations}{OPS} \\DeclareSIUnit{\\nat}{nat}",
)
_PREFIXES = {
    "y": "\\yocto", "z": "\\zepto", "a": "\\atto", "f": "\\femto", "p": "\\pico", "n": "\\nano",
    "µ": "\\micro", "m": "\\milli", "k": "\\kilo", "M": "\\mega", "G": "\\giga", "T": "\\tera",
    "P": "\\peta", "E": "\\exa",
}  # fmt: skip
#: Powers of ten of the prefixes, where there is no unit that could bear one.
_POWERS = dict(zip(_PREFIXES, (-24, -21, -18, -15, -12, -9, -6, -3, 3, 6, 9, 12, 15, 18),
                   strict=True))  # fmt: skip
_UNITS = {
    "s": "\\second", "J": "\\joule", "W": "\\watt", "OPS/W": "\\operations\\per\\watt",
    "nat": "\\nat",
}  # fmt: skip
_VALUE = re.compile(
    r"(?P<sign>[<>]?)(?P<number>-?[\d,]*\d(?:\.\d+)?(?:e[-+]?\d+)?)(?: ± (?P<error>[\d.]+))?"
    r"(?: (?P<prefix>[yzafpnµmkMGTPE]?)(?P<unit>s|J|W|OPS/W|/s|nat|%|mm²)?)?"
)
_SIGNS = {
    "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_",
    "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
    "±": "$\\pm$", "µ": "\\textmu{}", "²": "\\textsuperscript{2}", "×": "$\\times$",
    "→": "$\\rightarrow$", "<": "$<$", ">": "$>$", "…": "\\dots{}",
}  # fmt: skip


def run_latex(metrics: Metrics) -> str:
    """Return the figures of one run as a table of LaTeX."""
    lines = [*_PREAMBLE, f"% {_comment(title(metrics))}", "\\begin{tabular}{lrl}", "\\toprule"]
    for number, section in enumerate(sections(metrics)):
        if number:
            lines.append("\\midrule")
        lines.append(f"\\multicolumn{{3}}{{l}}{{\\textbf{{{escaped(section.title)}}}}} \\\\")
        for row in section.rows:
            note = escaped(" ".join(row.note.split()))
            lines.append(f"{escaped(row.label)} & {quantity(row.value)} & {note} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def run_markdown(metrics: Metrics) -> str:
    """Return the figures of one run as tables of Markdown, one for each subject."""
    parts = [f"## {_cell(title(metrics))}"]
    parts += [_section(section) for section in sections(metrics)]
    return "\n\n".join(parts)


def compare_latex(rows: Sequence[tuple[str, Metrics]]) -> str:
    """Return several runs as a table of LaTeX, one line each.

    Args:
        rows: Label and metrics of each run.
    """
    heads, cells = comparison_cells(rows)
    lines = [*_PREAMBLE, f"\\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", "\\toprule"]
    lines += [" & ".join(escaped(head) for head in heads) + " \\\\", "\\midrule"]
    for label, *values in cells:
        lines.append(" & ".join([escaped(label), *(quantity(text) for text in values)]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def compare_markdown(rows: Sequence[tuple[str, Metrics]]) -> str:
    """Return several runs as a Markdown table, one line each, labels in full.

    Args:
        rows: Label and metrics of each run.
    """
    heads, cells = comparison_cells(rows)
    lines = [heads, ("---", *("---:" for _ in heads[1:])), *cells]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def quantity(text: str) -> str:
    """Return a value of a table as siunitx sets it; what is no value stays a text.

    Args:
        text: Value as the plain table has it, such as `110.7 ns` or `94.82 ± 0.17 %`.
    """
    found = _VALUE.fullmatch(text)
    if found is None:
        return escaped(text)
    number = found["sign"] + found["number"].replace(",", "")
    if found["error"]:
        number += f" +- {found['error']}"
    prefix, unit = found["prefix"] or "", found["unit"] or ""
    if unit == "%":
        return f"\\qty{{{number}}}{{\\percent}}"
    if unit == "mm²":
        return f"\\qty{{{number}}}{{\\milli\\metre\\squared}}"
    if unit in _UNITS:
        return f"\\qty{{{number}}}{{{_PREFIXES.get(prefix, '')}{_UNITS[unit]}}}"
    if prefix:
        number += f"e{_POWERS[prefix]}"
    return f"\\qty{{{number}}}{{\\per\\second}}" if unit == "/s" else f"\\num{{{number}}}"


def escaped(text: str) -> str:
    """Return a text whose characters LaTeX reads as themselves."""
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _section(section: Section) -> str:
    lines = [(section.title, "", ""), ("---", "---:", "---")]
    lines += [(row.label, row.value, " ".join(row.note.split())) for row in section.rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _comment(text: str) -> str:
    return " ".join(text.split())
