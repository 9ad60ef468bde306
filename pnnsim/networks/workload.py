"""What a network computes, as data: matrices, and the steps that use them.

Every network is lowered to a workload; planner, timing, evaluator and ledger read nothing else of
it. Nothing here depends on hardware or imports torch. A workload holds no callables: an
operator is a name, and a parameter is a name.

Conventions. A *sample* is one input of the network; a *vector* is what crosses a bank at once.
Value 0 is the input of a sample, and step i makes value i + 1. A value has one of three shapes:

    (n,)                    one vector
    (vectors, n)            several vectors, such as the items of a sequence
    (channels, high, wide)  a map, of which a `Gather` takes one vector for each place

Reshape, slice and concatenation are `Digital` steps that cost no operations and no bytes.
A workload is checked when it is made: one that contradicts itself never exists.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path

from pnnsim.common.html_table import html_table
from pnnsim.networks import workload_json
from pnnsim.networks.checks import check
from pnnsim.networks.parts import (
    MACHINE,
    Carried,
    Constant,
    Digital,
    Gather,
    Matrix,
    Mvm,
    Shape,
    Value,
)

__all__ = [
    "MACHINE",
    "Carried",
    "Constant",
    "Digital",
    "Gather",
    "Matrix",
    "Mvm",
    "Shape",
    "Value",
    "Workload",
]


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that one sample of a network takes, in the order in which it is computed.

    Args:
        values: Value 0 is the input; value i + 1 is made by step i.
        matrices: Stationary operands.
        steps: Uses of them, and digital work between.
        output: Number of the value that the network gives.
        carried: Values that go on to the next sample.
        shapes: Shape of every parameter by name, those of the matrices included.

    Raises:
        WorkloadError: If a part is wrong or contradicts another.
    """

    values: tuple[Value, ...]
    matrices: tuple[Matrix, ...]
    steps: tuple[Mvm | Digital, ...]
    output: int
    carried: tuple[Carried, ...] = ()
    shapes: dict[str, Shape] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check(self.values, self.matrices, self.steps, self.output, self.carried, self.shapes)

    def __repr__(self) -> str:
        """Return its size; `to_json` has the whole of it."""
        return (
            f"Workload({len(self.matrices)} matrices, {len(self.steps)} steps, "
            f"{self.macs:,} MACs, {self.sha256()[:12]})"
        )

    def _repr_html_(self) -> str:
        """Return its matrices and how often each is used, as a notebook shows them."""
        uses = [step.matrix for step in self.steps if isinstance(step, Mvm)]
        rows = [
            (
                matrix.name,
                f"{matrix.outputs} × {matrix.inputs}",
                str(matrix.groups),
                str(uses.count(number)),
            )
            for number, matrix in enumerate(self.matrices)
        ]
        return html_table(repr(self), ("matrix", "outputs × inputs", "groups", "uses"), rows)

    @property
    def parameters(self) -> int:
        """Return how many numbers the parameters are."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def operations(self) -> int:
        """Return the operations of one sample on the digital engine."""
        return sum(step.operations for step in self.steps if isinstance(step, Digital))

    def vectors(self, step: int) -> int:
        """Return how many vectors of a sample cross the banks in a step; 0 for a digital one."""
        work = self.steps[step]
        if isinstance(work, Digital):
            return 0
        shape = self.values[work.source].shape
        if work.gather is not None:
            return math.prod(work.gather.places(shape[1], shape[2]))
        return 1 if len(shape) == 1 else shape[0]

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates of one sample on the banks."""
        return sum(
            self.vectors(number) * self.matrices[step.matrix].macs
            for number, step in enumerate(self.steps)
            if isinstance(step, Mvm)
        )

    def to_json(self) -> str:
        """Return the workload as text: one for each workload, whatever the order of its shapes."""
        return workload_json.text(
            self.values, self.matrices, self.steps, self.output, self.carried, self.shapes
        )

    @staticmethod
    def from_json(text: str | bytes, name: str = "<workload>") -> Workload:
        """Return the workload of a text.

        Args:
            text: What `to_json` has returned.
            name: Name of the file, for messages.

        Raises:
            WorkloadError: If it is not the text of a workload.
        """
        return Workload(**workload_json.parts(text, name))

    def sha256(self) -> str:
        """Return the hash of its content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the workload as a file.

        Raises:
            OutputError: If the file cannot be written; one that was there is left as it was.
        """
        workload_json.write(path, self.to_json())

    @staticmethod
    def load(path: Path) -> Workload:
        """Read what `save` has written.

        Raises:
            WorkloadError: If the file is missing, damaged, or holds no workload.
        """
        return Workload.from_json(workload_json.read(path), str(path))
