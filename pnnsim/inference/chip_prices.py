"""Prices of the actions of a machine, from the costs that its parts state.

A part states the cost of an action for its whole width. Where one state goes through all products,
this is the price of a span. Where values of several widths do, spans count lines, rows and states
(`pnnsim.mapping.products`), and the price is that of one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pnnsim.common.units import from_fs
from pnnsim.mapping.actions import TABLE
from pnnsim.mapping.prices import EngineKeeps, PriceTable

if TYPE_CHECKING:
    from pnnsim.inference.chip import Chip


def prices_of(chip: Chip) -> PriceTable:
    """Return what every action of a chip costs, and what is drawn all the time."""
    components = chip.components
    dynamic = {
        (part, action.name): components[part].cost(action.price)
        for action in TABLE
        for part in action.components
        if action.price is not None
    }
    # Lines lose power in a bank for as long as they keep their symbol.
    line_power = chip.weight_banks.line_power(chip.encoder.full_scale)
    dynamic["weight_banks", "mvm"] += line_power * from_fs(chip.delays().hold_symbol_fs)
    keeps: EngineKeeps
    if chip.converts:
        size, each = chip.encoder.size, chip.front_end.operation_energy
        for part, action, width in (
            ("encoder", "convert", size.lines),
            ("encoder", "encode", size.lines),
            ("detector", "detect", size.detectors),
            ("nonlinearity", "activate", size.hidden),
            ("memory", "hold", size.hidden),
            ("readout", "digitize", size.hidden),
        ):
            dynamic[part, action] /= width
        if chip.spec.readout.digital:
            dynamic["readout", "digitize"] += dynamic["nonlinearity", "activate"]
        read = chip.front_end.weight_energy
        for action, job in (("map_input", chip.passage.input), ("map_output", chip.passage.output)):
            dynamic["front_end", action] = job.operations * each + job.bytes * read
        # What a sample moves to and from the buffer is paid once, with its input.
        dynamic["front_end", "map_input"] += chip.passage.moved * chip.front_end.buffer_energy
        # Each sample does all of the work between: a mean price makes their sum exact.
        between = sum(product.operations for product in chip.passage.products)
        weights = sum(product.bytes for product in chip.passage.products)
        dynamic["front_end", "compute"] = each + read * weights / max(1, between)
        keeps = "values"
    else:
        dynamic["encoder", "convert"] *= chip.conversions
        keeps = "drive" if chip.injects else "input"
    cores = chip.spec.control.cores
    static = {part: component.static_power() for part, component in components.items()}
    static["environment"] = chip.spec.environment.static_power
    static = {part: cores * power for part, power in static.items()}
    return PriceTable(dynamic, static, frozenset(chip.spec.control.gating), cores, keeps)
