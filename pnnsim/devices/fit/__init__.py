"""Fits of measured curves: parameters of a part, with their uncertainty.

What a part does is decided in `physics`; here its equations are only compared with data. A fit is
no description: what it gives is pasted into one.
"""
