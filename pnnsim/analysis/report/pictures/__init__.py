"""Pictures of a run, each with the table of what it shows.

They are drawn from `metrics.json` and `figures.json` alone, without the run. Style and formats of
files are in `pnnsim.analysis.report.style`; where a picture stands in a page is chosen by the page.
"""
