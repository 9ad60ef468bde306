"""The discrete-event simulation of a plan: the only package that imports SimPy.

It knows delays and resources, and yields a trace. It knows no tensors, prices or devices.
"""
