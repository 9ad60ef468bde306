"""Reports of a run: a text table, a page, a trace for Perfetto, and a picture.

Reads metrics and traces; computes nothing that is not already in them, and imports neither torch
nor simpy. The picture needs Matplotlib and is imported from `pnnsim.analysis.report.plots` by
itself.
"""

from __future__ import annotations

from pnnsim.analysis.report.html import write_html
from pnnsim.analysis.report.perfetto import write_perfetto
from pnnsim.analysis.report.text import compare_markdown, compare_table, summary_table

__all__ = ["compare_markdown", "compare_table", "summary_table", "write_html", "write_perfetto"]
