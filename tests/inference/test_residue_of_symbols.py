"""A detector that has not settled mixes in the symbol that it really captured before."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated
from tests.inference.test_agreement import random_inputs, random_parameters

NETWORK = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=4)
#: Doubles through a few dozen products; the largest number is of order 10.
TOLERANCE = 1e-10


@pytest.mark.parametrize("block", [1, 2, 3])
def test_what_is_left_is_of_the_symbol_that_was_captured_just_before(block: int) -> None:
    """Walk through the captures of the trace in time, sample by sample.

    Within a block that is another sample's symbol of the same step, or, for its first sample, the
    last sample's symbol of the step before. Where the sample ahead is in the same step, its own
    residue is left out; a new block finds none.
    """
    changes = [
        ("control.block", str(block)),
        ("memory.capacity", str(block)),
        ("detector.settling_time", "40 ps"),
        ("detector.bandwidth", "5 GHz"),
    ]
    chip = Chip.nominal(load_spec("photonic_mrr", changes), NETWORK)
    p, x = random_parameters(NETWORK), random_inputs(NETWORK, 6)
    timing = time_run(chip, 6)
    got = evaluated(chip, p, x, timing.accesses, frozenset({"detector.settling"}))

    share = math.exp(-40e-12 * 2 * math.pi * 5e9)
    weight, gain, bias = p.weight.numpy(), p.gain.numpy(), p.bias.numpy()
    state = np.maximum(x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    trace = timing.trace
    rows = trace.rows("detect")
    rows = rows[np.argsort(trace.start_fs[rows], kind="stable")]
    fresh: dict[tuple[int, int], np.ndarray] = {}
    captured: dict[tuple[int, int], np.ndarray] = {}
    before: tuple[int, int] | None = None
    kinds = set()
    for row in rows:
        sample, step = int(trace.sample[row]), int(trace.step[row])
        k = step % 2
        fresh[sample, step] = np.clip(state[sample], 0.0, 1.0) @ weight[k].T
        last = None
        if before is not None and before[1] == step:
            last = fresh[before]
            kinds.add("neighbor in the step")
        elif before is not None and before[1] == step - 1:
            last = captured[before]
            kinds.add("own" if before[0] == sample else "neighbor in the step before")
        mine = fresh[sample, step]
        captured[sample, step] = mine if last is None else mine + share * (last - mine)
        a = np.clip(gain[k] * captured[sample, step] + bias[k], -1.0, 1.0)
        state[sample] = (1.0 + np.sin(np.pi * a / 2.0)) / 2.0
        before = sample, step
    expected = state @ p.output_weight.numpy().T + p.output_bias.numpy()
    assert share > 0.2
    own = {"own"}
    assert kinds == (own if block == 1 else {"neighbor in the step", "neighbor in the step before"})
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=TOLERANCE)
    settled = evaluated(chip, p, x, timing.accesses)
    assert not torch.allclose(settled, got, rtol=0, atol=1e-3)
