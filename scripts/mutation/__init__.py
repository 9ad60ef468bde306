"""Mutation testing of pnnsim: small faults in copies of the code, to see which tests see them.

Nothing here is imported by the library, and nothing here writes into the tree that it reads: every
run of tests takes place in a copy.
"""
