"""Work of one core, and what it is done with: all that timing reads but the samples.

There are no processes here, no prices and no tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.mapping.delays import Delays
from pnnsim.mapping.tiling import Mapping
from pnnsim.specs.control import ControlParams


@dataclass(frozen=True, slots=True)
class Work:
    """Describe the work of one core.

    Args:
        delays: Delays of the machine.
        order: What a logical bank must hold at each product, shape `(n_product,)`: the weight set
            of the step, or one fold of it after the other (`Mapping.folded`).
        mapping: Where weight sets fit.
        control: How the work is ordered.
        memory_capacity: States that the memory holds at once.
        stateful: Whether each sample of a block begins with the state in which the sample at its
            place of the block before has ended. Samples are saturated then, and fill their blocks.
    """

    delays: Delays
    order: tuple[int, ...]
    mapping: Mapping
    control: ControlParams
    memory_capacity: int
    stateful: bool = False

    @property
    def folds(self) -> int:
        """Return how many products make up a step."""
        return self.mapping.folds

    @property
    def ahead(self) -> bool:
        """Return whether banks are written ahead of time: asked for, needed and possible."""
        return self.control.prefetch and not self.mapping.resident and self.mapping.logical > 1
