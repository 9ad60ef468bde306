"""Readouts that pass the last state of a sample to the host: converters and registers.

The output map behind a readout belongs to the front end.
"""
