"""Invariant of the schedule: banks are written and the switch moves when the plan says, only then.

Whether a bank holds what is used, and whether the switch rests there, is seen in
`pnnsim.timing.invariants.contents`; here what is done is compared with what is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.passages import NO_ROW, Passages
from pnnsim.timing.invariants.plan import Plan, plan_of


@dataclass(frozen=True, slots=True)
class Changes:
    """What is done before each access, beside the plan.

    Args:
        plan: The plan.
        write_rows: Row of the write before each access, or `NO_ROW`, shape `(n_block, n_product)`.
        route_rows: Row of the move before each access, or `NO_ROW`, same shape.
    """

    plan: Plan
    write_rows: Ints
    route_rows: Ints


def changes_are_those_of_the_plan(run: Passages) -> Changes:
    """Writes and moves are those of the plan, one for one, and products use its banks.

    Guards "It does not move when the bank stays the same", "If L_W x tiles fit in `count` banks
    all stay resident; if not, banks are rewritten on the way", and "`control.block = B` samples
    access a bank before the switch moves": no write and no move is missing, and none is done for
    nothing or twice.

    Returns:
        The writes and moves by access.
    """
    trace = run.trace
    plan = plan_of(run.work, len(run.firsts), first=run.window.block)
    used = trace.bank[run.mvm_rows]
    wrong = first((used != plan.bank[run.block]).ravel())
    if wrong is not None:
        row = int(run.mvm_rows.ravel()[wrong])
        expected = plan.bank[run.block].ravel()[wrong]
        fail(trace, row, f"uses bank {trace.bank[row]}; expected bank {expected}, as planned")
    route_rows = np.full(plan.bank.shape, NO_ROW, dtype=np.int64)
    accesses = np.flatnonzero(plan.route)
    route_rows.ravel()[accesses] = _matched(run, plan, "route", trace.rows("route"), accesses)
    write_rows = np.full(plan.bank.shape, NO_ROW, dtype=np.int64)
    writes = trace.rows("write")
    for bank in range(run.work.mapping.used):
        accesses = np.flatnonzero((plan.write > 0) & (plan.bank == bank))
        rows = writes[trace.bank[writes] == bank]
        write_rows.ravel()[accesses] = _matched(run, plan, "write", rows, accesses)
    return Changes(plan, write_rows, route_rows)


def _matched(run: Passages, plan: Plan, action: str, rows: Ints, accesses: Ints) -> Ints:
    """Return the rows of writes or moves, which must be those before some accesses, in order."""
    trace, shared = run.trace, min(len(rows), len(accesses))
    block, product = np.divmod(accesses[:shared], run.products)
    alone = run.lasts[block] == run.firsts[block]
    expected = {
        "product": product,
        "bank": plan.bank.ravel()[accesses[:shared]],
        "content": np.array(run.work.order)[product],
        "sample": np.where(alone, run.firsts[block], -1),
    }
    for name, wanted in expected.items():
        found = getattr(trace, name)[rows[:shared]]
        wrong = first(found != wanted)
        if wrong is not None:
            fail(
                trace,
                int(rows[wrong]),
                f"is {action} {wrong} with {name.replace('_', ' ')} {found[wrong]}; the plan has "
                f"{wanted[wrong]}, of block {block[wrong]}, product {product[wrong]}",
            )
    if len(rows) > shared:
        fail(trace, int(rows[shared]), f"is a {action} that no access needs")
    if len(accesses) > shared:
        lost = divmod(int(accesses[shared]), run.products)
        raise InvariantError(
            f"trace: there is no {action} before block {lost[0]}, product {lost[1]}; expected one"
        )
    return rows
