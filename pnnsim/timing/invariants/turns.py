"""Turns of blocks at the encoder, read from a trace, and the rule that they follow.

With one block in flight the order is that of blocks and products. With more it depends on when
inputs come, so it is read from the trace, and `blocks_take_turns` follows the rule anew.
"""

from __future__ import annotations

import numpy as np

from pnnsim.errors import InvariantError
from pnnsim.mapping.actions import Ints
from pnnsim.timing.invariants.digital_steps import results_taken_fs
from pnnsim.timing.invariants.passages import Passages


def samples_in_turn(run: Passages) -> Ints:
    """Return sample times products plus product, in the order in which the encoder serves them."""
    if run.work.control.blocks_in_flight > 1:
        return np.argsort(run.taken_rows.ravel(), kind="stable").astype(np.int64)
    sample, product = np.divmod(np.arange(run.trace.samples * run.products), run.products)
    return np.lexsort((sample, product, run.block[sample])).astype(np.int64)


def blocks_in_turn(run: Passages) -> Ints:
    """Return block times products plus product, in the order in which the encoder serves them."""
    if run.work.control.blocks_in_flight > 1:
        return np.argsort(run.taken_rows[run.firsts].ravel(), kind="stable").astype(np.int64)
    return np.arange(len(run.firsts) * run.products)


def left_fs(run: Passages) -> Ints:
    """Return when each block left the loop, shape `(n_block,)` [fs]."""
    over = run.digitize_rows if run.work.converts else run.activate_rows
    return np.asarray(run.end(over)[run.lasts, -1])


def blocks_take_turns(run: Passages) -> None:
    """Blocks have their turns a step each time: where the switch rests, and states are there.

    Guards "`control.blocks_in_flight`: more let blocks overlap on different banks". A block joins
    when the encoder is free of the last sample of a turn, ahead of the block just served, where its
    first input was mapped, fewer blocks were in the loop and the readout had a place before that
    time. Where no block waits, the next one to come is served. Of equal blocks the one comes that
    was served longest ago.
    """
    flight = run.work.control.blocks_in_flight
    if flight == 1:
        return
    begins = [*np.flatnonzero(run.of_products("begins")).tolist(), run.products]
    if run.work.delays.double_buffered:
        free = run.start(run.hold_symbol_rows) + run.train_fs
    else:
        free = run.end(run.hold_symbol_rows)
    # When the state of each first sample is there for a product.
    state = np.where(run.hold_rows >= 0, run.end(run.hold_rows), run.end(run.compute_rows))
    there = np.roll(state[run.firsts], 1, axis=1)
    free, mapped = free[run.lasts], run.end(run.input_rows[:, -1])[run.firsts]
    left, taken = left_fs(run), results_taken_fs(run)[run.lasts]
    found = iter(blocks_in_turn(run).tolist())
    # Blocks in the ring with the step that comes next; the block just served, and the next to come.
    ring: list[tuple[int, int]] = []
    order, selected = run.work.order, run.work.order[0]
    served, newest, time = (-1, 0), -1, -1
    for _ in range(len(run.firsts) * (len(begins) - 1)):
        coming = newest + 1
        more = 0 < served[1] < len(begins) - 1
        if coming < len(run.firsts) and all(step > 0 for block, step in ring if block == newest):
            needs = [mapped[coming]]
            needs += [left[coming - flight]] if coming >= flight else []
            needs += [taken[coming - flight - 1]] if coming > flight else []
            if max(needs) < time or not (ring or more):
                ring.append((coming, 0))
                newest = coming
        if more:
            ring.append(served)
        if not ring:
            raise InvariantError("trace: no block is left that could be served")
        # Every weight set stays in the bank of its number.
        turns = [
            (order[begins[step]] != selected, step > 0 and not there[block, begins[step]] < time)
            for block, step in ring
        ]
        block, step = ring.pop(turns.index(min(turns)))
        selected = order[begins[step + 1] - 1]
        for product in range(begins[step], begins[step + 1]):
            turn = divmod(next(found), run.products)
            if turn != (block, product):
                raise InvariantError(
                    f"trace: at {time} fs the encoder turns to block {turn[0]}, product {turn[1]}; "
                    f"expected block {block}, product {product}, whose turn it is"
                )
        served, time = (block, step + 1), int(free[block, begins[step + 1] - 1])
