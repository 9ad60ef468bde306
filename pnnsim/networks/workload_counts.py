"""Parameters and multiply-accumulates of a workload by place: on banks, or on the digital engine.

`hidden` is on banks. Of the digital steps, those ahead of the first use of a matrix are the
`front_end`'s, those behind the last are the `readout`'s, and those between are `digital`.
"""

from __future__ import annotations

import math

from pnnsim.networks.workload import Digital, Mvm, Workload

#: Places, in the order in which a sample meets them.
PLACES = ("hidden", "front_end", "digital", "readout")


def parameters_by_place(workload: Workload) -> dict[str, int]:
    """Return how many parameters there are by place, and in all.

    A bias or a gain behind a matrix counts with it; a parameter of several steps counts once, where
    it is used first.
    """
    found = dict.fromkeys(PLACES, 0)
    seen: set[str] = set()
    for place, step in _placed(workload):
        names = list(step.parameters) if isinstance(step, Digital) else _names(workload, step)
        for name in names:
            if name not in seen:
                seen.add(name)
                found[place] += math.prod(workload.shapes[name])
    return {**found, "total": sum(found.values())}


def macs_by_place(workload: Workload) -> dict[str, int]:
    """Return the multiply-accumulates, or other operations, of one sample by place."""
    found = dict.fromkeys(PLACES, 0)
    found["hidden"] = workload.macs
    for place, step in _placed(workload):
        if isinstance(step, Digital):
            found[place] += step.operations
    return found


def _placed(workload: Workload) -> list[tuple[str, Mvm | Digital]]:
    """Return each step with its place."""
    uses = [number for number, step in enumerate(workload.steps) if isinstance(step, Mvm)]
    first, last = (uses[0], uses[-1]) if uses else (len(workload.steps), len(workload.steps))

    def place(number: int) -> str:
        if number < first:
            return "front_end"
        return "readout" if number > last else "digital"

    return [
        ("hidden" if isinstance(step, Mvm) else place(number), step)
        for number, step in enumerate(workload.steps)
    ]


def _names(workload: Workload, step: Mvm) -> list[str]:
    """Return the parameters of a use of a matrix."""
    names = [workload.matrices[step.matrix].name, step.bias, step.gain]
    return [name for name in names if name is not None]
