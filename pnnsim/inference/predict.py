"""Ask chips for their answers: fabricated, nominal or ideal.

Here what drifts is advanced as a chip's clock runs. Nothing is timed, and no figure is made of the
answers but the share that is right and the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.errors import InputError
from pnnsim.inference.accesses import AccessTable, nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.drift import drift_windows
from pnnsim.inference.evaluator import evaluate, evaluate_streams
from pnnsim.inference.inputs import as_inputs
from pnnsim.inference.programming import Read
from pnnsim.networks.parameters import ParameterSet


def outputs(
    chip: Chip,
    parameters: ParameterSet,
    x: Tensor,
    accesses: AccessTable,
    *,
    without: Sequence[str] = (),
    streams: int | None = None,
) -> Tensor:
    """Return what one chip answers, with all of its non-idealities but some.

    What drifts is advanced as the chip's clock runs, in steps of a tenth of its correlation time;
    the same chip gives the same answers each time it is asked.

    Args:
        chip: Fabricated or nominal.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, n_inputs)`, or images of that many values; arrays and lists, too.
        accesses: What each sample met.
        without: Names of non-idealities to switch off.
        streams: Samples ahead of the one that goes on from the first; those of the whole machine
            where not given.

    Returns:
        Outputs, shape `(batch, n_outputs)`.

    Raises:
        InputError: If inputs or accesses do not fit.
    """
    x = _rows(chip, parameters, x)
    if len(accesses.bank) not in (1, len(x)):
        raise InputError(
            f"accesses: are those of {len(accesses.bank)} samples, x has {len(x)}; expected as many"
        )
    streams = streams_of(chip) if streams is None else streams
    active = chip.non_idealities - frozenset(without)
    generator = stream(chip.seed, f"{chip.name}.detector", "read")
    ask = _Asker(chip, parameters, streams)
    answers = []
    with _without_gradients():
        for samples, environment in drift_windows(chip, accesses, len(x), streams):
            read = Read(active, generator, environment, programmed=True)
            answers.append(ask(x[samples], accesses.select(samples), read))
    return torch.cat(answers)


def ideal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what a chip without any non-ideality answers: the network in exact arithmetic."""
    x = _rows(chip, parameters, x)
    accesses = nominal_accesses(chip.order, chip.mapping)
    with _without_gradients():
        return _Asker(chip, parameters, streams_of(chip))(x, accesses, Read(frozenset()))


def nominal_outputs(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return what the surrogate answers: nominal chip, settled, no noise."""
    x = _rows(chip, parameters, x)
    accesses = nominal_accesses(chip.order, chip.mapping)
    with _without_gradients():
        return _Asker(chip, parameters, streams_of(chip))(x, accesses, Read(chip.deterministic))


def _rows(chip: Chip, parameters: ParameterSet, x: Tensor) -> Tensor:
    """Return inputs as one row a sample, in the type of the parameters."""
    return as_inputs(x, chip.network.inputs, parameters.weight).detach()


@contextmanager
def _without_gradients() -> Iterator[None]:
    """Compute without gradients, but so that what a chip keeps can serve training later."""
    with torch.inference_mode(False), torch.no_grad():
        yield


class _Asker:
    """Ask a chip about some samples after others, which may go on from the state of these.

    Args:
        chip: Nominal or fabricated.
        parameters: Trained numbers.
        streams: Samples that come one behind the other before a kept state is taken up again.
    """

    def __init__(self, chip: Chip, parameters: ParameterSet, streams: int) -> None:
        self._chip = chip
        self._parameters = parameters
        # Streams begin with nothing; the samples of a block are one of each.
        self._state = parameters.bias.new_zeros(streams, chip.network.hidden)

    def __call__(self, x: Tensor, accesses: AccessTable, read: Read) -> Tensor:
        """Return outputs, shape `(batch, n_outputs)`, for inputs of shape `(batch, n_inputs)`."""
        chip, parameters = self._chip, self._parameters
        if not chip.network.stateful:
            return evaluate(chip, parameters, x, accesses, read)
        state = self._state.to(x)
        answers, self._state = evaluate_streams(chip, parameters, x, accesses, read, state)
        return answers


def streams_of(chip: Chip) -> int:
    """Return how many samples come one behind the other before a kept state is taken up again."""
    return chip.spec.control.cores * streams_of_core(chip) if chip.network.stateful else 1


def streams_of_core(chip: Chip) -> int:
    """Return how many samples of one core do, each of which goes on with states of its own."""
    return chip.spec.control.block if chip.network.stateful else 1


def share_correct(answers: Tensor, y: Tensor) -> float:
    """Return the share of samples whose largest output is their class."""
    return float((answers.argmax(dim=1) == y).double().mean())


def mean_loss(answers: Tensor, y: Tensor) -> float:
    """Return the mean cross-entropy of the classes [nats], a softmax taken of the outputs."""
    return float(torch.nn.functional.cross_entropy(answers.double(), y))


#: What is measured of the answers, by the key of the metrics: for images, and for a text.
Qualities = Mapping[str, Callable[[Tensor, Tensor], float]]
IMAGE_QUALITIES: Qualities = {"accuracy": share_correct}
TEXT_QUALITIES: Qualities = {"accuracy": share_correct, "loss_nats": mean_loss}


def quality(surrogate: float, chips: list[float]) -> dict[str, Any]:
    """Return one figure of the answers, of the surrogate and of each chip."""
    return {"surrogate": surrogate, **spread("hardware", chips), "chips": chips}


def spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return mean and sample standard deviation; a single value has no spread."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {f"{name}_mean": float(np.mean(values)), f"{name}_std": deviation}
