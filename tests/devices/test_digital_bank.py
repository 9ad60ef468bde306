"""A systolic array computes in whole numbers and pays for cycles, cells and fetched bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.common.rng import stream
from pnnsim.devices.weight_banks.digital import DigitalBank
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import HardwareSpec, load_spec

NS = 10**6  # [fs]


def spec(**values: Any) -> HardwareSpec:
    return load_spec(
        "digital_reference", [(key.replace("__", "."), str(value)) for key, value in values.items()]
    )


def bank(hidden: int = 64, **values: Any) -> DigitalBank:
    found = Chip.nominal(
        spec(**{f"weight_banks__{key}": value for key, value in values.items()}),
        ReLaXNet(hidden=hidden),
    ).weight_banks
    assert isinstance(found, DigitalBank)
    return found


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_are_whole_numbers_of_either_sign_with_zero_among_them(bits: int) -> None:
    array, top = bank(bits=bits), 2 ** (bits - 1) - 1
    target = torch.linspace(-1.3, 1.3, 4001, dtype=torch.float64).unsqueeze(0)
    held = array.program(target, {}, frozenset({"weight_banks.quantization"}), 1.0).weights
    codes = held.numpy() * top
    np.testing.assert_allclose(codes, np.rint(codes), rtol=0, atol=1e-12)
    assert set(np.rint(codes).astype(int).ravel()) == set(range(-top, top + 1))
    inside = target.abs() <= 1.0
    assert float((held - target)[inside].abs().max()) <= 0.5 / top + 1e-12


def test_a_product_is_that_of_the_integers() -> None:
    chip = Chip.nominal(spec(), ReLaXNet(hidden=64))
    active = chip.non_idealities
    generator = stream(1, "integers", "train")
    weight, line = (
        2.0 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1.0
        for shape in ((64, 64), (5, 64))
    )
    held = chip.weight_banks.program(weight, {}, active, 1.0).weights
    sent = chip.encoder.encode(line, converted=True, active=active)
    wanted = np.rint(127 * line.numpy()).astype(int) @ np.rint(127 * weight.numpy()).astype(int).T
    np.testing.assert_allclose((sent @ held.T).numpy() * 127**2, wanted, rtol=0, atol=1e-8)


def test_sums_leave_a_systolic_array_after_rows_and_columns_and_follow_each_other() -> None:
    array = bank(rows=16, cols=48, hidden=16)
    assert (array.delay_fs("propagate"), array.delay_fs("mvm")) == ((16 + 48 - 1) * NS, 0)
    whole = bank(rows=16, cols=48, hidden=16, dataflow="broadcast")
    assert (whole.delay_fs("propagate"), whole.delay_fs("mvm")) == (NS, 0)


def test_more_steps_take_a_whole_passage_each_and_samples_of_a_block_share_it() -> None:
    network = {steps: ReLaXNet(hidden=64, weight_sets=2, steps=steps) for steps in (4, 5)}
    first = {
        steps: int(time_run(Chip.nominal(spec(), each), samples=1).trace.result_fs[0])
        for steps, each in network.items()
    }
    # Load, 127 cycles of the array, one of the table.
    assert first[5] - first[4] == (1 + 127 + 1) * NS
    interval = {}
    for block in (1, 16):
        found = time_run(Chip.nominal(spec(control__block=block), network[4]), samples=64)
        ends = found.trace.result_fs
        interval[block] = int(ends[47] - ends[31]) // 16
    assert interval[1] >= 4 * 129 * NS
    # Fifteen vectors follow the first of a step, one in each cycle.
    assert interval[16] <= (4 * (129 + 15) + 16) * NS // 16


def test_writing_fetches_whole_arrays_through_one_port() -> None:
    for hidden, tiles in ((16, 1), (64, 1), (100, 4)):
        array = bank(hidden=hidden, count=4, port_bytes=16, bits=4)
        fetched = tiles * 64 * 64 // 2
        assert array.delay_fs("write") == fetched // 16 * NS
        p = array.params
        wanted = fetched * p.weight_energy + tiles * 64 * 64 * p.write_energy
        assert array.cost("write") == pytest.approx(wanted, rel=1e-12, abs=0)


def test_a_product_is_priced_by_the_cells_in_use() -> None:
    each = bank().params.mac_energy + bank().params.register_energy
    assert bank(hidden=64).cost("mvm") == pytest.approx(4096 * each, rel=1e-12, abs=0)
    assert bank(hidden=32).cost("mvm") == pytest.approx(1024 * each, rel=1e-12, abs=0)


def test_fetching_costs_more_from_a_larger_memory() -> None:
    small, large = (bank(weight_memory=size).params.weight_energy for size in (65536, 1048576))
    assert large / small == pytest.approx(16**0.51, rel=1e-9, abs=0)


def energy(sets: int, steps: int, **values: Any) -> float:
    chip = Chip.nominal(spec(**values), ReLaXNet(hidden=64, weight_sets=sets, steps=steps))
    timing = time_run(chip, samples=20)
    ledger = EnergyLedger.from_trace(timing.trace, timing.prices)
    return float(ledger.by_component()["weight_banks"]) / timing.trace.samples


def test_resident_weights_are_not_fetched_and_rewritten_ones_cost_more_from_dynamic_memory() -> (
    None
):
    dram = {"weight_banks__weight_energy": "13 pJ"}
    assert energy(2, 12, **dram) == energy(2, 12)
    fetched = energy(12, 12, **dram) - energy(12, 12)
    each = 4096 * (13e-12 - bank().params.weight_energy)
    # Twelve matrices meet two arrays: every product needs a write, the first two excepted.
    assert fetched == pytest.approx(12 * each, rel=0.2, abs=0)


def test_chips_are_alike() -> None:
    chip = Chip.nominal(spec(), ReLaXNet(hidden=64))
    assert chip.non_idealities == {
        "encoder.quantization", "weight_banks.quantization", "nonlinearity.quantization",
    }  # fmt: skip
    for part in chip.components.values():
        assert part.fabricate(stream(1, part.part, "fabrication")) == {}


@pytest.mark.parametrize(
    ("part", "other", "what"),
    [
        ("encoder", "electronic_pcm", "'line_driver' sends a voltage; expected a number"),
        ("switch", "photonic_mrr", "'electro_optic' takes optical power or an optical field"),
        ("detector", "electronic_pcm", "'crossbar_tia' takes a voltage"),
        ("weight_banks", "electronic_pcm", "'register' sends a number; expected a voltage"),
    ],
)
def test_parts_that_carry_no_numbers_are_refused(part: str, other: str, what: str) -> None:
    tree = load_spec("digital_reference").to_tree()
    tree[part] = load_spec(other).to_tree()[part]
    with pytest.raises(SpecError, match=what):
        load_spec(tree)
