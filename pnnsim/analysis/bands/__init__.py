"""What the ranges of a description make of latency, interval and energy, and what that hangs on.

An assumption is a value with a range, or several that a group ties. Descriptions are drawn from
all assumptions at once, timed and priced; the variance of each figure is then shared out among the
assumptions. Nothing here trains or evaluates a network.
"""
