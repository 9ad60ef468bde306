"""What holds up the result of the first sample: its critical path, and its waits for the engine.

Causes are followed back through a trace; there are no prices here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pnnsim.mapping.actions import numbers
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.trace import ACTIONS, NO_CAUSE, Trace

#: What a departure waits for that comes later than its cause allows.
WAIT = ("nonlinearity", "wait")
#: What digital work of the first sample waits for.
ENGINE = ("front_end", "wait")
#: What passes between the first vector of a sample and its last.
SYMBOL = ("encoder", "hold_symbol")
#: What begins when a double-buffered encoder is free to prepare the next symbol.
PREPARED = ("map_input", "convert", "encode")
#: What a refresh waits for that begins when it is due.
DUE = ("weight_banks", "wait")


def _engine_waits(trace: Trace) -> dict[int, int]:
    """Return which digital work of the first sample began late, and what came before each.

    This is its digital steps, and its output behind the loop. Nothing but the digital engine can be
    busy with another sample there.
    """
    mine = np.flatnonzero(trace.sample == 0)
    action = trace.action[mine]
    left = mine[np.isin(action, numbers("activate", "digitize", "compute"))][-1]
    outputs = mine[(mine > left) & (trace.step[mine] < 0)]
    computes = mine[action == ACTIONS.index("compute")]
    digitized = mine[action == ACTIONS.index("digitize")]
    order = np.searchsorted(trace.product[digitized], trace.product[computes])
    works = np.append(computes, outputs)
    before = np.concatenate([digitized[order], [left], outputs[:-1]])[: len(works)]
    late = trace.start_fs[works] > trace.end_fs[before]
    return dict(zip(works[late].tolist(), before[late].tolist(), strict=True))


def engine_waited_fs(trace: Trace) -> tuple[int, int]:
    """Return how long the first sample waits for the digital engine [fs].

    Returns:
        The waits behind its last product, which delay its result by as much; and those between
        products, which delay it by as much at most, as a bank may be written meanwhile.
    """
    behind = between = 0
    last = int(trace.product.max())
    for row, before in _engine_waits(trace).items():
        wait = int(trace.start_fs[row]) - int(trace.end_fs[before])
        if 0 <= trace.product[row] < last:
            between += wait
        else:
            behind += wait
    return behind, between


def critical_path(run: AnyTrace) -> list[dict[str, Any]]:
    """Return which actions hold up the result of the first sample, as shares of its latency.

    From the last span of the sample the causes are followed back to the first arrival. What a
    departure waits after its cause ended, it waits for the nonlinearity, or the converter, to be
    free at capture; that share is called `nonlinearity.wait`. What its digital work waits for the
    engine, which works for another sample, is `front_end.wait`. A refresh that began when it was
    due held up the sample from its arrival on, `weight_banks.wait`.

    Of several vectors, parts behind the encoder count for one: the time from the first vector to
    the last is that of `encoder.hold_symbol`, as symbols are sent at the pace of the slowest part.

    Returns:
        One dictionary of `component`, `action` and `share` for each pair, largest share first; the
        shares sum to 1.
    """
    trace = run.base
    components = trace.components()
    spent: dict[tuple[str, str], int] = {}
    row = int(np.flatnonzero(trace.sample == 0)[-1])
    held_up = _engine_waits(trace)
    train = 0
    while row != NO_CAUSE:
        cause, start = int(trace.cause[row]), int(trace.start_fs[row])
        if row in held_up:
            cause = held_up[row]
        key = (components[trace.unit[row]], ACTIONS[trace.action[row]])
        since = int(trace.end_fs[cause] if cause != NO_CAUSE else trace.arrival_fs[0])
        time = int(trace.end_fs[row]) - start
        if key[1] == "propagate" and train:
            spent[SYMBOL] = spent.get(SYMBOL, 0) + train
            time -= train
        train = max(0, since - start) if cause != NO_CAUSE else 0
        spent[key] = spent.get(key, 0) + time - train
        if start > since:
            waits = DUE if key[1] == "refresh" else WAIT
            # A double-buffered encoder goes on when the symbol before departs.
            waits = SYMBOL if key[1] in PREPARED else waits
            waits = ENGINE if row in held_up else waits
            spent[waits] = spent.get(waits, 0) + start - since
        row = cause
    total = sum(spent.values())
    shares = sorted(spent.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"component": component, "action": action, "share": time / total if total else 0.0}
        for (component, action), time in shares
    ]
