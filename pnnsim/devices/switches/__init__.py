"""Switches that select the bank that a sample meets.

A switch says how long it takes, what it loses and what leaks; the plan says when it moves.
"""
