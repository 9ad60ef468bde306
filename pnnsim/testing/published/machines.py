"""Published figures of machines of the same kinds as shipped ones."""

from __future__ import annotations

from collections.abc import Iterator

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.testing.published.check import Check, Demonstration, at_least, at_most

MACROS = Demonstration(
    "mram-macros",
    "Magnetic in-memory macros: best simulated in 28 nm, and measured in 22 nm",
    "Yu et al., arXiv:2511.03203, 2025 (243.6 TOPS/W, simulated); "
    "Deaville et al., JSSC 60, 1856, 2025 (19.5 to 41.6 TOPS/W at 1 b x 1 b, measured)",
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
            "physics",
            inputs,
        )
