"""Memories that keep a state between two steps: sample-and-hold, SRAM, delay line.

A memory states what is left of a state after a time; when states arrive is decided in `timing`.
"""
