"""Refusal of networks that a machine has no way to run, with the reason and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pnnsim.devices.base import Memory
from pnnsim.devices.registry import component_class
from pnnsim.errors import MappingError
from pnnsim.mapping.products import Passage
from pnnsim.mapping.tiling import Mapping
from pnnsim.networks.workload import Workload
from pnnsim.specs.hardware import HardwareSpec

if TYPE_CHECKING:
    from pnnsim.inference.chip import Chip


#: What must reach the detector of logical 1 on a line and weight 1 [W, V]: hardly a photon.
_LEAST_INPUT = 1e-20


def refuse_unfit(
    spec: HardwareSpec, workload: Workload, mapping: Mapping, passage: Passage
) -> None:
    """Refuse a network that a machine cannot run.

    Args:
        spec: Description of the machine.
        workload: What is computed.
        mapping: How its matrices are cut.
        passage: What one sample takes.

    Raises:
        MappingError: If a memory would have to give a state back twice, or values that become
            numbers are carried on from sample to sample.
    """
    banks, products = spec.weight_banks, passage.products
    memory = cast("type[Memory[Any]]", component_class("memory", spec.memory.kind))
    again = [product for product in products if not product.begins and not product.digital]
    if again and not memory.patient:
        shape = mapping.shapes[mapping.contents[again[0].content].matrix]
        folds = len(mapping.folds_of(mapping.contents[again[0].content].matrix))
        raise MappingError(
            f"memory.kind: a matrix of {shape.outputs} x {shape.inputs} takes "
            f"{folds} folds on {banks.count} banks of {banks.rows} x {banks.cols}, so "
            f"each state is encoded {folds} times; got {spec.memory.kind}, which gives "
            "it back once; expected a memory that waits. Hint: raise weight_banks.count, and "
            "control.parallel_tiles where it is given, or rows or cols"
        )
    if workload.carried and products[-1].converts:
        raise MappingError(
            "network: carries values on from sample to sample, and they become numbers on their "
            "way; expected a network whose one state stays on the machine, such as a stateful "
            "ReLaXNet. Hint: take a whole sequence as one sample"
        )


def refuse_values(chip: Chip) -> None:
    """Refuse values between digital steps that do not fit in the buffer."""
    capacity = chip.front_end.buffer_capacity
    if capacity is None:
        return
    block = chip.spec.control.block * chip.spec.control.blocks_in_flight
    needed = block * chip.passage.live
    if needed > capacity:
        raise MappingError(
            f"front_end.buffer_capacity: got {capacity} bytes; {block} samples in the loop "
            f"have {needed} numbers between digital steps at once; expected at least {needed}. "
            "Hint: raise front_end.buffer_capacity or lower control.block"
        )


def refuse_darkness(chip: Chip) -> None:
    """Refuse losses that leave nothing of a signal."""
    if chip.unit_input < _LEAST_INPUT:
        units = {"voltage": "V", "microwave": "V", "gate": "ohm"}
        unit = units.get(chip.weight_banks.size.carrier, "W")
        lets = {
            f"{part.part}.{part.params.kind}": part.transmission
            for part in (chip.memory, chip.switch, chip.weight_banks)
        }
        worst = min(lets, key=lambda name: lets[name])
        raise MappingError(
            f"{worst}: lets {lets[worst]:.3g} of the signal "
            f"through, so that {chip.unit_input:.3g} {unit} of a whole line reach the "
            f"detector; expected at least {_LEAST_INPUT:g} {unit}. Hint: lower its losses, or "
            "raise what the encoder gives"
        )
