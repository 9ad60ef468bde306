"""Known inputs by which each chip is calibrated ahead of a run, and what that takes.

The pass itself is `pnnsim.inference.predict`; nothing is trained here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pnnsim.inference.accesses import Ints
from pnnsim.inference.calibration import CALIBRATED
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import Measured, Parameters
from pnnsim.inference.ranges import KNOWN_INPUTS
from pnnsim.networks.parameters import ParameterSet
from pnnsim.simulation.timing_pass import Timing, timing_metrics
from pnnsim.timing.multicore import ParallelTrace


def measured_by(timing: Timing, parameters: Parameters, samples: slice | Ints) -> Measured | None:
    """Return the known inputs by which a core is calibrated; None for no calibration.

    Args:
        timing: The timing pass of the run.
        parameters: Trained numbers.
        samples: Samples of the calibration that the core has.
    """
    known = known_inputs(timing.chip, parameters)
    if known is None:
        return None
    count = CALIBRATED if isinstance(samples, slice) else len(samples)
    accesses = timing.calibration.accesses.select(samples)
    return Measured(known[torch.arange(count) % len(known)], accesses)


def samples_of_cores(timing: Timing) -> list[Ints]:
    """Return the numbers of the samples of each core that has any."""
    run = timing.run
    assert isinstance(run, ParallelTrace), "there are several cores"
    return [run.samples_of_core(core) for core in range(len(run.parts))]


def known_inputs(chip: Chip, parameters: Parameters) -> Tensor | None:
    """Return the inputs by which each chip is calibrated, shape `(CALIBRATED, *input)`.

    Args:
        chip: Any chip of the machine.
        parameters: Trained numbers; their ranges have the inputs, which are repeated where they are
            few. None where values become no numbers, or where a sample goes on from another.
    """
    if isinstance(parameters, ParameterSet) or not chip.converts or chip.stateful:
        return None
    inputs = parameters.ranges.get(KNOWN_INPUTS)
    if inputs is None:
        return None
    return inputs[torch.arange(CALIBRATED) % len(inputs)]


def calibration_of(timing: Timing, parameters: Parameters) -> dict[str, Any]:
    """Return what the calibration of a chip takes, as `calibration` of the metrics, or nothing.

    Args:
        timing: The timing pass of the run.
        parameters: Trained numbers.
    """
    if known_inputs(timing.chip, parameters) is None:
        return {}
    figures = timing_metrics(timing.calibration)
    taken = {
        "samples": CALIBRATED * timing.chip.spec.control.cores,
        "time_s": figures["makespan_s"],
        "energy_j": figures["energy_j"]["total"],
    }
    return {"calibration": taken}
