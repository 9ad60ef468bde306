"""What a machine keeps between calls is bounded, however many batch sizes it has seen."""

from __future__ import annotations

import gc

import pytest

from pnnsim.hil.cost_model import Passage
from pnnsim.inference.accesses import AccessTable
from tests.hil.hil_machines import drives
from tests.hil.instrument_server import machine


def test_a_machine_called_with_ever_new_batch_sizes_does_not_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("cost_model", "simulated"):
        monkeypatch.setattr(f"pnnsim.hil.{module}.KEPT_ROWS", 2000)

    def alive() -> tuple[int, int]:
        objects = gc.get_objects()
        return (
            sum(type(item) is Passage for item in objects),
            sum(type(item) is AccessTable for item in objects),
        )

    gc.collect()
    before = alive()
    backend = machine()
    for samples in range(1, 61):
        backend.forward(drives(samples))
        backend.step(0, drives(samples))
    gc.collect()
    passages, accesses = (now - then for now, then in zip(alive(), before, strict=True))
    # A pass of 60 samples has some 1,300 spans and 180 accesses.
    assert passages <= 4
    assert accesses <= 16
