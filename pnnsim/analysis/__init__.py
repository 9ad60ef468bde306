"""What a trace and its outputs amount to: energy, metrics, sensitivity.

It counts and prices what happened; it changes nothing of a run. What people read is in `report`.
"""
