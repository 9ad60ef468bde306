"""The other parts of the photonic machine: times, prices and transfer functions by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.devices.base import Received
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(
        load_spec("photonic_mrr", [*WORKED["photonic_mrr"], *overrides]), ReLaXNet(**network)
    )


def ns(femtoseconds: int) -> float:
    return femtoseconds / 1e6


def test_times_are_those_of_the_worked_machine() -> None:
    """Worked machine `mrr_photonic`, hand arithmetic with rule tau * ln(2^9) [ns]."""
    delays = chip().delays()
    # The reference divides the rise time by 2.197; ln 9 = 2.19722.
    assert ns(delays.route_fs) == pytest.approx(9.086317, rel=2e-4, abs=0)
    assert ns(delays.encode_fs) == pytest.approx(0.049643, abs=1e-6)
    assert ns(delays.detect_fs) == pytest.approx(0.198572, abs=1e-6)
    assert ns(delays.hold_fs) == pytest.approx(0.1, abs=1e-9)


def test_a_given_wait_replaces_the_settling_rule() -> None:
    assert chip(("switch.settling_time", "5 ns")).delays().route_fs == 5_000_000
    assert chip(("nonlinearity.settling_time", "0 s")).delays().activate_fs == 0


def test_front_end_counts_whole_cycles() -> None:
    assert chip().front_end.delay_fs("map_input") == 1_000_000  # 64 x 64 in one cycle of 1 ns
    assert chip(inputs=65).front_end.delay_fs("map_input") == 2_000_000
    assert chip(inputs=3072).front_end.delay_fs("map_input") == 48_000_000


def test_prices_of_one_sample() -> None:
    prices = chip().prices()
    expected = {
        ("front_end", "map_input"): 4096 * 0.077e-12,
        ("front_end", "map_output"): 640 * 0.077e-12,
        ("encoder", "convert"): 64 * 3.584e-12,
        ("encoder", "encode"): 64 * 50e-15,
        ("switch", "route"): 2 * 10e-12,
        ("weight_banks", "write"): 4096 * 10 * 3.584e-12,
        ("nonlinearity", "activate"): 64 * 50e-15,
        ("memory", "hold"): 64 * 0.1e-12,
        ("readout", "convert"): 64 * 25e-15 * 2**7,
    }
    for action, price in expected.items():
        assert prices.dynamic[action] == pytest.approx(price, rel=1e-12, abs=0), action
    assert prices.static_w == pytest.approx(
        {
            "front_end": 5e-3,
            "encoder": 64 * (1e-3 / 0.2 + 1e-3),
            "switch": 2 * 15e-3,
            "weight_banks": 8.192,
            "detector": 64 * 3e-3,
            "nonlinearity": 64 * 0.5e-3,
            "memory": 0.0,
            "readout": 0.0,
            "environment": 2.0,
        },
        rel=1e-12,
        abs=0,
    )


def test_a_deeper_tree_loses_leaks_and_draws_more() -> None:
    two, five = chip(), chip(("weight_banks.count", "5"), weight_sets=5, steps=5)
    on = {"switch.leakage"}
    assert two.switch.transmission == pytest.approx(10**-0.1, rel=1e-12, abs=0)
    assert five.switch.transmission == pytest.approx(10**-0.3, rel=1e-12, abs=0)
    assert two.switch.leakage(on) == pytest.approx(0.01, rel=1e-12, abs=0)
    assert five.switch.leakage(on) == pytest.approx(0.03, rel=1e-12, abs=0)
    assert five.switch.leakage(frozenset()) == 0.0
    assert five.switch.static_power() == pytest.approx(2 * 4 * 15e-3, rel=1e-12, abs=0)
    assert five.switch.cost("route") == pytest.approx(2 * 3 * 10e-12, rel=1e-12, abs=0)


def test_what_the_switch_leaves_unsettled_is_half_a_bit_after_its_wait() -> None:
    switch = chip().switch
    wait = torch.tensor([switch.delay_fs("route") / 1e15], dtype=torch.float64)
    # Femtoseconds are rounded: 0.5 fs in a time constant of 1.46 ns.
    assert float(switch.residue(wait, {"switch.settling"})) == pytest.approx(
        2.0**-9, rel=1e-6, abs=0
    )


def test_activation_is_a_sine_squared_that_saturates() -> None:
    f = chip().nonlinearity
    a = torch.linspace(-2, 2, 41, dtype=torch.float64)
    expected = np.sin(np.pi / 4 * (1 + np.clip(a.numpy(), -1, 1))) ** 2
    np.testing.assert_allclose(
        f.activate(a, None, None, frozenset()).numpy(), expected, atol=1e-15, rtol=0
    )
    assert f.slope == pytest.approx(math.pi / 4, rel=1e-6, abs=0)  # sampled at 2001 points


def test_activation_of_the_signal_itself_is_never_negative() -> None:
    f = chip(
        ("nonlinearity.carrier", "signal"),
        ("nonlinearity.bias_voltage", "0 V"),
        ("nonlinearity.tap_fraction", "10 %"),
    ).nonlinearity
    a = torch.linspace(-1, 1, 21, dtype=torch.float64)
    p = np.clip(a.numpy(), 0, 1)
    np.testing.assert_allclose(
        f.activate(a, None, None, frozenset()).numpy(),
        0.9 * p * np.cos(np.pi / 4 * p) ** 2,
        atol=1e-15,
        rtol=0,
    )


def received(c: Chip, batch: int) -> Received:
    ones = torch.ones((batch, 64), dtype=torch.float64)
    return Received(
        signal=0.0 * ones,
        total=20.0 * ones[:, :1],
        unit_input=c.unit_input,
    )


@pytest.mark.parametrize(
    "sources",
    [("shot_noise",), ("amplifier_noise",), ("shot_noise", "amplifier_noise")],
)
def test_noise_of_each_source_has_the_textbook_variance(sources: tuple[str, ...]) -> None:
    c = chip()
    batch = 400
    generator = torch.Generator().manual_seed(4)
    active = {f"detector.{name}" for name in sources}
    drawn = c.detector.detect(received(c, batch), generator, active) * c.unit_input
    band = math.pi / 2 * 5e9
    unit = c.unit_input
    variances = {
        "shot_noise": 2 * constants.e * (20 * unit + 2 * 10e-9) * band,
        "amplifier_noise": 6.4e-12**2 * band,
    }
    expected = sum(variances[name] for name in sources)
    # 5 sigma of a variance from n draws: 5 sqrt(2 / n).
    assert float(drawn.var()) == pytest.approx(
        expected, rel=5 * math.sqrt(2 / drawn.numel()), abs=0
    )


def test_no_stream_means_no_noise() -> None:
    c = chip()
    assert float(c.detector.detect(received(c, 3), None, c.non_idealities).abs().max()) == 0.0


def test_a_held_value_droops_exponentially() -> None:
    memory = chip().memory
    state = torch.ones((2, 3), dtype=torch.float64)
    held = torch.tensor([[0.0], [50e-6]], dtype=torch.float64)
    after = memory.hold(state, held, {"memory.droop"})
    np.testing.assert_allclose(
        after.numpy(), np.exp([[0.0], [-0.5]]) * np.ones((2, 3)), rtol=1e-12, atol=0
    )
    assert torch.equal(memory.hold(state, held, frozenset()), state)


def test_lines_carry_no_negative_power() -> None:
    encoder = chip().encoder
    state = torch.tensor([[-0.2, 0.5, 1.3]], dtype=torch.float64)
    assert encoder.encode(state, converted=False, active=frozenset()).tolist() == [[0.0, 0.5, 1.0]]
    stepped = encoder.encode(state, converted=True, active={"encoder.quantization"})
    assert stepped.tolist()[0][::2] == [0.0, 1.0]
    assert abs(float(stepped[0, 1]) - 0.5) == pytest.approx(0.5 / 255, rel=1e-9, abs=0)


def test_power_at_the_detector_is_the_product_of_all_transmissions() -> None:
    c = chip()
    decibels = 10 * math.log10(1e-3 / (c.unit_input * c.weight_banks.absorbed))
    # 1 modulator + 1 switch + 2.7 excess + 0.62 passing rings + 18.06 split.
    assert decibels == pytest.approx(1 + 1 + 2.7 + 0.62 + 10 * math.log10(64), abs=1e-9)
