"""Build workloads, and machines for them, by hand or at random, for the tests of timing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from pnnsim.errors import MappingError
from pnnsim.mapping.closed_form import closed_form_fs
from pnnsim.mapping.delays import Delays, Stage
from pnnsim.mapping.folding import MatrixShape
from pnnsim.mapping.policies import POLICIES
from pnnsim.mapping.products import Passage, passage_of
from pnnsim.mapping.tiling import map_matrices
from pnnsim.mapping.work import Work
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.parts import MACHINE, Gather, Value
from pnnsim.networks.workload import Workload
from pnnsim.specs.control import ControlParams
from pnnsim.timing.arrivals import Arrivals, periodic
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_fast, run_timing
from pnnsim.timing.trace import Trace
from tests.timing.machines import durations, seconds

#: A machine that turns values into numbers: in 3, convert 1 and encode 2, through 1 + 1 + 2,
#: activate 2, hold 1, convert 2, out 4, all in fs.
NUMBERS = Delays(
    input=(Stage("front_end", "map_input", 3),),
    encode=(Stage("encoder", "encode", 2),),
    enter=(Stage("encoder.dac", "convert", 1), Stage("encoder", "encode", 2)),
    propagate_fs=1,
    mvm_fs=1,
    detect_fs=2,
    activate_fs=2,
    hold_fs=1,
    output=(Stage("front_end", "map_output", 4),),
    route_fs=7,
    write_fs=20,
    digitize_fs=2,
)


@dataclass(frozen=True)
class Job:
    """Everything that one run of a workload needs."""

    workload: Workload
    passage: Passage
    work: Work
    requests: Arrivals

    @property
    def samples(self) -> int:
        return self.requests.count

    def run(self) -> Trace:
        """Simulate every event, and check that the invariants hold."""
        trace = run_timing(self.work, self.requests)
        trace.check(self.work, self.requests)
        return trace

    def run_fast(self) -> AnyTrace:
        """Simulate the events that decide all others."""
        return run_fast(self.work, self.requests)

    def closed_form_fs(self) -> int | None:
        return closed_form_fs(self.work)


def job(
    workload: Workload,
    *,
    delays: Delays = NUMBERS,
    banks: int = 4,
    tile: tuple[int, int] = (4, 4),
    parallel_tiles: int | None = None,
    samples: int = 1,
    arrivals: Arrivals | None = None,
    jobs_fs: tuple[int, ...] | int = 0,
    refresh_fs: int | None = None,
    memory_capacity: int | None = None,
    **control: Any,
) -> Job:
    """Return a workload on a machine; `control` are settings of the controller.

    `jobs_fs` is the time of each product's digital work, or of one operation.
    """
    mapping = map_matrices(
        [MatrixShape(m.outputs, m.inputs, m.groups) for m in workload.matrices],
        count=banks,
        rows=tile[0],
        cols=tile[1],
        parallel_tiles=parallel_tiles,
    )
    passage = passage_of(workload, mapping)
    if isinstance(jobs_fs, int):
        jobs_fs = tuple(jobs_fs * product.operations for product in passage.products)
    if not passage.products[-1].converts:
        delays = replace(
            delays, output=(Stage("readout", "convert", delays.digitize_fs), *delays.output)
        )
    params = ControlParams(
        parallel_tiles=parallel_tiles,
        refresh_interval=None if refresh_fs is None else seconds(refresh_fs),
        **control,
    )
    work = Work(
        delays=delays,
        order=tuple(product.content for product in passage.products),
        mapping=mapping,
        control=params,
        memory_capacity=memory_capacity or params.block,
        products=passage.products,
        jobs_fs=jobs_fs,
    )
    return Job(workload, passage, work, arrivals or Arrivals(samples))


def convolution(
    *, side: int = 2, channels: int = 1, outputs: int = 2, activation: str | None = None
) -> Workload:
    """Return one convolution of 2 x 2 without padding: `side` squared vectors."""
    builder = WorkloadBuilder(Value((channels, side + 1, side + 1)))
    number = builder.matrix("conv", outputs, 4 * channels)
    made = builder.mvm(number, 0, gather=Gather((2, 2)), activation=activation)
    return builder.build(made)


def dense(*widths: int, activation: str | None = "relu", between: str | None = None) -> Workload:
    """Return matrices one behind the other, with a digital step between two of them if named."""
    builder = WorkloadBuilder(Value((widths[0],)))
    value = 0
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        value = builder.mvm(
            builder.matrix(f"w{number}", outputs, inputs), value, activation=activation
        )
        if between is not None and number + 2 < len(widths):
            value = builder.digital(between, value)
    return builder.build(value)


#: Machine activations as often as others, as only these keep a state analog.
activations = st.sampled_from([None, "relu", MACHINE, MACHINE])


class _Drawn:
    """A workload that is drawn step by step."""

    def __init__(self, draw: st.DrawFn, start: Value) -> None:
        self.draw = draw
        self.builder = WorkloadBuilder(start)
        self.known: dict[tuple[int, ...], list[int]] = {}
        self.value = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.builder.value(self.value).shape

    def use(self) -> None:
        """Draw a matrix that the last value can feed, known or new, and use it."""
        draw, shape = self.draw, self.shape
        gather = None
        inputs, channels = shape[-1], shape[-1]
        if len(shape) == 3:
            kernel = tuple(draw(st.integers(1, min(2, size))) for size in shape[1:])
            gather = Gather(kernel, draw(st.sampled_from([(1, 1), (2, 1)])))
            inputs, channels = shape[0] * kernel[0] * kernel[1], shape[0]
        outputs = draw(st.sampled_from([*range(1, 7), shape[0]]))
        groups = draw(st.sampled_from([1, 2, channels]))
        if channels % groups or outputs % groups:
            groups = 1
        fitting = self.known.setdefault((inputs, channels), [])
        if fitting and draw(st.booleans()):
            number = draw(st.sampled_from(fitting))
        else:
            name = f"m{sum(map(len, self.known.values()))}"
            number = self.builder.matrix(name, outputs, inputs, groups=groups)
            fitting.append(number)
        self._mvm(number, gather)

    def _mvm(self, number: int, gather: Gather | None) -> None:
        before, draw = self.value, self.draw
        made = self.builder.mvm(number, before, gather=gather, activation=draw(activations))
        self.value = made
        if self.shape == self.builder.value(before).shape and draw(st.booleans()):
            # Used once more: its own input is added behind.
            self.value = self.builder.mvm(
                number, made, gather=gather, activation=draw(activations),
                residual=(draw(st.sampled_from([before, made])), 0.5),
            )  # fmt: skip

    def between(self) -> None:
        """Draw digital work, or none."""
        kind = self.draw(st.sampled_from(["none", "none", "relu", "scale", "flatten"]))
        if kind != "none":
            self.value = self.builder.digital(kind, self.value)


@st.composite
def workloads(draw: st.DrawFn, *, steps: int = 4) -> Workload:
    shape = draw(st.sampled_from([(3,), (5,), (2, 4), (3, 5), (2, 3, 3), (1, 2, 4), (4, 2, 2)]))
    drawn = _Drawn(draw, Value(shape))
    for _ in range(draw(st.integers(1, steps))):
        drawn.between()
        drawn.use()
    drawn.between()
    return drawn.builder.build(drawn.value)


@st.composite
def number_delays(draw: st.DrawFn) -> Delays:
    analog = Stage("encoder", "encode", draw(durations))
    apart = Stage("encoder.dac", "convert", draw(durations))
    return Delays(
        input=(Stage("front_end", "map_input", draw(durations)),),
        encode=(analog,) if draw(st.booleans()) else (apart, analog),
        enter=(apart, analog),
        propagate_fs=draw(durations),
        mvm_fs=draw(durations),
        detect_fs=draw(durations),
        activate_fs=draw(durations),
        hold_fs=draw(durations),
        # From 1, so that results never come all at once.
        output=(Stage("front_end", "map_output", draw(durations) + 1),),
        route_fs=draw(durations),
        write_fs=draw(durations) * 10,
        digitize_fs=draw(durations),
        double_buffered=draw(st.booleans()),
    )


@st.composite
def arrivals_of(draw: st.DrawFn, samples: int) -> Arrivals:
    kind = draw(st.sampled_from(["saturated", "periodic", "listed"]))
    if kind == "saturated":
        return Arrivals(samples)
    capacity = draw(st.sampled_from([None, None, 1, 3]))
    if kind == "periodic":
        return periodic(samples, draw(st.integers(1, 500)) * 1e-15, capacity=capacity)
    gaps = draw(st.lists(st.integers(0, 200), min_size=samples, max_size=samples))
    times = tuple(sum(gaps[: n + 1]) for n in range(samples))
    return Arrivals(samples, times, capacity=capacity)


@st.composite
def jobs(
    draw: st.DrawFn,
    *,
    samples: tuple[int, int] = (1, 9),
    steps: int = 4,
    refresh: bool = False,
    prefetch: bool = True,
    saturated: bool = False,
) -> Job:
    workload = draw(workloads(steps=steps))
    banks = draw(st.integers(1, 12))
    block = draw(st.integers(1, 3))
    count = draw(st.integers(*samples))
    ahead = prefetch and draw(st.booleans())
    delays = draw(number_delays())
    refresh_fs = None
    if refresh:
        refresh_fs = draw(st.integers(1, 40)) * 100 + (delays.write_fs + 1) * banks
        delays = replace(delays, write_fs=delays.write_fs + 1)
    try:
        drawn = job(
            workload,
            delays=delays,
            banks=banks,
            tile=draw(st.sampled_from([(4, 4), (4, 4), (2, 4), (2, 3), (8, 8)])),
            parallel_tiles=draw(st.sampled_from([None, None, 1, min(2, banks)])),
            arrivals=Arrivals(count) if saturated else draw(arrivals_of(count)),
            refresh_fs=refresh_fs,
            block=block,
            overlap=draw(st.booleans()),
            prefetch=ahead,
            policy=draw(st.sampled_from(sorted(POLICIES))),
            write_drivers=draw(st.integers(1, 3)) if ahead else 1,
        )
    except MappingError as error:
        assume("ahead of the machine's activation" not in str(error))
        raise
    took = st.lists(durations, min_size=len(drawn.work.products),
                    max_size=len(drawn.work.products))  # fmt: skip
    return replace(drawn, work=replace(drawn.work, jobs_fs=tuple(draw(took))))
