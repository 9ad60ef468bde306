"""Work through the trials of a study: claim, run, keep, until none is left.

Any number of processes may do this for one study at the same time. What comes next is the
schedule's to say; memory does not grow with the number of trials.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pnnsim.explore.store import ENDS, Claim, State, Store
from pnnsim.explore.study_spec import StudySpec, Trial
from pnnsim.explore.trial import Outcome, Stage, TrialContext
from pnnsim.explore.trial_run import run_trial
from pnnsim.explore.workers import MOST_ATTEMPTS, Workers

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Trials of a sweep that are entered at a time.
_CHUNK = 500

#: Wait for workers, for other processes, and between two looks for those that have died [s].
_WAIT, _IDLE, _REVIVE = 1.0, 0.2, 5.0


class Schedule(Protocol):
    """What is run, and in which stages."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages of each trial, in their order."""

    @property
    def total(self) -> int:
        """Trials that there will be."""

    def advance(self, store: Store) -> bool:
        """Let more trials wait where it is time; return whether anything has changed."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Schedule of a grid: its trials in their order, each in a single stage.

    Args:
        spec: The study.
    """

    spec: StudySpec

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the only stage; see `Schedule`."""
        return (Stage(self.spec.trains),)

    @property
    def total(self) -> int:
        """Return the number of trials; see `Schedule`."""
        return self.spec.count

    def advance(self, store: Store) -> bool:
        """Enter the next trials of the grid; see `Schedule`."""
        begin = store.entered()
        if begin >= self.total:
            return False
        store.add(self.spec.trials(begin, begin + _CHUNK))
        return True


def run_task(context: TrialContext, task: tuple[Trial, Stage]) -> Outcome:
    """Return the outcome of a task, as workers run it.

    Args:
        context: What trials have in common.
        task: Trial and stage.
    """
    return run_trial(context, *task)


def drive(
    store: Store, schedule: Schedule, workers: Workers, progress: Progress | None = None
) -> None:
    """Run trials until all have ended.

    Args:
        store: Trials.
        schedule: What is run.
        workers: What runs it, by `run_task`.
        progress: Display of the trials; None for silence.

    Raises:
        BackendError: If the workers are gone.
        OutputError: If the database is.
    """
    shown = _Shown(progress, schedule.total, store)
    claimed: dict[int, Claim] = {}
    looked = -_REVIVE
    try:
        while True:
            if time.monotonic() - looked > _REVIVE:
                store.revive()
                looked = time.monotonic()
            room = workers.room
            claims = store.claim(room) if room else []
            for claim in claims:
                claimed[claim.trial.number] = claim
                workers.submit(claim.trial.number, (claim.trial, schedule.stages[claim.stage]))
            more = len(claims) == room or schedule.advance(store)
            if workers.busy:
                shown.advance(_collected(store, schedule, workers, claimed))
            elif not more:
                if not store.any_in("waiting", "running") and not schedule.advance(store):
                    return
                time.sleep(_IDLE)  # others work on what is left
    finally:
        store.give_back(list(claimed.values()), counted=False)
        shown.finish()


def _collected(
    store: Store, schedule: Schedule, workers: Workers, claimed: dict[int, Claim]
) -> int:
    """Keep what workers have ended, and return how many trials have come to their end."""
    ended: list[tuple[Claim, State, Outcome]] = []
    last = len(schedule.stages) - 1
    for done in workers.collect(_WAIT):
        claim = claimed.pop(done.tag)
        if done.lost and (claim.attempts < MOST_ATTEMPTS or not done.begun):
            store.give_back([claim], counted=done.begun)
            continue
        outcome: Outcome = done.result
        if done.lost:
            what = f"its worker died {claim.attempts} times; expected it to end. Hint: more memory"
            outcome = Outcome({}, reason=f"workers: {what}")
        failed = bool(outcome.reason)
        state: State = "failed" if failed else "done" if claim.stage == last else "staged"
        ended.append((claim, state, outcome))
    if ended:
        store.finish(ended)
    return sum(state != "staged" for _, state, _ in ended)


class _Shown:
    """Display of how many trials have ended."""

    def __init__(self, progress: Progress | None, total: int, store: Store) -> None:
        self._progress = progress
        if progress is not None:
            progress.start("running trials", total)
            counts = store.counts()
            progress.advance(sum(counts.get(state, 0) for state in ENDS))

    def advance(self, count: int) -> None:
        if self._progress is not None and count:
            self._progress.advance(count)

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.finish()
