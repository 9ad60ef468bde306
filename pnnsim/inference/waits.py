"""Refuse a run that a memory cannot wait for: a loop gives each state back after one round."""

from __future__ import annotations

import numpy as np

from pnnsim.common.units import from_fs
from pnnsim.errors import ScheduleError
from pnnsim.inference.accesses import AccessTable
from pnnsim.inference.chip import Chip


def refuse_waits(chip: Chip, accesses: AccessTable) -> None:
    """Refuse a run in which a memory that cannot wait would have to.

    A loop gives each state back after one round. If the encoder, or the bank behind it, is not
    ready by then, the state is lost.

    Args:
        chip: Any chip of the machine.
        accesses: What each sample of the run met.

    Raises:
        ScheduleError: If a state waits for longer than a round.
    """
    # A state that need not wait goes straight through the encoder; sums of few femtoseconds.
    analog = [not product.digital for product in chip.passage.products]
    late = np.where(analog, accesses.held_s - from_fs(chip.delays().encode_fs), 0.0)
    if not late.size or late.max() < 0.5e-15:
        return
    sample, step = np.unravel_index(int(late.argmax()), late.shape)
    short = float(late.max())
    around = from_fs(chip.memory.delay_fs("hold"))
    hint = "a longer loop, a faster switch, or a memory that waits"
    if not chip.spec.control.overlap:
        hint = "control.overlap: true, so that the switch moves while the state is in the loop"
    if chip.spec.control.refresh_interval is not None:
        hint += "; or no control.refresh_interval, as samples wait for a refresh"
    raise ScheduleError(
        f"memory: a round of the loop takes {around:.4g} s, {short:.4g} s too short for sample "
        f"{sample} before step {step}; expected at least {around + short:.4g} s, as a loop "
        f"cannot keep a state for longer. Hint: {hint}"
    )
