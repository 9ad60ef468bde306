"""Weight banks: rings, meshes, phase-change cells, masks, magnetic junctions.

A bank states what programming makes of a matrix; which matrix it holds is decided in `mapping`.
"""
