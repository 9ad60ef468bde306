"""The worked machines `mrr_photonic` and `dmd_freespace`, by hand, against shipped parts.

Golden numbers are sums of products: 128 neurons, two banks, twelve steps, noise switched off. They
charge a move of the switch and a hold in every step, edges included; a machine here starts with its
switch on the first bank and reads its last state out, so one move and one hold less, and the front
end's cycles are on top. Both conventions are compared in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import optimize

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_channels
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

STEPS = 12
NETWORK = ReLaXNet(inputs=128, hidden=128, outputs=128, weight_sets=2, steps=STEPS)

#: Half a femtosecond for each rounded delay of a pass, about 90 of them.
ROUNDING_NS = 45e-6

QUIET = (
    ("front_end.static_power", "0 W"), ("front_end.mac_energy", "0 J"),
    ("encoder.lines", "128"), ("weight_banks.rows", "128"), ("weight_banks.cols", "128"),
)  # fmt: skip


def self_coupling() -> float:
    """Return the coupling at which the linewidth is 0.10 nm exactly, as the reference has it."""
    around = 2 * math.pi * 5e-6
    fsr = photonic_channels.free_spectral_range(1550e-9, 4.2, around)
    amplitude = photonic_channels.single_pass_amplitude(300.0, around)
    return float(
        optimize.brentq(
            lambda r: photonic_channels.linewidth(fsr, r, r, amplitude) - 0.1e-9,
            0.98,
            0.999,
            xtol=1e-15,
        )
    )


MRR = (
    *QUIET,
    ("weight_banks.self_coupling", repr(self_coupling())),
    ("switch.count", "4"),
    ("nonlinearity.settling_time", "0 s"), ("nonlinearity.energy", "0 J"),
    ("nonlinearity.static_power", "0 W"),
)  # fmt: skip
DMD = (
    *QUIET,
    ("encoder.conversion_time", "0 s"), ("encoder.electrical_power", "5 mW"),
    ("switch.rows", "768"), ("weight_banks.static_power", "0 W"),
    ("nonlinearity.static_power", "39.0625 mW"), ("memory.energy_per_byte", "0 J"),
    ("readout.transfer_time", "0 s"), ("readout.energy", "0 J"),
)  # fmt: skip


@dataclass(frozen=True)
class Golden:
    """Hand arithmetic of one machine, in ns, W and J."""

    machine: str
    overrides: tuple[tuple[str, str], ...]
    parts: dict[str, float]
    step: float
    latency: float
    overlapped: float
    static: float
    dynamic: float
    energy: float


GOLDEN = (
    Golden(
        "photonic_mrr",
        MRR,
        {
            "route": 9.086317, "encode": 0.049643, "propagate": 0.280194, "mvm": 0.079567,
            "detect": 0.198572, "activate": 0.0, "hold": 0.1,
        },
        9.794293, 119.531512, 117.735796, 35.980, 1578.752e-12, 4302.322547e-9,
    ),
    Golden(
        "freespace_dmd",
        DMD,
        {
            "route": 43220.0, "encode": 4.964301, "propagate": 3.335641, "mvm": 0.0,
            "detect": 992.860201, "activate": 2000.0, "hold": 0.0,
        },
        46221.160143, 554653.921712, 530594.350100, 17.768, 84.916224e-9, 9.8551758e-3,
    ),
)  # fmt: skip


def chip(golden: Golden, *more: tuple[str, str]) -> Chip:
    return Chip.nominal(
        load_spec(golden.machine, [*WORKED[golden.machine], *golden.overrides, *more]), NETWORK
    )


def part_times(c: Chip) -> dict[str, float]:
    """Return the parts' times in ns."""
    d = c.delays()
    return {
        "route": d.route_fs / 1e6,
        "encode": next(s.duration_fs for s in d.encode if s.action == "encode") / 1e6,
        "propagate": d.propagate_fs / 1e6,
        "mvm": d.mvm_fs / 1e6,
        "detect": d.detect_fs / 1e6,
        "activate": d.activate_fs / 1e6,
        "hold": d.hold_fs / 1e6,
    }


@pytest.fixture(params=GOLDEN, ids=lambda golden: golden.machine)
def golden(request: pytest.FixtureRequest) -> Golden:
    found: Golden = request.param
    return found


def test_times_of_the_parts_and_of_a_step(golden: Golden) -> None:
    times = part_times(chip(golden))
    # Golden numbers have six decimals.
    assert times == pytest.approx(golden.parts, abs=1.1e-6)
    assert sum(times.values()) == pytest.approx(golden.step, abs=5e-6)


@pytest.mark.parametrize("overlap", [False, True])
def test_latency_differs_from_the_reference_by_its_edges_alone(
    golden: Golden, overlap: bool
) -> None:
    c = chip(golden, ("control.overlap", str(overlap).lower()))
    found = time_run(c, 1).trace.makespan_fs / 1e6
    t, d = part_times(c), c.delays()
    state = t["encode"] + t["activate"] + t["hold"]
    front_end = d.input[0].duration_fs / 1e6 + d.output[-1].duration_fs / 1e6
    # The reference moves the switch, and holds, before the first step and after the last.
    if overlap:
        expected = golden.overlapped - max(t["route"], state) + state - t["hold"]
    else:
        expected = golden.latency - t["route"] - t["hold"]
    # Six decimals of twelve steps.
    assert found - front_end == pytest.approx(expected, abs=12 * 1.1e-6 + ROUNDING_NS)


def test_static_power(golden: Golden) -> None:
    assert sum(chip(golden).prices().static_w.values()) == pytest.approx(
        golden.static, rel=1e-9, abs=0
    )


def test_energy_of_a_pass(golden: Golden) -> None:
    c = chip(golden, ("control.overlap", "false"))
    timing = time_run(c, 1)
    ledger = EnergyLedger.from_trace(timing.trace, timing.prices)
    prices = timing.prices.dynamic
    missing = prices["switch", "route"] + prices["memory", "hold"]
    assert ledger.dynamic + missing == pytest.approx(golden.dynamic, rel=1e-9, abs=0)
    # Stated tolerance of the reference: 1e-5.
    total = ledger.dynamic + missing + golden.static * golden.latency * 1e-9
    assert total == pytest.approx(golden.energy, rel=1e-5, abs=0)
    assert ledger.static == pytest.approx(
        golden.static * timing.trace.makespan_fs * 1e-15, rel=1e-9, abs=0
    )


def test_energy_per_multiply_accumulate(golden: Golden) -> None:
    """Reference: 21.8827 pJ and 50.126 nJ; 12 steps of 128 x 128."""
    assert NETWORK.macs_per_inference()["hidden"] == 196_608
    per_mac = {"photonic_mrr": 21.8827e-12, "freespace_dmd": 50.126e-9}[golden.machine]
    assert golden.energy / 196_608 == pytest.approx(per_mac, rel=1e-5, abs=0)


def test_a_region_of_128_rows_takes_less_than_half() -> None:
    """Reference: 17.62 us a move and 247.454 us a pass, its edges as above."""
    c = chip(GOLDEN[1], ("switch.rows", "128"), ("control.overlap", "false"))
    found = time_run(c, 1).trace.makespan_fs / 1e6
    d = c.delays()
    front_end = (d.input[0].duration_fs + d.output[-1].duration_fs) / 1e6
    assert found - front_end + 17620.0 == pytest.approx(247454.0, abs=0.5)


def test_programming_a_bank() -> None:
    """Reference: ten rounds of 62.4 us for rings, one frame of 16.7 ms for masks."""
    rings, masks = (chip(golden).weight_banks.delay_fs("write") / 1e15 for golden in GOLDEN)
    assert rings == pytest.approx(0.62383e-3, rel=1e-4, abs=0)
    assert masks == pytest.approx(16.7e-3, rel=1e-12, abs=0)
    assert rings / (golden_step(0)) == pytest.approx(6.4e4, rel=0.01, abs=0)


def golden_step(index: int) -> float:
    return GOLDEN[index].step * 1e-9


def test_light_at_the_detector_of_the_ring_machine() -> None:
    """Reference: 27.32 dB from modulator to photodiode, 1.853 uW for each wavelength.

    Losses by hand: 1.5 fibre-chip, 1.0 modulator, 0.5 and 0.7 routing, 1.0 switch, 0.62 for 31
    rings passed, 0.93 for dropping, 21.07 for the split. Rings here drop at 0.56 dB by their own
    equation, so without the 0.93 dB there are 26.39 dB.
    """
    c = chip(GOLDEN[0])
    arriving = c.unit_input * c.weight_banks.absorbed
    assert -10 * np.log10(arriving / 1e-3) == pytest.approx(27.32 - 0.93, abs=0.01)
