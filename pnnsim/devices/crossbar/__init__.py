"""Periphery of electrical crossbars: line drivers, current switches, column amplifiers.

What the cells of a crossbar do to a current is the business of `weight_banks`.
"""
