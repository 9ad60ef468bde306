"""Describe what is to be computed, without hardware and without numbers for the weights.

`ReLaXNet` (Tsuchiyama, Roehm, Mihana, Horisaki, arXiv:2511.00044; its later version calls the same
idea time-multiplexed layer reuse, TIDAL-Net) applies a few weight sets in turn:

    h[t+1] = residual * h[t] + f(W_xh x[t] + W_k(t) h[t] + b_k(t)),   k(t) = order[t]

A stateful network reads a sequence: the last state of a sample is the first of the
sample that follows it in the same stream.

An RNN is the case of one weight set, a DNN the case of as many sets as steps. Nothing here imports
torch: a description must be checked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from torch import Tensor

    from pnnsim.networks.workload import Workload

Size = Annotated[int, Field(ge=1, le=1_000_000)]


class ReLaXNet(BaseModel):
    """Network of a few weight sets that are used in turn over many steps."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        defer_build=True,  # a validator takes milliseconds to build
    )

    kind: Literal["relaxnet", "rnn", "dnn"] = "relaxnet"
    """`rnn` means one weight set, `dnn` as many as steps; the code is the same."""
    inputs: Size = 64
    """Values of one input vector."""
    hidden: Size = 64
    """Width N of the state."""
    outputs: Size = 10
    """Values of one result."""
    weight_sets: Annotated[int, Field(ge=1, le=4096)] = 2
    """Distinct weight matrices, L_W."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 12
    """Applications of a weight matrix, L_T."""
    residual: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Factor alpha of the state that is carried over a step."""
    injection: Literal["first", "every"] = "first"
    """`first`: h[0] = relu(W_xh x + b_in); `every`: h[0] = 0 and W_xh x is added in each step."""
    order: Literal["cycle", "sequence"] | tuple[Annotated[int, Field(ge=0)], ...] = "cycle"
    """Weight set of each step: 0,1,0,1,… or 0,0,…,1,1,… or a list with one entry per step."""

    stateful: bool = False
    """Whether a sample starts from the state in which the sample before it has ended."""

    @model_validator(mode="before")
    @classmethod
    def _fill_weight_sets(cls, data: Any) -> Any:
        """Let the kind decide the number of weight sets where it is not given."""
        if not isinstance(data, dict) or "weight_sets" in data:
            return data
        kind = data.get("kind", "relaxnet")
        if kind == "rnn":
            return {**data, "weight_sets": 1}
        if kind == "dnn":
            return {**data, "weight_sets": data.get("steps", cls.model_fields["steps"].default)}
        return data

    @model_validator(mode="after")
    def _agree(self) -> ReLaXNet:
        """Refuse combinations that contradict each other."""
        if self.weight_sets > self.steps:
            raise PydanticCustomError(
                "network",
                "weight_sets ({sets}) is more than steps ({steps}); expected at most one a step",
                {"sets": self.weight_sets, "steps": self.steps},
            )
        fixed = {"rnn": 1, "dnn": self.steps}.get(self.kind)
        if fixed is not None and self.weight_sets != fixed:
            raise PydanticCustomError(
                "network",
                "kind {kind} has {fixed} weight set(s) at {steps} steps, but weight_sets is {sets}",
                {
                    "kind": self.kind,
                    "fixed": fixed,
                    "steps": self.steps,
                    "sets": self.weight_sets,
                },
            )
        if self.stateful and self.injection == "first":
            raise PydanticCustomError(
                "network",
                "stateful is true and injection is first; expected injection every, as the first "
                "state is taken by the sample before",
            )
        if isinstance(self.order, tuple):
            if len(self.order) != self.steps:
                raise PydanticCustomError(
                    "network",
                    "order has {got} entries; expected one for each of the {steps} steps",
                    {"got": len(self.order), "steps": self.steps},
                )
            if sorted(set(self.order)) != list(range(self.weight_sets)):
                raise PydanticCustomError(
                    "network",
                    "order uses the sets {used}; expected every set from 0 to {last}",
                    {"used": str(sorted(set(self.order))), "last": self.weight_sets - 1},
                )
        return self

    def weight_set_order(self) -> tuple[int, ...]:
        """Return k(t), the weight set of each step, shape `(steps,)`."""
        if isinstance(self.order, tuple):
            return self.order
        if self.order == "cycle":
            return tuple(step % self.weight_sets for step in range(self.steps))
        return tuple(step * self.weight_sets // self.steps for step in range(self.steps))

    @property
    def workload(self) -> Workload:
        """Return the steps of a sample, as data."""
        # Not ahead of the class: a description is checked without workloads.
        from pnnsim.networks.lowering.lower_relaxnet import lower_relaxnet

        return lower_relaxnet(self)

    def initial_parameters(self, seed: int = 0, *, slope: float = 1.0) -> dict[str, Tensor]:
        """Return first weights that neither fade nor grow over the steps, by name.

        Args:
            seed: Seed of the draws.
            slope: Slope of the machine's activation where it is steepest.
        """
        # Not ahead of the class: a description is checked without torch.
        from pnnsim.networks.relaxnet_parameters import by_name, initial

        return by_name(self, initial(self, seed, slope=slope))

    def parameter_counts(self) -> dict[str, int]:
        """Return how many parameters are trained, by place.

        Hidden counts weights and biases of the sets, as the paper does; the electronic gain, one
        per set, is counted with them on a line of its own.
        """
        hidden = self.weight_sets * (self.hidden * self.hidden + self.hidden)
        front_end = self.inputs * self.hidden + (self.hidden if self.injection == "first" else 0)
        readout = self.hidden * self.outputs + self.outputs
        total = hidden + self.weight_sets + front_end + readout
        return {
            "hidden": hidden,
            "gain": self.weight_sets,
            "front_end": front_end,
            "readout": readout,
            "total": total,
        }

    def macs_per_inference(self) -> dict[str, int]:
        """Return the multiply-accumulates of one forward pass, by place."""
        return {
            "hidden": self.steps * self.hidden * self.hidden,
            "front_end": self.inputs * self.hidden,
            "readout": self.hidden * self.outputs,
        }
