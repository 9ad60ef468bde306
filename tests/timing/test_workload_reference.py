"""Timing of workloads against a recurrence, which starts from the workload itself.

Folds, vectors, conversions and digital work are counted here anew. Each time is the latest of what
it must wait for, plus a delay; the turns of the digital engine, which depend on times that depend
on them, are repeated until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.mapping.delays import Delays, Stage
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.parts import MACHINE, Digital, Gather, Mvm, Value
from tests.timing.test_timing_reference import needed_changes
from tests.timing.workloads import job


@dataclass
class Passed:
    """One product of a sample, as the recurrence needs it."""

    content: int
    begins: bool
    digital: bool
    activates: bool
    converts: bool
    leaves: bool
    vectors: int
    operations: int = 0


def passed(workload, rows, cols):
    """Return what a sample passes on banks of this size, matrix by matrix."""
    found = []
    contents, number = [], 0
    for matrix in workload.matrices:
        contents.append(number)
        number += -(-matrix.outputs // rows) * -(-matrix.inputs // cols)
    analog = False
    last_use = max(n for n, step in enumerate(workload.steps) if isinstance(step, Mvm))
    for at, step in enumerate(workload.steps):
        if isinstance(step, Digital):
            if found and at < last_use:
                found[-1].operations += step.operations
            continue
        matrix, vectors = workload.matrices[step.matrix], 1
        if step.gather:
            _, high, wide = workload.values[at + 1].shape
            vectors = high * wide
        after = workload.steps[at + 1] if at + 1 < len(workload.steps) else None
        machine = step.activation == MACHINE
        stays = machine and vectors == 1 and isinstance(after, Mvm) and after.gather is None
        down = [min(rows, matrix.outputs - top) for top in range(0, matrix.outputs, rows)]
        across = -(-matrix.inputs // cols)
        folds, numbers = len(down) * across, 0
        for fold in range(folds):
            ends = fold + 1 == folds
            # Of one vector, sums wait behind the detector for their last term.
            whole = vectors > 1 or (fold + 1) % across == 0
            converts = not stays and (ends if machine else whole)
            numbers += converts * down[fold // across] * vectors
            found.append(
                Passed(
                    contents[step.matrix] + fold, begins=not fold, digital=not analog,
                    activates=machine and ends, converts=converts, leaves=ends and not stays,
                    vectors=vectors,
                )
            )  # fmt: skip
        if not machine:
            named = step.activation is not None
            found[-1].operations = numbers + named * matrix.outputs * vectors
        analog = stays
    return found


class Recurrence:
    """Times of a run [fs], by (sample, product)."""

    def __init__(self, case, way, per_operation):
        self.case, self.way, self.d = case, way, case.work.delays
        self.per_operation = per_operation
        block, count = case.work.control.block, case.samples
        self.blocks = [range(b, min(b + block, count)) for b in range(0, count, block)]
        plan = SimpleNamespace(
            order=[p.content for p in way], mapping=case.work.mapping, control=case.work.control
        )
        self.changes = needed_changes(plan, len(self.blocks))
        self.engine = {}  # begin and end of each job
        while True:
            known = dict(self.engine)
            self.once()
            self.take_turns()
            if known == self.engine:
                break

    def job(self, *name):
        """Return begin and end of a job of the engine, as far as they are known."""
        return self.engine.get(name, (0, 0))

    def take_turns(self):
        """Give the engine to jobs in the order in which they could begin, older samples first."""
        free = 0
        order = sorted(self.wanted, key=lambda name: (self.wanted[name][0], name[1]))
        for name in order:
            could, took = self.wanted[name]
            begin = max(could, free)
            free = begin + took
            self.engine[name] = begin, free

    def period(self, p):
        encode = self.d.entering if p.digital else self.d.encode
        encode = sum(stage.duration_fs for stage in encode)
        held = self.d.mvm_fs + self.d.detect_fs
        symbol = max(encode, held) if self.d.double_buffered else encode + held
        return encode, max(
            symbol, p.activates * self.d.activate_fs, p.converts * self.d.digitize_fs
        )

    def once(self):
        """Follow all samples with the turns of the engine that are known."""
        d, way, overlap = self.d, self.way, self.case.work.control.overlap
        self.wanted, self.departs, self.taken = {}, {}, {}
        encoder = lines = nonlinear = converter = server = rest = 0
        left, served, ready = 0, [], {}
        for number, samples in enumerate(self.blocks):
            for product, p in enumerate(way):
                write, route = self.changes[number * len(way) + product]
                bank = rest + write * d.write_fs + route * d.route_fs if write or route else 0
                encode, period = self.period(p)
                train = (p.vectors - 1) * period
                for sample in samples:
                    if not product:
                        could = self.taken.get((sample - 1, 0), 0)
                        self.wanted["in", sample] = could, d.input[0].duration_fs
                        ready[sample] = max(self.job("in", sample)[1], left)
                        if number > 1:
                            ready[sample] = max(ready[sample], served[number - 2])
                    start = max(ready[sample], encoder, 0 if overlap else bank)
                    self.taken[sample, product] = start
                    leave = max(start + encode, bank if overlap else 0, lines)
                    activate = d.activate_fs * p.activates
                    if p.activates:
                        leave = max(leave, nonlinear)
                    if p.converts:
                        leave = max(leave, converter - activate)
                    self.departs[sample, product] = leave
                    lines = leave + d.mvm_fs + d.detect_fs + train
                    encoder = leave + train if d.double_buffered else lines
                    captured = lines + d.propagate_fs
                    if p.activates:
                        nonlinear = leave + activate + train
                    if p.converts:
                        converter = leave + activate + d.digitize_fs + train
                    over = ready[sample] = captured
                    if p.activates:
                        over = ready[sample] = captured + activate + d.hold_fs
                    if p.leaves:
                        digitized = captured + activate + d.digitize_fs
                        could = max(digitized, server)
                        self.wanted["do", sample, product] = (
                            could,
                            p.operations * self.per_operation,
                        )
                        over = ready[sample] = server = self.job("do", sample, product)[1]
                        if product + 1 == len(way):
                            over = digitized
                            self.wanted["out", sample] = server, d.output[0].duration_fs
                            server = self.job("out", sample)[1]
                rest = captured if overlap else over
            left = digitized
            served.append(could)


span = st.sampled_from([1, 2, 3, 5, 8, 13, 50])


@st.composite
def plain_workloads(draw):
    """Draw a convolution or none, then matrices, used more than once where they are square."""
    activation = st.sampled_from([None, "relu", MACHINE])
    if draw(st.booleans()):
        builder = WorkloadBuilder(Value((draw(st.integers(1, 2)), 3, draw(st.integers(2, 4)))))
        channels = builder.value(0).shape[0]
        # Machine activations need the sums of one fold.
        outputs = draw(st.integers(1, 4))
        named = None if channels == 2 else MACHINE
        value = builder.mvm(
            builder.matrix("conv", outputs, 4 * channels), 0, gather=Gather((2, 2)),
            activation=draw(st.sampled_from(["relu", named])),
        )  # fmt: skip
        value = builder.digital("flatten", value)
    else:
        builder = WorkloadBuilder(Value((draw(st.integers(1, 6)),)))
        value = 0
    layers = draw(st.integers(1, 3))
    for layer in range(layers):
        inputs = builder.value(value).size
        outputs = draw(st.sampled_from([inputs, 2, 5]))
        matrix = builder.matrix(f"w{layer}", outputs, inputs)
        again = outputs == inputs
        for _ in range(draw(st.integers(1, 2)) if again else 1):
            value = builder.mvm(matrix, value, activation=draw(activation))
            if draw(st.booleans()):
                value = builder.digital(draw(st.sampled_from(["relu", "scale"])), value)
    # The last value is a number before it leaves.
    value = builder.mvm(builder.matrix("last", 3, builder.value(value).size), value)
    return builder.build(value)


@st.composite
def cases(draw):
    encode = Stage("encoder", "encode", draw(span))
    delays = Delays(
        input=(Stage("front_end", "map_input", draw(span)),),
        encode=(encode,),
        enter=(Stage("encoder.dac", "convert", draw(span)), encode),
        propagate_fs=draw(span), mvm_fs=draw(span), detect_fs=draw(span), activate_fs=draw(span),
        hold_fs=draw(span), output=(Stage("front_end", "map_output", draw(span)),),
        route_fs=draw(span), write_fs=draw(span) * 10, digitize_fs=draw(span),
        double_buffered=draw(st.booleans()),
    )  # fmt: skip
    rows, cols = draw(st.sampled_from([(4, 4), (2, 4), (8, 8), (3, 5)]))
    workload, per_operation = draw(plain_workloads()), draw(st.sampled_from([1, 2, 7]))
    case = job(
        workload, delays=delays, banks=draw(st.integers(1, 12)), tile=(rows, cols),
        parallel_tiles=1, samples=draw(st.integers(1, 7)), jobs_fs=per_operation,
        block=draw(st.integers(1, 3)), overlap=draw(st.booleans()),
    )  # fmt: skip
    return case, passed(workload, rows, cols), per_operation


@given(cases())
@settings(max_examples=150, deadline=None)
def test_any_workload_keeps_the_times_of_the_recurrence(drawn):
    case, way, per_operation = drawn
    trace, expected = case.run(), Recurrence(case, way, per_operation)
    samples = range(case.samples)
    assert trace.result_fs.tolist() == [expected.engine["out", n][1] for n in samples]
    assert trace.arrival_fs.tolist() == [expected.engine["in", n][0] for n in samples]
    rows = trace.rows("propagate")
    where = zip(trace.sample[rows].tolist(), trace.product[rows].tolist(), strict=True)
    assert dict(zip(where, trace.start_fs[rows].tolist(), strict=True)) == expected.departs
