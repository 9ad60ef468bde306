"""The units of one core, each a class with its SimPy process.

A unit works as long as there is something to do, and none has a view of the end: a run is over when
nothing is left to happen. It is busy while its process waits in `Spans.occupy`, which writes the
span. There are no tensors, no prices and no devices here, only durations.
"""
