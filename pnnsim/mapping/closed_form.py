"""Latency of a sample alone, by a formula that needs no simulation.

A run to which it applies must agree with it to the femtosecond.
"""

from __future__ import annotations

from pnnsim.common.units import to_fs
from pnnsim.mapping.plan import plan_blocks
from pnnsim.mapping.work import Work


def closed_form_fs(work: Work) -> int | None:
    """Return the latency of the first sample in closed form, or None where the form does not apply.

        T_in + T_encode + L_T T_MM + sum over the L_T - 1 changes of max(T_change, T_state)
             + T_nonlinearity + T_out

    Within a step whose matrix is folded, the state is only encoded again: each fold takes T_MM, and
    T_encode stands in the place of T_state between two of them. Several vectors add the time from
    the first to the last of them to T_MM. Where a value becomes a number, T_state is the activation
    if there is one, the conversion, the digital steps, and T_encode with its conversion; and a
    conversion begins no sooner than the one before it ends.

    Without overlap the maximum is a sum. T_change is T_write where the bank must be written plus
    T_switch where the selected bank changes: a write into the selected bank leaves the switch at
    rest. The form holds with one sample in flight, so it does not apply to blocks of several; nor
    does it hold for writes that begin ahead of time (prefetch), or for a bank that is refreshed
    before the sample is through.

    Args:
        work: What is to be done, and with what.

    Returns:
        Latency of the first sample [fs].

    Reference: T_MM + max(T_swt or T_upd, T_state) of Tsuchiyama, Roehm, Mihana and Horisaki,
    arXiv:2511.00044, with the edges of a pass added.
    """
    delays, control = work.delays, work.control
    if control.block > 1 or control.blocks_in_flight > 1 or work.ahead:
        return None
    over = delays.input_fs
    behind = converted = 0
    accesses = next(plan_blocks(work.order, work.mapping, work.policy))
    for number, (product, access) in enumerate(zip(work.products, accesses, strict=True)):
        change = access.write * delays.write_fs + access.route * delays.route_fs
        state = behind + work.encode_fs(product)
        if not number:
            departs = over + state
        else:
            departs = over + (max(change, state) if control.overlap else change + state)
        activate = delays.activate_fs if product.activates else 0
        if product.converts:
            departs = max(departs, converted - delays.mm_fs - activate)
        over = departs + delays.mm_fs + work.train_fs(product)
        behind = activate + (delays.hold_fs if product.activates else 0)
        if product.converts:
            converted = over + activate + delays.digitize_fs
        if product.leaves:
            behind = activate + delays.digitize_fs + work.jobs_fs[number]
    if not work.converts:
        behind = delays.activate_fs
    total = over + behind + delays.output_fs
    refreshed = control.refresh_interval is not None and to_fs(control.refresh_interval) < total
    return None if refreshed else total
