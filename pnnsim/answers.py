"""Ask chips for their answers: fabricated, nominal or ideal.

Here what drifts is advanced as a chip's clock runs. Nothing is timed, and no figure is made of the
answers but the share that is right and the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from pnnsim.chip import Chip
from pnnsim.components.base import State
from pnnsim.parameters import ParameterSet
from pnnsim.programmed import Read
from pnnsim.rng import stream
from pnnsim.values import evaluate
from pnnsim.visits import Visits, nominal_visits

#: Part of a correlation time after which what drifts is advanced: 1 - exp(-0.1) is a tenth of it.
_DRIFT_STEP = 0.1

#: Times that drift is advanced in one run at most: it has then been sampled well enough.
_MOST_STEPS = 16


def outputs(
    chip: Chip,
    parameters: ParameterSet,
    x: Tensor,
    visits: Visits,
    *,
    without: Sequence[str] = (),
) -> Tensor:
    """Return what one chip answers, with all of its imperfections but some.

    The chip's temperature is advanced as its clock runs, in steps of a tenth of its correlation
    time; the same chip gives the same answers each time it is asked.

    Args:
        chip: Fabricated or nominal.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, n_inputs)`.
        visits: What each wave met.
        without: Names of imperfections to switch off.

    Returns:
        Outputs, shape `(batch, n_outputs)`.
    """
    active = chip.imperfections - frozenset(without)
    generator = stream(chip.seed, f"{chip.name}.detector", "read")
    answers = []
    with torch.no_grad():
        for waves, environment in _windows(chip, visits, len(x)):
            read = Read(active, generator, environment, programmed=True)
            answers.append(evaluate(chip, parameters, x[waves], visits.select(waves), read))
    return torch.cat(answers)


def ideal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what a chip without any imperfection answers: the network in exact arithmetic."""
    visits = nominal_visits(chip.network, chip.mapping)
    with torch.no_grad():
        return evaluate(chip, parameters, x, visits, Read(frozenset()))


def nominal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what the surrogate answers: nominal chip, settled, no noise."""
    visits = nominal_visits(chip.network, chip.mapping)
    with torch.no_grad():
        return evaluate(chip, parameters, x, visits, Read(chip.deterministic))


def share_correct(answers: Tensor, y: Tensor) -> float:
    """Return the share of waves whose largest output is their class."""
    return float((answers.argmax(dim=1) == y).double().mean())


def mean_loss(answers: Tensor, y: Tensor) -> float:
    """Return the mean cross-entropy of the classes [nats], a softmax taken of the outputs."""
    return float(torch.nn.functional.cross_entropy(answers.double(), y))


#: What is measured of the answers, by the key of the metrics: for images, and for a text.
Qualities = Mapping[str, Callable[[Tensor, Tensor], float]]
IMAGE_QUALITIES: Qualities = {"accuracy": share_correct}
TEXT_QUALITIES: Qualities = {"accuracy": share_correct, "loss_nats": mean_loss}


def _windows(chip: Chip, visits: Visits, waves: int) -> Iterator[tuple[slice, tuple[State, ...]]]:
    """Yield consecutive waves and what has drifted when they come."""
    bank = chip.weight_banks
    generators = [
        stream(chip.seed, f"{chip.name}.weight_banks.{index}.environment", "read")
        for index in range(chip.mapping.used)
    ]
    states = [bank.environment(None, 0.0, generator) for generator in generators]
    times = np.broadcast_to(visits.time_s[:, 0], (waves,))
    # Steps of any length are exact, so a long run is as true with fewer of them.
    step = max(_DRIFT_STEP * bank.correlation_time(), float(times[-1] - times[0]) / _MOST_STEPS)
    window = np.floor((times - times[0]) / step).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(window)) + 1).tolist(), waves]
    last = times[0]
    for first, end in pairwise(edges):
        elapsed = float(times[first] - last)
        if elapsed > 0.0:
            states = [
                bank.environment(state, elapsed, generator)
                for state, generator in zip(states, generators, strict=True)
            ]
            last = times[first]
        yield slice(first, end), tuple(states)
