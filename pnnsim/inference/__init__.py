"""Tensors through a plan: chips, programmed banks, products, the evaluator, the surrogate.

Elapsed times come from a trace or are nominal. Nothing here simulates events or prices anything.
"""
