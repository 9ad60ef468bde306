"""Draw each law with the published points around it, and print what its inputs do to a bill.

python scripts/draw_laws.py            write docs/images/laws.png and print the tables
python scripts/draw_laws.py --tables   print the tables alone
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.devices.cooler_law import COOLER
from pnnsim.devices.cooler_law import POINTS as PRACTICE
from pnnsim.devices.detectors.tia_laws import POINTS as AMPLIFIERS
from pnnsim.devices.detectors.tia_laws import TIA_NOISE, TIA_POWER
from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_law import POINTS as DACS
from pnnsim.devices.memories.sram_law import POINTS as MEMORIES
from pnnsim.devices.memories.sram_law import SRAM_ENERGY
from pnnsim.devices.readouts.adc_law import ADC, conversion_energy
from pnnsim.devices.readouts.link_law import LINK
from pnnsim.devices.readouts.link_law import POINTS as LINKS
from pnnsim.devices.weight_banks.ring_law import HEATERS, RING_TRIM
from pnnsim.devices.weight_banks.ring_law import POINTS as TRIMS
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.timing.ahead import planned
from pnnsim.timing.run import run_cores, run_fast

DOCS = Path(__file__).parent.parent / "docs"
NETWORK = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)

#: Law, machine, key that the law prices, and what is changed: key and texts of once, 2 and 10.
CHANGES = (
    ("dac", "photonic_pcm", "encoder.dac_energy", "encoder.symbol_rate",
     ("1 GHz", "2 GHz", "10 GHz")),
    ("dac", "photonic_pcm", "encoder.dac_energy", "encoder.bits", ("6", "8", "12")),
    ("adc", "photonic_pcm", "readout.figure_of_merit", "readout.conversion_time",
     ("1 ns", "0.5 ns", "0.1 ns")),
    ("adc, enob", "photonic_pcm", "readout.figure_of_merit", "readout.bits", ("6", "8", "12")),
    ("tia_power", "photonic_pcm", "detector.static_power", "detector.bandwidth",
     ("1 GHz", "2 GHz", "10 GHz")),
    ("tia_noise", "photonic_pcm", "detector.amplifier_noise", "detector.bandwidth",
     ("1 GHz", "2 GHz", "10 GHz")),
    ("tia_energy", "photonic_pcm", "detector.detection_energy", "detector.bandwidth",
     ("1 GHz", "2 GHz", "10 GHz")),
    ("ring_trim", "photonic_mrr", "weight_banks.hold_power", "weight_banks.hold_power.efficiency",
     ("0.2 nm/mW", "0.4 nm/mW", "2 nm/mW")),
    ("ring_trim", "photonic_mrr", "weight_banks.hold_power", "weight_banks.hold_power.walk",
     ("0.5 nm", "1 nm", "5 nm")),
    ("cooler", "photonic_mrr", "environment.stabilization_power",
     "environment.stabilization_power.hot_side", ("304 K", "308 K", "340 K")),
    ("sram", "photonic_mzi", "memory.energy_per_byte", "memory.capacity", ("16", "32", "160")),
    ("sram_leakage", "photonic_mzi", "memory.static_power", "memory.static_power.node",
     ("22 nm", "44 nm", "220 nm")),
    ("link", "freespace_dmd", "readout.energy", "nonlinearity.bits", ("8", "10", "12")),
)  # fmt: skip
#: What else is set for a law that no shipped machine uses.
BESIDE = {
    "tia_energy": (
        ("detector.detection_energy.law", "tia_energy"), ("detector.static_power", "0 W"),
    ),
}  # fmt: skip


def tables() -> Iterator[str]:
    """Yield the lines of a table: a law's value and the bill as an input is changed."""
    yield "| law | changed | to | the law gives | bill of one inference |"
    yield "|---|---|---|---|---|"
    for law, machine, key, changed, texts in CHANGES:
        for text in texts:
            spec = load_spec(machine, [*BESIDE.get(law, ()), (changed, text)])
            value = spec.to_tree()[key.partition(".")[0]][key.partition(".")[2]]["value"]
            number, _, unit = value.partition(" ")
            yield (
                f"| `{law}` | `{machine}` `{changed}` | {text} | {float(number):.4g} {unit} "
                f"| {_bill(spec):.5g} nJ |"
            )


def _bill(spec: HardwareSpec) -> float:
    """Return the energy of one inference [nJ]."""
    chip = Chip.nominal(spec, NETWORK)
    trace = run_cores(run_fast, planned(chip.work()), 64)
    return EnergyLedger.from_trace(trace, chip.prices()).total / trace.samples * 1e9


def draw(path: Path) -> None:
    """Write the figure of all laws.

    Args:
        path: Image file.
    """
    figure, axes = plt.subplots(2, 4, figsize=(17, 8), constrained_layout=True)
    for paint, panel in zip(
        (_adc, _dac, _power, _noise, _ring, _cooler, _memory, _link), axes.flat, strict=True
    ):
        paint(panel)
        panel.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=80)


def _band(panel: Axes, x: np.ndarray, y: np.ndarray, scatter: tuple[float, float]) -> None:
    panel.fill_between(x, scatter[0] * y, scatter[1] * y, alpha=0.2, color="tab:blue", lw=0)
    panel.plot(x, y, color="tab:blue")
    panel.set_xscale("log")
    panel.set_yscale("log")


def _adc(panel: Axes) -> None:
    with (DOCS / "data" / "adc_survey.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    enob, rate, node, energy = (
        np.array([float(row[key]) for row in rows])
        for key in ("enob", "rate_hz", "node_m", "energy_j")
    )
    law = np.array([conversion_energy(*each) for each in zip(enob, rate, node, strict=True)])
    panel.scatter(law * 1e12, energy * 1e12, s=8, color="k")
    line = np.geomspace(law.min(), law.max(), 50) * 1e12
    _band(panel, line, line, ADC.scatter)
    panel.set(title=f"adc: {len(rows)} parts", xlabel="law [pJ]", ylabel="published [pJ]")


def _dac(panel: Axes) -> None:
    rate = np.geomspace(1e9, 224e9, 50)
    at_8 = np.array([DAC.function(8.0, f, 28e-9) for f in rate]) * 1e12
    _band(panel, rate / 1e9, at_8, DAC.scatter)
    for part in DACS:
        here = DAC.function(8.0, part.rate, 28e-9) / DAC.function(part.bits, part.rate, part.node)
        panel.scatter(part.rate / 1e9, part.energy * here * 1e12, s=14, color="k")
    panel.set(title="dac, brought to 8 bit, 28 nm", xlabel="rate [GS/s]", ylabel="energy [pJ]")


def _power(panel: Axes) -> None:
    band = np.geomspace(0.5e9, 35e9, 50)
    law = np.array([TIA_POWER.function(f, 20e-12, 50e-15, 28e-9) for f in band]) * 1e3
    _band(panel, band / 1e9, law, TIA_POWER.scatter)
    for part in AMPLIFIERS:
        scaled = part.power * (28e-9 / part.node) ** 0.5
        panel.scatter(part.bandwidth / 1e9, scaled * 1e3, s=14, color="k")
    panel.set(title="tia_power, at 28 nm", xlabel="bandwidth [GHz]", ylabel="power [mW]")


def _noise(panel: Axes) -> None:
    band = np.geomspace(0.5e9, 35e9, 50)
    law = np.array([TIA_NOISE.function(f) for f in band]) * 1e12
    _band(panel, band / 1e9, law, TIA_NOISE.scatter)
    for part in AMPLIFIERS:
        if part.noise is not None:
            panel.scatter(part.bandwidth / 1e9, part.noise * 1e12, s=14, color="k")
    panel.set(title="tia_noise", xlabel="bandwidth [GHz]", ylabel="noise [pA/Hz$^{0.5}$]")


def _ring(panel: Axes) -> None:
    ring = {
        "linewidth": 0.1e-9, "spectral_range": 18.2e-9, "channels": 32.0, "span": 1.6e-3,
        "thermal_shift": 0.0, "walk": 1e-9, "headroom": 0.0, "policy": "aligned",
    }  # fmt: skip
    efficiency = np.geomspace(0.2e-6, 2.5e-6, 50)
    law = np.array([RING_TRIM.function(**ring, efficiency=e) for e in efficiency]) * 1e3
    _band(panel, efficiency * 1e6, law, RING_TRIM.scatter)
    for heater in HEATERS:
        panel.axvline(heater.efficiency * 1e6, color="k", lw=0.6, ls=":")
    for trim in TRIMS:
        panel.axhline(trim.power * 1e3, color="tab:red", lw=0.6)
    panel.set(
        title="ring_trim: heaters (dotted), published powers (red)",
        xlabel="tuning efficiency [nm/mW]", ylabel="power of a ring [mW]",
    )  # fmt: skip


def _cooler(panel: Axes) -> None:
    difference = np.linspace(4, 55, 60)
    law = np.array([1 / COOLER.function(1.0, 300.0, 300.0 + d) for d in difference])
    _band(panel, difference, law, COOLER.scatter)
    for product in PRACTICE:
        panel.axhspan(product.low, product.high, color="tab:red", alpha=0.12, lw=0)
    panel.set(
        title="cooler: products, difference mostly not stated (red)",
        xlabel="hot less cold side [K]", ylabel="heat pumped over power",
    )  # fmt: skip


def _memory(panel: Axes) -> None:
    capacity = np.geomspace(1024, 1048576, 50)
    law = np.array([SRAM_ENERGY.function(c, 45e-9) for c in capacity]) * 1e12
    _band(panel, capacity / 1024, law, SRAM_ENERGY.scatter)
    for memory in MEMORIES:
        panel.scatter(memory.capacity / 1024, memory.energy * 1e12, s=14, color="k")
    panel.set(title="sram, 45 nm", xlabel="capacity [KiB]", ylabel="energy of a byte [pJ]")


def _link(panel: Axes) -> None:
    places = {"chip": 0.0, "package": 1.0, "board": 2.0}
    for reach, place in places.items():
        each = LINK.function(1.0, reach) * 1e12
        low, high = (factor * each for factor in LINK.scatter)
        panel.fill_between([place - 0.3, place + 0.3], low, high, alpha=0.2, color="tab:blue")
        panel.plot([place - 0.3, place + 0.3], [each, each], color="tab:blue")
    for link in LINKS:
        panel.scatter(places[link.reach], link.energy * 1e12, s=14, color="k")
    panel.set_yscale("log")
    panel.set_xticks(list(places.values()), list(places))
    panel.set(title="link", ylabel="energy of a bit [pJ]")


def main(arguments: list[str]) -> int:
    """Draw and print; return an exit code."""
    sys.stdout.write("\n".join(tables()) + "\n")
    if "--tables" not in arguments:
        draw(DOCS / "images" / "laws.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
