"""Tables of scattering parameters, measured or simulated, in place of a model.

A table is data: it holds no code, and what a kind of part makes of it is decided by that kind.
"""
