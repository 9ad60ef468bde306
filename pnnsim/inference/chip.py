"""The parts of a description, put together into one machine, nominal or fabricated.

A `Chip` has the components, how long their actions take, what they cost, and what fabrication has
made of them. It runs nothing: timing and values are separate engines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.common.units import from_fs
from pnnsim.devices.base import (
    Active,
    Component,
    Detector,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
    State,
    Switch,
    WeightBank,
)
from pnnsim.devices.component import built_parts
from pnnsim.devices.registry import component_class, parts
from pnnsim.errors import MappingError
from pnnsim.inference.chip_delays import delays_of
from pnnsim.inference.chip_fit import refuse_darkness, refuse_unfit, refuse_values
from pnnsim.inference.chip_prices import prices_of
from pnnsim.inference.chip_size import size_of
from pnnsim.inference.chip_table import chip_table
from pnnsim.inference.chip_warnings import warnings_of
from pnnsim.mapping.delays import Delays
from pnnsim.mapping.folding import MatrixShape
from pnnsim.mapping.policies import POLICIES, Policy
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.products import Passage, passage_of
from pnnsim.mapping.tiling import Mapping, map_matrices
from pnnsim.mapping.work import Work
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.workload import Mvm
from pnnsim.specs.hardware import HardwareSpec


@dataclass(frozen=True)
class Chip:
    """One machine as a network uses it.

    Args:
        spec: Description of the machine.
        network: What is to be computed.
        mapping: Where its matrices live.
        passage: What one sample takes.
        components: Part name → component.
        states: What fabrication made of each logical bank; empty tensors' dicts when nominal.
        name: `nominal`, or the path of its random numbers; `seed` is their seed.
    """

    spec: HardwareSpec
    network: Network
    mapping: Mapping
    passage: Passage
    components: dict[str, Component[Any]]
    states: tuple[State, ...]
    name: str = "nominal"
    seed: int = 0

    def __repr__(self) -> str:
        """Return machine and name, and how many banks hold the network."""
        return f"Chip({self.spec.name}, {self.name}, {self.mapping.used} banks in use)"

    def _repr_html_(self) -> str:
        """Return the parts of the chip and their static power, as a notebook shows them."""
        return chip_table(repr(self), self.components, self.prices().static_w)

    @staticmethod
    def nominal(spec: HardwareSpec, network: Network) -> Chip:
        """Return the chip that the description promises.

        Args:
            spec: Description of the machine.
            network: What is to be computed.

        Raises:
            MappingError: If the network does not fit the machine.
        """
        banks, workload = spec.weight_banks, network.workload
        mapping = map_matrices(
            [MatrixShape(m.outputs, m.inputs, m.groups) for m in workload.matrices],
            count=banks.count,
            rows=banks.rows,
            cols=banks.cols,
            parallel_tiles=spec.control.parallel_tiles,
        )
        reads, operators = spec.control.reads, spec.nonlinearity.operators
        passage = passage_of(workload, mapping, operators, reads=reads)
        if spec.control.averages_rows(numbers=passage.products[-1].converts):
            mapping = replace(mapping, repeated=True)
            passage = passage_of(workload, mapping, operators, reads=reads)
        refuse_unfit(spec, workload, mapping, passage)
        size = size_of(spec, workload, mapping=mapping, passage=passage)
        sections = spec.sections()
        components = {
            part: component_class(part, sections[part].kind)(sections[part], size)
            for part in parts()
        }
        chip = Chip(spec, network, mapping, passage, components, ({},) * mapping.used)
        lit = replace(size, line_power=chip.line_power("weight_banks"))
        components["weight_banks"] = type(chip.weight_banks)(banks, lit)
        refuse_darkness(chip)
        refuse_values(chip)
        return chip

    def fabricate(self, seed: int, index: int) -> Chip:
        """Return one chip of a Monte-Carlo set; the same seed and index give the same chip.

        Args:
            seed: Seed of the set.
            index: Number of the chip in it.
        """
        return self._made(f"chip{index}", seed)

    def core(self, number: int) -> Chip:
        """Return one core of this chip; each has the spread of its own fabrication.

        The first core is this chip, and all cores of a nominal chip are alike.
        """
        if not number or self.name == "nominal":
            return self
        return self._made(f"{self.name}.core{number}", self.seed)

    def _made(self, name: str, seed: int) -> Chip:
        """Return the chip that a name and a seed stand for."""
        states = tuple(
            self.weight_banks.fabricate(stream(seed, f"{name}.weight_banks.{bank}", "fabrication"))
            for bank in range(self.mapping.used)
        )
        parts = built_parts(self.components, name, seed)
        return replace(self, components=parts, states=states, name=name, seed=seed)

    @property
    def front_end(self) -> FrontEnd[Any]:
        """Return the part that computes the input and output maps."""
        return cast("FrontEnd[Any]", self.components["front_end"])

    @property
    def encoder(self) -> Encoder[Any]:
        """Return the part that puts the state onto lines."""
        return cast("Encoder[Any]", self.components["encoder"])

    @property
    def switch(self) -> Switch[Any]:
        """Return the part that chooses the bank."""
        return cast("Switch[Any]", self.components["switch"])

    @property
    def weight_banks(self) -> WeightBank[Any]:
        """Return the part that holds the weights."""
        return cast("WeightBank[Any]", self.components["weight_banks"])

    @property
    def detector(self) -> Detector[Any]:
        """Return the part that captures the product."""
        return cast("Detector[Any]", self.components["detector"])

    @property
    def nonlinearity(self) -> Nonlinearity[Any]:
        """Return the part that applies f."""
        return cast("Nonlinearity[Any]", self.components["nonlinearity"])

    @property
    def memory(self) -> Memory[Any]:
        """Return the part that keeps the state."""
        return cast("Memory[Any]", self.components["memory"])

    @property
    def readout(self) -> Readout[Any]:
        """Return the part that hands the result to the host."""
        return cast("Readout[Any]", self.components["readout"])

    @property
    def non_idealities(self) -> frozenset[str]:
        """Return the names of everything that keeps this machine from being ideal."""
        return frozenset(
            f"{part}.{name}"
            for part, component in self.components.items()
            for name in component.non_idealities
        )

    @property
    def deterministic(self) -> frozenset[str]:
        """Return the non-idealities that are the same on every chip, known before training."""
        return frozenset(
            f"{part}.{name}"
            for part, component in self.components.items()
            for name in component.deterministic
        )

    @property
    def unit_input(self) -> float:
        """Return what a detector gets for logical 1 on one line and weight 1 [W], or [A]."""
        return self.line_power("detector")

    def line_power(self, part: str) -> float:
        """Return the power [W], or voltage [V], of logical 1 on one line where it meets a part."""
        power = self.encoder.full_scale * self.memory.transmission
        for passed in (self.switch, self.weight_banks):
            if passed.part == part:
                break
            power *= passed.transmission
        return power

    @property
    def converts(self) -> bool:
        """Return whether values become numbers on their way through the machine."""
        return self.passage.products[-1].converts

    @property
    def signed_lines(self) -> bool:
        """Return whether lines carry numbers of either sign; an intensity cannot be negative."""
        minus = torch.tensor([[-1.0]], dtype=torch.float64)
        return float(self.encoder.encode(minus, converted=False, active=frozenset())) < 0.0

    def digitize(self, value: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return values as the numbers that digital steps read.

        A register has no converter; then it is that of the nonlinearity, its function left out.

        Args:
            value: What was captured or activated, scaled to the converter.
            span: Least and greatest value of the converter.
            active: Non-idealities that are switched on.
        """
        if not self.spec.readout.digital:
            return self.readout.read(value, span, active)
        return self.nonlinearity.convert(value, span, active)

    @property
    def relaxnet(self) -> ReLaXNet:
        """Return the network where it is a ReLaX-Net between digital maps.

        Raises:
            MappingError: It is another one.
        """
        if not isinstance(self.network, ReLaXNet) or not self.network.digital_maps:
            raise MappingError(
                f"network: got {type(self.network).__name__}; expected a ReLaXNet whose maps are "
                "digital, as one state goes from step to step. Hint: network.input_map: digital"
            )
        return self.network

    @property
    def stateful(self) -> bool:
        """Return whether each sample starts from what the one before has left."""
        return bool(self.network.workload.carried)

    def delays(self) -> Delays:
        """Return how long everything takes, in the order in which a sample meets it."""
        return delays_of(self)

    @property
    def injects(self) -> bool:
        """Return whether something is added ahead of the activation in each step."""
        return any(isinstance(s, Mvm) and s.inject is not None for s in self.network.workload.steps)

    @property
    def conversions(self) -> int:
        """Return how often the lines convert at a time.

        A whole state is handed over to an analog memory, which may be wider than the lines of one
        fold; a digital memory gives each fold its part.
        """
        return self.mapping.sequential_tiles[1] if self.memory.analog else 1

    @property
    def order(self) -> tuple[int, ...]:
        """Return what a logical bank must hold at each product, as of `Work`."""
        return tuple(product.content for product in self.passage.products)

    @property
    def policy(self) -> Policy:
        """Return the rules by which weights come to banks, but for writes ahead of time."""
        return POLICIES[self.spec.control.policy](self.spec.control.blocks_in_flight)

    def work(self) -> Work:
        """Return what each core has to do, and with what."""
        products = self.passage.products
        return Work(
            delays=self.delays(),
            order=self.order,
            mapping=self.mapping,
            control=self.spec.control,
            memory_capacity=self.memory.capacity,
            stateful=self.stateful,
            products=products,
            jobs_fs=tuple(self.front_end.job_fs(product.operations) for product in products),
        )

    def prices(self) -> PriceTable:
        """Return what every action costs, and what is drawn all the time."""
        return prices_of(self)

    def write_fs(self) -> int:
        """Return how long it takes to write all tiles of one matrix [fs]."""
        rounds = self.mapping.write_rounds(self.spec.control.write_drivers)
        return rounds * self.weight_banks.delay_fs("write")

    def setup_age(self) -> float:
        """Return the time from the start of the last set-up write to the first sample [s]."""
        return from_fs(self.write_fs()) + self.weight_banks.setup_wait()

    def areas(self) -> dict[str, float]:
        """Return the area of each part whose description fixes it [m^2]."""
        areas = {part: component.area() for part, component in self.components.items()}
        cores = self.spec.control.cores
        return {part: cores * area for part, area in areas.items() if area is not None}

    def warnings(self, work: Work | None = None) -> tuple[str, ...]:
        """Return warnings about this machine, for its designer.

        Args:
            work: Work that it is timed with (`pnnsim.timing.ahead`); that of the description where
                it is not given.
        """
        return warnings_of(self, work or self.work())


def nominal_chip(machine: HardwareSpec | Chip, network: Network) -> Chip:
    """Return the nominal chip of a machine: built here, or the one that is there already.

    Args:
        machine: Its description, or its nominal chip.
        network: What is to be computed.

    Raises:
        MappingError: If the network does not fit the machine, or the chip is another.
    """
    if not isinstance(machine, Chip):
        return Chip.nominal(machine, network)
    if machine.name != "nominal" or machine.network != network:
        other = "of another network" if machine.network != network else f"named {machine.name}"
        raise MappingError(f"chip: got one {other}; expected the nominal chip of this network")
    return machine
