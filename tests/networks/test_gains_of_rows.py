"""A ReLaX-Net whose weight sets have one electronic gain for each row.

That simulator, surrogate and workload compute it is in `tests.inference.test_agreement`.
"""

from __future__ import annotations

import pytest
import torch

from pnnsim.errors import BackendError
from pnnsim.hil.bench import Bench
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.relaxnet_parameters import WorkingPoint, initial
from pnnsim.specs.hardware import load_spec

SETS = ReLaXNet(inputs=4, hidden=5, outputs=3, weight_sets=2, steps=3)
ROWS = SETS.model_copy(update={"gains": "row"})


def test_gains_of_rows_start_as_those_of_their_set_and_each_is_counted() -> None:
    sets, rows = (initial(each, 0, point=WorkingPoint(value=0.3)) for each in (SETS, ROWS))
    assert torch.equal(rows["gain"], sets["gain"].unsqueeze(1).expand(2, 5))
    assert torch.equal(rows["bias"], sets["bias"])
    assert ROWS.parameter_counts()["gain"] == 10
    assert SETS.parameter_counts()["gain"] == 2
    total = ROWS.parameter_counts()["total"]
    assert total == ROWS.workload.parameters == SETS.parameter_counts()["total"] + 8


def test_a_bench_refuses_gains_that_it_does_not_program() -> None:
    backend = SimulatedBackend(load_spec("photonic_mrr"), ROWS, seed=0, index=0)
    with pytest.raises(BackendError, match=r"network.gains: got row; expected set"):
        Bench(backend)
