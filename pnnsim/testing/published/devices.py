"""Published figures of single devices: heater, switch, mirror array, micro-ring."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from scipy.optimize import brentq
from torch import Tensor

from pnnsim.common.rng import normal, stream
from pnnsim.devices.weight_banks.mrr_params import MrrParams
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import dynamics, photonic_ring, photonic_switch, photonic_thermal
from pnnsim.specs.hardware import load_spec
from pnnsim.testing.published.check import Check, Demonstration, about, exactly, percent

HEATER = Demonstration(
    "heater", "Thermo-optic phase shifter", "Harris et al., Opt. Express 22, 10487, 2014"
)
SWITCH = Demonstration(
    "switch", "16 x 16 silicon electro-optic switch", "Lu et al., Opt. Express 24, 9295, 2016"
)
MIRRORS = Demonstration(
    "mirrors", "DLP7000 mirror array", "Texas Instruments, DLP support forum (DLP7000 timing)"
)
RINGS = Demonstration(
    "rings",
    "Precision of micro-ring weights",
    "Zhang et al., Opt. Lett., 2021; Zhang et al., Optica, 2022; "
    "Garcia Echeverria et al., arXiv:2409.06604, 2024",
)


def rise_time(left: Callable[[Tensor], Tensor], longest: float) -> float:
    """Return the 10-90 % time of a step [s].

    Args:
        left: Share of the step that is left after times [s].
        longest: Time after which less than 10 % is left [s].
    """

    def excess(share: float) -> Callable[[float], float]:
        return lambda time: float(left(torch.tensor([time], dtype=torch.float64))) - share

    early, late = (brentq(excess(share), 0.0, longest, xtol=1e-18) for share in (0.9, 0.1))
    return float(late - early)


def heater() -> Iterator[Check]:
    """Compare the step response of a 130 kHz heater with 0.35 / bandwidth, and its pi power."""
    bandwidth, power = 130.0e3, 24.77e-3
    tau = dynamics.time_constant_from_bandwidth(bandwidth)
    measured = rise_time(lambda time: dynamics.residue(time, tau), 20.0 * tau)
    yield Check(
        HEATER,
        "10-90 % rise time",
        "s",
        0.35 / bandwidth,
        measured,
        percent(0.35 / bandwidth, 1.0),
        "simulation",
        "3 dB bandwidth 130 kHz; single pole",
    )
    # The interferometer is dark at the drive that the shifter's heat balance calls pi.
    energy = power * tau

    def bar(drive: float) -> float:
        unit = float(photonic_thermal.shifter_power(torch.tensor(math.pi), energy, tau))
        phase = torch.tensor(math.pi * drive / unit, dtype=torch.float64)
        return float(photonic_switch.mzi_switch(phase)[0])

    drives = torch.linspace(0.0, 40e-3, 40001, dtype=torch.float64).tolist()
    full = max(drives, key=bar)
    yield Check(
        HEATER,
        "power that switches an interferometer",
        "W",
        power,
        full,
        about(power, 1e-6, "±1 uW, the step of the sweep"),
        "simulation",
        "heat for a phase of pi, 30.3 nJ",
        fitted="that heat: published power times the time constant",
    )


def switch() -> Iterator[Check]:
    """Compare size, loss and speed of the switch with those of its Benes network."""
    ports = 16
    stages = 2 * round(math.log2(ports)) - 1
    yield Check(
        SWITCH,
        "cells",
        "",
        56,
        stages * ports / 2,
        exactly(56),
        "closed form",
        "Benes network of 16 ports: 7 stages of 8",
    )
    part = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet()).switch
    yield Check(
        SWITCH,
        "loss of all stages in cross",
        "dB",
        6.7,
        -10.0 * math.log10(part.transmission) * stages,
        about(6.7, 1.0, "±1 dB, spread of the paths"),
        "closed form",
        "switch of photonic_mrr, 1 dB a cell",
        fitted="that loss: the published 6.7 dB over 7 stages, rounded",
    )
    settling = frozenset({"switch.settling"})
    yield Check(
        SWITCH,
        "10-90 % rise time of the shipped switch",
        "s",
        3.2e-9,
        rise_time(lambda dwell: part.residue(dwell, settling), 100e-9),
        percent(3.2e-9, 0.1),
        "simulation",
        "switch of photonic_mrr",
        fitted="its rise time is the published one",
    )


def mirrors() -> Iterator[Check]:
    """Compare loading and settling of a whole frame with the published pattern rates."""
    load = photonic_switch.mirror_load_time(768, 16, 400e6)
    yield Check(
        MIRRORS,
        "binary patterns, no global reset",
        "/s",
        32552,
        math.floor(1.0 / load),
        exactly(32552),
        "closed form",
        "768 rows of 16 clocks at 400 MHz: 30.72 us",
    )
    yield Check(
        MIRRORS,
        "pattern with global reset",
        "s",
        43.22e-6,
        load + 12.5e-6,
        percent(43.22e-6, 2.0),
        "closed form",
        "30.72 us and 12.5 us for mirrors to settle",
        fitted="settling: published total less loading",
    )


def rings() -> Iterator[Check]:
    """Compare the spread of simulated weights with published precisions of 9 and 11.3 bit."""
    published = {9.0: 2.6e-3, 11.3: 0.53e-3}
    for bits, temperature in published.items():
        yield Check(
            RINGS,
            f"precision of weights held to {1e3 * temperature:g} mK",
            "bit",
            bits,
            math.log2(2.0 / _weight_deviation(temperature)),
            about(bits, 0.2, "±0.2 bit"),
            "simulation",
            "ring of photonic_mrr (linewidth 0.10 nm, 0.075 nm/K), 4096 drawn temperatures at "
            "weight 0; log2(2 / sigma) of drop minus through",
            fitted="the residual temperature, which is not published",
        )


def _weight_deviation(temperature: float) -> float:
    """Return the standard deviation of drop minus through, around 0, for a temperature [K]."""
    ring = load_spec("photonic_mrr").weight_banks
    assert isinstance(ring, MrrParams)  # the machine is named after them
    around = 2.0 * math.pi * ring.ring_radius
    fsr = photonic_ring.free_spectral_range(ring.wavelength, ring.group_index, around)
    amplitude = photonic_ring.ring_amplitude(ring.ring_loss, around)
    still = photonic_ring.weight_to_phase(
        torch.zeros(4096, dtype=torch.float64), ring.self_coupling, amplitude
    )
    drawn = temperature * normal((4096,), stream(0, "verify.rings", "read"))
    moved = still + 2.0 * math.pi / fsr * ring.thermal_shift * drawn
    return float(photonic_ring.ring_weight(moved, ring.self_coupling, amplitude).std())
