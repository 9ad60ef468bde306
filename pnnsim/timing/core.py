"""One core of a machine: its units (`pnnsim.timing.units`) and how they are joined.

There is one process per hardware unit, none per sample.

    queue ─▶ front end ─▶ encoder ─▶ bank ─▶ detector ─▶ nonlinearity ─▶ readout
                           ▲  ▲  ▲              │  │          │
                           │  │  └─── switch ◀──┘  │          ▼
                           │  └──── next fold ◀────┘          │
                           └────────────────────────────── memory

Where values become numbers on their way, there stand in the place of the readout

    detector, nonlinearity ─▶ converter ─▶ digital steps ─▶ encoder; behind the last: results

There are no tensors, prices or devices here, and what was prepared for a block that never came is
left to `pnnsim.timing.run`, which takes it out of the trace.
"""

from __future__ import annotations

from pnnsim.mapping.actions import ENGINE_LANE, PATH_LANE, READOUT_LANE
from pnnsim.mapping.plan import initial_contents
from pnnsim.mapping.work import Work
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.kernel import Clock, Servers
from pnnsim.timing.recorder import Spans
from pnnsim.timing.units.bank import WeightBank
from pnnsim.timing.units.converter import Converter
from pnnsim.timing.units.detector import Detector
from pnnsim.timing.units.digital_engine import DigitalEngine
from pnnsim.timing.units.digital_steps import DigitalSteps
from pnnsim.timing.units.encoder import Encoder
from pnnsim.timing.units.front_end import FrontEnd
from pnnsim.timing.units.memory import Memory
from pnnsim.timing.units.nonlinearity import Nonlinearity
from pnnsim.timing.units.readout import Progress, Readout
from pnnsim.timing.units.switch import Switch
from pnnsim.timing.units.writers import Writers
from pnnsim.timing.wiring import Tally, Wiring

__all__ = ["Core", "Progress"]


class Core:
    """The units of one core and the spans that they write.

    Args:
        work: What is to be done, and with what.
        arrivals: When samples come.
        progress: Called with (results so far, samples) about a hundred times.
    """

    def __init__(self, work: Work, arrivals: Arrivals, progress: Progress | None = None) -> None:
        wiring = Wiring(Clock(), work, arrivals)
        _name_lanes(wiring)
        count = work.mapping.writers(work.control.write_drivers)
        drivers = Servers(wiring.env, count)
        banks = [
            WeightBank(wiring, number, content, drivers)
            for number, content in enumerate(initial_contents(work.order, work.mapping))
        ]
        writers = Writers(wiring, banks, count) if work.ahead else None
        Switch(wiring, banks, writers)
        engine = DigitalEngine(wiring)
        FrontEnd(wiring, engine)
        Encoder(wiring, banks)
        Detector(wiring, banks, writers)
        Nonlinearity(wiring)
        Memory(wiring)
        self._readout: Readout | DigitalSteps
        if work.converts:
            Converter(wiring)
            self._readout = DigitalSteps(wiring, engine, progress)
        else:
            self._readout = Readout(wiring, engine, progress)
        self._wiring = wiring

    def run(self) -> None:
        """Let everything happen."""
        self._wiring.env.run()

    @property
    def work(self) -> Work:
        """Return what was to be done."""
        return self._wiring.work

    @property
    def spans(self) -> Spans:
        """Return the spans written so far."""
        return self._wiring.spans

    @property
    def tally(self) -> Tally:
        """Return what was counted so far."""
        return self._wiring.tally

    @property
    def outputs(self) -> set[tuple[int, int]]:
        """Return lane and action of each output stage."""
        return self._readout.actions


def _name_lanes(wiring: Wiring) -> None:
    """Number the lanes in the order in which a sample meets them."""
    spans, delays = wiring.spans, wiring.delays
    spans.lanes(delays.input)
    spans.lanes(delays.encode)
    banks = (f"weight_banks.{bank}" for bank in range(wiring.work.mapping.used))
    spans.lanes(delays.entering)
    spans.lane(delays.symbol_lane)
    for unit in ("switch", PATH_LANE, *banks, "detector", "nonlinearity", "memory"):
        spans.lane(unit)
    if wiring.work.converts:
        spans.lane(READOUT_LANE)
    spans.lanes(delays.output)
    spans.lane(ENGINE_LANE)
