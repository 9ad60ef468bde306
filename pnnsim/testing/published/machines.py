"""Published figures of machines of the same kinds as shipped ones."""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.testing.published.check import Check, Demonstration, at_least, at_most, percent

MACROS = Demonstration(
    "mram-macros",
    "Magnetic in-memory macros: best simulated in 28 nm, and measured in 22 nm",
    "Yu et al., arXiv:2511.03203, 2025 (243.6 TOPS/W, simulated); "
    "Deaville et al., JSSC 60, 1856, 2025 (19.5 to 41.6 TOPS/W at 1 b x 1 b, measured)",
)

HERMES = Demonstration(
    "electronic-pcm",
    "64 cores of electronic phase-change memory, from which electronic_pcm takes its energies",
    "Le Gallo et al., Nat. Electronics 6, 680, 2023 (63.1 TOPS, 9.76 TOPS/W)",
)

_OPERATIONS_PER_MAC = 2
#: Bit-serial products of one bit that make one of a weight of 4 bit and an input of 6 bit.
_ONE_BIT_PRODUCTS = 4 * 6


def mram_macros() -> Iterator[Check]:
    """Expect the energy of an operation between the best and the least of published macros."""
    network = ReLaXNet(hidden=64, weight_sets=2, steps=12)
    timing = time_run(Chip.nominal(load_spec("spintronic_mtj"), network), samples=50)
    ledger = EnergyLedger.from_trace(timing.trace, timing.prices)
    loop = ledger.total - ledger.by_component()["front_end"]
    operations = _OPERATIONS_PER_MAC * network.macs_per_inference()["hidden"]
    energy = loop / timing.trace.samples / operations
    inputs = "spintronic_mtj, 64 x 64, 2 weight sets, 12 steps, saturated; front end left out"
    for name, rate, band in (
        ("best simulated", 243.6e12, at_least(1.0 / 243.6e12)),
        (
            "measured",
            19.5e12 / _ONE_BIT_PRODUCTS,
            at_most(_ONE_BIT_PRODUCTS / 19.5e12),
        ),
    ):
        yield Check(
            MACROS,
            f"energy of an operation against the {name} macro",
            "J",
            1.0 / rate,
            energy,
            band,
            "simulation",
            inputs,
        )


def electronic_pcm() -> Iterator[Check]:
    """Compare a product of one core of 256 x 256 cells, and what it costs, with the chip."""
    size, cores, rate, efficiency = 256, 64, 63.1e12, 9.76e12
    wide = [(f"weight_banks.{key}", str(size)) for key in ("rows", "cols")]
    spec = load_spec("electronic_pcm", [*wide, ("encoder.lines", str(size))])
    times = []
    for steps in (4, 8):
        network = ReLaXNet(hidden=size, weight_sets=2, steps=steps)
        timing = time_run(Chip.nominal(spec, network), samples=1)
        times.append(timing.trace.result_fs[0] - timing.trace.arrival_fs[0])
    published = _OPERATIONS_PER_MAC * cores * size**2 / rate
    yield Check(
        HERMES,
        "time of a product",
        "s",
        published,
        float(times[1] - times[0]) * 1e-15 / 4,
        percent(published, 2.0),
        "simulation",
        "electronic_pcm with banks of 256 x 256; 8 steps less 4; 64 x 256 x 256 x 2 / 63.1 TOPS",
        fitted="detector.bandwidth: 8 bits within 128 cycles of 1 ns; conversion: the rest",
    )
    ledger = EnergyLedger.from_trace(timing.trace, timing.prices)
    parts = ledger.by_component()
    loop = sum(parts[part] for part in ("encoder", "weight_banks", "detector", "nonlinearity"))
    energy = loop / network.macs_per_inference()["hidden"]
    yield Check(
        HERMES,
        "energy of a multiply-accumulate",
        "J",
        _OPERATIONS_PER_MAC / efficiency,
        energy,
        percent(_OPERATIONS_PER_MAC / efficiency, 25.0),
        "simulation",
        "as above; drivers, cells, amplifiers and converters, front end and package left out",
        fitted="energies of drivers, amplifiers and converters: shares of the published total",
    )
