"""Machine of an LruNet: a loop in digital form, planned accesses, priced work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, cast

from pnnsim.common.units import to_fs
from pnnsim.errors import MappingError, ScheduleError
from pnnsim.inference.chip import Chip
from pnnsim.lrunet.program import Program
from pnnsim.lrunet.timing import ImageRun
from pnnsim.mapping.plan import Access, initial_contents, plan_blocks
from pnnsim.mapping.prices import PriceTable
from pnnsim.networks.lrunet import LruNet
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.timing.trace import Trace

#: Shipped machine whose converter, memory and register others borrow.
_DIGITAL_LOOP = "photonic_mzi"


def digital_loop(
    spec: HardwareSpec, network: LruNet, *, banks: int | None = None, images: int = 1
) -> HardwareSpec:
    """Return a machine with a digital loop, large enough for the maps of a network.

    The maps of a convolutional network are larger than what an analog memory holds, and batch norm,
    skip and pooling are digital. So the activation becomes a converter (its function is `linear`),
    and the state is kept in a digital memory. A machine that has a digital loop keeps its own
    converter, memory and register; another gets those of `photonic_mzi`.

    Args:
        spec: Machine.
        network: What is to be computed; its largest maps decide the capacity of the memory.
        banks: Number of weight banks; as described where not given.
        images: Images that are in the machine together.
    """
    parts = ("nonlinearity", "memory", "readout")
    tree = spec.to_tree()
    if not all(getattr(getattr(spec, part), "digital", False) for part in parts):
        lender = load_spec(_DIGITAL_LOOP).to_tree()
        tree = {**tree, **{part: lender[part] for part in parts}}
    weight_banks = cast(Any, spec.weight_banks)
    program = Program(network, weight_banks.rows, weight_banks.cols)
    capacity = images * program.states(weight_banks.cols)
    changes = [("nonlinearity.function", "linear"), ("memory.capacity", str(capacity))]
    if banks is not None:
        changes.append(("weight_banks.count", str(banks)))
    return load_spec(tree, changes)


@dataclass(frozen=True)
class Machine:
    """Machine with a digital loop, planned and priced for an LruNet.

    Args:
        chip: Its parts, of the sizes that `Program.machine_order` gives.
        program: The work.
        images: Images that access each tile together.
    """

    chip: Chip
    program: Program
    images: int = 1

    @staticmethod
    def of(spec: HardwareSpec, network: LruNet, *, shared: bool = True, images: int = 1) -> Machine:
        """Return the machine for a network.

        Args:
            spec: Machine with a digital loop; see `digital_loop`.
            network: What is to be computed.
            shared: Whether all repetitions use the same tiles, or each a copy of its own.
            images: Images that access each tile together.

        Raises:
            MappingError: If the banks are not square, the loop is not digital, or the work is to be
                ordered in a way that convolutions are not.
            ScheduleError: If the memory does not hold the maps.
        """
        banks = cast(Any, spec.weight_banks)
        digital = all(getattr(part, "digital", False) for part in (spec.nonlinearity, spec.memory))
        if not digital or getattr(spec.nonlinearity, "function", "") != "linear":
            raise MappingError(
                f"{spec.name}: an LruNet needs a converter in its loop (nonlinearity.kind digital "
                f"with function linear) and a digital memory; got {spec.nonlinearity.kind} and "
                f"{spec.memory.kind}. Hint: pnnsim.lrunet.digital_loop(spec, network)"
            )
        _refuse_orders(spec)
        program = Program(network, banks.rows, banks.cols, shared)
        machine = Machine(Chip.nominal(spec, program.machine_order()), program, images)
        needed, there = images * program.states(banks.cols), machine.chip.memory.capacity
        if there < needed:
            raise ScheduleError(
                f"memory.capacity: the maps of {images} image(s) take {needed} states, got "
                f"{there}. Hint: memory.capacity={needed}"
            )
        return machine

    @cached_property
    def accesses(self) -> tuple[Access, ...]:
        """Return the accesses of an image that starts from the banks as the one before left them.

        Writes are planned as for any other network (`pnnsim.mapping.plan.plan_blocks`), with each
        tile in the place of a weight set. The first image, which starts from the set-up, is
        left out.
        """
        plan = plan_blocks(self.program.order, self.chip.mapping)
        return next(islice(plan, 1, None))

    def held_before(self) -> tuple[int, ...]:
        """Return the tile in each bank when that image comes, shape `(n_bank,)`."""
        order, mapping = self.program.order, self.chip.mapping
        held = list(initial_contents(order, mapping))
        for access in next(plan_blocks(order, mapping)):
            held[access.bank] = access.weight_set
        return tuple(held)

    @property
    def writes(self) -> int:
        """Return how many banks are written for the images that access the tiles together."""
        return sum(access.write for access in self.accesses)

    def digital_fs(self) -> tuple[int, ...]:
        """Return the time of the digital engine behind each application [fs]."""
        return tuple(self._engine_fs(self.images * a.digital) for a in self.program.applications)

    def trace(self) -> Trace:
        """Simulate the images."""
        run = ImageRun(
            self.program,
            self.accesses,
            self.chip.delays(),
            digital_fs=self.digital_fs(),
            input_fs=self._engine_fs(self._input_operations),
            overlap=self.chip.spec.control.overlap,
            images=self.images,
        )
        return run.trace()

    def prices(self) -> PriceTable:
        """Return what every action costs.

        The work of the digital engine differs from one convolution to the next; its price is the
        mean over all of them, so that their sum is exact.
        """
        prices = self.chip.prices()
        each = cast(Any, self.chip.spec.front_end).mac_energy
        applications = self.program.applications
        behind = self.images * sum(a.digital for a in applications) / len(applications)
        dynamic = {
            **prices.dynamic,
            ("front_end", "map_input"): self._input_operations * each,
            ("front_end", "map_output"): behind * each,
        }
        # Patches are read from maps that the engine keeps.
        return replace(prices, dynamic=dynamic, engine_keeps="values")

    @property
    def _input_operations(self) -> int:
        """Return the operations that scale the pixels of one image to the lines."""
        network = self.program.network
        return network.channels * network.side**2

    def _engine_fs(self, operations: int) -> int:
        """Return the whole cycles that the digital engine takes [fs]."""
        front_end = cast(Any, self.chip.spec.front_end)
        return to_fs(-(-operations // front_end.macs_per_cycle) / front_end.clock)


def _refuse_orders(spec: HardwareSpec) -> None:
    """Refuse orders of work that `pnnsim.lrunet.timing` does not simulate."""
    control = spec.control
    for name, given, expected, hint in (
        ("block", control.block, 1, "Machine.of(…, images=…) shares the accesses of a tile"),
        ("cores", control.cores, 1, "cores side by side multiply throughput, power and area"),
        ("prefetch", control.prefetch, False, "more banks, so that fewer are rewritten"),
        ("refresh_interval", control.refresh_interval, None, "leave it out"),
    ):
        if given != expected:
            raise MappingError(
                f"control.{name}: got {given} for an LruNet, whose tiles are used one after the "
                f"other and written when they are needed; expected the default, {expected}. "
                f"Hint: {hint}"
            )
