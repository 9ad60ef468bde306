"""What is to be computed, without hardware: network shapes, workloads, parameters, modules.

Nothing here knows a machine, a time or a price.
"""
