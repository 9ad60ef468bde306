"""Refusal of networks that a machine has no way to run, with the reason and what would help."""

from __future__ import annotations

from typing import Any, cast

from pnnsim.devices.base import Memory
from pnnsim.devices.registry import component_class
from pnnsim.errors import MappingError
from pnnsim.mapping.products import Passage
from pnnsim.mapping.tiling import Mapping
from pnnsim.networks.workload import Workload
from pnnsim.specs.hardware import HardwareSpec


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
