"""Encoders that put a state onto lines: modulators and their converters.

An encoder knows lines and symbols; it does not know weights.
"""
