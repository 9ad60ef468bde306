"""Tools that every other package may use, and that know none of them.

The package is for what has nothing to do with networks, machines or training: at present the
reading and writing of stored files. It must not import another package of pnnsim for its physics,
timing or learning, must not decide what a stored number means, and must not print.
"""
