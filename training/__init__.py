"""Recipes that a person reads and runs: `python -m training.NAME`."""
