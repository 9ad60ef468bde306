"""Describe what is done with a machine: the task, the training, the simulation.

Together with the machine and the network these blocks make an experiment; see
`pnnsim.specs.experiment`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pnnsim.common.description import Description
from pnnsim.devices.quantities import Frequency, Time, distinct

#: Evaluations for which a drawn chip stays, in files and in Python.
REDRAW = 16

#: Values of one input vector and of one result, by task.
TASK_SHAPES: dict[str, tuple[int, int]] = {
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
    "svhn": (3072, 10),
    "cifar10": (3072, 10),
    "cifar100": (3072, 100),
}

#: Distinct characters of a text, by task.
TEXT_VOCABULARIES: dict[str, int] = {"shakespeare": 65}

Seed = Annotated[int, Field(ge=0, lt=2**53)]


class TaskParams(Description):
    """What is to be learned."""

    name: Literal[
        "digits", "mnist", "fashion-mnist", "svhn", "cifar10", "cifar100", "shakespeare"
    ] = "digits"
    """Data set; `digits` comes along, the others are files."""
    window: Annotated[int, Field(ge=1, le=1000)] = 8
    """Characters of a text from which the next one is predicted; images have none."""

    def shape(self) -> tuple[int, int]:
        """Return the values of one input vector and of one result.

        A text has one input for each character of the window that may stand at each of its places.
        """
        if self.name in TEXT_VOCABULARIES:
            return self.window * TEXT_VOCABULARIES[self.name], TEXT_VOCABULARIES[self.name]
        return TASK_SHAPES[self.name]


class TrainingParams(Description):
    """How the surrogate is trained."""

    rule: Literal["backprop", "hardware_aware"] = "backprop"
    """`backprop`: on the nominal machine; `hardware_aware`: on chips and noise drawn meanwhile."""
    non_idealities: Literal["all"] | Annotated[tuple[str, ...], AfterValidator(distinct)] = "all"
    """What `hardware_aware` draws: names such as `weight_banks.crosstalk`, or all there are."""
    redraw: Annotated[int, Field(ge=1, le=1_000_000)] = REDRAW
    """Batches for which a drawn chip stays; the noise of reading is fresh in each."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    """Optimizer."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of `sgd`; the others have their own."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 40
    """Passes over the training examples."""
    examples: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Examples of one pass, drawn anew for each; where not given all, or 16384 of a text."""
    sequence: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Samples in a row of one example, for a stateful network; 64 if not given.
    Gradients flow through all of them, and the state before the first is 0."""
    patience: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Epochs without a better validation after which training ends and the best epoch is kept; if
    not given, training goes to its end and the last epoch is kept."""
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Examples of one step of the optimizer."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 3e-3
    """Step size of the optimizer at the start, or after the warm-up."""
    weight_rate: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Factor on the step size of the weight sets: they span [-1, 1], and a small gain follows."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """`cosine`: the step size falls to 0 along half a cosine; `constant`: it stays."""
    warmup: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Epochs in which the step size rises from 0, before the schedule begins."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Pull of the weights towards 0; decoupled from the gradient in `adamw` alone."""
    gradient_clip: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Largest norm of a gradient."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the wanted probability that is spread over all classes."""
    standardize: bool = False
    """Whether pixels are given mean 0 and variance 1, as a part of the input map."""
    state_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """State on the machine over that in the units of training; small for activations like relu."""
    checkpoint_epochs: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Epochs from one checkpoint to the next, where checkpoints are written."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where to train; `auto` takes CUDA where there is any."""
    seed: Seed = 0
    """Seed of the initial weights, of the order of examples, and of what is drawn."""

    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each setting that has been changed and has no effect."""
        drawn = "training.rule", self.rule, "hardware_aware"
        needs = {
            "non_idealities": drawn,
            "redraw": drawn,
            "momentum": ("training.optimizer", self.optimizer, "sgd"),
        }
        values = dict(self)
        return tuple(
            f"training.{key}: is given, but {by} is {got}; it has no effect. Hint: {by}: {wanted}"
            for key, (by, got, wanted) in needs.items()
            if got != wanted and values[key] != TrainingParams.model_fields[key].default
        )


class SimulationParams(Description):
    """What is simulated with the trained weights."""

    chips: Annotated[int, Field(ge=1, le=10_000)] = 3
    """Fabricated chips on which accuracy is measured."""
    seed: Seed = 0
    """Seed of fabrication, writing and reading."""
    samples: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Held-out examples that are run; where not given all, or the first 4096 of a text."""
    band_draws: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Descriptions drawn from the ranges of the machine for the band of its figures; 0 for none."""
    exact: bool = False
    """Whether every event is simulated where a run repeats itself; the figures are the same."""
    arrivals: Literal["saturated", "periodic", "poisson", "file"] = "saturated"
    """When samples arrive; `saturated`: at the moment when the front end can take them."""
    interval: Annotated[Time, Field(ge=1e-15)] | None = None
    """Time from one arrival to the next, for periodic arrivals."""
    rate: Annotated[Frequency, Field(gt=0)] | None = None
    """Mean arrivals per time, for Poisson arrivals."""
    times: str | None = None
    """File with one arrival time on each line, such as `12.5 ns`, for arrivals from a file."""
    queue: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Samples that can wait before the front end, others are turned away; None for any number."""

    @model_validator(mode="after")
    def _check_arrivals(self) -> SimulationParams:
        """Refuse what the arrivals need and do not have, and what they have and do not need."""
        needs = {
            "periodic": ("interval", self.interval),
            "poisson": ("rate", self.rate),
            "file": ("times", self.times),
        }
        for kind, (key, value) in needs.items():
            given, wanted = value is not None, self.arrivals == kind
            if given != wanted:
                got = f"'{key}' is given" if given else f"'{key}' is missing"
                raise ValueError(f"{got}, arrivals are {self.arrivals}; {kind} arrivals need it")
        if self.queue is not None and self.arrivals == "saturated":
            raise ValueError("'queue' is given, but saturated samples never wait")
        return self
