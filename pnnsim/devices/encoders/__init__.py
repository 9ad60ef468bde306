"""Encoders that put a state onto lines: modulators, sources, micro-mirrors, voltage drivers.

An encoder depends on lines and symbols, never on weights.
"""
