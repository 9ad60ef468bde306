"""How much of a machine a network uses: lines, detectors, cells, tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from pnnsim.devices.base import Memory, Size
from pnnsim.devices.registry import component_class
from pnnsim.mapping.folding import MatrixShape
from pnnsim.mapping.products import Passage, passage_of
from pnnsim.mapping.tiling import Mapping, map_matrices
from pnnsim.networks.workload import Workload
from pnnsim.specs.hardware import HardwareSpec


def mapped(spec: HardwareSpec, workload: Workload) -> tuple[Mapping, Passage]:
    """Return where the matrices of a workload live on a machine, and what one sample takes there.

    Args:
        spec: Description of the machine.
        workload: What is to be computed.

    Raises:
        MappingError: If the matrices do not fit, or are to be read several times and cannot be.
    """
    banks, control, operators = spec.weight_banks, spec.control, spec.nonlinearity.operators
    mapping = map_matrices(
        [MatrixShape(m.outputs, m.inputs, m.groups) for m in workload.matrices],
        count=banks.count,
        rows=banks.rows,
        cols=banks.cols,
        parallel_tiles=control.parallel_tiles,
    )
    passage = passage_of(workload, mapping, operators, reads=control.reads)
    if not control.averages_rows(numbers=passage.products[-1].converts):
        return mapping, passage
    repeated = replace(mapping, repeated=True)
    return repeated, passage_of(workload, repeated, operators, reads=control.reads)


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
