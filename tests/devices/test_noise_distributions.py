"""Every random number of every part follows the law that is stated for it, and streams are apart.

A table names the law of each non-ideality that is drawn. Samples are compared with it by
Kolmogorov and Smirnov's test, so that mean, width and shape are tested together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import constants, stats
from torch import Tensor

from pnnsim.common.rng import noise_like, normal, rare, stream, uniform
from pnnsim.devices.base import Received
from pnnsim.devices.builtin_kinds import BUILTIN
from pnnsim.devices.registry import component_class
from pnnsim.inference.chip import Chip
from pnnsim.inference.light_noise import dephase, draw_intensity
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.testing import small_size
from pnnsim.timing.arrivals import poisson
from tests.testing.test_every_component import descriptions

#: A chance beyond 5 sigma.
LEAST = 5.7e-7
WAVES = 3000
BAND = math.pi / 2

Samples = NDArray[np.float64]


def agrees(samples: Samples | Tensor, law: Any) -> None:
    """Expect samples to follow a continuous law."""
    found = np.asarray(samples, dtype=np.float64).ravel()
    assert stats.kstest(found, law.cdf).pvalue > LEAST


def chance(hits: int, trials: int, each: float) -> None:
    """Expect as many hits as a chance gives."""
    assert stats.binomtest(hits, trials, each).pvalue > LEAST


def part(name: str, kind: str, **changes: Any) -> Any:
    """Return a component that is large enough to draw many numbers at a time."""
    params = descriptions(name, kind)[0].model_copy(update=changes)
    return component_class(name, kind)(params, replace(small_size(), lines=50, detectors=60))


def generator(name: str) -> torch.Generator:
    return stream(5, name, "read")


def received(unit: float, **changes: Any) -> Received:
    """Return the same light for many samples, of different strength on each output."""
    output = torch.arange(7, dtype=torch.float64).expand(WAVES, 7)
    given: dict[str, Any] = {
        "signal": 0.5 - 0.1 * output,
        "total": 4.0 + output,
        "unit_input": unit,
        "conductance": 2e-3,
    }
    return Received(**{**given, **changes})


def detected(detector: Any, met: Received, noise: str) -> Samples:
    """Return the current by which a detector is off with one noise on [A], `(sample, output)`."""
    active = frozenset({f"detector.{noise}"})
    noisy = detector.detect(met, generator(noise), active)
    unit = float(detector.unit_current(met.unit_input))
    return ((noisy - detector.detect(met, None, active)) * unit).numpy()


def off_by(drawn: Samples, deviation: Samples | Tensor | float) -> None:
    """Expect normal numbers of a stated deviation, `(sample, output)` or one for all."""
    agrees(drawn / np.asarray(deviation), stats.norm)


def shot(kind: str) -> None:
    d, met = part("detector", kind), received(1e-5)
    current = d.params.responsivity * 1e-5 * met.total + 2 * d.params.dark_current
    variance = 2 * constants.e * current * BAND * d.params.bandwidth
    off_by(detected(d, met, "shot_noise"), variance.sqrt())


def amplifiers(kind: str, count: int) -> None:
    d = part("detector", kind)
    variance = count * d.params.amplifier_noise**2 * BAND * d.params.bandwidth
    off_by(detected(d, received(1e-6), "amplifier_noise"), math.sqrt(variance))


def laser(kind: str) -> None:
    """A relative intensity of each laser, and what a detector makes of its light: no more noise."""
    d = part("detector", kind)
    band = d.intensity_band(frozenset({"detector.laser_noise"}))
    assert band == pytest.approx(BAND * d.params.bandwidth, rel=1e-12, abs=0)
    line = torch.ones((WAVES, 7), dtype=torch.float64)
    intensity = draw_intensity(line, part("encoder", "mrm"), band, generator(kind))
    assert intensity is not None
    density = 10 ** (part("encoder", "mrm").params.laser_rin / 10)
    off_by(intensity.numpy(), math.sqrt(density * BAND * d.params.bandwidth))
    met = received(1e-4, fluctuation=intensity * received(1e-4).total)
    rejection = math.inf if kind == "photodiode" else d.params.common_mode_rejection
    quiet = d.detect(received(1e-4), None, frozenset({"detector.laser_noise"}))
    noisy = d.detect(met, None, frozenset({"detector.laser_noise"}))
    off = (noisy - quiet).numpy() * d.params.responsivity * 1e-4
    left = 10 ** (-rejection / 20) * d.params.responsivity * 1e-4 * met.fluctuation.numpy()
    # Differences of numbers a million times as large.
    np.testing.assert_allclose(off, left, rtol=1e-6, atol=1e-18)


def beats() -> None:
    """4 R^2 P S B (Olsson), for either receiver of powers."""
    for kind in ("balanced_photodiode", "photodiode"):
        d = part("detector", kind)
        met = received(1e-5, emission=1e-15, beats=0.25 * received(1e-5).total)
        drawn = detected(d, met, "none")
        assert met.beats is not None
        variance = 4 * d.params.responsivity**2 * 1e-5 * met.beats * 1e-15
        off_by(drawn, (variance * BAND * d.params.bandwidth).sqrt())


def thermal() -> None:
    d = part("detector", "crossbar_tia")
    variance = 4 * constants.k * 300.0 * 2e-3 * BAND * d.params.bandwidth
    off_by(detected(d, received(1e-6), "thermal_noise"), math.sqrt(variance))


def amplifier_voltages() -> None:
    """The noise voltage of an amplifier drives a current through 2 mS."""
    d = part("detector", "crossbar_tia", voltage_noise=20e-9)
    variance = (20e-9 * 2e-3) ** 2 * BAND * d.params.bandwidth
    off_by(detected(d, received(1e-6), "voltage_noise"), math.sqrt(variance))


def offsets() -> None:
    d = part("detector", "crossbar_tia", input_offset=1e-3)
    drawn = [d.fabricate(generator(f"chip{i}"))["offset"] for i in range(50)]
    agrees(torch.cat(drawn), stats.norm(scale=1e-3))


def charges() -> None:
    """The sum of as many independent charges as an output has gates."""
    s = part("switch", "current", injected_charge=1e-15, injection_mismatch=0.2)
    drawn = torch.cat([s.fabricate(generator(f"chip{i}"))["charge"] for i in range(20)])
    agrees(drawn, stats.norm(scale=0.2e-15 * math.sqrt(s.params.gates_per_output)))


def electrons(d: Any, met: Received, noise: str) -> tuple[Samples, float]:
    """Return the electrons by which a camera's difference is off, and electrons of logical 1."""
    p = d.params
    photon = constants.h * constants.c / p.wavelength
    unit = p.quantum_efficiency * met.unit_input * p.exposure / photon
    active = frozenset({f"detector.{noise}"})
    noisy = d.detect(met, generator(noise), active) - met.signal
    return (noisy * unit).numpy(), unit


def photons() -> None:
    """The difference of two counts of Poisson's law has Skellam's, fifty dark electrons in each."""
    exposure = part("detector", "camera").params.exposure
    dark = 50.0
    d = part("detector", "camera", dark_current=dark * constants.e / exposure)
    photon = constants.h * constants.c / d.params.wavelength
    power = 20.0 * photon / (d.params.quantum_efficiency * d.params.exposure)
    met = received(power)
    off, unit = electrons(d, met, "shot_noise")
    assert unit == pytest.approx(20.0, rel=1e-9, abs=0)
    counts = np.rint(off + unit * met.signal.numpy())
    for output in range(7):
        bright, dim = (
            unit * float(met.total[0, output] + side * met.signal[0, output]) / 2 + dark
            for side in (1, -1)
        )
        law = stats.skellam(bright, dim)
        values, seen = np.unique(counts[:, output], return_counts=True)
        often = seen >= 10
        inside = law.pmf(values[often])
        observed = np.append(seen[often], WAVES - seen[often].sum())
        wanted = np.append(inside, 1.0 - inside.sum()) * WAVES
        assert stats.chisquare(observed, wanted).pvalue > LEAST


def pixels() -> None:
    d = part("detector", "camera")
    off, _ = electrons(d, received(1e-9), "read_noise")
    off_by(off, math.sqrt(2.0) * d.params.read_noise)


def sources() -> None:
    d, sources = part("detector", "camera"), part("encoder", "source_array")
    band = d.intensity_band(frozenset({"detector.source_noise"}))
    # An integrator's band is half of the inverse of its time.
    assert band == pytest.approx(0.5 / d.params.exposure, rel=1e-12, abs=0)
    line = torch.ones((WAVES, 7), dtype=torch.float64)
    drawn = draw_intensity(line, sources, band, generator("camera"))
    assert drawn is not None
    off_by(drawn.numpy(), math.sqrt(10 ** (sources.params.intensity_noise / 10) * band))


def activated(kind: str, noise: str, value: float) -> tuple[Any, float, Samples]:
    f = part("nonlinearity", kind)
    a = torch.full((WAVES, 7), value, dtype=torch.float64)
    active = frozenset({f"nonlinearity.{noise}"})
    exact = float(f.activate(a, None, None, active)[0, 0])
    return f, exact, f.activate(a, None, generator(kind), active).numpy() - exact


def stage() -> None:
    f, _, off = activated("electronic_analog", "noise", 0.1)
    low, high = f.range
    off_by(off, f.params.noise * (high - low))


def binaries() -> None:
    """Readings of 0 or 1: each a Bernoulli number, as the one before with the chance of memory."""
    f = part("nonlinearity", "stochastic_binary", reads=1)
    value = torch.full((WAVES, 7), 0.1, dtype=torch.float64)
    on = frozenset({"nonlinearity.sampling"})
    read = f.activate(value, None, generator("binaries"), on)
    each = 1.0 / (1.0 + math.exp(-2.0 * f.params.drive_current * 0.1 / f.params.scale_current))
    assert set(read.unique().tolist()) == {0.0, 1.0}
    chance(int(read.sum()), read.numel(), each)
    pair = part("nonlinearity", "stochastic_binary", reads=2)
    mean = pair.activate(value, None, generator("pairs"), on)
    kept = math.exp(-pair.params.read_time / pair.params.correlation_time)
    # Both readings differ with the chance 2 p (1 - p) (1 - c).
    chance(int((mean == 0.5).sum()), mean.numel(), 2 * each * (1 - each) * (1 - kept))


def averages() -> None:
    """Telegraph noise of correlation time tau, averaged for T: 2 p (1 - p) tau / T for long T."""
    f, p, off = activated("mtj_sigmoid", "switching_noise", 0.0)
    ratio = f.params.integration_time / f.params.correlation_time
    variance = 2 * p * (1 - p) / ratio * (1 - (1 - math.exp(-ratio)) / ratio)
    off_by(off, math.sqrt(variance / f.params.devices))


def amplitudes() -> None:
    """Power has the variance eta well above threshold, so the amplitude sqrt(eta) / (2 a)."""
    f, amplitude, off = activated("spin_oscillator", "amplitude_noise", 0.5)
    eta = f.params.thermal_power
    current = f.params.bias_current + 0.5 * f.params.drive_current
    half = 0.5 * (current / f.params.threshold_current - 1.0)
    absolute = math.sqrt(half + math.sqrt(half**2 + eta))
    full = absolute / amplitude
    off_by(off, math.sqrt(eta) / (2.0 * absolute) / full)


def fabricated(kind: str, **changes: Any) -> tuple[Any, dict[str, Tensor]]:
    b = part("weight_banks", kind, **changes)
    return b, b.fabricate(generator(kind))


def rings() -> None:
    b, made = fabricated("mrr")
    off_by(made["resonance"].numpy(), b.params.resonance_error)


def buses() -> None:
    agrees(fabricated("mrr")[1]["bus_phase"], stats.uniform(0.0, 2.0 * math.pi))


def surroundings(kind: str, name: str, deviation: str, time: str) -> None:
    """Stationary from the start, and exp(-t / tau) of it is left after t."""
    b = part("weight_banks", kind)
    sigma, tau = getattr(b.params, deviation), getattr(b.params, time)
    draw = generator(kind)
    first = b.environment(None, 0.0, draw)
    second = b.environment(first, 0.7 * tau, draw)
    agrees(first[name], stats.norm(scale=sigma))
    agrees(second[name], stats.norm(scale=sigma))
    kept = math.exp(-0.7)
    fresh = second[name] - kept * first[name]
    agrees(fresh, stats.norm(scale=sigma * math.sqrt(1 - kept**2)))
    apart(first[name], fresh)


def gradients() -> None:
    """One difference along the outputs and one along the inputs, the same for every ring."""
    b = part("weight_banks", "mrr", gradient_error=0.01)
    drawn = [b.environment(None, 0.0, generator(f"gradient{i}"))["gradient"] for i in range(400)]
    agrees(torch.stack(drawn), stats.norm(scale=0.01))


def write_misses(kind: str, name: str, deviation: str) -> None:
    b = part("weight_banks", kind)
    held = torch.zeros((60, 50), dtype=torch.float64)
    error = b.write_error(held, generator(kind), frozenset({f"weight_banks.{name}"}))
    off_by(error.numpy(), getattr(b.params, deviation))


def mesh(name: str, deviation: str) -> None:
    b, made = fabricated("mzi_mesh")
    for key, drawn in made.items():
        if key.endswith(name) and key.split("_")[0] in ("left", "right", "attenuator"):
            off_by(drawn.numpy(), getattr(b.params, deviation))


def crossbar_writes() -> None:
    """Cells well above their lowest level miss by normal numbers, two of them averaged."""
    b = part("weight_banks", "pcm_crossbar", signs="pair", devices=2, programming_scale=0.2)
    error = b.write_error(
        torch.full((60, 50), 0.5, dtype=torch.float64),
        generator("pcm_crossbar"),
        frozenset({"weight_banks.programming_error"}),
    )
    deviation = 0.2 * (0.26348 + 1.9650 * 0.5 - 1.1731 * 0.25) / 25
    at_zero = 0.2 * 0.26348 / 25
    # The cells at their lowest level add half-normal numbers, a tenth of the deviation.
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4, 200_000))
    half = np.maximum(at_zero * z[2:], 0.0)
    law = (deviation * (z[0] + z[1]) - half[0] - half[1]) / 2
    assert stats.ks_2samp(error.numpy().ravel(), law).pvalue > LEAST


def crossbar_fading() -> None:
    """Exponents of full cells: 0.049, with a deviation of 0.008."""
    b = part("weight_banks", "pcm_crossbar", signs="pair", devices=1, drift_compensation=False)
    made = b.fabricate(generator("fading"))
    agrees(made["fading"], stats.norm)
    age = 100.0 * b.params.drift_reference_time + b.delay_fs("write") * 1e-15
    on = frozenset({"weight_banks.drift"})
    held = b.program(torch.ones((60, 50), dtype=torch.float64), made, on, age).weights
    agrees(-torch.log(held) / math.log(100.0), stats.norm(0.049, 0.008))


def crossbar_flicker() -> None:
    """Reads scatter by 0.0088 / g^0.65 and the root of e-folds of time."""
    b = part("weight_banks", "pcm_crossbar", signs="pair", devices=1, read_noise_scale=1.0)
    held = torch.full((60, 50), 0.25, dtype=torch.float64)
    age = 3600.0 + b.delay_fs("write") * 1e-15
    variance = b.read_variance(held, age, frozenset({"weight_banks.read_noise"}))
    relative = 0.0088 / 0.25**0.65 * math.sqrt(math.log((3600 + 250e-9) / 500e-9))
    np.testing.assert_allclose(variance.sqrt().numpy(), 0.25 * relative, rtol=1e-9, atol=0)


def paths() -> None:
    b, made = fabricated("mzi_mesh")
    for key in ("line_phases", "oscillator_phases"):
        off_by(made[key].numpy(), b.params.path_error)
    agrees(made["leak_phases"], stats.uniform(0.0, 2.0 * math.pi))


def locked() -> None:
    """What a lock leaves: stationary, and forgotten within the time of its loop."""
    b = part("weight_banks", "mzi_mesh")
    sigma, tau = b.params.lock_residual, 1.0 / (2.0 * math.pi * b.params.lock_bandwidth)
    draw = generator("locks")
    first = b.environment(None, 0.0, draw)
    second = b.environment(first, 0.7 * tau, draw)
    for name in ("line_drift", "oscillator_drift"):
        off_by(first[name].numpy(), sigma)
        fresh = second[name] - math.exp(-0.7) * first[name]
        off_by(fresh.numpy(), sigma * math.sqrt(1.0 - math.exp(-1.4)))


def dephased() -> None:
    """A laser's phase diffuses: the cosine's angle is normal, of variance 2 pi linewidth delay."""
    encoder = part("encoder", "mzm", laser_linewidth=1e6)
    line = torch.ones((WAVES, 4), dtype=torch.float64)
    cosine = dephase(line, encoder, 20e-9, generator("dephased"))
    assert torch.equal(cosine, cosine[:, :1].expand(-1, 4))
    angle = torch.acos(cosine[:, 0])
    agrees(angle, stats.halfnorm(scale=math.sqrt(2.0 * math.pi * 1e6 * 20e-9)))


def relaxations() -> None:
    b, made = fabricated("pcm", drift_exponent=0.05, drift_spread=0.004)
    off_by(made["relaxation"].numpy(), 1.0)
    target = torch.full((60, 50), 0.5, dtype=torch.float64)
    on = frozenset({"weight_banks.drift"})
    later = b.params.drift_reference_time * 100.0
    age = later + b.delay_fs("write") * 1e-15
    held = b.program(target, made, on, age).weights
    # w = w0 (t / t0)^-nu: exponents are normal.
    exponent = -torch.log(held / 0.5) / math.log(later / b.params.drift_reference_time)
    agrees(exponent, stats.norm(0.05, 0.004))


def flicker() -> None:
    """The variance of reading, Q sqrt(ln((t + t_read) / (2 t_read))) of the weight itself."""
    b = part("weight_banks", "pcm")
    held = torch.linspace(-1.0, 1.0, 11, dtype=torch.float64)
    on = frozenset({"weight_banks.read_noise"})
    since = 3.0
    found = b.read_variance(held, since + b.delay_fs("write") * 1e-15, on)
    read = b.params.read_time
    wanted = (b.params.read_noise * held) ** 2 * math.log((since + read) / (2.0 * read))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=0)


def panel() -> None:
    b, made = fabricated("slm")
    off_by(made["pixel"].numpy(), b.params.pixel_spread)


def junctions(name: str, deviation: str) -> None:
    b, made = fabricated("mtj_crossbar")
    agrees(made[name], stats.lognorm(s=getattr(b.params, deviation)))


def stuck() -> None:
    _, made = fabricated("mtj_crossbar", stuck_fraction=0.2)
    for side in (1.0, -1.0):
        chance(int((made["stuck"] == side).sum()), made["stuck"].numel(), 0.1)


def shorted() -> None:
    _, made = fabricated("mtj_crossbar", shorted_fraction=0.03)
    chance(int(made["shorted"].sum()), made["shorted"].numel(), 0.03)


def luck() -> None:
    agrees(fabricated("mtj_crossbar")[1]["luck"], stats.uniform)


def failed_writes() -> None:
    """Every other failed pulse leaves a junction wrong, which moves its weight."""
    b = part("weight_banks", "mtj_crossbar", write_error_rate=1e-3)
    held = torch.zeros((60, 50), dtype=torch.float64)
    on = frozenset({"weight_banks.write_errors"})
    wrong = trials = 0
    for number in range(20):
        error = b.write_error(held, generator(f"w{number}"), on)
        wrong, trials = wrong + int((error != 0.0).sum()), trials + error.numel()
    devices = 2 * b.params.devices
    chance(wrong, trials, 1.0 - (1.0 - 5e-4) ** devices)


def traps() -> None:
    """A trap is full half of the time, and forgets with exp(-2 rate t)."""
    b = part("weight_banks", "mtj_crossbar", trap_fraction=0.3)
    draw = generator("traps")
    first = b.environment(None, 0.0, draw)
    junctions_in_all = 60 * 50 * 2 * b.params.devices
    chance(len(first["traps"]), junctions_in_all, 0.3)
    count = len(first["full"])
    chance(int(first["full"].sum()), count, 0.5)
    second = b.environment(first, 0.4 / b.params.trap_rate, draw)
    moved = int((second["full"] != first["full"]).sum())
    chance(moved, count, 0.5 * (1.0 - math.exp(-0.8)))


def clicks(noise: str, counts: float) -> None:
    """Mean and variance of the difference of two pixels' counts; shapes are tested by the kind.

    Args:
        noise: Non-ideality, with the counting of photons where it needs any.
        counts: Variance of the difference over the mean sum of detected photons.
    """
    d = part("detector", "single_photon", dark_rate=2e6, afterpulsing=0.1)
    p = d.params
    photon = constants.h * constants.c / p.wavelength
    met = received(5.0 * photon / (p.efficiency * p.gates * p.gate_time))
    active = frozenset({"detector.shot_noise", f"detector.{noise}"})
    off = (d.detect(met, generator(noise), active) - met.signal).numpy() * 5.0
    dark = 2 * p.dark_rate * p.gates * p.gate_time * p.cells if noise == "dark_counts" else 0.0
    variance = counts * (5.0 * met.total.numpy() + dark)
    # Nearly normal: sums of a hundred counts; 5 sigma for each of seven outputs.
    assert np.abs(off.mean(axis=0) / np.sqrt(variance[0] / WAVES)).max() < 5
    assert np.abs(off.var(axis=0) / variance[0] - 1).max() < 5 * math.sqrt(2.2 / WAVES)


def charge(noise: str) -> None:
    """Electrons of an integration of 100 ps, of the reset, and of the reading."""
    d, unit = part("detector", "time_integrating"), 1e-5
    p, met = d.params, received(unit)
    one = p.responsivity * unit * p.integration_time / constants.e
    dark = 2 * p.dark_current * p.integration_time / constants.e
    variance = {
        "shot_noise": one * met.total + dark,
        "reset_noise": constants.k * 300.0 * p.capacitance / constants.e**2,
        "read_noise": p.read_noise**2,
    }[noise]
    electrons = detected(d, met, noise) * p.integration_time / constants.e
    off_by(electrons, torch.as_tensor(variance).sqrt())


def times(noise: str) -> None:
    """Voltage over the slope at the threshold, as a resistance; a clock's own jitter."""
    d, column = part("detector", "time_to_digital"), 1.0 / 2e-3
    p = d.params
    per_ohm = p.capacitance * math.log(p.supply / p.threshold)
    slope = p.threshold / (column * p.capacitance)
    deviation = {
        "thermal_noise": math.sqrt(constants.k * 300.0 / p.capacitance) / slope,
        "comparator_noise": p.comparator_noise / slope,
        "jitter": p.jitter,
    }[noise]
    off_by(detected(d, received(6e3), noise) * per_ohm, deviation)


def chain_voltages(noise: str) -> None:
    d = part("detector", "voltage_amplifier")
    density = {"thermal_noise": 4 * constants.k * 300.0 / 2e-3, "voltage_noise": (2e-9) ** 2}[noise]
    off_by(detected(d, received(1e-4), noise), math.sqrt(density * BAND * d.params.bandwidth))


def averaged_light(kind: str) -> None:
    """The band of a detector is that in which it captures the noise of its lines."""
    d = part("detector", kind)
    averages = kind == "time_integrating"
    band = 1 / (2 * 100e-12) if averages else BAND * d.params.bandwidth
    found = d.intensity_band(frozenset({"detector.laser_noise"}))
    assert found == pytest.approx(band, rel=1e-12, abs=0)
    encoder = part("encoder", "stream_modulator" if averages else "microwave_source")
    line = torch.ones((WAVES, 7), dtype=torch.float64)
    intensity = draw_intensity(line, encoder, found, generator(kind))
    assert intensity is not None
    density = 1e-14 if averages else 1e-11
    off_by(intensity.numpy(), math.sqrt(density * band))


def chain_offsets() -> None:
    d = part("detector", "voltage_amplifier")
    agrees(d.fabricate(generator("offset"))["offset"] / d.params.input_offset, stats.norm)


def converters() -> None:
    b = part("weight_banks", "streamed")
    held = torch.zeros((3, 3), dtype=torch.float64)
    variance = b.read_variance(held, 1.0, frozenset({"weight_banks.level_noise"}))
    np.testing.assert_allclose(variance, b.params.level_noise**2, rtol=1e-12, atol=0)


def column_paths(name: str, spread: str) -> None:
    """Log-normal about 1, with the stated relative deviation."""
    b = part("weight_banks", "mram_column")
    width = math.log1p(getattr(b.params, spread) ** 2)
    drawn = b.fabricate(generator(name))[name].log()
    agrees(drawn, stats.norm(-width / 2, math.sqrt(width)))


def stuck_paths() -> None:
    b = part("weight_banks", "mram_column", stuck_fraction=0.2)
    found = b.fabricate(generator("stuck"))["stuck"]
    for state in (1.0, -1.0):
        chance(int((found == state).sum()), found.numel(), 0.1)


def failed_paths() -> None:
    """Either path of a cell is wrong with half the chance of a failure, worth one sign's half."""
    b = part("weight_banks", "mram_column", write_error_rate=0.2)
    held = torch.ones((60, 50), dtype=torch.float64)
    off = b.write_error(held, generator("w"), frozenset({"weight_banks.write_errors"}))
    chance(-int(off.sum()), 2 * held.numel(), 0.1)
    assert set(off.flatten().tolist()) == {0.0, -1.0, -2.0}


def frequencies() -> None:
    b = part("weight_banks", "spin_diode")
    deviation = 2 * b.params.frequency_error / b.params.linewidth
    agrees(b.fabricate(generator("f"))["frequency"] / deviation, stats.norm)


def tunings() -> None:
    b = part("weight_banks", "tabulated")
    deviation = b.params.tuning_error / abs(b.params.tuning_span)
    agrees(b.fabricate(generator("t"))["tuning"] / deviation, stats.norm)


def gains() -> None:
    b, made = fabricated("intensity")
    agrees(made["gain"] / b.params.gain_spread, stats.norm)


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
    ("detector", "crossbar_tia", "voltage_noise"): amplifier_voltages,
    ("detector", "crossbar_tia", "input_offset"): offsets,
    ("detector", "camera", "shot_noise"): photons,
    ("detector", "camera", "read_noise"): pixels,
    ("detector", "camera", "source_noise"): sources,
    ("detector", "single_photon", "shot_noise"): lambda: clicks("shot_noise", 1.0),
    ("detector", "single_photon", "dark_counts"): lambda: clicks("dark_counts", 1.0),
    ("detector", "single_photon", "afterpulsing"): lambda: clicks(
        "afterpulsing", 1.0 + 0.1 / 1.1**2
    ),
    ("switch", "soa", "emission"): beats,
    ("switch", "current", "charge_injection"): charges,
    ("nonlinearity", "electronic_analog", "noise"): stage,
    ("nonlinearity", "mtj_sigmoid", "switching_noise"): averages,
    ("nonlinearity", "stochastic_binary", "sampling"): binaries,
    ("nonlinearity", "spin_oscillator", "amplitude_noise"): amplitudes,
    ("weight_banks", "mrr", "resonance_error"): rings,
    ("weight_banks", "mrr", "interference"): buses,
    ("weight_banks", "mrr", "bus_drift"): lambda: surroundings(
        "mrr", "bus_drift", "bus_drift", "temperature_time"
    ),
    ("weight_banks", "mrr", "temperature"): lambda: surroundings(
        "mrr", "temperature", "temperature_error", "temperature_time"
    ),
    ("weight_banks", "mrr", "gradient"): gradients,
    ("weight_banks", "mrr", "write_repeatability"): lambda: write_misses(
        "mrr", "write_repeatability", "write_repeatability"
    ),
    ("weight_banks", "mzi_mesh", "coupler_error"): lambda: mesh("couplers", "coupler_error"),
    ("weight_banks", "mzi_mesh", "phase_error"): lambda: mesh("phases", "phase_error"),
    ("weight_banks", "mzi_mesh", "loss_imbalance"): lambda: mesh("losses", "loss_imbalance"),
    ("weight_banks", "mzi_mesh", "path_error"): paths,
    ("weight_banks", "mzi_mesh", "path_drift"): locked,
    ("encoder", "mzm", "phase_noise"): dephased,
    ("weight_banks", "mzi_mesh", "drift"): lambda: surroundings(
        "mzi_mesh", "left_drift", "drift", "drift_time"
    ),
    ("weight_banks", "pcm", "programming_error"): lambda: write_misses(
        "pcm", "programming_error", "programming_error"
    ),
    ("weight_banks", "pcm", "drift"): relaxations,
    ("weight_banks", "pcm", "read_noise"): flicker,
    ("weight_banks", "pcm_crossbar", "programming_error"): crossbar_writes,
    ("weight_banks", "pcm_crossbar", "drift"): crossbar_fading,
    ("weight_banks", "pcm_crossbar", "read_noise"): crossbar_flicker,
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
    **{
        ("detector", "time_integrating", noise): partial(charge, noise)
        for noise in ("shot_noise", "reset_noise", "read_noise")
    },
    ("detector", "time_integrating", "laser_noise"): lambda: averaged_light("time_integrating"),
    **{
        ("detector", "time_to_digital", noise): partial(times, noise)
        for noise in ("thermal_noise", "comparator_noise", "jitter")
    },
    **{
        ("detector", "voltage_amplifier", noise): partial(chain_voltages, noise)
        for noise in ("thermal_noise", "voltage_noise")
    },
    ("detector", "voltage_amplifier", "laser_noise"): lambda: averaged_light("voltage_amplifier"),
    ("detector", "voltage_amplifier", "input_offset"): chain_offsets,
    ("weight_banks", "streamed", "level_noise"): converters,
    ("weight_banks", "intensity", "gain_spread"): gains,
    **{
        ("weight_banks", "mram_column", f"{name}_spread"): partial(
            column_paths, name, f"{name}_spread"
        )
        for name in ("resistance", "tmr", "transistor")
    },
    ("weight_banks", "mram_column", "stuck_junctions"): stuck_paths,
    ("weight_banks", "mram_column", "write_errors"): failed_paths,
    ("weight_banks", "spin_diode", "frequency_error"): frequencies,
    ("weight_banks", "spin_diode", "write_repeatability"): lambda: write_misses(
        "spin_diode", "write_repeatability", "write_repeatability"
    ),
    ("weight_banks", "tabulated", "tuning_error"): tunings,
    ("weight_banks", "tabulated", "write_repeatability"): lambda: write_misses(
        "tabulated", "write_repeatability", "write_repeatability"
    ),
}

#: Non-idealities that depend on a chip's schedule or design, and draw nothing.
NOT_DRAWN = {"settling", "self_heating", "crosstalk", "heater_crosstalk", "quantization",
             "wire_resistance", "voltage_dependence", "droop", "bank_crosstalk",
             "column_offset"}  # fmt: skip


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


def apart(first: Any, second: Any) -> None:
    """Expect numbers to be uncorrelated."""
    pair = np.stack([np.asarray(each, dtype=np.float64).ravel() for each in (first, second)])
    assert abs(np.corrcoef(pair)[0, 1]) < 5 / math.sqrt(pair.shape[1])


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
