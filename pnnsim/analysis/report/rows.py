"""Choose what a summary says, once, for the text table and for the page alike.

A section is a title and rows of label, value and note. No layout here, and no arithmetic beyond
sums and shares of what `metrics.json` already holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pnnsim.analysis.report.format import percent, plural
from pnnsim.analysis.report.section import Metrics


@dataclass(frozen=True, slots=True)
class EnergyPart:
    """Energy of one component for one inference.

    Args:
        component: Name of the part.
        dynamic: Energy of its actions [J].
        static: Energy of its static power over the time of one inference [J].
    """

    component: str
    dynamic: float
    static: float

    @property
    def total(self) -> float:
        """Return both together [J]."""
        return self.dynamic + self.static


def energy_parts(metrics: Metrics) -> tuple[EnergyPart, ...]:
    """Return the energy of one inference by component, largest first.

    Set-up is not included.
    """
    energy = metrics["energy_j"]
    samples = metrics["samples"]
    static = energy["static_by_component"]
    parts = []
    for name, total in energy["by_component"].items():
        held = static.get(name, 0.0)
        # Rounding of the difference must not look like energy given back.
        parts.append(EnergyPart(name, max(0.0, total - held) / samples, held / samples))
    return tuple(sorted(parts, key=lambda part: (-part.total, part.component)))


def writes_per_inference(metrics: Metrics) -> float:
    """Return how often a bank is written for an access per inference: no set-up, no refresh."""
    return float(metrics["counts"].get("weight_banks.write", 0) / metrics["samples"])


def title(metrics: Metrics) -> str:
    """Return the one line that says what ran on what."""
    network = metrics["network"]
    if "hidden" not in network:
        return (
            f"{metrics['hardware']}: {network['kind']} {network['inputs']}-{network['outputs']}, "
            f"{plural(network['weight_sets'], 'weight set')}, "
            f"{plural(network['steps'], 'step')}"
        )
    shape = "-".join(str(network[key]) for key in ("inputs", "hidden", "outputs"))
    folds = (metrics.get("mapping") or {}).get("folds", 1)
    steps = plural(network["steps"], "step") + (f" of {folds} folds" if folds > 1 else "")
    return (
        f"{metrics['hardware']}: {network['kind']} {shape}, "
        f"{plural(network['weight_sets'], 'weight set')}, {steps}"
    )


def static_share(energy: Mapping[str, Any]) -> str:
    """Return the share of all energy that is static."""
    return percent(energy["static"] / energy["total"] if energy["total"] else 0.0)
