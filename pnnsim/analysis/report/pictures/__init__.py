"""Pictures of a run, each with the table of what it shows.

They are drawn from `metrics.json` and `figures.json` alone. Style and file formats are in
`pnnsim.analysis.report.style`; where a picture stands in a page is chosen by the page.
"""
