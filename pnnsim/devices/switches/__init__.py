"""Switches that select the bank that a sample meets: optical, mechanical and electrical.

A switch states its time, its loss and its leakage; when it moves is decided in `timing`.
"""
