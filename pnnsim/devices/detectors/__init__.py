"""Detectors that capture the product of a bank: photodiodes, cameras, amplifiers of currents.

A detector adds noise and a finite bandwidth; it does not depend on the kind of the bank.
"""
