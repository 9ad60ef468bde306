"""Draw schedules, and read drawings: one character is one femtosecond, a digit is a sample.

`W`, `F` and `R` are writes, refreshes and moves of the switch, `+` is a place with several samples
at once. The lane of the encoder shows encoding and driving; a gap in between is a wait for the
switch.
"""

from __future__ import annotations

from pnnsim.mapping.delays import Stage
from pnnsim.timing.trace import ACTIONS

MARKS = {"write": "W", "refresh": "F", "route": "R"}
QUICK = (Stage("front_end", "map_input", 1),)


def drawn(trace):
    """Draw the lanes of a trace that ever work."""
    pictures = {}
    for lane, unit in enumerate(trace.units):
        cells = ["."] * int(trace.end_fs.max())
        for row in (trace.unit == lane).nonzero()[0]:
            action = ACTIONS[trace.action[row]]
            mark = MARKS.get(action, str(trace.sample[row]))
            for t in range(trace.start_fs[row], trace.end_fs[row]):
                cells[t] = mark if cells[t] == "." else "+"
        if set(cells) != {"."}:
            pictures[unit] = "".join(cells)
    return pictures


def by_hand(drawing):
    """Read a drawing: lane and picture on each line; the first line is a ruler."""
    return dict(line.split() for line in drawing.strip().splitlines()[1:])
