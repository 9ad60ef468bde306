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

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pnnsim.common.description import Description

if TYPE_CHECKING:
    from torch import Tensor

    from pnnsim.networks.relaxnet_parameters import WorkingPoint
    from pnnsim.networks.workload import Workload

Size = Annotated[int, Field(ge=1, le=1_000_000)]


class ReLaXNet(Description):
    """Network of a few weight sets that are used in turn over many steps."""

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

    gains: Literal["set", "row"] = "set"
    """One electronic gain behind the detector for each weight set, or one for each of its rows."""
    stateful: bool = False
    """Whether a sample starts from the state in which the sample before it has ended."""
    input_map: Literal["digital", "banks", "fixed", "none"] = "digital"
    """Where W_xh is: trained on the digital engine, on banks, drawn once and not trained on the
    digital engine, or nowhere, so that the inputs are the state. A relu follows on the engine."""
    output_map: Literal["digital", "banks", "fixed", "none"] = "digital"
    """Where W_out is, likewise; with `none` the last state is the result."""

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
        self._maps_agree()
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

    def _maps_agree(self) -> None:
        """Refuse maps that are left out between different widths, or that a state does not pass."""
        maps = (
            ("input", self.inputs, self.input_map),
            ("output", self.outputs, self.output_map),
        )
        for name, width, kind in maps:
            if kind == "none" and width != self.hidden:
                raise PydanticCustomError(
                    "network",
                    "{name}_map is none, {name}s is {width} and hidden is {hidden}; expected equal "
                    "widths",
                    {"name": name, "width": width, "hidden": self.hidden},
                )
            if self.stateful and kind in ("banks", "none"):
                raise PydanticCustomError(
                    "network",
                    "stateful is true and {name}_map is {kind}; expected digital or fixed, as the "
                    "state stays on the machine between samples",
                    {"name": name, "kind": kind},
                )

    @property
    def digital_maps(self) -> bool:
        """Return whether both maps are on the digital engine."""
        return {self.input_map, self.output_map} <= {"digital", "fixed"}

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

    def initial_parameters(
        self, seed: int = 0, *, point: WorkingPoint | None = None
    ) -> dict[str, Tensor]:
        """Return first weights that neither fade nor grow over the steps, by name.

        Args:
            seed: Seed of the draws.
            point: Working point of the machine's activation; by default one of slope 1 through 0.
        """
        # Not ahead of the class: a description is checked without torch.
        from pnnsim.networks.relaxnet_parameters import WorkingPoint, by_name, initial

        return by_name(self, initial(self, seed, point=point or WorkingPoint()))

    @property
    def gain_shape(self) -> tuple[int, ...]:
        """Return the shape of the electronic gains: of each set, or of each of its rows."""
        sets = self.weight_sets
        return (sets, self.hidden) if self.gains == "row" else (sets,)

    def parameter_counts(self) -> dict[str, int]:
        """Return how many parameters there are, by place, and how many of them are not trained.

        Hidden counts weights and biases of the sets, as the paper does; the electronic gains, one
        for each set or for each of its rows, are counted with them on a line of their own.
        """
        hidden = self.weight_sets * (self.hidden * self.hidden + self.hidden)
        into = self.inputs * self.hidden + (self.hidden if self.injection == "first" else 0)
        out = self.hidden * self.outputs + self.outputs
        found = {"hidden": hidden, "gain": math.prod(self.gain_shape), "front_end": 0, "readout": 0}
        fixed = 0
        for place, kind, count in (
            ("front_end", self.input_map, into),
            ("readout", self.output_map, out),
        ):
            if kind in ("digital", "fixed"):
                found[place] += count
            elif kind == "banks":
                found["hidden"] += count
            fixed += count if kind == "fixed" else 0
        total = sum(found.values())
        return {**found, **({"fixed": fixed} if fixed else {}), "total": total}

    def macs_per_inference(self) -> dict[str, int]:
        """Return the multiply-accumulates of one forward pass, by place."""
        found = {"hidden": self.steps * self.hidden * self.hidden, "front_end": 0, "readout": 0}
        for place, kind, count in (
            ("front_end", self.input_map, self.inputs * self.hidden),
            ("readout", self.output_map, self.hidden * self.outputs),
        ):
            if kind != "none":
                found["hidden" if kind == "banks" else place] += count
        return found
