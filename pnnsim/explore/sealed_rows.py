"""Rows of trials as the store keeps them: sealed when they are written, checked when they are read.

A database has no sum over what stands in it: a changed digit would be read as another figure. The
seal of a row covers what a trial sets and what it has given; what is counted and timed on the way
is only checked to be possible.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Literal, TypeGuard, cast, get_args

from pnnsim.common.json_text import canonical
from pnnsim.common.units import show
from pnnsim.errors import OutputError
from pnnsim.explore.database import Row
from pnnsim.explore.study_spec import Pairs, Trial
from pnnsim.explore.trial import Outcome

State = Literal["waiting", "running", "staged", "done", "stopped", "failed"]

#: Columns of a row that is read, in their order.
COLUMNS = (
    "number, overrides, state, stage, attempts, seed, spec_sha256, figures, warnings, reason, "
    "wall_s, seal"
)


@dataclass(frozen=True, slots=True)
class Record:
    """Trial as the store has it.

    Args:
        trial: What it sets.
        state: How far it is.
        stage: Number of the stage that it has reached.
        attempts: How often it has been claimed.
        outcome: What it has given so far.
    """

    trial: Trial
    state: State
    stage: int
    attempts: int
    outcome: Outcome


def overrides_text(overrides: Pairs) -> str:
    """Return what a trial sets as text."""
    return json.dumps(overrides)


def figures_text(outcome: Outcome) -> str:
    """Return figures as text."""
    return json.dumps(dict(outcome.figures), allow_nan=False)


def warnings_text(outcome: Outcome) -> str:
    """Return warnings as text."""
    return json.dumps(outcome.warnings)


def seal(study: str, trial: Trial, outcome: Outcome) -> str:
    """Return the seal of a row.

    Args:
        study: Identity of the study.
        trial: What the trial sets.
        outcome: What it has given; an empty one where it has not run.
    """
    return _seal(
        study, trial.number, overrides_text(trial.overrides), outcome.seed, outcome.spec_sha256,
        figures_text(outcome), warnings_text(outcome),
    )  # fmt: skip


def record_of(study: str, row: Row) -> Record:
    """Return the trial of a row of `COLUMNS`.

    Args:
        study: Identity of the study.
        row: The row.

    Raises:
        OutputError: If the row is not as it was written.
    """
    (
        number,
        overrides,
        state,
        stage,
        attempts,
        seed,
        sha256,
        figures,
        warnings,
        reason,
        wall,
        mark,
    ) = row
    texts = (overrides, state, sha256, figures, warnings, reason, mark)
    if not (
        all(isinstance(text, str) for text in texts)
        and all(_is_count(count) for count in (number, stage, attempts))
        and (seed is None or type(seed) is int)
        and state in get_args(State)
        and isinstance(wall, int | float)
        and math.isfinite(wall)
        and mark == _seal(study, number, overrides, seed, sha256, figures, warnings)
    ):
        raise OutputError(
            f"storage: trial {show(str(number))} is not as it was written; expected the content of "
            "its seal. Hint: the database is damaged; take a copy of it, or a new folder"
        )
    outcome = Outcome(
        json.loads(figures), tuple(json.loads(warnings)), sha256, seed, reason, float(wall)
    )
    pairs = tuple((key, value) for key, value in json.loads(overrides))
    return Record(Trial(number, pairs), cast("State", state), stage, attempts, outcome)


def _seal(*content: str | int | None) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0
