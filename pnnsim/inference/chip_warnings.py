"""Warnings about a machine that runs, but hardly as its designer means it to."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from pnnsim.common.units import from_fs
from pnnsim.mapping.closed_form import closed_form_fs
from pnnsim.mapping.plan import plan_blocks
from pnnsim.mapping.work import Work

if TYPE_CHECKING:
    from pnnsim.inference.chip import Chip

#: Lifetime below which wear is worth a warning [s].
_YEAR = 365.25 * 24 * 3600.0

#: Share of the symbol before in a capture from which on it is worth a warning.
_LEAST_RESIDUE = 1e-3

#: Blocks over which writes are counted for it.
_WEAR_BLOCKS = 16


def warnings_of(chip: Chip, work: Work) -> tuple[str, ...]:
    """Return the warnings of all parts, of the mapping, of overload and of wear.

    Args:
        chip: Any chip of the machine.
        work: Work that it is timed with.
    """
    found = [text for component in chip.components.values() for text in component.warnings()]
    # Tiles of matrices of several shapes, or of groups, lie side by side for few of them.
    alike, chosen = chip.mapping.uniform, chip.spec.control.parallel_tiles is not None
    if chip.mapping.folds > 1 and alike and not chosen:
        tiles = chip.mapping.most_tiles
        found.append(
            f"weight_banks.count: a matrix has {tiles} tiles and there are "
            f"{chip.mapping.count} banks, so each step is {chip.mapping.folds} products, one "
            f"after the other. Hint: {tiles} banks, or larger ones, multiply it at once"
        )
    for part in ("switch", "weight_banks", "detector"):
        found.extend(chip.components[part].overload(chip.line_power(part)))
    return (*found, *_nothing_to_prepare(work), *_left_out(chip, work), *_wear(chip, work))


def _nothing_to_prepare(work: Work) -> list[str]:
    """Return a warning where lines are double-buffered and no symbol follows another."""
    trains = any(product.vectors > 1 for product in work.products)
    several = work.control.block * work.control.blocks_in_flight > 1
    if not work.delays.double_buffered or several or trains:
        return []
    return [
        "encoder.double_buffered: one sample is in the loop at a time, so that no symbol is "
        "prepared while a line keeps one, and the second set of drivers only takes power. "
        "Hint: raise control.block or control.blocks_in_flight"
    ]


def _left_out(chip: Chip, work: Work) -> list[str]:
    """Return a warning where a detector keeps some of a symbol that is not looked at."""
    residue = chip.detector.residue(chip.deterministic)
    if work.control.blocks_in_flight == 1 or residue < _LEAST_RESIDUE:
        return []
    return [
        f"control.blocks_in_flight: the detector keeps {residue:.2g} of the symbol before, which "
        "is left out of the outputs where that was of a block at another step. Hint: a longer "
        "detector.settling_time"
    ]


def _wear(chip: Chip, work: Work) -> list[str]:
    """Return a warning for each part that uninterrupted work wears out within a year."""
    # The first block finds what the set-up has left; later ones differ a little in writes.
    plan = plan_blocks(chip.order, chip.mapping, work.policy)
    blocks = list(islice(plan, 1, 1 + _WEAR_BLOCKS))
    accesses = [access for block in blocks for access in block]
    writes = sum(access.write for access in accesses) / _WEAR_BLOCKS / chip.mapping.used
    moves = sum(access.route for access in accesses) / _WEAR_BLOCKS
    # Nor are writes that begin ahead of time in the closed form; with them a sample is faster.
    simple = {"block": 1, "blocks_in_flight": 1, "prefetch": False, "refresh_interval": None}
    alone = chip.spec.control.model_copy(update=simple)
    latency = closed_form_fs(replace(work, control=alone))
    assert latency is not None, "one sample at a time has a closed form"
    if chip.spec.control.refresh_interval is not None:
        writes += from_fs(latency) / chip.spec.control.refresh_interval
    hint = "more banks, so that fewer are rewritten, or larger blocks"
    if chip.spec.control.refresh_interval is not None:
        hint += ", or a longer control.refresh_interval"
    # Blocks in flight share the moves of the switch.
    control = chip.spec.control
    together = control.block * control.blocks_in_flight * control.cores
    found = []
    for part, uses, endurance, what in (
        ("weight_banks", writes, chip.weight_banks.endurance, "programmings of a cell"),
        ("switch", moves, chip.switch.endurance, "moves"),
    ):
        survived = endurance / uses if uses else math.inf
        lifetime = survived * from_fs(latency)
        if lifetime < _YEAR:
            found.append(
                f"{part}: worn out after {survived * together:.3g} inferences, "
                f"{lifetime:.3g} s of uninterrupted work, as it survives {endurance:.3g} "
                f"{what}. Hint: {hint}"
            )
    return found
