"""The shipped machine learns the embedded digits."""

from __future__ import annotations

import numpy as np
import pytest

from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.datasets import load_task
from pnnsim.learning.examples import labelled
from pnnsim.learning.fit import fit, score
from pnnsim.specs.experiment import load_experiment


@pytest.mark.long
def test_surrogate_reaches_95_percent_on_held_out_digits() -> None:
    """Mean of three training seeds, as required of the main job; chips are not judged here."""
    task = load_task("digits")
    train, validation, test = (
        labelled(getattr(task, f"{part}_x"), getattr(task, f"{part}_y"))
        for part in ("train", "validation", "test")
    )
    found = []
    for seed in range(3):
        experiment = load_experiment("photonic_mrr", training_seed=seed)
        surrogate = Surrogate(experiment.network, experiment.hardware, seed=seed)
        fit(surrogate, train, validation, experiment.training)
        found.append(score(surrogate, test)[0])
    assert float(np.mean(found)) >= 0.95
