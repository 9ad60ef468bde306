"""Every trial of a study: who works on it, and what it has given. Nothing is dropped.

A trial waits, runs under a claim of one process, is staged between two stages of a search, and ends
done, stopped or failed. An outcome counts only while its claim stands, so that none counts twice; a
claim whose process has died is given back, so that none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pnnsim.errors import OutputError
from pnnsim.explore.database import Database, is_owner
from pnnsim.explore.sealed_rows import (
    COLUMNS,
    Record,
    State,
    figures_text,
    overrides_text,
    record_of,
    seal,
    warnings_text,
)
from pnnsim.explore.study_spec import Trial
from pnnsim.explore.trial import Outcome

__all__ = ["ENDS", "Claim", "Record", "State", "Store"]

#: States in which a trial ends.
ENDS: tuple[State, ...] = ("done", "stopped", "failed")

#: Rows that are read at a time.
_CHUNK = 500

_TABLES = (
    "CREATE TABLE IF NOT EXISTS pnnsim_study ("
    "study TEXT PRIMARY KEY, description TEXT NOT NULL, environment TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pnnsim_trial ("
    "study TEXT NOT NULL, number BIGINT NOT NULL, overrides TEXT NOT NULL, state TEXT NOT NULL, "
    "stage INTEGER NOT NULL, owner TEXT NOT NULL, attempts INTEGER NOT NULL, "
    "seed BIGINT, spec_sha256 TEXT NOT NULL, figures TEXT NOT NULL, warnings TEXT NOT NULL, "
    "reason TEXT NOT NULL, wall_s DOUBLE PRECISION NOT NULL, seal TEXT NOT NULL, "
    "PRIMARY KEY (study, number))",
    "CREATE INDEX IF NOT EXISTS pnnsim_trial_state ON pnnsim_trial (study, state, number)",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Trial that this process is to run.

    Args:
        trial: The trial.
        stage: Number of the stage that comes next.
        attempts: How often it has been claimed, this time included.
    """

    trial: Trial
    stage: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Store:
    """Trials of one study in a database.

    Args:
        database: Connection.
        study: Identity of the study.
    """

    database: Database
    study: str

    def begin(self, description: str, environment: str) -> None:
        """Make the tables, and enter the study where it is not there.

        Args:
            description: The study as canonical JSON.
            environment: What figures depend on beside it, as canonical JSON.

        Raises:
            OutputError: If the trials so far come from other versions or another instruction set.
        """
        with self.database.transaction():
            for statement in _TABLES:
                self.database.execute(statement)
            self.database.execute(
                "INSERT INTO pnnsim_study VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (self.study, description, environment),
            )
            ((found,),) = self.database.execute(
                "SELECT environment FROM pnnsim_study WHERE study = ?", (self.study,)
            )
        if found != environment:
            raise OutputError(
                f"storage: the trials so far were made with {found}, this is {environment}; "
                "expected the same, as bits may differ. Hint: another folder for a new study"
            )

    def add(self, trials: Iterable[Trial]) -> None:
        """Enter trials that wait; those that are there already stay as they are."""
        with self.database.transaction():
            for trial in trials:
                self.database.execute(
                    "INSERT INTO pnnsim_trial VALUES "
                    "(?, ?, ?, 'waiting', 0, '', 0, NULL, '', '{}', '[]', '', 0, ?) "
                    "ON CONFLICT DO NOTHING",
                    (
                        self.study, trial.number, overrides_text(trial.overrides),
                        seal(self.study, trial, Outcome({})),
                    ),
                )  # fmt: skip

    def entered(self) -> int:
        """Return how many trials have been entered; their numbers are 0 and up."""
        ((found,),) = self.database.execute(
            "SELECT MAX(number) FROM pnnsim_trial WHERE study = ?", (self.study,)
        )
        return 0 if found is None else int(found) + 1

    def claim(self, count: int) -> list[Claim]:
        """Return some trials that wait, the lowest numbers first, claimed for this process.

        Raises:
            OutputError: If a row is damaged, which nobody claims then.
        """
        with self.database.transaction():
            rows = self.database.execute(
                f"SELECT {COLUMNS} FROM pnnsim_trial "
                "WHERE study = ? AND state = 'waiting' ORDER BY number LIMIT ?",
                (self.study, count),
            )
            records = [record_of(self.study, row) for row in rows]
            for record in records:
                self.database.execute(
                    "UPDATE pnnsim_trial SET state = 'running', owner = ?, attempts = attempts + 1 "
                    "WHERE study = ? AND number = ?",
                    (self.database.owner, self.study, record.trial.number),
                )
        return [Claim(record.trial, record.stage, record.attempts + 1) for record in records]

    def finish(self, ended: Sequence[tuple[Claim, State, Outcome]]) -> None:
        """Keep what claimed trials have given; what is no longer claimed is not counted again.

        Args:
            ended: Claims, what they become, and what they have given.
        """
        with self.database.transaction():
            for claim, state, outcome in ended:
                self.database.execute(
                    "UPDATE pnnsim_trial SET state = ?, owner = '', seed = ?, spec_sha256 = ?, "
                    "figures = ?, warnings = ?, reason = ?, wall_s = wall_s + ?, seal = ? "
                    "WHERE study = ? AND number = ? AND state = 'running' AND owner = ?",
                    (
                        state, outcome.seed, outcome.spec_sha256,
                        figures_text(outcome), warnings_text(outcome), outcome.reason,
                        outcome.wall_s, seal(self.study, claim.trial, outcome),
                        self.study, claim.trial.number, self.database.owner,
                    ),
                )  # fmt: skip

    def give_back(self, claims: Sequence[Claim], *, counted: bool) -> None:
        """Let claimed trials wait again.

        Args:
            claims: Claims of this process.
            counted: Whether the attempt counts, as the trial may be what killed its worker.
        """
        with self.database.transaction():
            for claim in claims:
                self.database.execute(
                    "UPDATE pnnsim_trial SET state = 'waiting', owner = '', attempts = ? "
                    "WHERE study = ? AND number = ? AND state = 'running' AND owner = ?",
                    (
                        claim.attempts - (not counted), self.study, claim.trial.number,
                        self.database.owner,
                    ),
                )  # fmt: skip

    def revive(self) -> None:
        """Let the trials of processes that have died wait again."""
        owners = self.database.execute(
            "SELECT DISTINCT owner FROM pnnsim_trial WHERE study = ? AND state = 'running'",
            (self.study,),
        )
        for (owner,) in owners:
            if not is_owner(owner) or not self.database.is_alive(owner):
                with self.database.transaction():
                    self.database.execute(
                        "UPDATE pnnsim_trial SET state = 'waiting', owner = '', "
                        "attempts = attempts - 1 "
                        "WHERE study = ? AND state = 'running' AND owner = ?",
                        (self.study, owner),
                    )

    def promote(self, numbers: Sequence[int], stage: int) -> None:
        """Let staged trials wait for their next stage.

        Args:
            numbers: The trials.
            stage: Stage that they have passed; a trial that is further stays where it is.
        """
        self._move(numbers, stage, "waiting", stage + 1, "")

    def stop(self, numbers: Sequence[int], stage: int, reason: str) -> None:
        """Let staged trials end before their last stage.

        Args:
            numbers: The trials.
            stage: Stage that they have passed; a trial that is further stays where it is.
            reason: Why.
        """
        self._move(numbers, stage, "stopped", stage, reason)

    def _move(
        self, numbers: Sequence[int], stage: int, state: State, next_stage: int, reason: str
    ) -> None:
        with self.database.transaction():
            for number in numbers:
                self.database.execute(
                    "UPDATE pnnsim_trial SET state = ?, stage = ?, reason = ? "
                    "WHERE study = ? AND number = ? AND state = 'staged' AND stage = ?",
                    (state, next_stage, reason, self.study, number, stage),
                )

    def counts(self) -> dict[str, int]:
        """Return the number of trials in each state that any is in."""
        rows = self.database.execute(
            "SELECT state, COUNT(*) FROM pnnsim_trial WHERE study = ? GROUP BY state",
            (self.study,),
        )
        return {str(state): int(count) for state, count in rows}

    def any_in(self, *states: State) -> bool:
        """Return whether a trial is in one of some states."""
        return any(
            self.database.execute(
                "SELECT 1 FROM pnnsim_trial WHERE study = ? AND state = ? LIMIT 1",
                (self.study, state),
            )
            for state in states
        )

    def records(self, begin: int = 0, end: int | None = None) -> Iterator[Record]:
        """Yield trials in the order of their numbers, a part of them in memory at a time.

        Args:
            begin: First number.
            end: Number behind the last; None for all.

        Raises:
            OutputError: If a row is damaged or lost.
        """
        last = 2**62 if end is None else end
        while True:
            rows = self.database.execute(
                f"SELECT {COLUMNS} FROM pnnsim_trial "
                "WHERE study = ? AND number >= ? AND number < ? ORDER BY number LIMIT ?",
                (self.study, begin, last, _CHUNK),
            )
            for number, row in enumerate(rows, begin):
                record = record_of(self.study, row)
                if record.trial.number != number:
                    raise OutputError(
                        f"storage: trial {number} is missing, and later ones are there; expected "
                        "every one. Hint: the database is damaged; take a copy of it, or a new "
                        "folder"
                    )
                yield record
            if len(rows) < _CHUNK:
                return
            begin += len(rows)
