"""Numbers of a sample in the buffer of the digital engine: how many at once, and how many move."""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.networks.workload import Digital, Mvm, Workload


def buffered(
    workload: Workload, converted: int, entering: int, analog: Sequence[int]
) -> tuple[int, int]:
    """Return the numbers that a buffer holds at once for a sample, and those that move.

    A value is there from the step that makes it to the last one that reads it; states that stay
    analog are not there. What is converted is
    written, what the lines carry is read, and so are the sources and results of digital steps that
    compute.

    Args:
        workload: What is computed.
        converted: Numbers that converters give.
        entering: Numbers that lines take.
        analog: Values that never become numbers.
    """
    last = list(range(len(workload.values)))
    for number, step in enumerate(workload.steps):
        for source in step.sources:
            last[source] = max(last[source], number + 1)
    last[workload.output] = len(workload.steps) + 1
    free = {
        number + 1
        for number, step in enumerate(workload.steps)
        if isinstance(step, Digital) and not step.operations
    }
    change = [0] * (len(workload.steps) + 3)
    moved = converted + entering
    for value, shape in enumerate(workload.values):
        if value not in analog:
            change[value] += shape.size
            change[last[value] + 1] -= shape.size
    for number, step in enumerate(workload.steps):
        if isinstance(step, Mvm) or number + 1 in free:
            continue
        moved += sum(workload.values[source].size for source in step.sources)
        moved += workload.values[number + 1].size
    live = most = 0
    for each in change:
        live += each
        most = max(most, live)
    return most, moved
