"""Nonlinearity of a digital table behind sums that are numbers already."""

from __future__ import annotations

from typing import final

from pnnsim.common.units import to_fs
from pnnsim.devices.nonlinearities.digital import TableActivation
from pnnsim.devices.nonlinearities.lookup_params import LookupParams


@final
class Lookup(TableActivation[LookupParams]):
    """Nonlinearity of one table for each output, all of which work at once."""

    kind = "lookup"
    Params = LookupParams

    def delay_fs(self, action: str) -> int:
        """Return the time of rounding and function."""
        return {"activate": to_fs(self.params.function_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of the function of every line."""
        return {"activate": self.size.hidden * self.params.function_energy}[action]

    def static_power(self) -> float:
        """Return the standing power of all tables."""
        return self.size.hidden * self.params.static_power
