"""Lines that share a converter take turns at it: time, standing power, area, and nothing else."""

from __future__ import annotations

import pytest

from pnnsim.devices.readouts.adc import Adc
from pnnsim.devices.registry import component_class
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.mapping.delays import Stage
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.timing.drawings import QUICK, by_hand, drawn
from tests.timing.machines import machine

#: A machine and the part of it that converts; then its action, its time of one conversion [fs], and
#: what else the action takes [fs].
CONVERTERS = [
    ("photonic_mrr", "encoder", "convert", 10**6, 0),
    ("photonic_mzi", "encoder", "convert", None, 0),
    ("spintronic_mtj", "encoder", "convert", None, 0),
    ("freespace_dmd", "encoder", "convert", 10**6, 0),
    ("photonic_mrr", "readout", "convert", 10**6, 0),
    ("freespace_dmd", "nonlinearity", "activate", 10**9, 10**9),
]


def chip(name, *overrides, hidden=64):
    return Chip.nominal(load_spec(name, list(overrides)), ReLaXNet(hidden=hidden))


@pytest.mark.parametrize(("name", "part", "action", "once", "rest"), CONVERTERS)
@pytest.mark.parametrize("shared", [1, 4, 5, 64, 1000])
def test_converter_serves_its_lines_one_after_the_other(name, part, action, once, rest, shared):
    plain = chip(name).components[part]
    some = chip(name, (f"{part}.shared_by", str(shared))).components[part]
    once = plain.delay_fs(action) if once is None else once
    # 64 lines: more than that cannot share, and the busiest converter counts.
    assert some.delay_fs(action) == min(shared, 64) * once + rest
    assert some.cost(action) == plain.cost(action)


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, part, *_ in CONVERTERS])
@pytest.mark.parametrize(("shared", "count"), [(1, 64), (4, 16), (5, 13), (64, 1), (1000, 1)])
def test_fewer_converters_draw_and_cover_less(name, part, shared, count):
    power = "dac_static_power" if part == "encoder" else "static_power"
    base = [(f"{part}.{power}", "0 W")]
    # An encoder has lasers or drivers beside its converters.
    rest = chip(name, *(base if part == "encoder" else [])).components[part].static_power()
    more = [(f"{part}.{power}", "2 mW"), (f"{part}.converter_area", "0.01 mm^2")]
    found = chip(name, *more, (f"{part}.shared_by", str(shared)))
    expected = count * 2e-3 + (rest if part == "encoder" else 0.0)
    assert found.components[part].static_power() == pytest.approx(expected, rel=1e-12, abs=0)
    assert found.areas()[part] == pytest.approx(count * 1e-8, rel=1e-12, abs=0)


def test_area_that_nobody_described_is_in_no_cost():
    assert "readout" not in chip("photonic_mrr").areas()


def test_shared_converters_make_the_latency_longer_by_their_turns():
    # The readout converts each result once; the encoder's converter is in the input path.
    network = ReLaXNet(weight_sets=2, steps=3)

    def latency(*overrides):
        trace = time_run(Chip.nominal(load_spec("photonic_mrr", list(overrides)), network), 1).trace
        return int(trace.result_fs[0] - trace.arrival_fs[0])

    assert latency(("readout.shared_by", "4")) - latency() == 3 * 10**6
    assert latency(("encoder.shared_by", "4")) - latency() == 3 * 10**6


def test_two_samples_contend_for_one_converter():
    # Four lines share one converter of 2 fs: 8 fs for a state. Sample 1 is ready at 17, while
    # sample 0 is converted from 12 to 20.
    adc = chip(
        "photonic_mrr", ("readout.conversion_time", "2 fs"), ("readout.shared_by", "4"), hidden=4
    ).readout
    assert isinstance(adc, Adc)
    output = (Stage("readout", "convert", adc.delay_fs("convert")),)
    trace = machine(samples=2, sets=1, steps=1, banks=1, block=2, input=QUICK, output=output).run()
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2----
        front_end          01.......................
        encoder            .0000011111..............
        weight_banks.path  ...0....1................
        weight_banks.0     ....0....1...............
        detector           .....00...11.............
        nonlinearity       .......00...11...........
        readout            .........0000000011111111
    """)


def test_two_samples_contend_for_the_converter_of_the_nonlinearity():
    # Two lines share one converter of 3 fs, the table takes 1: 7 fs. Sample 1 is encoded at 8, but
    # a capture before 14 would find the converter taken: it departs at 10.
    part = chip(
        "freespace_dmd", ("nonlinearity.conversion_time", "3 fs"),
        ("nonlinearity.function_time", "1 fs"), ("nonlinearity.shared_by", "2"), hidden=4,
    ).nonlinearity  # fmt: skip
    trace = machine(
        samples=2, sets=1, steps=1, banks=1, block=2, input=QUICK,
        activate_fs=part.delay_fs("activate"),
    ).run()  # fmt: skip
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---
        front_end          01......................
        encoder            .0000011..111...........
        weight_banks.path  ...0......1.............
        weight_banks.0     ....0......1............
        detector           .....00.....11..........
        nonlinearity       .......00000001111111...
        readout            ..............000....111
    """)


@pytest.mark.parametrize("count", ["0", "-1", "1.5"])
def test_number_of_lines_is_whole_and_at_least_one(count):
    with pytest.raises(SpecError, match=r"readout\.shared_by"):
        load_spec("photonic_mrr", [("readout.shared_by", count)])


def test_kinds_with_converters_share_them_and_others_do_not():
    # A register and mirrors convert nothing.
    assert (
        component_class("readout", "register").Params.model_fields.keys().isdisjoint({"shared_by"})
    )
    assert "shared_by" not in component_class("encoder", "dmd_rows").Params.model_fields
