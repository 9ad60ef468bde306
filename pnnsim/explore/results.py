"""What the trials of a study say: which are best, and what each key does on average."""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.explore.front import ranks
from pnnsim.explore.store import Record, Store
from pnnsim.explore.study_spec import StudySpec
from pnnsim.explore.tables import Value, feasible, reader, set_keys

#: Points on which a front is looked for at once.
_PART = 2000

#: Levels of one key whose means are shown.
_LEVELS = 60


@dataclass(frozen=True, slots=True)
class Effect:
    """Mean of a figure at each value of a key, over all trials with that value.

    Args:
        key: What was set.
        figure: What was found.
        values: Values of the key, SI or text, ascending where they are numbers.
        means: Mean of the figure at each.
    """

    key: str
    figure: str
    values: tuple[Value, ...]
    means: tuple[float, ...]

    @property
    def span(self) -> float:
        """Return the difference of the largest and the smallest mean."""
        return max(self.means) - min(self.means)


def losses(spec: StudySpec, record: Record) -> list[float] | None:
    """Return what a trial has of each objective, less being better; None where one is missing.

    Args:
        spec: The study.
        record: One of its trials.
    """
    figures = record.outcome.figures
    if any(objective.key not in figures for objective in spec.objectives):
        return None
    return [objective.loss(figures[objective.key]) for objective in spec.objectives]


def front_of(spec: StudySpec, store: Store) -> list[Record]:
    """Return the trials that meet every constraint and that no other dominates, by number.

    Only the best so far stay in memory.

    Args:
        spec: The study.
        store: Its trials.
    """
    if not spec.objectives:
        return []
    kept: list[Record] = []
    fresh: list[Record] = []
    for record in store.records():
        if feasible(spec, record) and losses(spec, record) is not None:
            fresh.append(record)
        if len(fresh) == _PART:
            kept, fresh = _best(spec, [*kept, *fresh]), []
    return _best(spec, [*kept, *fresh])


def _best(spec: StudySpec, records: list[Record]) -> list[Record]:
    if not records:
        return []
    found = ranks([losses(spec, record) or [] for record in records])
    return [record for record, rank in zip(records, found, strict=True) if rank == 0]


def effects(spec: StudySpec, store: Store) -> list[Effect]:
    """Return the main effect of each key on each figure that is requested, the largest first.

    A key with more values than a chart shows, such as one of a search, is put into as many groups.

    Args:
        spec: The study.
        store: Its trials.
    """
    keys, figures = set_keys(spec), spec.keys or ("latency_s.first", "energy_j.per_inference")
    read = {key: reader(spec, key) for key in keys}
    sums: dict[tuple[str, str, Value], tuple[float, int]] = {}
    for record in store.records():
        if record.state != "done":
            continue
        overrides = dict(record.trial.overrides)
        for key in keys:
            value = read[key](overrides[key])
            for figure in figures:
                if figure in record.outcome.figures:
                    total, count = sums.get((key, figure, value), (0.0, 0))
                    total += record.outcome.figures[figure]
                    sums[key, figure, value] = total, count + 1
    found = []
    for key in keys:
        for figure in figures:
            means = [
                (value, total, count) for (k, f, value), (total, count) in sums.items()
                if (k, f) == (key, figure)
            ]  # fmt: skip
            if means:
                found.append(_effect(key, figure, means))
    return sorted(found, key=lambda effect: (figures.index(effect.figure), -effect.span))


def _effect(key: str, figure: str, found: list[tuple[Value, float, int]]) -> Effect:
    numbers = [entry for entry in found if isinstance(entry[0], int | float)]
    if len(numbers) < len(found):
        return Effect(key, figure, tuple(v for v, *_ in found), tuple(t / n for _, t, n in found))
    ordered = sorted(numbers, key=lambda entry: float(entry[0] or 0))
    size = -(-len(ordered) // _LEVELS)
    groups = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    return Effect(
        key,
        figure,
        tuple(group[len(group) // 2][0] for group in groups),
        tuple(sum(t for _, t, _ in group) / sum(n for *_, n in group) for group in groups),
    )
