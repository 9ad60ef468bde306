"""Leave out assumptions that no delay and no price depends on, before variance is shared out.

Many ranges belong to what makes values wrong, such as noise and drift. Separated beforehand, they
cannot take a share by chance.
"""

from __future__ import annotations

from collections.abc import Sequence

from pnnsim.analysis.bands.assumptions import Assumption
from pnnsim.analysis.bands.draws import described
from pnnsim.errors import PnnsimError
from pnnsim.inference.chip import Chip
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.work import Work
from pnnsim.networks.protocol import Network
from pnnsim.specs.hardware import HardwareSpec


def active(
    spec: HardwareSpec, network: Network, assumptions: Sequence[Assumption]
) -> tuple[bool, ...]:
    """Return for each assumption whether a delay or a price depends on it.

    Both ends of its range are tried, all other values as they are. Where an end is no machine, the
    assumption counts as one that matters.

    Args:
        spec: Machine.
        network: What it computes.
        assumptions: What it assumes.
    """
    nominal = _work_and_prices(spec, network)
    return tuple(_moves(spec, network, assumption, nominal) for assumption in assumptions)


def _moves(
    spec: HardwareSpec, network: Network, assumption: Assumption, nominal: tuple[Work, PriceTable]
) -> bool:
    """Return whether an end of an assumption's range has another delay or price."""
    for end in (1.0, 0.0):
        try:
            if _work_and_prices(described(spec, [assumption], [end]), network) != nominal:
                return True
        except (PnnsimError, ValueError):
            return True
    return False


def _work_and_prices(spec: HardwareSpec, network: Network) -> tuple[Work, PriceTable]:
    """Return all that latency and energy depend on.

    Raises:
        PnnsimError: If the network does not fit the machine.
        ValueError: If a value lies beyond what a formula holds for.
    """
    chip = Chip.nominal(spec, network)
    return chip.work(), chip.prices()
