"""Routes of a switch by its tables, one for each state: what a route passes and what leaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pnnsim.common.units import level_db
from pnnsim.devices.tables.scattering_table import ScatteringTable, TableError

#: Largest level that counts as nothing [dB].
MOST_DB = 100.0


@dataclass(frozen=True, slots=True)
class Routes:
    """Routes of a switch, in the order of its outputs.

    Args:
        loss: Loss of each route when it is selected [dB].
        extinction: Power of each selected route over the strongest other output [dB].
    """

    loss: tuple[float, ...]
    extinction: tuple[float, ...]


def routes_of(
    tables: Sequence[ScatteringTable], ports: Sequence[str] | None, low: float, high: float
) -> Routes:
    """Return the routes of a switch, at the worst wavelength of a band.

    Args:
        tables: State k is that in which output k is selected.
        ports: Input, then the outputs; the ports of the first table in natural order where None.
        low: Shortest wavelength of the band [m].
        high: Longest wavelength [m].

    Raises:
        TableError: If states and outputs do not fit, or a route is darker than one that leaks.
    """
    start, *ends = ports or tables[0].ports
    if len(set(ends)) != len(ends) or start in ends:
        raise TableError("has a port twice; expected the input, then each output once")
    if len(ends) < 2 or len(ends) != len(tables):
        raise TableError(
            f"has {len(ends)} output(s) in {len(tables)} table(s); expected at least two outputs, "
            "and a table for each, in which it is selected"
        )
    loss, extinction = [], []
    for k, table in enumerate(tables):
        passed = {end: table.passed(start, end, low, high) for end in ends}
        selected = passed.pop(ends[k])
        if float(selected.min()) <= 10.0 ** (-MOST_DB / 10.0):
            raise TableError(f"passes nothing to '{ends[k]}' in table {k + 1}, which selects it")
        ratio = max(float((other / selected).max()) for other in passed.values())
        if ratio >= 1.0:
            raise TableError(
                f"passes more to another output than to '{ends[k]}' in table {k + 1}, which "
                "selects it; expected the tables in the order of the outputs"
            )
        # A measurement may exceed what came in by its calibration, but no route amplifies.
        loss.append(max(0.0, -level_db(float(selected.min()))))
        extinction.append(min(MOST_DB, -level_db(ratio) if ratio > 0.0 else math.inf))
    return Routes(tuple(loss), tuple(extinction))
