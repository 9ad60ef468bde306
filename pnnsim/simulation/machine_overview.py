"""What a machine is made of and what dominates it, from a short timing pass without weights."""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.analysis.report.collect import loads_of, times_of
from pnnsim.analysis.report.pictures.machine import Part, parts_of
from pnnsim.analysis.report.pictures.rate import limiting
from pnnsim.inference.chip import Chip
from pnnsim.networks.protocol import Network
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.provenance import Provenance, value_counts

#: Samples that are timed at least, and blocks of them.
_SAMPLES, _BLOCKS = 16, 4


@dataclass(frozen=True, slots=True)
class Overview:
    """Parts of a machine with their share of time and energy.

    Args:
        parts: Times, mean power and share of the latency of each part, in the order of a sample.
        energy_share: Share of each part in the energy of an inference.
        latency_s: Latency of the first sample [s].
        interval_s: Time from result to result [s].
        energy_j: Energy of an inference [J].
        limit: What limits the rate, as a sentence.
        values: How many values of the description are of each class.
    """

    parts: tuple[Part, ...]
    energy_share: dict[str, float]
    latency_s: float
    interval_s: float
    energy_j: float
    limit: str
    values: dict[Provenance, int]


def overview_of(spec: HardwareSpec, network: Network) -> Overview:
    """Return what a machine is made of and what dominates it.

    Args:
        spec: Machine.
        network: What it computes.

    Raises:
        MappingError: If the network does not fit the machine.
    """
    control = spec.control
    samples = max(_SAMPLES, _BLOCKS * control.block * control.cores)
    timing = time_run(Chip.nominal(spec, network), samples)
    metrics = timing_metrics(timing)
    energy = metrics["energy_j"]
    _, limit = limiting(metrics, loads_of(timing.trace, metrics["utilization"]))
    return Overview(
        parts=tuple(parts_of(metrics, times_of(timing.trace))),
        energy_share={
            name: joules / energy["total"] if energy["total"] else 0.0
            for name, joules in energy["by_component"].items()
        },
        latency_s=metrics["latency_s"]["first"],
        interval_s=metrics["interval_s"],
        energy_j=energy["per_inference"],
        limit=limit,
        values=value_counts(spec),
    )
