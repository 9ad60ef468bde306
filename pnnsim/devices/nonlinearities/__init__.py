"""Nonlinearities f of a machine: electro-optic, passive optical, electronic, digital.

A nonlinearity has no memory but that of its own circuit; gains and biases belong to the network.
"""
