"""What a file leaves out and what Python leaves out are the same; weights stay within a bank."""

from __future__ import annotations

import inspect

import torch

from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.learning.examples import Labelled
from pnnsim.learning.fit import fit
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TrainingParams


def test_a_drawn_chip_stays_as_long_in_python_as_in_a_file() -> None:
    for surrogate in (Surrogate, WorkloadSurrogate):
        default = inspect.signature(surrogate.__init__).parameters["redraw"].default
        assert default == TrainingParams().redraw == 16


def test_weights_end_within_the_range_of_a_bank() -> None:
    """With steps of 0.5 many weights would pass 1; they come back from there at once."""
    network = ReLaXNet(inputs=5, hidden=6, outputs=3, weight_sets=2, steps=3)
    model = Surrogate(network, load_spec("photonic_mrr"))
    x = torch.rand((40, 5), generator=torch.Generator().manual_seed(0))
    data = Labelled(x, (3 * x[:, 0]).long())
    fit(model, data, data, TrainingParams(epochs=2, batch=10, learning_rate=0.5))
    assert float(model.weight.detach().abs().max()) == 1.0
