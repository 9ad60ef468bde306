"""The band of a machine: percentiles of its figures over drawn descriptions, and what they hang on.

Figures are those of one run: latency of the first sample, interval, energy of an inference. The
band of accuracy needs a trained network and is found in `pnnsim.simulation.band_accuracy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pnnsim.analysis.bands.assumptions import Assumption, assumptions_of
from pnnsim.analysis.bands.draws import drawn_specs, quantiles
from pnnsim.analysis.bands.pairs import FIGURES
from pnnsim.analysis.bands.replay import Replay
from pnnsim.analysis.bands.screen import active
from pnnsim.analysis.bands.shares import variance_shares
from pnnsim.common.units import show
from pnnsim.errors import InputError
from pnnsim.inference.inputs import SpecLike, as_spec, as_whole
from pnnsim.networks.protocol import Network
from pnnsim.timing.arrivals import Arrivals

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Draws of `pnnsim bands`, and samples of each run.
DRAWS, SAMPLES = 256, 64
#: Percentiles of a band.
PERCENTILES = (5, 50, 95)
#: Assumptions that are listed for a figure, and the share from which on one is.
_MOST, _LEAST = 5, 0.005

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """Part of the variance of one figure that one assumption explains by itself.

    Args:
        figure: Key of the figure, such as `energy_j`.
        key: Name of the assumption: the path of a value, `group.NAME` or `law.NAME`.
        share: First-order share of the variance, 0 to 1.
        low: 5th percentile of that, as few draws tell it.
        high: 95th percentile of that.
    """

    figure: str
    key: str
    share: float
    low: float
    high: float

    def as_metrics(self) -> dict[str, str | float]:
        """Return the share with the keys of the documentation."""
        return {
            "figure": self.figure,
            "key": self.key,
            "share": self.share,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Figures of the descriptions that were drawn from the ranges of a machine.

    Args:
        seed: Seed of the draws.
        samples: Samples of each run.
        ranges: Ranges that were drawn from, in words, by name of the assumption.
        values: The figures of the description itself, as of `FIGURES`, shape `(n_figure,)`.
        drawn: Those of each draw, not a number for infeasible ones, shape `(n_draw, n_figure)`.
        quantiles: Place of each draw in the ranges, shape `(n_draw, n_assumption)`.
        hangs_on: What the figures hang on, by figure, the largest share first.
    """

    seed: int
    samples: int
    ranges: Mapping[str, str]
    values: Floats
    drawn: Floats
    quantiles: Floats
    hangs_on: tuple[Share, ...]

    @property
    def draws(self) -> int:
        """Return the number of descriptions that were drawn."""
        return len(self.drawn)

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Return which draws are machines that run the network, shape `(n_draw,)`."""
        return np.asarray(np.isfinite(self.drawn).all(axis=1))

    def percentiles(self, figure: str) -> dict[str, float] | None:
        """Return the percentiles of a figure by name; None where nothing is assumed or feasible."""
        if not self.ranges:
            return None
        return percentiles_of(self.drawn[self.feasible, FIGURES.index(figure)])

    def as_metrics(self) -> dict[str, Any]:
        """Return the band with the keys of the documentation."""
        bands: dict[str, Any] = {}
        for figure, value in zip(FIGURES, self.values.tolist(), strict=True):
            found = self.percentiles(figure)
            bands[figure] = None if found is None else {"value": value, **found}
        return {
            "draws": self.draws,
            "infeasible": int((~self.feasible).sum()),
            "seed": self.seed,
            "samples": self.samples,
            "assumptions": len(self.ranges),
            **bands,
            "hangs_on": [item.as_metrics() for item in self.hangs_on],
        }


def bands(
    spec: SpecLike,
    network: Network,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    samples: int | Arrivals = SAMPLES,
    progress: Progress | None = None,
) -> Band:
    """Return what the ranges of a machine make of its latency, interval and energy.

    Args:
        spec: Machine, or its name, path or description.
        network: What it computes.
        draws: Number of descriptions that are drawn.
        seed: Seed of the draws. Machines with an assumption in common share its draws where seed
            and number of draws are the same, so that they can be compared draw by draw.
        samples: Samples of each run, which come as fast as the machine takes them, or when they
            come.
        progress: Display of the draws; None for silence.

    Raises:
        InputError: If an argument cannot be meant.
        PnnsimError: If the description itself cannot run the network.
    """
    spec = as_spec(spec)
    draws, seed = as_whole(draws, "draws", 1), as_whole(seed, "seed", 0)
    if not isinstance(network, Network):
        raise InputError(
            f"network: got {show(type(network).__name__)}; expected a network such as a ReLaXNet"
        )
    arrivals = samples if isinstance(samples, Arrivals) else Arrivals(samples)
    assumptions = assumptions_of(spec)
    replay = Replay(network, arrivals)
    values = replay.figures(spec)
    places = quantiles(assumptions, draws, seed)
    if progress is not None:
        progress.start("drawing descriptions", len(places))
    # Without assumptions every draw is the description itself.
    figures = np.tile(values, (draws, 1))
    for row, drawn in enumerate(drawn_specs(spec, assumptions, places) if assumptions else ()):
        figures[row] = replay.figures_if_feasible(drawn)
        if progress is not None:
            progress.advance(1)
    if progress is not None:
        progress.finish()
    moving = active(spec, network, assumptions)
    return Band(
        seed,
        arrivals.count,
        {assumption.key: assumption.in_words() for assumption in assumptions},
        values,
        figures,
        places,
        shares_of(FIGURES, figures, assumptions, places, moving),
    )


def percentiles_of(figure: Floats) -> dict[str, float] | None:
    """Return the percentiles of a band by name; None for no draws.

    Args:
        figure: The figure of each draw that is feasible, shape `(n_draw,)`.
    """
    if not len(figure):
        return None
    found = np.percentile(figure, PERCENTILES).tolist()
    return {f"p{level}": value for level, value in zip(PERCENTILES, found, strict=True)}


def shares_of(
    names: Sequence[str],
    figures: Floats,
    assumptions: Sequence[Assumption],
    places: Floats,
    moving: Sequence[bool],
) -> tuple[Share, ...]:
    """Return what figures hang on, those that explain a part of the variance.

    Args:
        names: Name of each figure.
        figures: Figures of each draw, shape `(n_draw, n_figure)`; draws in which one is not a
            number are left out.
        assumptions: What was drawn.
        places: Place of each draw in the ranges, shape `(n_draw, n_assumption)`.
        moving: Which assumptions can move a figure at all.
    """
    columns = np.flatnonzero(np.array(moving, dtype=bool))
    feasible = np.isfinite(figures).all(axis=1)
    found = []
    for number, name in enumerate(names):
        shares = variance_shares(places[feasible][:, columns], figures[feasible, number])
        if shares is None:
            continue
        for place in np.argsort(-shares.share, kind="stable")[:_MOST]:
            if shares.share[place] >= _LEAST:
                key = assumptions[columns[place]].key
                numbers = (shares.share[place], shares.low[place], shares.high[place])
                found.append(Share(name, key, *(float(number) for number in numbers)))
    return tuple(found)
