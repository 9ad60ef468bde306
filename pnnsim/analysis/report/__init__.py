"""Reports of a run: a text table, a page, a trace for Perfetto, and a picture.

They read metrics and traces, compute nothing that is not already in them, and import neither torch
nor simpy. The page and the picture need Matplotlib; the other files do not load it.
"""
