"""Work of one core, and what it is done with: all that timing reads but the samples.

There are no processes here, no prices and no tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.policies import POLICIES, Policy
from pnnsim.mapping.products import Product
from pnnsim.mapping.tiling import Mapping
from pnnsim.specs.control import ControlParams


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one core.

    Args:
        delays: Delays of the machine.
        order: What a logical bank must hold at each product, shape `(n_product,)`: the weight set
            of the step, or one fold of it after the other (`Mapping.folded`).
        mapping: Where weight sets fit.
        control: How the work is ordered.
        memory_capacity: States that the memory holds at once.
        stateful: Whether each sample of a block begins with the state in which the sample at its
            place of the block before has ended. Samples are saturated then, and fill their blocks.
        products: What happens at each product; where not given, one state goes through all of them.
        jobs_fs: Time of the digital engine behind each product [fs], shape `(n_product,)`.
    """

    delays: Delays
    order: tuple[int, ...]
    mapping: Mapping
    control: ControlParams
    memory_capacity: int
    stateful: bool = False
    products: tuple[Product, ...] = ()
    jobs_fs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.products:
            object.__setattr__(self, "products", one_state(self.order, self.mapping))
        if not self.jobs_fs:
            object.__setattr__(self, "jobs_fs", (0,) * len(self.products))

    @property
    def converts(self) -> bool:
        """Return whether values become numbers on their way, and pass the converters in a train."""
        return self.products[-1].converts

    def stages(self, product: Product) -> tuple[Stage, ...]:
        """Return the stages of the encoder for a vector of a product."""
        return self.delays.entering if product.digital else self.delays.encode

    def encode_fs(self, product: Product) -> int:
        """Return T_encode of one vector of a product [fs]."""
        return sum(stage.duration_fs for stage in self.stages(product))

    def period_fs(self, product: Product) -> int:
        """Return the time from one vector of a product to the next [fs].

        It is that of the slowest part: the encoder, which keeps a symbol until the detector has
        captured it, the nonlinearity, or the converter behind it.
        """
        delays = self.delays
        encode_fs, held_fs = self.encode_fs(product), delays.hold_symbol_fs
        return max(
            max(encode_fs, held_fs) if delays.double_buffered else encode_fs + held_fs,
            delays.activate_fs if product.activates else 0,
            delays.digitize_fs if product.converts else 0,
        )

    def train_fs(self, product: Product) -> int:
        """Return the time from the first vector of a product to the last [fs]; 0 for one vector."""
        return (product.vectors - 1) * self.period_fs(product)

    @property
    def trains_fs(self) -> tuple[int, ...]:
        """Return the time from the first to the last vector of each product [fs]."""
        return tuple(self.train_fs(product) for product in self.products)

    @property
    def policy(self) -> Policy:
        """Return the rules by which accesses are ordered."""
        return POLICIES[self.control.policy](self.control.blocks_in_flight, self.ahead)

    @property
    def ahead(self) -> bool:
        """Return whether banks are written ahead of time: requested, needed and possible."""
        return self.control.prefetch and not self.mapping.resident and self.mapping.logical > 1


def one_state(order: tuple[int, ...], mapping: Mapping) -> tuple[Product, ...]:
    """Return the products of one state that goes through all of them and out.

    Args:
        order: What a logical bank must hold at each product.
        mapping: Where that fits.
    """
    contents, products, step = mapping.contents, list[Product](), -1
    for content in order:
        held = contents[content]
        step += not held.number
        last = held.number + 1 == len(mapping.folds_of(held.matrix))
        products.append(Product(step, held.number, content, begins=not held.number, activates=last))
    return tuple(products)
