"""Follow what drifts in the banks of a chip while a run goes on.

A programming that measures its bank corrects whatever has drifted until then, so that weights feel
what has drifted since. The set-up was long ago: what it left is as far off as at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from pnnsim.common.rng import stream
from pnnsim.common.times import seconds
from pnnsim.common.units import from_fs
from pnnsim.devices.base import State
from pnnsim.inference.accesses import AccessTable, Floats, Ints
from pnnsim.inference.chip import Chip

#: Part of a correlation time after which what drifts is advanced: 1 - exp(-0.1) is a tenth of it.
DRIFT_STEP = 0.1

#: Times that drift is looked at in one run at most: it has then been sampled well enough.
_MOST = 16

#: Multiples of it, less their whole parts, keep as far from each other as they can.
_GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0


def drift_windows(
    chip: Chip, accesses: AccessTable, samples: int, together: int = 1
) -> Iterator[tuple[slice, tuple[State, ...]]]:
    """Yield consecutive samples, and what each bank has drifted when they come.

    One sample of a window stands for all of them: its time, and the programmings that it met.

    Args:
        chip: Fabricated or nominal.
        accesses: What each sample met.
        samples: How many there are.
        together: Samples that are not parted: one of each stream whose state is kept.
    """
    windows = _windows(chip, np.broadcast_to(seconds(accesses.time_fs[:, 0]), (samples,)), together)
    chosen = np.zeros(len(windows), np.int64) if len(accesses.bank) == 1 else _chosen(windows)
    times = accesses.time_fs[chosen].max(axis=1)
    felt = [
        _drifted(
            chip,
            times.tolist(),
            _programmed(accesses, chosen, bank, chip.mapping.used),
            stream(chip.seed, f"{chip.name}.weight_banks.{bank}.environment", "read"),
        )
        for bank in range(chip.mapping.used)
    ]
    for number, window in enumerate(windows):
        yield window, tuple(states[number] for states in felt)


def _windows(chip: Chip, times: Floats, together: int) -> list[slice]:
    """Return consecutive samples during which little drifts."""
    passed = float(times[-1] - times[0])
    # Steps of any length are exact, so a long run is as true with fewer of them.
    step = max(DRIFT_STEP * chip.weight_banks.correlation_time(), passed / _MOST)
    number = np.floor((times - times[0]) / step).astype(int)
    edges = np.flatnonzero(np.diff(number)) + 1
    whole = {-(-edge // together) * together for edge in (0, *edges.tolist())}
    return [slice(*pair) for pair in pairwise(sorted(whole | {len(times)}))]


def _chosen(windows: Sequence[slice]) -> Ints:
    """Return one sample of each window, at places that fill [0, 1) evenly from window to window.

    Always the last would do no harm but where banks are refreshed in step with the windows: then it
    would find them as old as they get.
    """
    places = np.arange(1, len(windows) + 1) * _GOLDEN_RATIO % 1.0
    first = np.array([window.start for window in windows])
    samples = np.array([window.stop for window in windows]) - first
    return np.asarray(first + np.floor(places * samples), np.int64)


def _programmed(accesses: AccessTable, rows: Ints, bank: int, used: int) -> list[int | None]:
    """Return when what some samples met in a bank was programmed [fs]; None for the set-up."""
    met = (accesses.bank == bank) & (accesses.write >= used) & np.isfinite(accesses.since_write_s)
    return [max(accesses.begun_fs[row][met[row]].tolist(), default=None) for row in rows.tolist()]


def _drifted(
    chip: Chip,
    times: Sequence[int],
    programmed: Sequence[int | None],
    generator: torch.Generator,
) -> list[State]:
    """Return what a bank has drifted at each time [fs] since it was programmed."""
    banks, known = chip.weight_banks, dict[int, State]()
    state: State | None = None
    before = 0
    for moment in sorted({*times, *(begin for begin in programmed if begin is not None)}):
        # Whole numbers, so that a short time between two that come late is as exact as any.
        elapsed = from_fs(moment - before) if known else 0.0
        state = banks.environment(state, elapsed, generator)
        known[moment], before = state, moment
    return [
        known[time] if begin is None else banks.drifted(known[time], known[begin])
        for time, begin in zip(times, programmed, strict=True)
    ]
