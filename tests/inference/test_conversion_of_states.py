"""A state meets the converters of the lines as often as the machine converts it, and no more."""

from __future__ import annotations

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.test_agreement import random_inputs, random_parameters

ONLY = frozenset({"encoder.quantization"})
#: Doubles through a few dozen products; the largest number is of order 10.
TOLERANCE = 1e-10


@pytest.mark.parametrize(
    ("machine", "stateful", "converted"),
    [
        ("photonic_mrr", True, False),  # handed over once, to the first sample of a stream: 0
        ("photonic_mrr", False, True),
        ("freespace_dmd", True, True),  # a digital memory: every state is converted
    ],
)
def test_an_analog_state_that_is_kept_is_not_converted_again(
    machine: str, stateful: bool, converted: bool
) -> None:
    injection = "every" if stateful else "first"
    network = ReLaXNet(
        inputs=6,
        hidden=8,
        outputs=3,
        weight_sets=2,
        steps=3,
        injection=injection,
        stateful=stateful,
    )
    chip = Chip.nominal(load_spec(machine, [("encoder.bits", "4")]), network)
    p, x = random_parameters(network), random_inputs(network, 5)
    exact = ideal_outputs(chip, p, x)
    others = sorted(chip.non_idealities - ONLY)
    stepped = outputs(chip, p, x, time_run(chip, 5).accesses, without=others)
    off = float((stepped - exact).abs().max())
    assert off > 1e-5 if converted else off < TOLERANCE
