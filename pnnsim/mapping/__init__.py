"""A network on the banks of a machine: tiles, placement, the plan of accesses, delays and prices.

No simulated time passes here, and there are no tensors.
"""
