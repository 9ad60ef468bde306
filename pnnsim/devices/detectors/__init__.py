"""Detectors that capture the product of a bank: photodiodes and cameras.

A detector adds its noise and bandwidth; it does not know which bank the light comes from.
"""
