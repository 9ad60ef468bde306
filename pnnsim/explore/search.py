"""Search for the best trials with Optuna, in generations, so that the order of workers counts not.

A generation is chosen whole before any of it is known, and its results are reported in the order of
trials. Each of its trials is timed; the best share goes on to each further stage of training, most
epochs last. What a generation chooses follows from the generations before it, and so does a search
that goes on: the sampler repeats its choices, and what is stored is not computed again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pnnsim.errors import BackendError, InputError, OutputError
from pnnsim.explore.axes import Axis, Span
from pnnsim.explore.front import best
from pnnsim.explore.results import losses
from pnnsim.explore.store import ENDS, Record, Store
from pnnsim.explore.study_spec import Objective, StudySpec
from pnnsim.explore.trial import Stage

if TYPE_CHECKING:
    import optuna

#: What the sampler takes a figure for that a stopped trial has not: worse than any real one.
_WORST = {"accuracy": 0.0, "yield": 0.0}
_NO_CHANCE = 100.0

_CONSTRAINTS = "constraints"


@dataclass
class Search:
    """Schedule of a search.

    Args:
        spec: The study.
        sampler: Optuna's study, which chooses trials and gets their figures.
        chosen: Trials of the sampler without figures as yet, by number.
        reported: Trials of which the sampler has figures.
    """

    spec: StudySpec
    sampler: optuna.Study
    chosen: dict[int, optuna.Trial] = field(default_factory=dict)
    reported: int = 0

    @staticmethod
    def of(spec: StudySpec) -> Search:
        """Return the search of a study.

        Args:
            spec: The study.

        Raises:
            InputError: If it has no objectives or no number of trials.
            BackendError: If Optuna is not installed.
        """
        for missing, given in (("objectives", spec.objectives), ("trials", spec.search)):
            if not given:
                raise InputError(f"{missing}: is missing; a search needs it")
        assert spec.search is not None, "checked above"
        try:
            import optuna
        except ModuleNotFoundError:
            raise BackendError(
                "search: optuna is not installed; expected it. Hint: pip install 'pnnsim[explore]'"
            ) from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        size = spec.search.generation
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", FutureWarning)  # Optuna 5 has another way beside this
            chooser: optuna.samplers.BaseSampler
            if spec.search.sampler == "tpe":
                chooser = optuna.samplers.TPESampler(
                    seed=spec.seed,
                    n_startup_trials=size,
                    multivariate=True,
                    constraints_func=_violations,
                )
            else:
                chooser = optuna.samplers.NSGAIISampler(
                    seed=spec.seed, population_size=max(2, size), constraints_func=_violations
                )
        study = optuna.create_study(sampler=chooser, directions=["minimize"] * len(spec.objectives))
        return Search(spec, study)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return timing first, then trainings of more and more epochs; see `Schedule`."""
        assert self.spec.search is not None, "checked when the search was made"
        if not self.spec.trains:
            return (Stage(trains=False),)
        fewer = [Stage(trains=True, epochs=epochs) for epochs in self.spec.search.epochs]
        return (Stage(trains=False), *fewer, Stage(trains=True))

    @property
    def total(self) -> int:
        """Return the number of trials; see `Schedule`."""
        assert self.spec.search is not None, "checked when the search was made"
        return self.spec.search.trials

    def advance(self, store: Store) -> bool:
        """Go on with the generation, or begin the next; see `Schedule`."""
        assert self.spec.search is not None, "checked when the search was made"
        size = self.spec.search.generation
        begin = self.reported
        end = min(begin + size, self.total)
        if begin >= self.total:
            return False
        if not self.chosen:
            self._ask(store, begin, end)
            return True
        records = list(store.records(begin, end))
        if any(record.state in ("waiting", "running") for record in records):
            return False
        staged = [record for record in records if record.state == "staged"]
        if staged:
            self._promote(store, staged)
            return True
        assert all(record.state in ENDS for record in records), "no other state is left"
        self._tell(records)
        return True

    def _ask(self, store: Store, begin: int, end: int) -> None:
        """Choose a generation and enter it, or find what is stored to be the same."""
        trials = []
        for number in range(begin, end):
            asked = self.sampler.ask()
            self.chosen[number] = asked
            texts = {axis.key: _suggested(asked, axis) for axis in self.spec.axes}
            trials.append(self.spec.chosen(number, texts))
        store.add(trials)
        for trial, record in zip(trials, store.records(begin, end), strict=True):
            if record.trial != trial:
                raise OutputError(
                    f"storage: trial {trial.number} sets {dict(record.trial.overrides)}, but the "
                    f"sampler of this version chooses {dict(trial.overrides)}; expected the same. "
                    "Hint: another folder for a new search"
                )

    def _promote(self, store: Store, staged: list[Record]) -> None:
        """Let the best of a stage go on, those that break no constraint so far, and stop others."""
        assert self.spec.search is not None, "checked when the search was made"
        stage = max(record.stage for record in staged)
        of_stage = [record for record in staged if record.stage == stage]
        broken = {record.trial.number: self._broken(record) for record in of_stage}
        for reason in sorted({text for text in broken.values() if text}):
            store.stop([n for n, text in broken.items() if text == reason], stage, reason)
        left = [record for record in of_stage if not broken[record.trial.number]]
        count = -(-len(left) * self.spec.search.keep // 1)
        chosen = best([self._known(record) for record in left], int(count))
        kept = {left[index].trial.number for index in chosen}
        store.promote(sorted(kept), stage)
        others = [r.trial.number for r in left if r.trial.number not in kept]
        name = "timing" if stage == 0 else f"{self.stages[stage].epochs} epochs"
        store.stop(others, stage, f"better trials of its generation went on after {name}")

    def _known(self, record: Record) -> list[float]:
        """Return the losses of the objectives that a stage has."""
        figures = record.outcome.figures
        known = [goal for goal in self.spec.objectives if goal.key in figures]
        return [goal.loss(figures[goal.key]) for goal in known]

    def _broken(self, record: Record) -> str:
        """Return the constraint that a trial breaks already; empty where it breaks none."""
        for constraint in self.spec.constraints:
            for comparison in constraint.comparisons:
                value = record.outcome.figures.get(comparison.key)
                if value is not None and not comparison.holds(value):
                    return f"breaks the constraint {comparison.text}"
        return ""

    def _tell(self, records: list[Record]) -> None:
        """Report a generation to the sampler, in the order of trials."""
        from optuna.trial import TrialState

        for record in records:
            asked = self.chosen.pop(record.trial.number)
            values = self._values(record)
            if values is None:
                self.sampler.tell(asked, state=TrialState.FAIL)
            else:
                asked.set_user_attr(_CONSTRAINTS, self._violation(record))
                self.sampler.tell(asked, values)
        self.reported += len(records)

    def _values(self, record: Record) -> list[float] | None:
        """Return the losses of a trial; None of one that failed."""
        if record.state == "done":
            return losses(self.spec, record)
        figures = record.outcome.figures
        if record.state == "failed" or not figures:
            return None
        return [
            goal.loss(figures[goal.key]) if goal.key in figures else _worst(goal)
            for goal in self.spec.objectives
        ]

    def _violation(self, record: Record) -> list[float]:
        """Return how far a trial is beyond each bound; what it has not is within."""
        figures = record.outcome.figures
        return [
            comparison.excess(figures[comparison.key]) if comparison.key in figures else 0.0
            for constraint in self.spec.constraints
            for comparison in constraint.comparisons
        ]


def _worst(goal: Objective) -> float:
    """Return the loss that a figure of outputs has where nothing was trained."""
    return goal.loss(_WORST.get(goal.key.split(".")[0], _NO_CHANCE))


def _violations(trial: optuna.trial.FrozenTrial) -> Any:
    return trial.user_attrs.get(_CONSTRAINTS, [])


def _suggested(asked: optuna.Trial, axis: Axis | Span) -> str:
    """Return the value of a key that the sampler chooses."""
    if isinstance(axis, Axis):
        index = asked.suggest_int(axis.key, 0, len(axis.texts) - 1)
        return axis.texts[index]
    log = axis.scale == "log"
    if axis.whole:
        return str(asked.suggest_int(axis.key, int(axis.low), int(axis.high), log=log))
    return axis.text(asked.suggest_float(axis.key, axis.low, axis.high, log=log))
