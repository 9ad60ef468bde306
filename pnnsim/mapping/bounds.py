"""Lower bounds of the time from result to result, part by part: the largest names the bottleneck.

There is no simulation here. A saturated run gets to its largest bound where nothing else holds it
up; with several blocks in flight this is the closed form of its steady state.

Reference: the cycle time of a max-plus system is the largest mean weight of its circuits: Baccelli,
Cohen, Olsder and Quadrat, Synchronization and Linearity, Wiley, 1992, chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from pnnsim.common.units import from_fs
from pnnsim.mapping.actions import ENGINE_LANE
from pnnsim.mapping.plan import period_within, plan_blocks
from pnnsim.mapping.policies import Access
from pnnsim.mapping.products import Product
from pnnsim.mapping.work import Work

#: Products over which a plan is looked at for its period: those of thousands of folds come late.
_PRODUCTS = 65_536


def interval_bounds_fs(work: Work) -> dict[str, Fraction]:
    """Return for each part the least time from result to result that it allows [fs].

    * `front_end`: input maps, or all jobs of the digital engine.
    * `encoder`: it encodes each state and keeps its symbols.
    * `nonlinearity`, `readout`: activations; conversions, digital steps and results.
    * `weight_banks`: writes ahead of time, shared by the drivers.
    * `switch`: symbols, and the moves between them that the blocks in flight share.
    * `loop`: the way of a block through the loop, shared by the blocks in flight.

    Args:
        work: What is to be done, and with what.
    """
    delays, products = work.delays, work.products
    each_train, jobs = work.trains_fs, sum(work.jobs_fs)
    trains = sum(each_train)
    encode = sum(work.encode_fs(product) for product in products)
    held = len(products) * delays.hold_symbol_fs
    stages = (*delays.input, *delays.output)
    engine = jobs + sum(stage.duration_fs for stage in stages if stage.unit == ENGINE_LANE)
    encoder = max(encode, held) + trains if delays.double_buffered else encode + held + trains
    activations = [n for n, product in enumerate(products) if product.activates]
    conversions = [n for n, product in enumerate(products) if product.converts]
    nonlinearity = sum(delays.activate_fs + each_train[n] for n in activations)
    converter = sum(delays.digitize_fs + each_train[n] for n in conversions)
    bounds = {
        "front_end": Fraction(max(delays.input_fs, engine)),
        "encoder": Fraction(encoder),
        "nonlinearity": Fraction(nonlinearity),
        "readout": Fraction(max(converter, jobs + delays.output_fs)),
    }
    if work.control.blocks_in_flight > 1:
        bounds |= _several_in_flight(work, encoder)
    else:
        bounds |= _one_in_flight(work)
    return bounds


def bottleneck(work: Work) -> dict[str, Any]:
    """Return which part sets the pace of a saturated machine, and the pace that it sets.

    Args:
        work: What each core has to do.

    Returns:
        `part`, and `interval_s`, the least time from result to result that it allows all cores.
    """
    bounds = interval_bounds_fs(work)
    # Of equal bounds that of the part ahead, which needs no others to explain it.
    part = max(bounds, key=lambda name: bounds[name])
    return {"part": part, "interval_s": float(bounds[part] / work.control.cores) * from_fs(1)}


def _several_in_flight(work: Work, encoder_fs: int) -> dict[str, Fraction]:
    """Return the bounds of switch and loop where blocks take turns.

    Every weight set has its bank. All samples in the loop can share a move, at most; it keeps the
    encoder from letting the next one depart.

    Args:
        work: What is to be done.
        encoder_fs: Time for which the encoder needs each sample [fs].
    """
    delays, control = work.delays, work.control
    together = control.block * control.blocks_in_flight
    accesses = next(islice(plan_blocks(work.order, work.mapping, work.policy), 1, None))
    trains, moves = work.trains_fs, 0
    for number, (product, access) in enumerate(zip(work.products, accesses, strict=True)):
        apart = _spacing_fs(work, product) + trains[number - 1]
        moves += access.route * max(0, delays.mm_fs + delays.route_fs - apart)
    still = [
        Access(access.bank, access.weight_set, write=False, route=False) for access in accesses
    ]
    return {
        "switch": encoder_fs + Fraction(moves, together),
        "loop": Fraction(_cycle_fs(work, still, trains), together),
    }


def _one_in_flight(work: Work) -> dict[str, Fraction]:
    """Return the bounds of banks and loop where one block follows the other.

    They are means over one period of the plan, or over its first blocks where it repeats late.
    """
    control, trains = work.control, work.trains_fs
    most = max(1, _PRODUCTS // len(work.order))
    start, length = period_within(most, work.order, work.mapping, work.policy) or (1, most)
    plan = plan_blocks(work.order, work.mapping, work.policy)
    # The first block finds the switch at rest on its bank.
    blocks = list(islice(plan, max(1, start), max(1, start) + length))
    samples = length * control.block
    writes = sum(access.write for accesses in blocks for access in accesses)
    drivers = work.mapping.writers(control.write_drivers)
    return {
        "weight_banks": Fraction(writes * work.delays.write_fs, drivers * samples),
        "loop": Fraction(sum(_cycle_fs(work, accesses, trains) for accesses in blocks), samples),
    }


def _cycle_fs(work: Work, accesses: Sequence[Access], trains_fs: Sequence[int]) -> int:
    """Return the least time from a first departure to that of the block which comes in its place.

    Args:
        work: What is to be done.
        accesses: Accesses of the block; the change before the first one is that of the next block.
        trains_fs: Time from the first to the last vector of each product [fs].
    """
    delays, control = work.delays, work.control
    alone, total = control.blocks_in_flight == 1, 0
    for number, product in enumerate(work.products):
        following = (number + 1) % len(work.products)
        access, wraps = accesses[following], not following
        change = access.route * delays.route_fs
        if not work.ahead:
            change += access.write * delays.write_fs
        state = _behind_fs(work, number) + work.encode_fs(work.products[following])
        if wraps and not work.converts:
            state -= delays.hold_fs
        through = delays.mm_fs + trains_fs[number]
        train = (control.block - 1) * (_spacing_fs(work, product) + trains_fs[number])
        if not control.overlap:
            total += through + change + state + (train if change or wraps else 0)
        elif wraps:
            total += train + through + max(change if alone else 0, state)
        else:
            total += max(through + state, train + through + change if change else 0)
    return total


def _behind_fs(work: Work, number: int) -> int:
    """Return the time from the capture of a state to the begin of its next encoding [fs].

    Args:
        work: What is to be done.
        number: Product behind which it is captured.
    """
    delays, product = work.delays, work.products[number]
    behind = delays.activate_fs + delays.hold_fs if product.activates else 0
    if product.leaves:
        behind = (delays.activate_fs if product.activates else 0) + delays.digitize_fs
        if number + 1 < len(work.products):
            behind += work.jobs_fs[number]
    return behind


def _spacing_fs(work: Work, product: Product) -> int:
    """Return the least time between departures of a sample and of the vector before it [fs].

    Args:
        work: What is to be done.
        product: Product of the sample.
    """
    held, encode = work.delays.hold_symbol_fs, work.encode_fs(product)
    return max(held, encode) if work.delays.double_buffered else held + encode
