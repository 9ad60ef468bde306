"""The front door: train, simulate and report one experiment.

The only package in which files, the clock and an experiment meet; the command line calls it.
"""
