"""Invariant of the schedule: banks are written and the switch moves when the plan says, only then.

Whether a bank holds what is used, and whether the switch rests there, is seen in
`pnnsim.timing.invariants.contents`; here what is done is compared with what is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import Columns, Ints
from pnnsim.timing.invariants.faults import fail, first
from pnnsim.timing.invariants.grouping import NOWHERE, groups
from pnnsim.timing.invariants.passages import NO_ROW, Passages
from pnnsim.timing.invariants.plan import Plan, plan_of
from pnnsim.timing.invariants.turns import blocks_in_turn


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
    turns = blocks_in_turn(run)
    plan = plan_of(run.work, len(run.firsts), first=run.window.block).in_turn(turns)
    used = trace.bank[run.mvm_rows]
    wrong = first((used != plan.bank[run.block]).ravel())
    if wrong is not None:
        row = int(run.mvm_rows.ravel()[wrong])
        expected = plan.bank[run.block].ravel()[wrong]
        fail(trace, row, f"uses bank {trace.bank[row]}; expected bank {expected}, as planned")
    route_rows = np.full(plan.bank.shape, NO_ROW, dtype=np.int64)
    accesses = turns[plan.route.ravel()[turns] > 0]
    match = partial(_matched, run, plan, np.array(run.work.order), _columns(trace))
    route_rows.ravel()[accesses] = match("route", trace.rows("route"), accesses)
    write_rows = np.full(plan.bank.shape, NO_ROW, dtype=np.int64)
    writes = trace.rows("write")
    planned = np.flatnonzero(plan.write)
    needed, done = groups(plan.bank.ravel()[planned]), groups(trace.bank[writes])
    for bank in sorted(needed.keys() | done.keys()):
        accesses = planned[needed.get(bank, NOWHERE)]
        rows = writes[done.get(bank, NOWHERE)]
        write_rows.ravel()[accesses] = match("write", rows, accesses)
    return Changes(plan, write_rows, route_rows)


def _columns(trace: Columns) -> dict[str, Ints]:
    """Return what is compared of each write or move, shape `(n_span,)`."""
    return {
        "product": trace.product,
        "bank": trace.bank,
        "content": trace.content,
        "sample": trace.sample,
    }


def _matched(
    run: Passages,
    plan: Plan,
    order: Ints,
    columns: Mapping[str, Ints],
    action: str,
    rows: Ints,
    accesses: Ints,
) -> Ints:
    """Return the rows of writes or moves, which must be those before some accesses, in order.

    Args:
        run: The run.
        plan: Its plan.
        order: What a logical bank must hold at each product, shape `(n_product,)`.
        columns: What is compared.
        action: Write or route.
        rows: Rows of this action, those of one bank for a write.
        accesses: Accesses that need it.
    """
    trace, shared = run.trace, min(len(rows), len(accesses))
    block, product = np.divmod(accesses[:shared], run.products)
    alone = run.lasts[block] == run.firsts[block]
    expected = {
        "product": product,
        "bank": plan.bank.ravel()[accesses[:shared]],
        "content": order[product],
        "sample": np.where(alone, run.firsts[block], -1),
    }
    for name, wanted in expected.items():
        found = columns[name][rows[:shared]]
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
