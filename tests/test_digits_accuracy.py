"""The shipped machine learns the embedded digits."""

from __future__ import annotations

import numpy as np
import pytest

from pnnsim.experiment import load_experiment
from pnnsim.job import run


@pytest.mark.slow
def test_surrogate_reaches_95_percent_on_held_out_digits() -> None:
    """Mean of three training seeds, as required of the main job; chips are not judged here."""
    found = [
        run(
            load_experiment("photonic_mrr", [("simulation.chips", "1")], training_seed=seed)
        ).metrics["accuracy"]["surrogate"]
        for seed in range(3)
    ]
    assert float(np.mean(found)) >= 0.95
