"""Programmings draw errors of their own, or eight in turn where a chip is written too often."""

from __future__ import annotations

import numpy as np
import pytest

import pnnsim
from pnnsim.inference import programmings
from pnnsim.inference.programmings import IN_TURN, sharing_errors
from pnnsim.simulation.timing_pass import time_run


def test_errors_serve_in_turn_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three matrices on two banks are rewritten for each of 40 samples."""
    network = pnnsim.ReLaXNet(inputs=4, hidden=4, outputs=2, weight_sets=3, steps=3)
    chip = pnnsim.Chip.nominal(pnnsim.load_spec("photonic_mrr"), network)
    accesses = time_run(chip, 40).accesses
    used = chip.mapping.used
    own = np.unique(accesses.write[accesses.write >= used])
    assert len(own) >= 40
    assert sharing_errors(accesses, used) is accesses
    shared = sharing_errors(accesses, used, most=10)
    samples, steps = np.nonzero(accesses.write >= used)
    met: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for sample, step in zip(samples.tolist(), steps.tolist(), strict=True):
        bank = int(accesses.bank[sample, step])
        pair = int(accesses.contents[sample, step, bank]), bank
        number = int(accesses.write[sample, step]), int(shared.write[sample, step])
        if not met.setdefault(pair, []) or met[pair][-1] != number:
            met[pair].append(number)
    assert len(met) > 1
    turns = {pair: [new for _, new in numbers] for pair, numbers in met.items()}
    for numbers in turns.values():
        # The first eight differ, and the ninth is the first.
        assert len(set(numbers)) == min(len(numbers), IN_TURN)
        assert numbers == [numbers[n % IN_TURN] for n in range(len(numbers))]
    first = [set(numbers) for numbers in turns.values()]
    assert sum(map(len, first)) == len(set.union(*first)), "no two pairs share an error"
    setup = accesses.write < used
    assert (shared.write[setup] == accesses.write[setup]).all()
    # A run says so.
    monkeypatch.setattr(programmings, "MOST", 10)
    surrogate = pnnsim.Surrogate(network, chip)
    x, y = np.zeros((40, 4)), np.zeros(40, int)
    found = pnnsim.simulate(chip, surrogate, x, y, chips=1).metrics["warnings"]
    assert any("8 errors for each matrix in each bank serve in turn" in text for text in found)
