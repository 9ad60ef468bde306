"""The discrete-event simulation of a plan: the only package that imports SimPy.

Its input is delays and resources, its output a trace; it has no tensors, prices or devices.
"""
