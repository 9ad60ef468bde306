"""Free-space optics: source arrays, mirror devices, pixel masks.

These are an encoder, a switch and a bank that share one optical bench.
"""
