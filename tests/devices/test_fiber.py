"""Fibre switches, amplifying gates and loops: what they pass, how noisy, and what cannot wait."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received
from pnnsim.devices.memories.delay_line import DelayLine
from pnnsim.devices.switches.fiber import SoaSwitch
from pnnsim.devices.switches.fiber_params import SoaSwitchParams
from pnnsim.errors import MappingError, ScheduleError
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.plain_data import Notes, section_tree
from tests.inference.evaluated import switched
from tests.testing.test_every_component import descriptions


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(load_spec("fiber_loop", list(overrides)), ReLaXNet(**network))


# loop


def test_a_round_takes_the_flight_time_of_the_fibre() -> None:
    """Reference: 4.896721 ns a metre at a group index of 1.468."""
    assert chip(("memory.length", "2 m")).memory.delay_fs("hold") / 1e6 == pytest.approx(
        9.793442, abs=1e-6
    )


def test_a_loop_long_enough_is_timed_like_any_memory() -> None:
    c = chip()
    timing = time_run(c, 3)
    # No state waits: each leaves the encoder right after its round.
    held = timing.accesses.held_s[:, 1:]
    np.testing.assert_allclose(held, c.delays().encode_fs / 1e15, rtol=0, atol=0.5e-15)


def test_a_loop_too_short_is_refused_with_by_how_much() -> None:
    """100 m take 489.672 ns; the switch 850 ns, of which modulator and driver hide 0.129 ns."""
    c = chip(("memory.length", "100 m"))
    delays = c.delays()
    short = (delays.route_fs - delays.state_fs) / 1e15
    assert short == pytest.approx(850e-9 - 489.672e-9, abs=0.2e-9)
    with pytest.raises(ScheduleError) as caught:
        time_run(c, 1)
    assert f"takes 4.897e-07 s, {short:.4g} s too short for sample 0 before step 1" in str(
        caught.value
    )
    assert "a longer loop" in str(caught.value)
    longer = math.ceil((0.48968 + short * 1e6) / 4.896721e-3)
    assert len(time_run(chip(("memory.length", f"{longer} m")), 2).trace) > 0
    with pytest.raises(ScheduleError, match="too short"):
        time_run(chip(("memory.length", f"{longer - 1} m")), 2)


def test_an_ordinary_fibre_switch_would_need_a_loop_of_two_thousand_kilometres() -> None:
    slow = ("switch.switching_time", "10 ms")
    with pytest.raises(ScheduleError, match=r"expected at least 0\.01 s"):
        time_run(chip(slow), 1)
    # Its 409 dB leave nothing to detect; without them the times would fit.
    with pytest.raises(MappingError, match="expected at least 1e-20 W"):
        time_run(chip(slow, ("memory.length", "2043 km")), 1)
    time_run(chip(slow, ("memory.length", "2043 km"), ("memory.loss", "0 dB/km")), 1)
    # A network that never changes its bank needs no switch to be quick.
    time_run(chip(slow, weight_sets=1, steps=3), 2)


def test_a_switch_that_moves_after_the_state_is_refused_with_a_hint() -> None:
    with pytest.raises(ScheduleError, match=r"Hint: control\.overlap: true"):
        time_run(chip(("control.overlap", "false")), 1)


def test_a_block_needs_a_loop_for_all_of_its_samples() -> None:
    """The first sample of a block comes back while the last is still on its way to the detector."""
    block = (("control.block", "8"),)
    with pytest.raises(ScheduleError, match="too short"):
        time_run(chip(*block), 8)
    assert len(time_run(chip(*block, ("memory.length", "500 m")), 16).trace) > 0


def test_what_a_loop_loses_is_missing_at_the_detector() -> None:
    short, long = chip(), chip(("memory.length", "50.2 km"))
    assert isinstance(short.memory, DelayLine)
    # 50 km more at 0.2 dB/km.
    assert short.unit_input / long.unit_input == pytest.approx(10.0, rel=1e-12, abs=0)
    assert short.memory.transmission == pytest.approx(
        10 ** -(0.04 / 10 + 0.6 / 10), rel=1e-12, abs=0
    )
    state = torch.ones((2, 3))
    assert torch.equal(short.memory.hold(state, torch.zeros((2, 1)), short.non_idealities), state)


# switch


def test_a_mirror_reaches_every_bank_with_the_same_loss_and_leak() -> None:
    two, eight = chip(), chip(("weight_banks.count", "8"), weight_sets=8)
    on = {"switch.leakage"}
    for c in (two, eight):
        assert c.switch.transmission == pytest.approx(10**-0.85, rel=1e-12, abs=0)
        assert c.switch.leakage(on) == pytest.approx(1e-6, rel=1e-12, abs=0)
        assert c.switch.leakage(frozenset()) == 0.0
        assert c.switch.delay_fs("route") == 850_000_000
        assert c.switch.cost("route") == pytest.approx(50e-15, rel=1e-12, abs=0)


def test_wear_of_a_switch_is_a_warning() -> None:
    """1e9 moves at 12 an inference of 11.4 us: worn out within a quarter of an hour."""
    worn = [text for text in chip(("switch.endurance", "1e9")).warnings() if "worn" in text]
    assert len(worn) == 1
    assert "switch: worn out after 8.33e+07 inferences, 948 s" in worn[0]
    assert not any("worn" in t for t in chip(("switch.endurance", "1e17")).warnings())


# gate


def gate(banks: int = 2, **values: Any) -> SoaSwitch:
    (base,) = descriptions("switch", "soa")
    assert isinstance(base, SoaSwitchParams)
    size = chip(("weight_banks.count", str(banks)), weight_sets=banks).switch.size
    return SoaSwitch(base.model_copy(update=values), size)


def test_gain_makes_up_for_the_split_over_the_banks() -> None:
    # 6 dB of gain, a split in two or eight, 0.2 dB a splitter of one or three levels.
    assert gate(2).transmission == pytest.approx(10 ** (0.6 - 0.02) / 2, rel=1e-12, abs=0)
    assert gate(8).transmission == pytest.approx(10 ** (0.6 - 0.06) / 8, rel=1e-12, abs=0)
    assert gate(8).leakage({"switch.leakage"}) == pytest.approx(1e-4, rel=1e-12, abs=0)


def test_only_the_open_gate_takes_power() -> None:
    assert gate(2).static_power() == gate(8).static_power() == pytest.approx(0.3, rel=1e-12, abs=0)
    assert gate(8).cost("route") == pytest.approx(2 * 0.2e-9, rel=1e-12, abs=0)


def test_a_gate_settles_like_one_pole() -> None:
    """0.5 ns of rise time over 2.197 times ln 512."""
    g = gate()
    wait = g.delay_fs("route") / 1e15
    assert wait == pytest.approx(0.5e-9 / 2.197 * math.log(512), rel=1e-6, abs=0)
    left = g.residue(torch.tensor([wait], dtype=torch.float64), {"switch.settling"})
    assert float(left) == pytest.approx(2.0**-9, rel=1e-5, abs=0)  # rounded to a femtosecond


def test_emission_is_that_of_the_noise_figure() -> None:
    """An attenuator has a noise figure equal to its loss and emits nothing."""
    frequency = constants.c / 1550e-9
    assert gate(gain=-5.0, noise_figure=5.0).emission == pytest.approx(0.0, abs=1e-35)
    high = gate(gain=40.0, noise_figure=10 * math.log10(2.0)).emission
    # 3 dB at high gain is full inversion: h nu (G - 1/2).
    assert high == pytest.approx(constants.h * frequency * (1e4 - 0.5), rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="noise figure of at least 5 dB, that of an attenuator"):
        SoaSwitchParams.model_validate(
            {
                "kind": "soa", "count": 2, "rise_time": "0.5 ns", "bits": 8,
                "wavelength": "1550 nm", "gain": "-5 dB", "splitter_loss": "0.2 dB",
                "extinction": "40 dB", "noise_figure": "4 dB", "saturation_power": "10 mW",
                "channels": 32, "toggle_energy": "0.2 nJ", "gate_power": "150 mW",
            }
        )  # fmt: skip


@pytest.mark.parametrize("machine", ["photonic_mrr", "freespace_dmd"])
def test_light_beats_with_the_emission_on_either_sort_of_photodiode(machine: str) -> None:
    """Signal-spontaneous beat noise, 4 R^2 P S B, written out for one power and one density."""
    c = Chip.nominal(load_spec(machine), ReLaXNet())
    ones = torch.ones((200, 64), dtype=torch.float64)
    unit, density = 1e-6, 1e-18
    met = Received(0 * ones, ones, unit, emission=density, beats=5.0 * ones)
    drawn = c.detector.detect(met, stream(0, "detector", "read"), frozenset())
    responsivity, bandwidth = c.detector.params.responsivity, c.detector.params.bandwidth
    expected = 4 * responsivity**2 * 5 * unit * density * math.pi / 2 * bandwidth
    current = float(drawn.var()) * (responsivity * unit) ** 2
    assert current == pytest.approx(expected, rel=5 * math.sqrt(2 / drawn.numel()), abs=0)


def test_lines_that_saturate_a_gate_together_are_a_warning() -> None:
    g = gate()
    assert g.overload(1e-5) == ()
    (text,) = g.overload(1e-3)
    # 32 lines of a milliwatt at 5.8 dB less 3 dB: 61 mW.
    assert "32 lines at full scale leave a gate with 0.0608 W" in text


def test_what_reaches_a_detector_carries_emission_and_the_light_of_both_cells() -> None:
    """A phase-change bank behind an amplifying gate, against sums written out by hand."""
    tree = load_spec("photonic_pcm").to_tree()
    (described,) = descriptions("switch", "soa")
    tree["switch"] = section_tree(described, "switch", Notes())
    network = ReLaXNet(hidden=8, inputs=8, weight_sets=2, steps=2)
    c = Chip.nominal(load_spec(tree), network)
    generator = torch.Generator().manual_seed(0)
    w = 2 * torch.rand((2, 8, 8), generator=generator, dtype=torch.float64) - 1
    line = torch.rand((3, 8), generator=generator, dtype=torch.float64)
    accesses = nominal_accesses(c.order, c.mapping)
    active = {"switch.emission", "switch.leakage"}
    met = BankMvm(switched(c, w, active, generator), accesses).receive(line, 0)
    leak = 1e-4
    seen = w[0] + leak * w[1]
    clear, opaque = 10**-0.1, 10**-0.7
    light = [(2 * opaque + (clear - opaque) * w[k].abs()) / (clear - opaque) for k in (0, 1)]
    both = light[0] + leak * light[1]
    np.testing.assert_allclose(met.total, line @ both.T, rtol=1e-12, atol=0)
    assert met.beats is not None
    np.testing.assert_allclose(met.beats, line @ (seen**2).T, rtol=1e-12, atol=0)
    assert met.emission == pytest.approx(
        c.switch.emission * c.weight_banks.transmission, rel=1e-12, abs=0
    )
    quiet = BankMvm(switched(c, w, frozenset(), generator), accesses).receive(line, 0)
    assert (quiet.emission, quiet.beats) == (0.0, None)
