"""The parts of a description, put together into one machine, nominal or fabricated.

A `Chip` has the components, how long their actions take, what they cost, and what fabrication has
made of them. It runs nothing: timing and values are separate engines.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from pnnsim.common.rng import stream
from pnnsim.common.units import from_fs
from pnnsim.devices.base import (
    Component,
    Detector,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
    Size,
    State,
    Switch,
    WeightBank,
)
from pnnsim.devices.component import built_parts
from pnnsim.devices.registry import component_class, parts
from pnnsim.errors import MappingError
from pnnsim.inference.chip_warnings import warnings_of
from pnnsim.mapping.actions import TABLE
from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.tiling import Mapping, map_network
from pnnsim.mapping.work import Work
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec

#: What must reach the detector of logical 1 on a line and weight 1 [W, V]: hardly a photon.
_LEAST_INPUT = 1e-20


@dataclass(frozen=True)
class Chip:
    """One machine as a network uses it.

    Args:
        spec: Description of the machine.
        network: What is to be computed.
        mapping: Where its matrices live.
        components: Part name → component.
        states: What fabrication made of each logical bank; empty tensors' dicts when nominal.
        name: `nominal`, or the path under which this chip draws its random numbers.
        seed: Seed of those numbers.
    """

    spec: HardwareSpec
    network: ReLaXNet
    mapping: Mapping
    components: dict[str, Component[Any]]
    states: tuple[State, ...]
    name: str = "nominal"
    seed: int = 0

    @staticmethod
    def nominal(spec: HardwareSpec, network: ReLaXNet) -> Chip:
        """Return the chip that the description promises.

        Args:
            spec: Description of the machine.
            network: What is to be computed.

        Raises:
            MappingError: If the network does not fit the machine, or is no ReLaX-Net.
        """
        if not isinstance(network, ReLaXNet):
            raise MappingError(
                f"network: got {type(network).__name__}; expected a ReLaXNet, as machines run no "
                "other workload yet. Hint: pnnsim.networks.reference computes it in software"
            )
        banks = spec.weight_banks
        mapping = map_network(
            hidden=network.hidden,
            weight_sets=network.weight_sets,
            count=banks.count,
            rows=banks.rows,
            cols=banks.cols,
            parallel_tiles=spec.control.parallel_tiles,
        )
        memory = cast(type[Memory[Any]], component_class("memory", spec.memory.kind))
        if mapping.folds > 1 and not memory.patient:
            raise MappingError(
                f"memory.kind: a matrix of {network.hidden} x {network.hidden} takes "
                f"{mapping.folds} folds on {banks.count} banks of {banks.rows} x {banks.cols}, so "
                f"each state is encoded {mapping.folds} times; got {spec.memory.kind}, which gives "
                "it back once; expected a memory that waits. Hint: raise weight_banks.count, and "
                "control.parallel_tiles where it is given, or rows or cols"
            )
        size = Size(
            inputs=network.inputs,
            hidden=network.hidden,
            lines=mapping.inputs,
            detectors=mapping.outputs,
            outputs=network.outputs,
            banks=mapping.logical,
            tiles_out=mapping.parallel_tiles[0],
            tiles_in=mapping.parallel_tiles[1],
            analog_state=memory.analog,
            temperature=spec.environment.temperature,
            carrier=banks.carrier,
        )
        components = {
            part: component_class(part, getattr(spec, part).kind)(getattr(spec, part), size)
            for part in parts()
        }
        chip = Chip(spec, network, mapping, components, ({},) * mapping.used)
        lit = replace(size, line_power=chip.line_power("weight_banks"))
        components["weight_banks"] = type(chip.weight_banks)(banks, lit)
        chip._refuse_darkness()
        return chip

    def _refuse_darkness(self) -> None:
        """Refuse losses that leave nothing of a signal."""
        if self.unit_input < _LEAST_INPUT:
            unit = "V" if self.weight_banks.size.carrier == "voltage" else "W"
            lets = {
                f"{part.part}.{part.params.kind}": part.transmission
                for part in (self.memory, self.switch, self.weight_banks)
            }
            worst = min(lets, key=lambda name: lets[name])
            raise MappingError(
                f"{worst}: lets {lets[worst]:.3g} of the signal "
                f"through, so that {self.unit_input:.3g} {unit} of a whole line reach the "
                f"detector; expected at least {_LEAST_INPUT:g} {unit}. Hint: lower its losses, or "
                "raise what the encoder gives"
            )

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
        return Chip(self.spec, self.network, self.mapping, parts, states, name, seed)

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

    def delays(self) -> Delays:
        """Return how long everything takes, in the order in which a sample meets it."""
        convert_fs = self._conversions * self.encoder.delay_fs("convert")
        convert = Stage("encoder.dac", "convert", convert_fs)
        encode = Stage("encoder", "encode", self.encoder.delay_fs("encode"))
        map_input = Stage("front_end", "map_input", self.front_end.delay_fs("map_input"))
        analog = self.memory.analog
        return Delays(
            input=(map_input, convert) if analog else (map_input,),
            encode=(encode,) if analog else (convert, encode),
            propagate_fs=self.weight_banks.delay_fs("propagate"),
            mvm_fs=self.weight_banks.delay_fs("mvm"),
            detect_fs=self.detector.delay_fs("detect"),
            activate_fs=self.nonlinearity.delay_fs("activate"),
            hold_fs=self.memory.delay_fs("hold"),
            output=(
                Stage("readout", "convert", self.readout.delay_fs("convert")),
                Stage("front_end", "map_output", self.front_end.delay_fs("map_output")),
            ),
            route_fs=self.switch.delay_fs("route"),
            write_fs=self.write_fs(),
        )

    @property
    def _conversions(self) -> int:
        """Return how often the lines convert at a time.

        A whole state is handed over to an analog memory, which may be wider than the lines of one
        fold; a digital memory gives each fold its part.
        """
        return self.mapping.sequential_tiles[1] if self.memory.analog else 1

    @property
    def order(self) -> tuple[int, ...]:
        """Return what a logical bank must hold at each product, as of `Work`."""
        return self.mapping.folded(self.network.weight_set_order())

    def work(self) -> Work:
        """Return what each core has to do, and with what."""
        return Work(
            delays=self.delays(),
            order=self.order,
            mapping=self.mapping,
            control=self.spec.control,
            memory_capacity=self.memory.capacity,
            stateful=self.network.stateful,
        )

    def prices(self) -> PriceTable:
        """Return what every action costs, and what is drawn all the time."""
        dynamic = {
            (part, action.name): self.components[part].cost(action.price)
            for action in TABLE
            for part in action.components
            if action.price is not None
        }
        dynamic["encoder", "convert"] *= self._conversions
        # Lines lose power in a bank for as long as they keep their symbol.
        line_power = self.weight_banks.line_power(self.encoder.full_scale)
        dynamic["weight_banks", "mvm"] += line_power * from_fs(self.delays().hold_symbol_fs)
        static = {part: component.static_power() for part, component in self.components.items()}
        static["environment"] = self.spec.environment.static_power
        cores = self.spec.control.cores
        static = {part: cores * power for part, power in static.items()}
        return PriceTable(
            dynamic,
            static,
            frozenset(self.spec.control.gating),
            cores,
            "drive" if self.network.injection == "every" else "input",
        )

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


def nominal_chip(machine: HardwareSpec | Chip, network: ReLaXNet) -> Chip:
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
