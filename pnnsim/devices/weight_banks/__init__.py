"""Weight banks: rings, meshes, junctions, phase-change cells.

A bank says what programming makes of a matrix; which matrix it holds is decided in `mapping`.
"""
