"""However the work is laid out and ordered, ideal machines compute the same network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.inference.accesses import AccessTable
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.simulate import chip_outputs
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import Arrivals, periodic
from tests.inference.test_agreement import (
    TOLERANCE,
    numpy_forward,
    random_inputs,
    random_parameters,
)

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
        # What is rewritten for every sample anyway never gets old enough.
        assert (len(run.trace.rows("refresh")) > 0) == chip.mapping.resident
    found = chip_outputs(chip, parameters, x, run, without=sorted(chip.non_idealities))
    expected = numpy_forward(parameters, x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=TOLERANCE)

    surrogate = Surrogate(network, spec, non_idealities=(), dtype=torch.float64)
    surrogate.load_parameter_set(parameters)
    np.testing.assert_allclose(surrogate(x).detach().numpy(), expected, rtol=0, atol=TOLERANCE)


@st.composite
def orders_of_work(draw: st.DrawFn) -> tuple[ReLaXNet, list[tuple[str, str]], int]:
    """Return a small network, a machine with tiles and a policy of its own, and some samples."""
    sets = draw(st.integers(1, 3))
    network = ReLaXNet(
        inputs=4, hidden=draw(st.integers(3, 9)), outputs=2, weight_sets=sets,
        steps=draw(st.integers(sets, 4)), residual=draw(st.sampled_from([0.0, 0.5])),
        injection=draw(st.sampled_from(["first", "every"])),
    )  # fmt: skip
    block = draw(st.integers(1, 3))
    banks = draw(st.integers(1, 6))
    settings = {
        "weight_banks.rows": draw(st.integers(2, 9)),
        "weight_banks.cols": draw(st.integers(2, 9)),
        "weight_banks.count": banks,
        "control.block": block,
        "memory.capacity": block,
        "control.overlap": draw(st.booleans()),
        "control.prefetch": draw(st.booleans()),
        "control.write_drivers": draw(st.integers(1, 4)),
        "control.cores": draw(st.integers(1, 2)),
    }
    if draw(st.booleans()):
        settings["control.parallel_tiles"] = draw(st.integers(1, banks))
    return network, [(k, str(v).lower()) for k, v in settings.items()], draw(st.integers(1, 40))


@given(orders_of_work())
@settings(max_examples=40, deadline=None)
def test_any_order_of_work_computes_the_same_and_is_timed_the_same_both_ways(case):
    network, changes, samples = case
    chip = Chip.nominal(load_spec("photonic_mrr", changes), network).fabricate(seed=1, index=0)
    parameters, x = random_parameters(network), random_inputs(network, samples)
    fast, exact = time_run(chip, samples), time_run(chip, samples, exact=True)
    assert fast.trace.equals(exact.trace)
    for name in AccessTable.__slots__:
        np.testing.assert_array_equal(getattr(fast.accesses, name), getattr(exact.accesses, name))
    found = chip_outputs(chip, parameters, x, fast, without=sorted(chip.non_idealities))
    expected = numpy_forward(parameters, x)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=TOLERANCE)
