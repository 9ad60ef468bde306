"""Describe what is done with a machine: the task, the training, the simulation.

Together with the machine and the network these blocks make an experiment; see `pnnsim.experiment`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Values of one input vector and of one result, by task.
TASK_SHAPES: dict[str, tuple[int, int]] = {
    "digits": (64, 10),
    "mnist": (784, 10),
    "fashion-mnist": (784, 10),
    "svhn": (3072, 10),
    "cifar10": (3072, 10),
}

Seed = Annotated[int, Field(ge=0, lt=2**53)]


class Block(BaseModel):
    """Be the base of the blocks of an experiment: frozen, and unknown keys are errors."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TaskParams(Block):
    """Describe what is to be learned."""

    name: Literal["digits", "mnist", "fashion-mnist", "svhn", "cifar10"] = "digits"
    """Data set; `digits` comes along, the others are files."""

    def shape(self) -> tuple[int, int]:
        """Return the values of one input vector and of one result."""
        return TASK_SHAPES[self.name]


class TrainingParams(Block):
    """Describe how the surrogate is trained."""

    rule: Literal["backprop"] = "backprop"
    """Learning rule."""
    epochs: Annotated[int, Field(ge=0, le=100_000)] = 40
    """Passes over the training examples; 0 keeps the initial weights."""
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Examples of one step of the optimizer."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 3e-3
    """Step size of the optimizer at the start."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Pull of the weights towards 0, decoupled from the gradient."""
    gradient_clip: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Largest norm of a gradient."""
    seed: Seed = 0
    """Seed of the initial weights and of the order of examples."""


class SimulationParams(Block):
    """Describe what is simulated with the trained weights."""

    chips: Annotated[int, Field(ge=1, le=10_000)] = 3
    """Fabricated chips on which accuracy is measured."""
    seed: Seed = 0
    """Seed of fabrication, writing and reading."""
    waves: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Held-out examples that are run; all where it is not given."""
    arrivals: Literal["saturated"] = "saturated"
    """`saturated`: a wave arrives at the moment when the front end can take it."""
