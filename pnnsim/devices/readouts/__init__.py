"""Readouts that hand the last state of a sample to the host.

A readout converts; the output map behind it belongs to the front end.
"""
