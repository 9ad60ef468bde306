"""Invariants of what a sample meets: the switch rests on its bank, which holds its weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pnnsim.common.times import after_all
from pnnsim.mapping.actions import ACTIONS, Columns, Ints
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.grouping import NOWHERE, groups


def switch_rests(trace: Columns) -> None:
    """Check that the switch rests, on the bank of the sample, from each departure to each capture.

    Guards "The switch may move once the detector has captured the step's sample, and must rest
    when T_MM of the next step begins".
    """
    departs, mvms, detects = (_in_order(trace, name) for name in ("propagate", "mvm", "detect"))
    routes = trace.rows("route")
    moving, latest = _neighbors(trace, routes, detects, trace.start_fs[departs])
    if moving is not None:
        fail(trace, int(departs[moving]), "is under way while the switch moves")
    initial = trace.bank[mvms[np.argmin(mvms)]]
    selected = np.append(trace.bank[routes], initial)[latest]
    wrong = first((trace.bank[mvms] != selected) | (trace.bank[departs] != selected))
    if wrong is not None:
        fail(trace, int(mvms[wrong]), f"uses a bank while the switch rests on {selected[wrong]}")


def banks_hold_what_is_used(trace: Columns, order: Sequence[int]) -> None:
    """Check that each product uses the set of its step, which its bank holds all the time.

    Guards "weight and bias switch together; order[t]" and "the next weights must first be written".

    Args:
        trace: The trace.
        order: What a logical bank must hold at each product, shape `(n_product,)`.
    """
    departs, mvms, detects = (_in_order(trace, name) for name in ("propagate", "mvm", "detect"))
    writes = np.sort(np.concatenate([trace.rows("write"), trace.rows("refresh")]))
    wrong = first(trace.content[mvms] != np.array(order)[trace.product[mvms]])
    if wrong is not None:
        row = int(mvms[wrong])
        fail(trace, row, f"uses weight set {trace.content[row]}; expected that of its step")
    written_to = groups(trace.bank[writes])
    for bank, here in groups(trace.bank[mvms]).items():
        used = mvms[here]
        written = writes[written_to.get(bank, NOWHERE)]
        # From the departure to the capture, as light cannot wait.
        spoilt, latest = _neighbors(trace, written, detects[here], trace.start_fs[departs[here]])
        if spoilt is not None:
            fail(trace, int(used[spoilt]), f"multiplies while bank {bank} is written")
        again = trace.action[written] == ACTIONS.index("refresh")
        initial = trace.content[np.concatenate([used, written[again]]).min()]
        before = np.append(initial, trace.content[written][:-1])[: len(written)]
        wrong = first(again & (trace.content[written] != before))
        if wrong is not None:
            fail(trace, int(written[wrong]), f"refreshes bank {bank}, which holds {before[wrong]}")
        # Before any write a bank holds what the set-up gave it, seen at its first use or refresh.
        holds = np.append(trace.content[written], initial)[latest]
        wrong = first(trace.content[used] != holds)
        if wrong is not None:
            fail(trace, int(used[wrong]), f"uses bank {bank}, which holds set {holds[wrong]}")


def _in_order(trace: Columns, action: str) -> Ints:
    """Return the rows with an action by sample, and for each sample by step."""
    rows = trace.rows(action)
    return rows[np.lexsort((trace.product[rows], trace.sample[rows]))]


def _neighbors(
    trace: Columns, changes: Ints, ends: Ints, start_fs: Ints
) -> tuple[int | None, Ints]:
    """Place windows between changes of the switch or of a bank.

    Rows decide what comes first, as changes and windows may take no time at all.

    Args:
        trace: The trace.
        changes: Rows of the changes, ascending.
        ends: Rows with which the windows end.
        start_fs: Starts of the windows [fs].

    Returns:
        The first window that a change overlaps, or None; and for each window the index of the last
        change before it, -1 where there is none.
    """
    latest = np.searchsorted(changes, ends) - 1
    ended = np.append(trace.end_fs[changes], -1)
    begins = np.append(trace.start_fs[changes], after_all(trace.end_fs))
    overlapped = (ended[latest] > start_fs) | (begins[latest + 1] < trace.end_fs[ends])
    return first(overlapped), latest
