"""What a trace and its outputs amount to: energy, metrics, sensitivity.

It counts and prices what happened, and changes nothing of a run; `sensitivity` alone times further
runs, each with one value moved. What people read is in `report`.
"""
