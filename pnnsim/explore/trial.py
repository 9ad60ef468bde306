"""What goes to a worker and comes back: context, stage and outcome of a trial.

Data alone, without torch, so that a store can be read and a study be checked quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pnnsim.explore.requirements import Requirement
from pnnsim.explore.study_spec import Pairs, StudySpec
from pnnsim.specs.opened import Opened


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a trial is run.

    Args:
        trains: Whether outputs are evaluated; timing and energy alone otherwise.
        epochs: Epochs of its training at most; those of the trial where None.
    """

    trains: bool
    epochs: int | None = None


@dataclass(frozen=True)
class TrialContext:
    """What all trials of a study have in common.

    Args:
        base: Experiment in which values are set.
        fixed: Values that every trial sets.
        trains: Whether a figure of the study needs trained networks.
        require: What a chip must meet to count for the yield; None where there is none.
        cache: Folder of trained parameters; None for memory alone.
        data_dir: Where data sets are looked for first.
    """

    base: Opened
    fixed: Pairs
    trains: bool
    require: Requirement | None
    cache: Path | None = None
    data_dir: Path | None = None

    @staticmethod
    def of(spec: StudySpec, *, cache: Path | None, data_dir: Path | None) -> TrialContext:
        """Return what the trials of a study have in common.

        Args:
            spec: The study.
            cache: Folder of trained parameters; None for memory alone.
            data_dir: Where data sets are looked for first.
        """
        return TrialContext(spec.base, spec.fixed, spec.trains, spec.require, cache, data_dir)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial has given.

    Args:
        figures: Figures by their keys; none of a trial that failed.
        warnings: Warnings of its run.
        spec_sha256: Hash of the resolved experiment; empty where it could not be resolved.
        seed: Seed of its simulation; None likewise.
        reason: Why it failed; empty where it has not.
        wall_s: Time that it took on its computer [s].
    """

    figures: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    spec_sha256: str = ""
    seed: int | None = None
    reason: str = ""
    wall_s: float = 0.0
