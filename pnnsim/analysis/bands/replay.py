"""Time and price descriptions, and time anew only where a delay has changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.bands.pairs import FIGURES
from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.metrics import interval, latencies
from pnnsim.errors import PnnsimError
from pnnsim.inference.accesses import AccessTable, accesses_from_trace
from pnnsim.inference.chip import Chip
from pnnsim.inference.waits import refuse_waits
from pnnsim.mapping.work import Work
from pnnsim.networks.protocol import Network
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.timing.ahead import planned
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_cores, run_fast


@dataclass(slots=True)
class Replay:
    """Timing pass of one network on many descriptions, repeated only where the work differs.

    Args:
        network: What is computed.
        arrivals: When samples come.
    """

    network: Network
    arrivals: Arrivals
    _traces: dict[Work, AnyTrace] = field(default_factory=dict)

    def figures(self, spec: HardwareSpec) -> NDArray[np.float64]:
        """Return latency of the first sample, interval and energy of an inference, as `FIGURES`.

        Raises:
            PnnsimError: If the description cannot run the network.
            ValueError: If a value lies beyond what a formula holds for.
        """
        chip = Chip.nominal(spec, self.network)
        trace = self._trace(chip)
        energy = EnergyLedger.from_trace(trace, chip.prices()).total / trace.samples
        return np.array([latencies(trace)["first"], interval(trace), energy])

    def figures_if_feasible(self, spec: HardwareSpec | None) -> NDArray[np.float64]:
        """Return the figures of a drawn description; not a number where there are none."""
        try:
            if spec is not None:
                return self.figures(spec)
        except (PnnsimError, ValueError):
            pass
        return np.full(len(FIGURES), np.nan)

    @property
    def schedules(self) -> int:
        """Return how many different schedules have been timed."""
        return len(self._traces)

    def _trace(self, chip: Chip) -> AnyTrace:
        """Return the timing pass of a chip.

        Raises:
            ScheduleError: If the work cannot be timed, or a state waits that cannot.
        """
        work = chip.work()
        found = self._traces.get(work)
        if found is None:
            found = run_cores(run_fast, planned(work), self.arrivals)
            if not chip.memory.patient:
                refuse_waits(chip, _accesses(chip, found))
            self._traces[work] = found
        return found


def _accesses(chip: Chip, trace: AnyTrace) -> AccessTable:
    """Return what each sample of a run met."""
    return accesses_from_trace(
        trace, chip.order, chip.mapping, chip.setup_age(), block=chip.spec.control.block
    )
