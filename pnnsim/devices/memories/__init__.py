"""Memories that keep a state between two steps: sample-and-hold, SRAM, delay line.

A memory says what is left of a state after a time; when states come is the business of `timing`.
"""
