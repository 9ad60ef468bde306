"""Build small machines for the tests of timing, by hand or at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from pnnsim.mapping.closed_form import closed_form_fs
from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.policies import POLICIES
from pnnsim.mapping.tiling import Mapping, map_network
from pnnsim.mapping.work import Work
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.control import ControlParams
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_fast, run_timing
from pnnsim.timing.trace import Trace

#: The machine of the drawings: T_in 4, T_encode 2, T_MM 4, T_state 5, T_out 3, all in fs.
SMALL = Delays(
    input=(Stage("front_end", "map_input", 4),),
    encode=(Stage("encoder", "encode", 2),),
    propagate_fs=1,
    mvm_fs=1,
    detect_fs=2,
    activate_fs=2,
    hold_fs=1,
    output=(Stage("readout", "convert", 3),),
    route_fs=7,
    write_fs=20,
)


@dataclass(frozen=True)
class Machine:
    """Hold everything that one run of timing needs."""

    delays: Delays
    network: ReLaXNet
    mapping: Mapping
    control: ControlParams
    samples: int
    memory_capacity: int
    arrivals: Arrivals | None = None

    @property
    def order(self) -> tuple[int, ...]:
        """Return what banks must hold at each product, in order."""
        return self.mapping.folded(self.network.weight_set_order())

    @property
    def work(self) -> Work:
        return Work(self.delays, self.order, self.mapping, self.control, self.memory_capacity)

    @property
    def requests(self) -> Arrivals:
        return self.arrivals or Arrivals(self.samples)

    def run(self) -> Trace:
        """Simulate every event, and check that the invariants hold."""
        trace = run_timing(self.work, self.arrivals or self.samples)
        trace.check(self.work, self.requests)
        return trace

    def run_fast(self) -> AnyTrace:
        """Simulate the events that decide all others."""
        return run_fast(self.work, self.arrivals or self.samples)

    def closed_form_fs(self) -> int | None:
        return closed_form_fs(self.work)


def seconds(femtoseconds: int) -> str:
    """Return a duration as descriptions have it."""
    return f"{femtoseconds} fs"


def machine(
    delays: Delays = SMALL,
    *,
    sets: int = 2,
    steps: int = 2,
    banks: int = 2,
    block: int = 1,
    blocks_in_flight: int = 1,
    overlap: bool = True,
    samples: int = 1,
    order: Any = "cycle",
    prefetch: bool = False,
    policy: str = "belady",
    write_drivers: int = 1,
    arrivals: Arrivals | None = None,
    refresh_fs: int | None = None,
    tile: tuple[int, int] = (4, 4),
    parallel_tiles: int | None = None,
    **changes: Any,
) -> Machine:
    """Return a machine, SMALL unless told otherwise; `changes` are delays.

    Matrices are 4 x 4, and a bank holds one unless `tile` is smaller.
    """
    rows, cols = tile
    return Machine(
        delays=replace(delays, **changes),
        network=ReLaXNet(hidden=4, weight_sets=sets, steps=steps, order=order),
        mapping=map_network(
            hidden=4,
            weight_sets=sets,
            count=banks,
            rows=rows,
            cols=cols,
            parallel_tiles=parallel_tiles,
        ),
        control=ControlParams(
            block=block,
            blocks_in_flight=blocks_in_flight,
            overlap=overlap,
            prefetch=prefetch,
            policy=policy,
            write_drivers=write_drivers,
            parallel_tiles=parallel_tiles,
            refresh_interval=None if refresh_fs is None else seconds(refresh_fs),
        ),
        samples=samples,
        memory_capacity=block * blocks_in_flight,
        arrivals=arrivals,
    )


#: Delays from none to such that dwarf the rest, so that every part is the bottleneck now and then.
durations = st.sampled_from([0, 1, 2, 3, 5, 8, 13, 50])


@st.composite
def delay_sets(draw: st.DrawFn) -> Delays:
    return Delays(
        input=(
            Stage("front_end", "map_input", draw(durations)),
            Stage("encoder.dac", "convert", draw(durations)),
        ),
        encode=(Stage("encoder", "encode", draw(durations)),),
        propagate_fs=draw(durations),
        mvm_fs=draw(durations),
        detect_fs=draw(durations),
        activate_fs=draw(durations),
        hold_fs=draw(durations),
        # From 1, so that results never come all at once.
        output=(
            Stage("readout", "convert", draw(durations) + 1),
            Stage("front_end", "map_output", draw(durations)),
        ),
        route_fs=draw(durations),
        write_fs=draw(durations) * 10,
        double_buffered=draw(st.booleans()),
    )


@st.composite
def machines(draw: st.DrawFn, samples: tuple[int, int] = (1, 9), ahead: bool = False) -> Machine:
    sets = draw(st.integers(1, 5))
    rest = draw(st.lists(st.integers(0, sets - 1), max_size=4))
    order = draw(st.permutations([*range(sets), *rest]))
    # Whole matrices as often as folded ones.
    tile, tiles = draw(st.sampled_from([((4, 4), 1), ((4, 4), 1), ((2, 4), 2), ((3, 2), 4)]))
    banks = draw(st.integers(1, sets * tiles))
    return machine(
        draw(delay_sets()),
        sets=sets,
        steps=len(order),
        banks=banks,
        tile=tile,
        parallel_tiles=draw(st.sampled_from([None, 1, min(2, banks)])) if tiles > 1 else None,
        block=draw(st.integers(1, 4)),
        overlap=draw(st.booleans()),
        samples=draw(st.integers(*samples)),
        prefetch=draw(st.booleans()) if ahead else False,
        policy=draw(st.sampled_from(sorted(POLICIES))),
        write_drivers=draw(st.integers(1, 3)) if ahead else 1,
        order=tuple(order),
    )


@st.composite
def pipelines(draw: st.DrawFn, samples: tuple[int, int] = (1, 12)) -> Machine:
    """Draw machines in which several blocks may be in the loop at once."""
    sets = draw(st.integers(1, 3))
    order = draw(
        st.permutations([*range(sets), *draw(st.lists(st.integers(0, sets - 1), max_size=3))])
    )
    tile, tiles = draw(st.sampled_from([((4, 4), 1), ((4, 4), 1), ((2, 4), 2)]))
    return machine(
        draw(delay_sets()),
        sets=sets,
        steps=len(order),
        banks=sets * tiles,
        tile=tile,
        parallel_tiles=1 if tiles > 1 else None,
        block=draw(st.integers(1, 3)),
        blocks_in_flight=draw(st.integers(1, 4)),
        samples=draw(st.integers(*samples)),
        order=tuple(order),
    )
