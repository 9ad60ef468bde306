"""Detectors of single photons: chances of clicks, their statistics, times and prices by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants, stats

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received
from pnnsim.devices.detectors.single_photon import SinglePhoton
from pnnsim.devices.detectors.single_photon_params import SinglePhotonParams
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.testing import small_size

NONE: frozenset[str] = frozenset()
GIVEN = {
    "kind": "single_photon", "wavelength": "532 nm", "efficiency": "40 %", "cells": 1, "gates": 1,
    "gate_time": "10 ns", "dead_time": "30 ns", "dark_rate": "0 Hz", "afterpulsing": "0",
    "gate_energy": "2 pJ", "static_power": "0.1 mW",
}  # fmt: skip


def detector(**values: Any) -> SinglePhoton:
    return SinglePhoton(SinglePhotonParams.model_validate({**GIVEN, **values}), small_size())


def light(part: SinglePhoton, photons: float, signal: float, batch: int = 1) -> Received:
    """Return light of so many detectable photons in all gates for logical 1; pixels share 2."""
    p = part.params
    photon = constants.h * constants.c / p.wavelength
    unit = photons * photon / p.efficiency / (p.gates * p.gate_time)
    ones = torch.ones((batch, 7), dtype=torch.float64)
    return Received(signal=signal * ones, total=2.0 * ones, unit_input=unit)


def test_a_diode_clicks_with_the_chance_of_some_photon() -> None:
    """1.5 and 0.5 photons: 1 - exp(-1.5) less 1 - exp(-0.5), without noise and on the mean."""
    part, batch = detector(), 20_000
    active = {"detector.saturation", "detector.shot_noise"}
    chances = [-math.expm1(-1.5), -math.expm1(-0.5)]
    met = light(part, 1.0, 1.0, batch)
    quiet = part.detect(met, None, active)
    assert quiet[0].tolist() == pytest.approx([chances[0] - chances[1]] * 7, rel=1e-9, abs=0)
    drawn = part.detect(met, stream(0, "d", "read"), active).numpy()
    values, seen = np.unique(np.round(drawn, 9), return_counts=True)
    assert values.tolist() == [-1.0, 0.0, 1.0]
    up, down = chances[0] * (1 - chances[1]), chances[1] * (1 - chances[0])
    assert stats.chisquare(seen, drawn.size * np.array([down, 1 - up - down, up])).pvalue > 5.7e-7


@pytest.mark.parametrize(("cells", "gates"), [(100, 1), (1, 100), (20, 5)])
def test_many_diodes_or_gates_count(cells: int, gates: int) -> None:
    """A hundred chances of 1 %: nearly the difference of two Poisson numbers, 1.5 and 0.5."""
    part = detector(cells=cells, gates=gates)
    met = light(part, 1.0, 1.0, 20_000)
    drawn = part.detect(
        met, stream(0, "d", "read"), {"detector.saturation", "detector.shot_noise"}
    ).numpy()
    chances = [100 * -math.expm1(-each / 100) for each in (1.5, 0.5)]
    assert drawn.mean() == pytest.approx(chances[0] - chances[1], abs=5 * math.sqrt(2 / drawn.size))
    variance = sum(c * (1 - c / 100) for c in chances)
    # Fourth cumulant of the difference is about the variance, so 5 sigma of it.
    spread = math.sqrt((variance + 2 * variance**2) / drawn.size)
    assert drawn.var() == pytest.approx(variance, abs=5 * spread)


def test_without_saturation_counts_are_those_of_poisson() -> None:
    part = detector()
    met = light(part, 8.0, 0.5, 20_000)
    counts = part.detect(met, stream(1, "d", "read"), {"detector.shot_noise"}).numpy() * 8.0
    law = stats.skellam(10.0, 6.0)
    values, seen = np.unique(np.rint(counts), return_counts=True)
    often = seen >= 20
    inside = law.pmf(values[often])
    observed = np.append(seen[often], counts.size - seen[often].sum())
    wanted = np.append(inside, 1 - inside.sum()) * counts.size
    assert stats.chisquare(observed, wanted).pvalue > 5.7e-7


def test_dark_counts_add_variance_and_no_mean() -> None:
    """20 MHz for ten gates of 10 ns: two dark counts on each pixel."""
    part = detector(gates=10, dark_rate="20 MHz")
    active = {"detector.dark_counts", "detector.shot_noise"}
    drawn = part.detect(light(part, 1.0, 0.4, 20_000), stream(2, "d", "read"), active)
    n = drawn.numel()
    assert float(drawn.mean()) == pytest.approx(0.4, abs=5 * math.sqrt(6 / n))
    assert float(drawn.var()) == pytest.approx(6.0, abs=5 * math.sqrt((6 + 2 * 36) / n))


def test_afterpulses_come_with_clicks() -> None:
    """Each click brings 0.2 more: counts over 1.2 keep their mean, and vary by 1 + 0.2 / 1.44."""
    part = detector(afterpulsing="20 %")
    active = {"detector.afterpulsing", "detector.shot_noise"}
    drawn = part.detect(light(part, 1.0, 0.0, 40_000), stream(3, "d", "read"), active)
    n = drawn.numel()
    variance = 2 * (1 + 0.2 / 1.44)
    assert float(drawn.mean()) == pytest.approx(0.0, abs=5 * math.sqrt(variance / n))
    assert float(drawn.var()) == pytest.approx(variance, abs=5 * math.sqrt(3 * variance**2 / n))


def test_gates_set_the_time_and_diodes_the_price() -> None:
    part = detector(cells=16, gates=10)
    assert part.delay_fs("detect") == 10 * 40_000_000
    assert part.cost("detect") == pytest.approx(2 * 7 * 160 * 2e-12, rel=1e-12, abs=0)
    assert part.static_power() == pytest.approx(14 * 1e-4, rel=1e-12, abs=0)
    assert part.residue({"detector.saturation"}) == 0.0


def test_blinding_light_is_a_warning_with_the_number() -> None:
    part = detector(cells=4)
    photon = constants.h * constants.c / 532e-9
    unit = photon / 0.4 / 10e-9
    assert part.overload(unit) == ()
    (text,) = part.overload(4 * unit)
    assert "3 detectable photons to a diode" in text


@pytest.mark.parametrize("photons", [0.1, 3.0])
def test_the_gradient_of_a_click_is_that_of_its_chance(photons: float) -> None:
    part = detector()
    active = {"detector.saturation", "detector.shot_noise"}
    met = light(part, photons, 0.2, 50)
    at = met.signal.clone().requires_grad_()
    given = Received(signal=at, total=met.total, unit_input=met.unit_input)
    (gradient,) = torch.autograd.grad(part.detect(given, stream(0, "d", "read"), active).sum(), at)
    # d/ds of (exp(-m (2 - s) / 2) - exp(-m (2 + s) / 2)) / m
    up, down = (math.exp(-photons * (2 + sign * 0.2) / 2) for sign in (1, -1))
    assert gradient.numpy().ravel() == pytest.approx([(up + down) / 2] * 350, rel=1e-9, abs=0)


def test_a_machine_of_clicks_trains_on_its_own_noise() -> None:
    spad = {
        **GIVEN, "cells": "64", "gates": "1", "gate_time": "20 ns", "dark_rate": "100 kHz",
        "afterpulsing": "1 %",
    }  # fmt: skip
    tree = {**load_spec("freespace_dmd").to_tree(), "detector": spad}
    spec = load_spec(tree, [("encoder.electrical_power", "20 uW")])
    net = ReLaXNet(inputs=16, hidden=16, outputs=4, weight_sets=2, steps=3)
    chip = Chip.nominal(spec, net)
    drawn = [name for name in chip.non_idealities if name.startswith("detector.")]
    surrogate = Surrogate(net, chip, drawn=drawn, seed=4)
    surrogate.train()
    x = torch.rand((64, 16), generator=torch.Generator().manual_seed(1))
    surrogate(x).square().mean().backward()
    for name in ("weight", "gain", "bias", "input_weight", "output_weight"):
        gradient = getattr(surrogate, name).grad
        assert bool(torch.isfinite(gradient).all()), name
        assert bool(gradient.any()), name
