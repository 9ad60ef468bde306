"""Every random number of every part follows the law that is stated for it, and streams are apart.

A table names the law of each non-ideality that is drawn. Samples are compared with it by
Kolmogorov and Smirnov's test, so that mean, width and shape are tested together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from pnnsim.common.rng import noise_like, normal, rare, stream, uniform
from pnnsim.devices.registry import BUILTIN, component_class
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import poisson
from tests.devices.noise_laws import (
    agrees,
    amplifiers,
    amplitudes,
    apart,
    averages,
    beats,
    chance,
    failed_writes,
    flicker,
    generator,
    junctions,
    laser,
    luck,
    mesh,
    panel,
    photons,
    pixels,
    relaxations,
    rings,
    shorted,
    shot,
    sources,
    stage,
    stuck,
    surroundings,
    thermal,
    traps,
    write_misses,
)

#: Part, kind and non-ideality -> what compares its draws with their law.
LAWS: dict[tuple[str, str, str], Callable[[], None]] = {
    ("detector", "balanced_photodiode", "shot_noise"): lambda: shot("balanced_photodiode"),
    ("detector", "balanced_photodiode", "amplifier_noise"): lambda: amplifiers(
        "balanced_photodiode", 1
    ),
    ("detector", "balanced_photodiode", "laser_noise"): lambda: laser("balanced_photodiode"),
    ("detector", "photodiode", "shot_noise"): lambda: shot("photodiode"),
    ("detector", "photodiode", "amplifier_noise"): lambda: amplifiers("photodiode", 2),
    ("detector", "photodiode", "laser_noise"): lambda: laser("photodiode"),
    ("detector", "crossbar_tia", "thermal_noise"): thermal,
    ("detector", "crossbar_tia", "amplifier_noise"): lambda: amplifiers("crossbar_tia", 1),
    ("detector", "camera", "shot_noise"): photons,
    ("detector", "camera", "read_noise"): pixels,
    ("detector", "camera", "source_noise"): sources,
    ("switch", "soa", "emission"): beats,
    ("nonlinearity", "electronic_analog", "noise"): stage,
    ("nonlinearity", "mtj_sigmoid", "switching_noise"): averages,
    ("nonlinearity", "spin_oscillator", "amplitude_noise"): amplitudes,
    ("weight_banks", "mrr", "resonance_error"): rings,
    ("weight_banks", "mrr", "temperature"): lambda: surroundings(
        "mrr", "temperature", "temperature_error", "temperature_time"
    ),
    ("weight_banks", "mrr", "write_repeatability"): lambda: write_misses(
        "mrr", "write_repeatability", "write_repeatability"
    ),
    ("weight_banks", "mzi_mesh", "coupler_error"): lambda: mesh("couplers", "coupler_error"),
    ("weight_banks", "mzi_mesh", "phase_error"): lambda: mesh("phases", "phase_error"),
    ("weight_banks", "mzi_mesh", "loss_imbalance"): lambda: mesh("losses", "loss_imbalance"),
    ("weight_banks", "mzi_mesh", "drift"): lambda: surroundings(
        "mzi_mesh", "left_drift", "drift", "drift_time"
    ),
    ("weight_banks", "pcm", "programming_error"): lambda: write_misses(
        "pcm", "programming_error", "programming_error"
    ),
    ("weight_banks", "pcm", "drift"): relaxations,
    ("weight_banks", "pcm", "read_noise"): flicker,
    ("weight_banks", "slm", "pixel_spread"): panel,
    ("weight_banks", "mtj_crossbar", "resistance_spread"): lambda: junctions(
        "resistance", "resistance_spread"
    ),
    ("weight_banks", "mtj_crossbar", "tmr_spread"): lambda: junctions("tmr", "tmr_spread"),
    ("weight_banks", "mtj_crossbar", "stuck_junctions"): stuck,
    ("weight_banks", "mtj_crossbar", "shorted_junctions"): shorted,
    ("weight_banks", "mtj_crossbar", "retention"): luck,
    ("weight_banks", "mtj_crossbar", "write_errors"): failed_writes,
    ("weight_banks", "mtj_crossbar", "telegraph_noise"): traps,
}


#: Non-idealities that depend on a chip's schedule or design, and draw nothing.
NOT_DRAWN = {"settling", "charge_injection", "crosstalk", "heater_crosstalk", "quantization",
             "wire_resistance", "voltage_dependence", "droop"}  # fmt: skip


@pytest.mark.parametrize("key", LAWS, ids=".".join)
def test_draws_follow_their_law(key: tuple[str, str, str]) -> None:
    LAWS[key]()


def test_every_non_ideality_that_is_drawn_has_a_law_here() -> None:
    drawn = {
        (name, kind, non_ideality)
        for name, table in BUILTIN.items()
        for kind in table
        for non_ideality in component_class(name, kind).non_idealities
        if non_ideality not in component_class(name, kind).deterministic
        and non_ideality not in NOT_DRAWN
    }
    assert drawn == set(LAWS)


def test_basic_draws_follow_their_laws() -> None:
    like = torch.empty((300, 100), dtype=torch.float64)
    agrees(noise_like(like, generator("a")), stats.norm)
    agrees(normal((300, 100), generator("b")), stats.norm)
    agrees(uniform((300, 100), generator("c")), stats.uniform)
    hits = [rare((500,), 0.01, generator(f"d{number}")) for number in range(200)]
    chance(sum(int(hit.sum()) for hit in hits if hit is not None), 100_000, 0.01)
    where = torch.cat([hit.nonzero() for hit in hits if hit is not None]).double() / 500
    agrees(where + torch.rand(where.shape, generator=generator("e")) / 500, stats.uniform)


def test_waits_between_random_arrivals_are_exponential() -> None:
    times = poisson(20_000, 1e9, 3).times_fs
    assert times is not None
    agrees(np.diff(np.asarray(times, dtype=np.float64)), stats.expon(scale=1e6))


def test_streams_of_other_names_are_uncorrelated() -> None:
    """Seeds, owners and lifetimes apart: none repeats another, nor follows one place behind."""
    paths = ["chip0.weight_banks.0", "chip0.weight_banks.1", "chip0.weight_banks.10",
             "chip1.weight_banks.0", "chip0.core1.weight_banks.0", "chip0.detector",
             "chip0.weight_banks.0.environment", "chip0.weight_banks.write0",
             "chip0.weight_banks.write1", "training1.detector", ""]  # fmt: skip
    drawn = [
        torch.randn(20_000, generator=stream(seed, path, lifetime), dtype=torch.float64)
        for seed in (0, 1, 2**40)
        for path in paths
        for lifetime in ("fabrication", "write", "read", "train", "arrival")
    ]
    table = np.corrcoef(torch.stack(drawn))
    # 13,530 pairs: 6 sigma is reached by none, as 5 sigma would be once in 130 such tables.
    assert np.abs(table - np.eye(len(table))).max() < 6 / math.sqrt(20_000)
    behind = [abs(np.corrcoef(a[1:], b[:-1])[0, 1]) for a, b in combinations(drawn[:20], 2)]
    assert max(behind) < 6 / math.sqrt(20_000)


#: Draws that are nearly always 0, so that few numbers say little of correlation.
RARE = {"stuck", "shorted"}


@pytest.mark.parametrize(
    "machine", ["photonic_mrr", "photonic_mzi", "spintronic_mtj", "freespace_dmd", "photonic_pcm"]
)
def test_chips_cores_and_banks_are_made_apart(machine: str) -> None:
    nominal = Chip.nominal(load_spec(machine), ReLaXNet(weight_sets=2, steps=2))
    chips = [nominal.fabricate(seed, index) for seed, index in ((0, 0), (0, 1), (1, 0))]
    made = [state for one in (*chips, chips[0].core(1)) for state in one.states]
    assert len(made) == 8
    for one, other in combinations(made, 2):
        for name, drawn in one.items():
            if name not in RARE:
                apart(drawn, other[name])
    again = nominal.fabricate(0, 0).states
    assert all(torch.equal(again[0][name], made[0][name]) for name in made[0])
