"""What stands in for training and simulation where the command line is tested."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pnnsim.specs.experiment import Experiment


class Job:
    """Record what the command line asks for, in place of training and simulation."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: BaseException | None = None
        self.notice = ""

    def run(self, experiment: Experiment, **options: Any) -> SimpleNamespace:
        self.calls.append({"experiment": experiment, **options})
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            metrics={"schema": 1, "µ": 0.5}, table="a table", folder=None, notice=self.notice
        )

    def compare(self, rows: list[tuple[str, Experiment]], **options: Any) -> SimpleNamespace:
        self.calls.append({"rows": rows, **options})
        wins = SimpleNamespace(
            first=0,
            second=1,
            draws=8,
            first_wins={"energy_j": 0.75},
            second_wins={"energy_j": 0.25},
        )
        return SimpleNamespace(
            rows=[(label, {"a": 1}) for label, _ in rows], table="many tables", pairings=(wins,)
        )
