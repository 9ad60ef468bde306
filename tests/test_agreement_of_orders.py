"""However the work is laid out and ordered, ideal machines compute the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.arrivals import Arrivals, periodic
from pnnsim.chip import Chip
from pnnsim.network import ReLaXNet
from pnnsim.simulator import chip_answers, time_run
from pnnsim.spec import load_spec
from pnnsim.surrogate import Surrogate
from tests.test_agreement import TOLERANCE, numpy_forward, random_inputs, random_parameters

#: Tiles that are not square and do not divide the matrix: 4 x 3 of them for 48 x 48.
TILES = [("weight_banks.rows", "13"), ("weight_banks.cols", "20")]
RESIDENT, REWRITTEN = ("weight_banks.count", "24"), ("weight_banks.count", "12")
CONTROL = {
    "plain": [],
    "blocks": [("control.block", "4"), ("memory.capacity", "4")],
    "prefetch": [("control.prefetch", "true"), ("control.write_drivers", "5")],
    "cores": [("control.cores", "2")],
    "refresh": [("control.refresh_interval", "50 ms")],
    "converters": [("encoder.shared_by", "5"), ("readout.shared_by", "7")],
}


@pytest.mark.parametrize("control", CONTROL)
@pytest.mark.parametrize("count", [RESIDENT, REWRITTEN], ids=["resident", "rewritten"])
def test_order_of_work_changes_times_and_not_what_is_computed(count, control):
    network = ReLaXNet(weight_sets=2, steps=5, hidden=48, inputs=20, outputs=4)
    spec = load_spec("photonic_mrr", [*TILES, count, *CONTROL[control]])
    parameters, x = random_parameters(network), random_inputs(network)
    # So slow that banks are refreshed on the way, where that is asked for.
    when: Arrivals | int = periodic(len(x), 8e-3) if control == "refresh" else len(x)
    chip = Chip.nominal(spec, network).fabricate(seed=3, index=0)
    run = time_run(chip, when)
    if control == "refresh":
        # What is rewritten for every wave anyway never gets old enough.
        assert (len(run.trace.rows("refresh")) > 0) == chip.mapping.resident
    found = chip_answers(chip, parameters, x, run, without=sorted(chip.imperfections))
    expected = numpy_forward(parameters, x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=TOLERANCE)

    twin = Surrogate(network, spec, imperfections=(), dtype=torch.float64)
    twin.load_parameter_set(parameters)
    np.testing.assert_allclose(twin(x).detach().numpy(), expected, rtol=0, atol=TOLERANCE)
