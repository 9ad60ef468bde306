"""Timing against a recurrence: each time is the latest of what it must wait for, plus a delay.

The recurrence knows no events, processes or queues, and finds the banks by looking ahead in an
order written out in full.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings

from pnnsim.timing.trace import ACTIONS
from tests.timing.machines import machine, machines


def needed_changes(case, blocks):
    """Return (write, route) before each access, by looking ahead from each of them."""
    order = list(case.order) * (blocks + 2)
    sets, banks = case.mapping.matrices, case.mapping.logical
    contents = list(range(sets)) if sets <= banks else list(dict.fromkeys(order))[:banks]
    selected = contents.index(order[0])
    changes, used = [], []
    for access in range(blocks * len(case.order)):
        wanted = order[access]
        write = wanted not in contents
        if write and case.control.policy == "lru":
            # The set-up wrote the banks in turn, before the first access.
            before = [bank for bank, _ in used]
            longest = [before[::-1].index(bank) if bank in before else 10**9 - bank
                       for bank in range(banks)]  # fmt: skip
            contents[longest.index(max(longest))] = wanted
        elif write:
            ahead = order[access + 1 :]
            contents[max(range(banks), key=lambda bank: ahead.index(contents[bank]))] = wanted
        bank = contents.index(wanted)
        used.append((bank, wanted))
        changes.append((write, bank != selected))
        selected = bank
    return changes


class Outputs:
    """The readout and the front end behind the loop: one engine, which maps inputs as well.

    Jobs of the engine are served in the order in which they could begin, those of older samples
    first where several could at once.
    """

    def __init__(self, delays):
        self.stages = [(stage.unit == "front_end", stage.duration_fs) for stage in delays.output]
        self.active = []  # of samples that have left the loop, in order
        self.begun = []  # when the readout began with each sample
        self.result = []
        self.engine_free = 0
        self.stage, self.at = 0, 0  # of the sample that is read, and since when

    def begin(self):
        """Begin with the next sample that has left the loop; return whether a sample is read."""
        if len(self.begun) == len(self.result):
            if len(self.begun) == len(self.active):
                return False
            self.at = max(self.active[len(self.begun)], self.at)
            self.begun.append(self.at)
        return True

    def work(self, time):
        """Do a stage, unless it needs the engine later than a time; return whether it was done."""
        if not self.begin():
            return False
        engine, duration = self.stages[self.stage]
        if engine and self.at > time:
            return False
        begin = max(self.at, self.engine_free) if engine else self.at
        self.at = begin + duration
        if engine:
            self.engine_free = self.at
        self.stage = (self.stage + 1) % len(self.stages)
        if not self.stage:
            self.result.append(self.at)
        return True

    def until(self, time):
        """Give the engine to all jobs that could begin at a time or before it."""
        while self.work(time):
            pass

    def taken(self, sample):
        """Return when the readout begins with a sample."""
        self.begin()
        while len(self.begun) <= sample:
            assert self.work(math.inf)
            self.begin()
        return self.begun[sample]

    def map_input(self, could_begin, duration):
        """Return when the engine begins with an input that it could begin at a time."""
        self.until(could_begin)
        begin = max(could_begin, self.engine_free)
        self.engine_free = begin + duration
        return begin


class Order:
    """Whose turn it is at the encoder.

    Of the blocks in the loop those on the selected bank, of these those whose states are there, of
    these the one served longest ago.
    """

    def __init__(self, case, blocks, steps):
        self.flight, self.blocks, self.steps = case.control.blocks_in_flight, blocks, steps
        self.sets, self.folds = case.order, len(case.order) // steps
        self.selected = case.order[0]
        self.ring, self.served, self.newest = [], None, -1
        self.begun = {}  # steps that each block has begun

    def next(self, time, could_enter, ready):
        """Return the block of the next turn, chosen at a time."""
        coming = self.newest + 1
        goes_on = self.served is not None and self.begun[self.served] < self.steps
        there = coming < len(self.blocks) and self.begun.get(self.newest, 1) > 0
        if there and (not (self.ring or goes_on) or (time > could_enter(coming))):
            self.ring.append(coming)
            self.begun[coming] = 0
            self.newest = coming
        if goes_on:
            self.ring.append(self.served)
        first = min(self.ring, key=lambda block: (
            self.sets[self.begun[block] * self.folds] != self.selected,
            self.begun[block] > 0 and ready[self.blocks[block][0]] >= time,
            self.ring.index(block),
        ))  # fmt: skip
        self.ring.remove(first)
        self.served = first
        self.begun[self.served] += 1
        self.selected = self.sets[self.begun[self.served] * self.folds - 1]
        return self.served, self.begun[self.served] - 1


def recurrence(case):
    """Return arrivals, results and the departure of each (sample, step) [fs]."""
    d, block, products = case.delays, case.control.block, len(case.order)
    folds, flight = case.mapping.folds, case.control.blocks_in_flight
    arrival, departure, mapped = {}, {}, {}
    left = {}  # when each block left the loop
    encoder_free = lines_free = 0
    outputs = Outputs(d)
    nonlinearity_free = -1  # departures from which on it is free at capture
    blocks = [range(b, min(b + block, case.samples)) for b in range(0, case.samples, block)]
    changes = needed_changes(case, len(blocks))
    ready = {}
    rest = 0  # when the bank of this access is ready
    selected = case.order[0]

    def map_input(sample, could_begin):
        if sample < case.samples:
            arrival[sample] = outputs.map_input(could_begin, d.input[0].duration_fs)
            mapped[sample] = arrival[sample] + d.input_fs

    def could_enter(number):
        could = mapped[blocks[number][0]]
        if number >= flight:
            could = max(could, left.get(number - flight, math.inf))
        if number > flight and could < math.inf:
            could = max(could, outputs.taken(blocks[number - flight - 1][-1]))
        return could

    map_input(0, 0)
    order = Order(case, blocks, products // folds)
    for _ in range(len(blocks) * (products // folds)):
        number, turn = order.next(encoder_free, could_enter, ready)
        samples = blocks[number]
        for step in range(turn * folds, (turn + 1) * folds):
            write, route = changes[number * products + step]
            if flight > 1:
                # Every weight set has its bank.
                write, route, selected = False, case.order[step] != selected, case.order[step]
            duration = write * d.write_fs + route * d.route_fs
            changed = rest + duration if (write or route) else 0
            activates = (step + 1) % folds == 0
            for sample in samples:
                if step == 0:
                    ready[sample] = max(
                        mapped[sample], could_enter(number) if sample == samples[0] else 0
                    )
                start = max(ready[sample], encoder_free)
                if not case.control.overlap:
                    start = max(start, changed)
                if step == 0:
                    map_input(sample + 1, start)
                leave = max(start + d.encode_fs, changed, lines_free)
                if activates:
                    leave = max(leave, nonlinearity_free)
                    nonlinearity_free = leave + d.activate_fs
                departure[sample, step] = leave
                lines_free = leave + d.mvm_fs + d.detect_fs
                encoder_free = leave if d.double_buffered else lines_free
                captured = leave + d.propagate_fs + d.mvm_fs + d.detect_fs
                active = captured + d.activate_fs
                ready[sample] = active + d.hold_fs if activates else captured
                if step == products - 1:
                    outputs.active.append(active)
            rest = captured
            if not case.control.overlap:
                rest = ready[sample] if step < products - 1 else active
        if step == products - 1:
            left[number] = active
    outputs.until(math.inf)
    return arrival, dict(enumerate(outputs.result)), departure


@given(machines())
@settings(max_examples=300, deadline=None)
def test_any_machine_keeps_the_times_of_the_recurrence(case):
    trace = case.run()
    arrival, result, departure = recurrence(case)
    assert trace.arrival_fs.tolist() == list(arrival.values())
    assert trace.result_fs.tolist() == list(result.values())
    rows = trace.rows("propagate")
    seen = dict(
        zip(
            zip(trace.sample[rows], trace.product[rows], strict=True),
            trace.start_fs[rows],
            strict=True,
        )
    )
    assert seen == departure


@given(machines())
@settings(max_examples=200, deadline=None)
def test_any_machine_keeps_the_laws(case):
    case.run().check(case.work)


@given(machines())
@settings(max_examples=100, deadline=None)
def test_every_span_but_the_first_has_a_cause_that_leads_to_the_first(case):
    trace = case.run()
    assert np.flatnonzero(trace.cause == -1).tolist() == [0]
    assert np.all(trace.cause < np.arange(len(trace)))


def test_light_for_a_fold_between_does_not_wait_for_the_nonlinearity():
    # Sample 1 is activated from 40 to 60. Sample 0 departs at 43 for the first fold of its next
    # step, as its sums will stay behind the detector; sample 1 is held and encoded until 63.
    case = machine(
        samples=2, block=2, sets=1, steps=2, banks=2, tile=(2, 4), parallel_tiles=1, activate_fs=20,
        route_fs=1,
    )  # fmt: skip
    trace = case.run()
    rows = trace.rows("propagate")
    columns = (trace.sample[rows], trace.product[rows], trace.start_fs[rows])
    begin = {(sample, step): start for sample, step, start in zip(*columns, strict=True)}
    rows = trace.rows("activate")
    assert trace.start_fs[rows].tolist() == [20, 40, 72, 92]
    assert (begin[0, 2], begin[1, 2], begin[0, 3]) == (43, 63, 68)


def test_thousand_samples_over_rewritten_banks_keep_the_times_of_the_recurrence():
    case = machine(sets=5, steps=7, banks=3, block=3, samples=1000)
    trace = case.run()
    _, result, _ = recurrence(case)
    assert trace.result_fs.tolist() == list(result.values())
    trace.check(case.work)


def test_spans_last_as_long_as_the_machine_says():
    case = machine(samples=4, block=2)
    trace, d = case.run(), case.delays
    expected = {
        "map_input": 4, "encode": 2, "hold_symbol": d.hold_symbol_fs, "propagate": d.propagate_fs,
        "mvm": d.mvm_fs, "detect": d.detect_fs, "activate": d.activate_fs, "hold": d.hold_fs,
        "route": d.route_fs, "convert": 3,
    }  # fmt: skip
    seen = {
        ACTIONS[action]: set((trace.end_fs - trace.start_fs)[trace.action == action].tolist())
        for action in np.unique(trace.action)
    }
    assert seen == {action: {duration} for action, duration in expected.items()}
