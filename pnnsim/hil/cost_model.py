"""Time and energy of each call to a machine, from its description and the timing engine.

No values are computed here. The simulated machine charges by it, and a training is priced with it
before it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.common.cost import Cost
from pnnsim.common.recent_results import Kept
from pnnsim.common.units import from_fs
from pnnsim.errors import BackendError
from pnnsim.hil.cost_report import CostReport
from pnnsim.inference.chip import Chip
from pnnsim.mapping.work import Work
from pnnsim.timing.run import run_timing
from pnnsim.timing.trace import Trace

#: Rows of traces that are kept, of 70 bytes each, so 18 MB: a host may call with ever new batch
#: sizes, for days. A training has a few sizes, of some 10,000 rows.
KEPT_ROWS = 2**18


@dataclass(frozen=True, slots=True)
class Passage:
    """One timed call.

    Args:
        trace: Which part was busy with what.
        cost: What it costs.
    """

    trace: Trace
    cost: CostReport


@dataclass
class CostModel:
    """Prices of the calls to one machine.

    A state that is read in the middle of a pass is converted by the readout before it goes on, so
    the sample waits for it where the switch does not keep it waiting anyway.

    Args:
        chip: Any chip of the machine; delays and prices never depend on fabrication.

    Raises:
        BackendError: If the weight sets do not all have a bank of their own, which holds them
            whole: then a pass would overwrite what the host has written. Or if there are several
            cores: each has weights and a spread of its own, so each is a machine in the loop by
            itself.
    """

    chip: Chip
    _known: Kept[Passage] = field(
        default_factory=lambda: Kept(KEPT_ROWS, size=lambda passage: len(passage.trace)), repr=False
    )

    def __post_init__(self) -> None:
        mapping = self.chip.mapping
        if mapping.folds > 1:
            raise BackendError(
                f"hardware in the loop: a matrix takes {mapping.folds} folds, one after the other; "
                "expected banks that hold it whole. Hint: raise weight_banks.count, and "
                "control.parallel_tiles where it is given, or lower network.hidden"
            )
        if not mapping.resident:
            raise BackendError(
                f"hardware in the loop: the machine holds {mapping.logical} weight sets at once, "
                f"the network has {mapping.weight_sets}; expected a bank for each. Hint: raise "
                "weight_banks.count or lower network.weight_sets"
            )
        control = self.chip.spec.control
        if control.cores > 1:
            raise BackendError(
                f"hardware in the loop: the machine has {control.cores} cores, each with weights "
                "of its own; expected one. Hint: control.cores=1, and a chip for each core"
            )
        # What is written, and when, is the host's decision here: a pass writes nothing by itself.
        control = control.model_copy(update={"refresh_interval": None})
        self._work = replace(self.chip.work(), control=control, stateful=False)
        self._delays = self._work.delays
        self._prices = self.chip.prices()
        #: Power while no sample is on its way: parts that are gated keep nothing and draw none [W].
        self.power = self._prices.standing_w

    def forward(self, samples: int, *, states: bool) -> Passage:
        """Return a pass of some samples through all steps.

        Args:
            samples: Number of samples.
            states: Whether each state is read on the way.
        """
        return self._passage(samples, states, self._work, single=False)

    def step(self, samples: int) -> Passage:
        """Return a pass of some samples through one step, which ends in the readout."""
        alone = replace(self.chip.mapping, shapes=self.chip.mapping.shapes[:1])
        work = replace(self._work, order=(0,), mapping=alone, products=(), jobs_fs=())
        return self._passage(samples, False, work, single=True)

    def route(self) -> CostReport:
        """Return one move of the switch between two calls."""
        time = from_fs(self._delays.route_fs)
        energy = self._prices.dynamic[("switch", "route")] + self.power * time
        return CostReport(forward=Cost(0, time, energy))

    def write(self) -> CostReport:
        """Return the programming of one weight set."""
        time = from_fs(self._delays.write_fs)
        energy = self._prices.dynamic[("weight_banks", "write")] + self.power * time
        return CostReport(write=Cost(1, time, energy))

    def settle(self, time_s: float) -> CostReport:
        """Return the wait for written banks [s]."""
        return CostReport(write=Cost(0, time_s, self.power * time_s))

    def host(self, time_s: float, *, updates: int) -> CostReport:
        """Return what the machine draws while the host computes.

        Args:
            time_s: Time [s].
            updates: Updates of the parameters in it.
        """
        return CostReport(host=Cost(updates, time_s, self.power * time_s))

    def _passage(self, samples: int, states: bool, work: Work, *, single: bool) -> Passage:
        def timed() -> Passage:
            trace = run_timing(work, samples)
            ledger = EnergyLedger.from_trace(trace, self._prices)
            cost = CostReport(forward=Cost(samples, from_fs(trace.makespan_fs), ledger.total))
            if states:
                trace, read = self._with_states(samples, work, cost.forward)
                cost = replace(cost, read=read)
            return Passage(trace, cost)

        return self._known.get((samples, states, single), timed)

    def _with_states(self, samples: int, work: Work, plain: Cost) -> tuple[Trace, Cost]:
        """Return the trace of a pass whose states are read, and what that adds to a plain one."""
        convert = self.chip.readout.delay_fs("convert")
        slow = replace(self._delays, hold_fs=self._delays.hold_fs + convert)
        trace = run_timing(replace(work, delays=slow), samples)
        count = samples * (len(work.order) - 1)
        time = from_fs(trace.makespan_fs) - plain.time_s
        # A sample that waits for its state keeps other parts on for longer, or for less.
        waited = EnergyLedger.from_trace(trace, self._prices).total - plain.energy_j
        price = self.chip.readout.cost("convert")
        if "readout" in self._prices.gated:
            price += self._prices.static_w["readout"] * from_fs(convert)
        return trace, Cost(count, time, count * price + waited)
