"""Programmings of a run and the errors that they draw: one each, or some in turn where many come.

A bank that is written anew for every sample is programmed without end. Errors of its programmings
are independent of each other, so that eight of them in turn are as good as ever new ones for what
is measured of many samples, and need not be drawn a million times.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pnnsim.inference.accesses import AccessTable

#: Programmings of one chip in a run that each have an error of their own.
MOST = 10_000

#: Errors of one matrix in one bank that serve in turn beyond that.
IN_TURN = 8


def sharing_errors(accesses: AccessTable, used: int, *, most: int = MOST) -> AccessTable:
    """Return accesses whose programmings have numbers of their own, or share a few in turn.

    A number is that of the stream from which an error is drawn. Those of the set-up stay.

    Args:
        accesses: What each sample met.
        used: Logical banks in use, each with one programming of the set-up.
        most: Programmings that each have a number of their own.
    """
    numbers, first, place = np.unique(accesses.write, return_index=True, return_inverse=True)
    if len(numbers) <= most:
        return accesses
    banks = accesses.contents.shape[-1]
    bank = accesses.bank.reshape(-1)[first]
    content = accesses.contents.reshape(-1, banks)[first, bank]
    pair = content * banks + bank
    shared = used + pair * IN_TURN + _turns(pair) % IN_TURN
    shared = np.where(numbers < used, numbers, shared)
    return replace(accesses, write=shared[place].reshape(accesses.write.shape))


def sharing(writes: int) -> list[str]:
    """Return a sentence where a chip is programmed so often that errors serve in turn.

    Args:
        writes: Programmings of a chip in the run, those of the set-up apart.
    """
    if writes <= MOST:
        return []
    return [
        f"weight_banks: {writes} programmings of a chip, more than {MOST}: {IN_TURN} errors for "
        "each matrix in each bank serve in turn"
    ]


def _turns(pair: np.ndarray) -> np.ndarray:
    """Return how many equal entries come ahead of each."""
    order = np.argsort(pair, kind="stable")
    ranked = pair[order]
    begins = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    lengths = np.diff(np.concatenate([begins, [len(pair)]]))
    turns = np.empty(len(pair), np.int64)
    turns[order] = np.arange(len(pair)) - np.repeat(begins, lengths)
    return turns
