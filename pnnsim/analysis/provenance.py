"""Share of energy and latency that hangs on values of each class: published, by law, assumed.

Energy is a sum of prices, each times a count or a time, so the share of a price is the relative
change of the energy per relative change of the price (Euler's theorem); the same holds for latency
and delays. What is no price and no delay has no share.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pnnsim.analysis.sensitivity import Sensitivity, sensitivities
from pnnsim.common.forms import dimension_of
from pnnsim.networks.protocol import Network
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.provenance import BACKED, CLASSES, Provenance, provenance, value_counts

_PRICES = ("energy", "power")
_DELAYS = ("time", "frequency", "length")


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of each class of values in a machine and in its figures.

    Args:
        values: How many values are of each class.
        energy: Share of each class in the energy of one inference; together 1.
        latency: Share in the mean latency, likewise.
    """

    values: dict[Provenance, int]
    energy: dict[Provenance, float]
    latency: dict[Provenance, float]

    @property
    def backed(self) -> dict[str, float]:
        """Return the share with evidence behind it: of all values, of energy, and of latency."""
        return {
            "values": _backed(self.values),
            "energy": _backed(self.energy),
            "latency": _backed(self.latency),
        }


def _backed(amounts: Mapping[Provenance, float]) -> float:
    total = sum(amounts.values())
    return sum(amounts[key] for key in BACKED) / total if total else 0.0


def shares(spec: HardwareSpec, network: Network) -> Shares:
    """Return the share of each class of values in a machine, its energy and its latency.

    Args:
        spec: Machine.
        network: What it computes.

    Raises:
        MappingError: If the network does not fit the machine.
    """
    found = sensitivities(spec, network)
    return Shares(
        value_counts(spec),
        _by_class(
            spec, [(item.parameter, item.energy_share) for item in _of(spec, found, _PRICES)]
        ),
        _by_class(
            spec, [(item.parameter, item.latency_share) for item in _of(spec, found, _DELAYS)]
        ),
    )


def _of(
    spec: HardwareSpec, found: Collection[Sensitivity], dimensions: Collection[str]
) -> list[Sensitivity]:
    """Return the rows of values with one of these dimensions."""
    sections = spec.sections()
    rows = []
    for item in found:
        section, _, key = item.parameter.partition(".")
        if dimension_of(type(sections[section]), key) in dimensions:
            rows.append(item)
    return rows


def _by_class(spec: HardwareSpec, rows: Collection[tuple[str, float]]) -> dict[Provenance, float]:
    sizes = dict.fromkeys(CLASSES, 0.0)
    for path, share in rows:
        sizes[provenance(spec, path)] += abs(share)
    total = sum(sizes.values())
    return {name: size / total if total else 0.0 for name, size in sizes.items()}
