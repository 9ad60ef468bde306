"""How much of a machine a network uses: lines, detectors, cells, tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from pnnsim.devices.base import Memory, Size
from pnnsim.devices.registry import component_class
from pnnsim.mapping.products import Passage
from pnnsim.mapping.tiling import Mapping
from pnnsim.networks.workload import Workload
from pnnsim.specs.hardware import HardwareSpec


def size_of(spec: HardwareSpec, workload: Workload, *, mapping: Mapping, passage: Passage) -> Size:
    """Return how much of each part of a machine is used.

    Args:
        spec: Description of the machine.
        workload: What is to be computed.
        mapping: Where its matrices live.
        passage: What one sample takes.
    """
    memory = cast(type[Memory[Any]], component_class("memory", spec.memory.kind))
    return Size(
        inputs=workload.values[0].size,
        hidden=_cells(mapping, passage),
        lines=mapping.inputs,
        detectors=mapping.outputs,
        outputs=workload.values[workload.output].size,
        banks=mapping.logical,
        tiles_out=mapping.parallel_tiles[0],
        tiles_in=mapping.parallel_tiles[1],
        analog_state=memory.analog,
        temperature=spec.environment.temperature,
        carrier=spec.weight_banks.carrier,
        symbol_time=spec.weight_banks.symbol_time,
    )


def _cells(mapping: Mapping, passage: Passage) -> int:
    """Return how many states, or numbers, nonlinearity, memory and readout have cells for."""
    if not passage.products[-1].converts:
        return mapping.shapes[0].outputs
    once = replace(mapping, repeated=False)  # the mean of rows is taken ahead of these parts
    return max(once.outputs, *(product.cells for product in passage.products))
