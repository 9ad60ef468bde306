"""The schedule of an LruNet takes the time of its closed form, and its energy adds up.

The closed form is written here from the delays alone. Every patch departs `spacing` after the one
before; between two accesses of one convolution the encoder has the next patch ready while the
switch moves or a bank is written; between two convolutions lie converter, memory and digital
engine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from pnnsim.analysis.energy import EnergyLedger, power_trace
from pnnsim.errors import MappingError, ScheduleError
from pnnsim.lrunet import LruNet, Machine, digital_loop, timing_metrics
from pnnsim.lrunet.program import Program
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.timing.invariants.contents import banks_hold_what_is_used, switch_rests
from pnnsim.timing.invariants.occupancy import parts_serve_one_at_a_time
from pnnsim.timing.invariants.order import causes_precede, times_ascend

NETWORK = LruNet(channels=1, side=8, stem=8, repetitions=3)


def machine(
    name: str, banks: int, *changes: tuple[str, str], shared: bool = True, images: int = 1
) -> Machine:
    spec = digital_loop(load_spec(name), NETWORK, banks=banks, images=images)
    if changes:
        spec = load_spec(spec.to_tree(), changes)
    return Machine.of(spec, NETWORK, shared=shared, images=images)


def closed_form_fs(it: Machine) -> int:
    """Return the time from the first pixel to the last result [fs]."""
    delays = it.chip.delays()
    spec: Any = it.chip.spec
    cycle = round(1e15 / spec.front_end.clock)
    encode = sum(stage.duration_fs for stage in delays.encode)
    drive = delays.mvm_fs + delays.detect_fs
    way = delays.propagate_fs + drive
    behind = delays.activate_fs + delays.hold_fs
    spacing = max(drive + encode, delays.activate_fs)
    time = it.images * math.ceil(NETWORK.side**2 / spec.front_end.macs_per_cycle) * cycle
    accesses = iter(it.accesses)
    captured = last = time
    for application in it.program.applications:
        patches = it.images * application.conv.patches
        for place in range(len(application.tiles)):
            access = next(accesses)
            change = access.write * delays.write_fs + access.route * delays.route_fs
            # `time`: the encoder may take the first patch; `captured`: the switch may move.
            if spec.control.overlap:
                ready = max(time + encode, captured + change)
            else:
                ready = max(time, captured + change) + encode if change else time + encode
            if place:
                ready = max(ready, last + delays.activate_fs)
            last = ready + (patches - 1) * spacing
            time = last + drive
            captured = last + way if spec.control.overlap else last + way + behind
        operations = it.images * application.digital
        time = last + way + behind
        time += math.ceil(operations / spec.front_end.macs_per_cycle) * cycle
    hand_over = next(stage.duration_fs for stage in delays.output if stage.action == "convert")
    return time + it.images * hand_over


CASES = [
    ("photonic_mrr", 2, ()),
    ("photonic_mrr", 64, ()),
    ("photonic_mrr", 8, (("control.overlap", "false"),)),
    ("spintronic_mtj", 12, ()),
    ("spintronic_mtj", 2, (("control.overlap", "false"), ("encoder.symbol_rate", "1 GHz"))),
    ("photonic_pcm", 30, (("nonlinearity.conversion_time", "30 ns"),)),
    ("photonic_mzi", 50, ()),
    ("freespace_dmd", 5, (("memory.hold_time", "7 ns"),)),
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("name", "banks", "changes"), CASES)
def test_an_image_takes_the_time_of_the_closed_form(
    name: str, banks: int, changes: tuple[tuple[str, str], ...], shared: bool
) -> None:
    it = machine(name, banks, *changes, shared=shared)
    assert it.trace().makespan_fs == closed_form_fs(it)


@pytest.mark.parametrize("name", ["photonic_mrr", "spintronic_mtj"])
def test_images_that_access_tiles_together_take_the_time_of_the_closed_form(name: str) -> None:
    it = machine(name, 6, images=3)
    trace = it.trace()
    assert trace.makespan_fs == closed_form_fs(it)
    assert trace.samples == 3


@pytest.mark.parametrize(("name", "banks", "changes"), CASES)
def test_the_trace_keeps_the_laws_of_a_machine(
    name: str, banks: int, changes: tuple[tuple[str, str], ...]
) -> None:
    """All invariants that do not count one sample a step and samples in a block."""
    it = machine(name, banks, *changes)
    trace = it.trace()
    times_ascend(trace)
    causes_precede(trace)
    parts_serve_one_at_a_time(trace)
    switch_rests(trace)
    banks_hold_what_is_used(trace, it.chip.network.weight_set_order())


def test_every_patch_meets_every_tile_of_its_convolution_once() -> None:
    it = machine("photonic_mrr", 8, images=2)
    trace = it.trace()
    expected = [2 * a.conv.patches for a in it.program.applications for _ in range(len(a.tiles))]
    for action in (
        "convert",
        "encode",
        "hold_symbol",
        "propagate",
        "mvm",
        "detect",
        "activate",
        "hold",
    ):
        rows = trace.rows(action)
        rows = rows[trace.step[rows] >= 0]
        assert np.bincount(trace.step[rows]).tolist() == expected, action


def test_no_convolution_begins_before_the_one_ahead_is_whole() -> None:
    it = machine("spintronic_mtj", 8)
    trace = it.trace()
    ends = trace.end_fs[trace.rows("map_output")]
    encodes, step = trace.rows("encode"), 0
    for number, application in enumerate(it.program.applications):
        mine = encodes[trace.step[encodes] == step]
        assert trace.start_fs[mine].min() >= (ends[number - 1] if number else 0)
        step += len(application.tiles)


def test_gated_engine_is_on_as_long_as_it_keeps_the_maps() -> None:
    it = machine("photonic_mrr", 8, ("control.gating", "[front_end]"))
    trace = it.trace()
    static = EnergyLedger.from_trace(trace, it.prices()).static_by_component()["front_end"]
    # Patches are read from maps that it keeps, and the result until it is handed over.
    whole = it.prices().static_w["front_end"] * 1e-15 * trace.makespan_fs
    assert static == pytest.approx(whole, rel=1e-12, abs=0)


@pytest.mark.parametrize("gating", ["[]", "[encoder, detector]", "[front_end, readout]"])
def test_energy_is_the_integral_of_power(gating: str) -> None:
    it = machine("photonic_mrr", 8, ("control.gating", gating))
    trace, prices = it.trace(), it.prices()
    total = EnergyLedger.from_trace(trace, prices).total
    # Sums of some thousand float64 terms.
    assert power_trace(trace, prices).energy() == pytest.approx(total, rel=1e-9, abs=0)
    assert timing_metrics(it, trace)["energy_j"]["total"] == total


def test_the_digital_engine_is_paid_for_each_operation() -> None:
    it = machine("photonic_mrr", 8)
    metrics = timing_metrics(it)
    spec: Any = it.chip.spec
    operations = 64 + sum(a.digital for a in it.program.applications)
    dynamic = metrics["energy_j"]["by_action"]
    found = dynamic["map_input"] + dynamic["map_output"]
    assert found == pytest.approx(operations * spec.front_end.mac_energy, rel=1e-12, abs=0)


def test_digital_operations_are_those_counted_by_hand() -> None:
    """One stage of 16 channels on maps of 4 x 4, 2 patches a row; 64 x 64 banks."""
    program = Program(LruNet(channels=1, side=8, stem=16, repetitions=2), 64, 64)
    by_name = {(a.conv.name, a.repetition): a.digital for a in program.applications}
    # 32 outputs on 16 patches: add, gain and shift, scale.
    assert by_name["stage1.depthwise", 0] == 3 * 32 * 16
    # 16 outputs: add, gain and shift, scale, ReLU, skip; the last is pooled to 2 x 2.
    assert by_name["stage1.pointwise", 0] == 5 * 16 * 16
    assert by_name["stage1.pointwise", 1] == 5 * 16 * 16 + 9 * 16 * 4
    # Stage 3 is not pooled; a map of one pixel, 64 channels.
    assert by_name["stage3.pointwise", 1] == 5 * 64
    # 64 inputs in one tile: add, bias and scale, ReLU, mean.
    assert by_name["head.classify", 0] == 5 * 10


def test_shared_tiles_are_written_less_often_than_copies() -> None:
    """With banks for all tiles nothing is written; with fewer, a stage stays over repetitions."""
    tiles = machine("photonic_mrr", 2).program.tile_count
    copies = machine("photonic_mrr", 2, shared=False).program.tile_count
    once = Program(NETWORK.model_copy(update={"repetitions": 1}), 64, 64)
    ends = sum(len(once.tiles_of[name]) for name in ("stem", "head.reduce", "head.classify"))
    assert copies - ends == 3 * (tiles - ends)
    assert machine("photonic_mrr", tiles).writes == 0
    assert machine("photonic_mrr", copies, shared=False).writes == 0
    largest = max(len(once.tiles_of[f"stage{s}.depthwise"]) for s in (1, 2, 3, 4)) + max(
        len(once.tiles_of[f"stage{s}.pointwise"]) for s in (1, 2, 3, 4)
    )
    few = machine("photonic_mrr", largest)
    many = machine("photonic_mrr", largest, shared=False)
    # Each tile of a stage at most twice: for this image, and once more where stages change over.
    assert 0 < few.writes < 2 * tiles
    assert many.writes >= copies - largest
    assert closed_form_fs(few) < closed_form_fs(many)


def test_writes_in_the_trace_are_those_of_the_plan() -> None:
    it = machine("photonic_mrr", 8)
    trace = it.trace()
    assert len(trace.rows("write")) == it.writes == timing_metrics(it, trace)["writes"]


def test_images_together_share_the_writes() -> None:
    one, three = machine("photonic_mrr", 4), machine("photonic_mrr", 4, images=3)
    assert timing_metrics(three)["writes"] == pytest.approx(one.writes / 3, rel=1e-6, abs=0)
    assert (
        timing_metrics(three)["energy_j"]["per_inference"]
        < (timing_metrics(one)["energy_j"]["per_inference"])
    )


def test_a_machine_without_a_digital_loop_is_refused() -> None:
    with pytest.raises(MappingError, match=r"needs a converter in its loop.*digital_loop"):
        Machine.of(load_spec("photonic_mrr"), NETWORK)


def test_a_memory_that_does_not_hold_the_maps_is_refused() -> None:
    spec = digital_loop(load_spec("photonic_mrr"), NETWORK)
    small = load_spec(spec.to_tree(), [("memory.capacity", "1")])
    with pytest.raises(ScheduleError, match=r"memory.capacity: the maps .* take \d+ states, got 1"):
        Machine.of(small, NETWORK)


def test_banks_that_are_not_square_are_refused() -> None:
    spec: HardwareSpec = digital_loop(load_spec("photonic_pcm"), NETWORK)
    oblong = load_spec(spec.to_tree(), [("weight_banks.rows", "32")])
    with pytest.raises(MappingError, match="square banks, got 32 x 64"):
        Machine.of(oblong, NETWORK)


def test_a_machine_with_a_digital_loop_keeps_its_own_parts() -> None:
    spec: Any = load_spec("freespace_dmd")
    own: Any = digital_loop(spec, NETWORK)
    assert own.nonlinearity.conversion_time == spec.nonlinearity.conversion_time
    assert own.nonlinearity.function == "linear"
    lent: Any = digital_loop(load_spec("photonic_mrr"), NETWORK)
    lender: Any = load_spec("photonic_mzi")
    assert lent.nonlinearity.conversion_time == lender.nonlinearity.conversion_time


@pytest.mark.parametrize(
    ("key", "value"),
    [("block", "2"), ("cores", "2"), ("prefetch", "true"), ("refresh_interval", "1 s")],
)
def test_orders_of_work_that_convolutions_do_not_know_are_refused(key: str, value: str) -> None:
    with pytest.raises(MappingError, match=rf"control\.{key}: got .* expected .* Hint"):
        machine("photonic_mrr", 8, (f"control.{key}", value))
