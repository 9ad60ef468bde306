"""The band of accuracy: a network trained once for a machine, on chips of drawn descriptions.

Each draw is another machine than the one that the network was trained for, and one fabricated chip
of it, so that the band holds what is not known of the machine and what differs from chip to chip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.bands.assumptions import assumptions_of
from pnnsim.analysis.bands.band import Band, Share, percentiles_of, shares_of
from pnnsim.analysis.bands.draws import drawn_specs
from pnnsim.errors import PnnsimError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import Parameters
from pnnsim.inference.quality import share_correct
from pnnsim.learning.examples import Labelled
from pnnsim.learning.task_examples import load_data
from pnnsim.simulation.experiment_run import train_surrogate
from pnnsim.simulation.simulate import chip_outputs
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.experiment import Experiment
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.timing.arrivals import arrivals_of

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyBand:
    """Accuracy of chips of the descriptions that were drawn from the ranges of a machine.

    Args:
        drawn: Accuracy of one chip of each draw, not a number for an infeasible one, shape
            `(n_draw,)`.
        hangs_on: What it hangs on, the largest share first; chips differ besides.
    """

    drawn: NDArray[np.float64]
    hangs_on: tuple[Share, ...]

    def as_metrics(self) -> dict[str, Any] | None:
        """Return the percentiles with the keys of the documentation; None for no draws."""
        return percentiles_of(self.drawn[np.isfinite(self.drawn)])


def accuracy_band(
    experiment: Experiment,
    band: Band,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> AccuracyBand:
    """Return the accuracy of one fabricated chip of each drawn description.

    Args:
        experiment: Machine, network, task and training.
        band: Band of the same machine, whose draws are taken.
        data_dir: Where data sets are looked for first.
        offline: Never download a data set.
        progress: Display of training and draws; None for silence.

    Raises:
        PnnsimError: If the experiment itself cannot be run.
    """
    data = load_data(experiment.task, data_dir=data_dir, offline=offline, progress=progress)
    surrogate, samples = train_surrogate(experiment, data, progress)
    parameters = surrogate.parameter_set()
    assumptions = assumptions_of(experiment.hardware)
    if progress is not None:
        progress.start("evaluating chips of drawn descriptions", band.draws)
    found = np.full(band.draws, np.nan)
    for row, spec in enumerate(drawn_specs(experiment.hardware, assumptions, band.quantiles)):
        if spec is not None:
            found[row] = _accuracy(experiment, spec, parameters, samples, row)
        if progress is not None:
            progress.advance(1)
    if progress is not None:
        progress.finish()
    moving: Sequence[bool] = [True] * len(assumptions)
    shares = shares_of(["accuracy"], found[:, None], assumptions, band.quantiles, moving)
    return AccuracyBand(found, shares)


def _accuracy(
    experiment: Experiment,
    spec: HardwareSpec,
    parameters: Parameters,
    samples: Labelled,
    index: int,
) -> float:
    """Return the accuracy of a chip of a drawn machine; not a number where it cannot run."""
    simulation = experiment.simulation
    try:
        nominal = Chip.nominal(spec, experiment.network)
        timing = time_run(nominal, arrivals_of(simulation, len(samples)))
        chip = nominal.fabricate(simulation.seed, index)
        x, y = timing.served(samples.x), timing.served(samples.y)
        return share_correct(chip_outputs(chip, parameters, x, timing), y)
    except (PnnsimError, ValueError):  # ValueError: outside the range of a formula
        return float("nan")
