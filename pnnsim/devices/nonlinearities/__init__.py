"""Nonlinearities f of a machine, and how they are reached from the detector.

A nonlinearity is memoryless but for what its own circuit keeps; gains and biases are the network's.
"""
