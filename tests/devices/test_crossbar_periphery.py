"""Drivers, gates and amplifiers of a crossbar: times, prices and transfer functions by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.devices.base import Received
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import switched


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(load_spec("spintronic_mtj", list(overrides)), ReLaXNet(**network))


def received(c: Chip, signal: torch.Tensor) -> Received:
    return Received(
        signal=signal,
        total=torch.zeros_like(signal[:, :1]),
        unit_input=c.unit_input,
        conductance=c.weight_banks.conductance,
    )


def test_logical_one_is_voltage_times_conductance() -> None:
    """0.2 V x 8 x (1 - 1/2.2) uS = 0.872727 uA."""
    assert chip().unit_input == pytest.approx(0.872727e-6, rel=1e-6, abs=0)


def test_a_line_carries_both_signs_or_one() -> None:
    state = torch.tensor([[-1.7, -0.4, 0.4, 1.7]], dtype=torch.float64)
    bipolar, unipolar = chip().encoder, chip(("encoder.polarity", "unipolar")).encoder
    quiet: frozenset[str] = frozenset()
    assert bipolar.encode(state, converted=True, active=quiet).tolist() == [[-1.0, -0.4, 0.4, 1.0]]
    assert unipolar.encode(state, converted=True, active=quiet).tolist() == [[0.0, 0.0, 0.4, 1.0]]
    active = {"encoder.quantization"}
    # Six bits: 63 levels over [-1, 1], 64 over [0, 1]; an analog state meets no converter.
    assert bipolar.encode(state, converted=True, active=active)[0, 2] == pytest.approx(
        12 / 31, rel=1e-6, abs=0
    )
    assert unipolar.encode(state, converted=True, active=active)[0, 2] == pytest.approx(
        25 / 63, rel=1e-6, abs=0
    )
    assert bipolar.encode(state, converted=False, active=active)[0, 2] == 0.4


def test_a_move_opens_one_bank_and_closes_another() -> None:
    two, five = chip().switch, chip(("weight_banks.count", "5"), weight_sets=5, steps=5).switch
    assert (
        two.cost("route")
        == five.cost("route")
        == pytest.approx(2 * 64 * 16 * 5e-15, rel=1e-12, abs=0)
    )
    assert two.static_power() == pytest.approx(2 * 64 * 16 * 1e-9, rel=1e-12, abs=0)
    assert five.static_power() == pytest.approx(5 * 64 * 16 * 1e-9, rel=1e-12, abs=0)
    assert two.delay_fs("route") == 500_000
    assert two.transmission == 1.0


def test_gates_leak_by_the_ratio_of_their_resistances() -> None:
    switch = chip().switch
    assert switch.leakage({"switch.leakage"}) == pytest.approx(1e-6, rel=1e-12, abs=0)
    assert switch.leakage(frozenset()) == 0.0


def test_nothing_moves_before_the_decoder_is_done() -> None:
    switch = chip().switch
    dwell = torch.tensor([0.0, 0.4e-9, 0.42e-9, 0.5e-9], dtype=torch.float64)
    expected = [1.0, 1.0, math.exp(-1), math.exp(-5)]
    assert switch.residue(dwell, {"switch.settling"}).tolist() == pytest.approx(
        expected, rel=1e-9, abs=0
    )
    assert not switch.residue(dwell, frozenset()).any()


def moved(dwell: torch.Tensor, previous: int, bank: int) -> tuple[torch.Tensor, ...]:
    """Return the same move at many times."""
    each = torch.ones(len(dwell), dtype=torch.long)
    return dwell, previous * each, bank * each


def test_the_whole_injected_charge_passes_the_amplifier() -> None:
    """What the gates of one bank give, those of the other take, on each output another charge."""
    switch = chip().fabricate(0, 0).switch
    dwell = torch.linspace(0.4e-9, 40e-9, 20_001, dtype=torch.float64)
    current = switch.injection(*moved(dwell, 0, 1), {"switch.charge_injection"})
    assert current is not None
    charge = switch.state["charge"]
    # The trapezoid rule on steps of a thousandth of the time constant.
    np.testing.assert_allclose(
        torch.trapezoid(current, dwell, dim=0), charge[1] - charge[0], rtol=1e-5, atol=0
    )
    back = switch.injection(*moved(dwell, 1, 0), {"switch.charge_injection"})
    assert torch.equal(back, -current)
    assert switch.injection(*moved(dwell, 0, 1), frozenset()) is None
    # Nominal gates are alike, and cancel.
    assert chip().switch.injection(*moved(dwell, 0, 1), {"switch.charge_injection"}) is None


@pytest.mark.parametrize(("gates", "mismatch"), [(16, "10 %"), (64, "10 %"), (16, "40 %")])
def test_charges_of_gates_add_as_independent_ones_do(gates: int, mismatch: str) -> None:
    """Each gate of 0.5 fC misses by a tenth: 0.2 fC for sixteen, not 0.8 fC."""
    overrides = ("switch.gates_per_output", str(gates)), ("switch.injection_mismatch", mismatch)
    c = chip(*overrides)
    charges = torch.stack([c.fabricate(1, i).switch.state["charge"] for i in range(40)])
    expected = 0.5e-15 * float(mismatch.split()[0]) / 100 * math.sqrt(gates)
    # 5 sigma of a deviation from 40 x 2 x 64 draws.
    assert float(charges.std()) == pytest.approx(expected, rel=5 / math.sqrt(2 * 5120), abs=0)
    assert abs(float(charges.mean())) < 5 * expected / math.sqrt(5120)


def test_injected_charge_fades_until_the_capture() -> None:
    """The product sees what is left when the detector captures, not when the sample departs."""
    c = chip(("weight_banks.settling_time", "1 ns")).fabricate(0, 0)
    accesses = time_run(c, 1).accesses
    weight = torch.zeros((2, 64, 64), dtype=torch.float64)
    products = BankMvm(switched(c, weight, {"switch.charge_injection"}), accesses)
    got = products.receive(torch.zeros((1, 64), dtype=torch.float64), 1).signal
    # The gates move from the capture on, beside activation, hold and drive: 2.5 ns.
    since = 2.5e-9 - 0.4e-9 + 1e-9 + math.log(128) / (2 * math.pi * 100e6)
    charge = (c.switch.state["charge"][1] - c.switch.state["charge"][0]).numpy()
    expected = charge / 1.59e-9 * math.exp(-since / 1.59e-9) / c.unit_input
    # Times are rounded to femtoseconds.
    np.testing.assert_allclose(got.numpy()[0], expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    "sources",
    [
        ("thermal_noise",),
        ("amplifier_noise",),
        ("voltage_noise",),
        ("thermal_noise", "amplifier_noise", "voltage_noise"),
    ],
)
def test_noise_has_the_textbook_variance(sources: tuple[str, ...]) -> None:
    c = chip()
    signal = torch.zeros((400, 64), dtype=torch.float64)
    generator = torch.Generator().manual_seed(4)
    drawn = c.detector.detect(
        received(c, signal), generator, {f"detector.{name}" for name in sources}
    )
    band = math.pi / 2 * 100e6
    variances = {
        "thermal_noise": 4 * constants.k * 300 * 64 * 16 * 0.727273e-6 * band,
        "amplifier_noise": 5e-12**2 * band,
        "voltage_noise": (5e-9 * 64 * 16 * 0.727273e-6) ** 2 * band,
    }
    expected = sum(variances[name] for name in sources)
    # 5 sigma of a variance from n draws: 5 sqrt(2 / n).
    found = float((drawn * c.unit_input).var())
    assert found == pytest.approx(expected, rel=5 * math.sqrt(2 / drawn.numel()), abs=0)


def test_noise_of_the_worked_machine() -> None:
    """Devices at N = 128: 1.489 mS gives 62.3 nA, the amplifier 62.7 nA."""
    band = math.pi / 2 * 100e6
    overrides = [("weight_banks.rows", "128"), ("weight_banks.cols", "128")]
    c = chip(("encoder.lines", "128"), *overrides, hidden=128)
    conductance = c.weight_banks.conductance
    assert conductance == pytest.approx(1.489e-3, rel=5e-4, abs=0)
    assert math.sqrt(4 * constants.k * 300 * conductance * band) == pytest.approx(
        62.3e-9, rel=1e-3, abs=0
    )
    assert math.sqrt(5e-12**2 * band) == pytest.approx(62.7e-9, rel=1e-3, abs=0)


@pytest.mark.parametrize(("columns", "resistance"), [("64", "1 Mohm"), ("128", "500 kohm")])
def test_an_offset_drives_a_current_through_every_cell_on_the_amplifier(
    columns: str, resistance: str
) -> None:
    """Twice the columns and half the resistance are four times the current of one offset."""
    overrides = [("weight_banks.cols", columns), ("weight_banks.resistance", resistance)]
    nominal = chip(("encoder.lines", "128"), ("detector.input_offset", "1 mV"), *overrides)
    c, active = nominal.fabricate(3, 0), {"detector.input_offset"}
    met = received(c, torch.zeros((2, 64), dtype=torch.float64))
    off = (c.detector.detect(met, None, active) * c.unit_input).numpy()
    assert np.array_equal(off[0], off[1])
    cells = int(columns) * 16 * 0.727273 / float(resistance.split()[0]) / 1e6
    cells *= 1e3 if "k" in resistance else 1.0
    # 5 sigma of a deviation from 64 draws.
    assert off[0].std() == pytest.approx(1e-3 * cells, rel=5 / math.sqrt(128), abs=0)
    assert not np.array_equal(off, nominal.fabricate(3, 1).detector.detect(met, None, active))
    for part, on in ((nominal.detector, active), (c.detector, set())):
        assert torch.equal(part.detect(met, None, on), met.signal)


def test_an_amplifier_stops_at_its_rails() -> None:
    c = chip()
    signal = torch.tensor([[-30.0, -5.0, 5.0, 30.0]], dtype=torch.float64)
    limit = 10e-6 / c.unit_input
    got = c.detector.detect(received(c, signal), None, {"detector.saturation"})
    assert got[0].tolist() == pytest.approx([-limit, -5.0, 5.0, limit], rel=1e-12, abs=0)
    assert torch.equal(c.detector.detect(received(c, signal), None, frozenset()), signal)


def test_what_an_amplifier_leaves_of_the_symbol_before_is_half_a_bit() -> None:
    assert chip().detector.residue({"detector.settling"}) == pytest.approx(2.0**-7, rel=1e-6, abs=0)
    assert chip().detector.residue(frozenset()) == 0.0


@pytest.mark.parametrize("part", ["encoder", "detector", "switch"])
def test_light_and_crossbars_do_not_mix(part: str) -> None:
    tree = load_spec("spintronic_mtj").to_tree()
    tree[part] = load_spec("photonic_mrr").to_tree()[part]
    with pytest.raises(SpecError, match="voltage"):
        load_spec(tree)
