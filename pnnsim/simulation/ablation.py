"""What each non-ideality costs in accuracy: chips without it, and a chip with nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pnnsim.analysis.report.intervals import Z95
from pnnsim.inference.chip import Chip
from pnnsim.inference.inputs import Trained, as_examples, as_parameters, as_whole
from pnnsim.inference.predict import Parameters
from pnnsim.inference.quality import spread
from pnnsim.simulation.simulate import chip_outputs
from pnnsim.simulation.timing_pass import Timing

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress


def ablation(
    timing: Timing,
    parameters: Parameters | Trained,
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    seed: int,
    chips: int,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Return the accuracy that each non-ideality costs, switched off one at a time.

    Args:
        timing: The timing pass of as many samples.
        parameters: As for `simulate`, like the arguments that follow.
        x: Inputs.
        y: Classes.
        seed: Seed of the chips.
        chips: Number of fabricated chips.
        progress: Display of the non-idealities; None for silence.

    Returns:
        One entry for each non-ideality, the most costly first: its name, mean and standard
        deviation of the accuracy without it, by how much the mean rises (`recovered`), and what the
        first chip loses with it as its only one (`alone`); both with 95 % intervals (`_low`,
        `_high`).

    Raises:
        InputError: If an argument cannot be meant, as for `simulate`.
    """
    parameters = as_parameters(parameters)
    seed, chips = as_whole(seed, "seed", 0), as_whole(chips, "chips", 1)
    x, y = as_examples(parameters, x, y)
    parts = [timing.chip.fabricate(seed, index) for index in range(chips)]
    x, y = timing.served(x), timing.served(y)

    def right(on: Sequence[Chip], without: Sequence[str]) -> NDArray[np.float64]:
        """Return which samples each chip gets right, shape `(n_chip, batch)`."""
        found = [chip_outputs(chip, parameters, x, timing, without=without) for chip in on]
        return np.array([(each.argmax(dim=1) == y).double().numpy() for each in found])

    names = sorted(timing.chip.non_idealities)
    if progress is not None:
        progress.start("explaining the gap", len(names))
    base, ideal = right(parts, ()), right(parts[:1], names)
    rows = []
    for name in names:
        without = right(parts, (name,))
        alone = right(parts[:1], [other for other in names if other != name])
        rows.append(
            {
                "non_ideality": name,
                **spread("accuracy_without", without.mean(axis=1).tolist()),
                **paired("recovered", without, base),
                **paired("alone", ideal, alone),
            }
        )
        if progress is not None:
            progress.advance(1, name)
    if progress is not None:
        progress.finish()
    return sorted(rows, key=lambda row: (-row["recovered"], row["non_ideality"]))


def paired(
    name: str, more: NDArray[np.float64], less: NDArray[np.float64]
) -> dict[str, float | None]:
    """Return the mean difference of two accuracies on the same samples, with its 95 % interval.

    Its variance is that over the samples, each a mean over the chips, and that over the chips. A
    single sample has no interval.

    Args:
        name: What the difference is called in the result, also before `_low` and `_high`.
        more: Which samples are right where more are expected to be, shape `(n_chip, batch)`.
        less: Which are where fewer are expected to be, likewise.
    """
    gap = more - less
    mean = float(gap.mean())
    if gap.shape[1] < 2:
        return {name: mean, f"{name}_low": None, f"{name}_high": None}
    variance = float(gap.mean(axis=0).var(ddof=1)) / gap.shape[1]
    if len(gap) > 1:
        variance += float(gap.mean(axis=1).var(ddof=1)) / len(gap)
    half = Z95 * variance**0.5
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}
