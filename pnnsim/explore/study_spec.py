"""What a study is: its base, what it varies, its figures, and the trials that follow from it.

Nothing is read from files here (`pnnsim.explore.study_file`), and nothing runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

from pnnsim.common.json_text import canonical
from pnnsim.explore.axes import Axis, Span
from pnnsim.explore.figures import YIELD, needs_training
from pnnsim.explore.requirements import Requirement
from pnnsim.specs.opened import Opened
from pnnsim.specs.plain_data import digest

Pairs = tuple[tuple[str, str], ...]

#: Keys that make a replica of a trial.
_SEEDS = ("simulation.seed", "training.seed")


@dataclass(frozen=True, slots=True)
class Objective:
    """Figure that a study makes as small or as large as it can.

    Args:
        key: Figure.
        maximize: Whether more is better.
    """

    key: str
    maximize: bool

    def loss(self, value: float) -> float:
        """Return a value of which less is better."""
        return -value if self.maximize else value


@dataclass(frozen=True, slots=True)
class Trial:
    """One experiment of a study.

    Args:
        number: Its number, from 0.
        overrides: What is set in the base, as pairs of dotted key and text.
    """

    number: int
    overrides: Pairs


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How a search chooses its trials.

    Args:
        trials: How many.
        sampler: `tpe` or `nsga2`, both of Optuna.
        generation: Trials that are chosen before any of them is known.
        keep: Share of a generation that goes on to the next stage.
        epochs: Epochs of each stage of training but the last, which has those of the trial.
    """

    trials: int
    sampler: Literal["tpe", "nsga2"] = "tpe"
    generation: int = 16
    keep: float = 0.5
    epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class StudySpec:
    """Description of a study, checked.

    Args:
        name: Name of the base.
        base: Experiment in which values are set.
        tree: The description as plain data, which can be read again.
        fixed: Values that every trial sets.
        axes: What is varied, in the order of the file.
        latin_hypercube: Points of a Latin hypercube over the spans; None without one.
        replicas: Trials of each point that differ in their seeds alone.
        seed: Seed of random values, of replicas and of the search.
        objectives: What is made small or large.
        constraints: What must hold.
        require: What a chip must meet to count for the yield; None where there is none.
        figures: Further figures that are requested.
        search: How a search chooses; None where `trials` is not given.
        storage: Address of a database; empty for a file in the folder of the study.
    """

    name: str
    base: Opened = field(repr=False, hash=False, compare=False)
    tree: dict[str, Any] = field(repr=False, hash=False)
    fixed: Pairs
    axes: tuple[Axis | Span, ...]
    latin_hypercube: int | None
    replicas: int
    seed: int
    objectives: tuple[Objective, ...]
    constraints: tuple[Requirement, ...]
    require: Requirement | None
    figures: tuple[str, ...]
    search: SearchSettings | None
    storage: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """Return every figure that is requested, each once."""
        asked = [objective.key for objective in self.objectives]
        asked += [key for constraint in self.constraints for key in constraint.keys]
        asked += [YIELD] if self.require is not None else []
        return tuple(dict.fromkeys([*asked, *self.figures]))

    @property
    def trains(self) -> bool:
        """Return whether a figure is requested that needs a trained network."""
        return any(map(needs_training, self.keys))

    @cached_property
    def identity(self) -> str:
        """Return the hash of all that decides the trials; where they are stored does not."""
        return digest({key: value for key, value in self.tree.items() if key != "storage"})

    @cached_property
    def _points(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the values of each span at the points of the Latin hypercube."""
        count = self.latin_hypercube
        if count is None:
            return ()
        spans = [axis for axis in self.axes if isinstance(axis, Span)]
        return tuple((span.key, span.stratified(count, self.seed)) for span in spans)

    @property
    def _grid(self) -> tuple[Axis, ...]:
        return tuple(axis for axis in self.axes if isinstance(axis, Axis))

    @property
    def count(self) -> int:
        """Return the number of trials of the sweep."""
        grid = prod(len(axis.texts) for axis in self._grid)
        return grid * (self.latin_hypercube or 1) * self.replicas

    def trial(self, number: int) -> Trial:
        """Return one trial of the sweep; the last key varies fastest, then replicas."""
        rest, replica = divmod(number, self.replicas)
        rest, point = divmod(rest, self.latin_hypercube or 1)
        chosen = {key: texts[point] for key, texts in self._points}
        for axis in reversed(self._grid):
            rest, index = divmod(rest, len(axis.texts))
            chosen[axis.key] = axis.texts[index]
        return Trial(number, (*self._in_order(chosen), *self._replica(replica)))

    def trials(self, begin: int, end: int) -> Iterator[Trial]:
        """Yield some trials of the sweep.

        Args:
            begin: Number of the first.
            end: Number behind the last.
        """
        return map(self.trial, range(begin, min(end, self.count)))

    def chosen(self, number: int, texts: dict[str, str]) -> Trial:
        """Return a trial of a search.

        Args:
            number: Its number.
            texts: Value of each varied key.
        """
        return Trial(number, self._in_order(texts))

    def _in_order(self, texts: dict[str, str]) -> Pairs:
        return tuple((axis.key, texts[axis.key]) for axis in self.axes)

    def _replica(self, replica: int) -> Pairs:
        if self.replicas == 1:
            return ()
        return tuple((key, str(self.seed + replica)) for key in _SEEDS)

    def text(self) -> str:
        """Return the description as canonical JSON."""
        return canonical(json.loads(json.dumps(self.tree)))
