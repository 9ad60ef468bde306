"""Tools for every other package: units, texts of fields, exact times, random streams, files, costs.

The package is for what has nothing to do with networks, machines or training. It must not import
another package of pnnsim for its physics, timing or learning, must not decide what a stored number
means, and must not print.
"""
