"""Read what a study varies, and try each value of a key in the base before anything runs.

A value that its key refuses whatever the others are is a fault of the study. One that only some of
the others refuse makes the trials with these fail, which is found when they run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pnnsim.errors import Problem, SpecError
from pnnsim.explore.axes import Axis, Span, read_axis
from pnnsim.explore.base_texts import form_of
from pnnsim.explore.study_spec import Pairs
from pnnsim.specs.document import Document, KeyPath, dotted
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.opened import Opened
from pnnsim.specs.validation import section_at

#: Values of one key that are tried.
_TRIED = 100


def read_vary(
    document: Document, base: Opened | None, fixed: Pairs, seed: int
) -> tuple[Axis | Span, ...]:
    """Return what the section `vary` of a study varies, in its order.

    Args:
        document: Study that has been read; problems are added to it.
        base: Its base; None where that cannot be read, and values are not tried.
        fixed: Values that every trial sets.
        seed: Seed of random values.
    """
    section = section_at(document.tree, ("vary",))
    if not isinstance(section, dict) or not section:
        what = "has no keys to vary; expected some, such as weight_banks.count: [2, 4]"
        document.report(("vary",), what, key=True)
        return ()
    kinds = {
        key: [text for text in entry if isinstance(text, str)]
        for key, entry in section.items()
        if key.endswith(".kind") and isinstance(entry, list)
    }
    axes = []
    for key, entry in section.items():
        path: KeyPath = ("vary", key)
        if key in dict(fixed):
            document.report(path, "stands under 'set', too; expected one of them", key=True)
            continue
        forms = () if base is None else form_of(base, fixed, key, kinds)
        axis = read_axis(document, path, key, entry, forms, seed)
        if base is not None and not forms:
            _try(document, path, base, fixed, key, ["0"], kinds)
        elif base is not None and axis is not None:
            listed = isinstance(entry, list)
            _try(document, path, base, fixed, key, _texts(axis), kinds, listed=listed)
        if axis is not None:
            axes.append(axis)
    return tuple(axes)


def check_fixed(document: Document, base: Opened, fixed: Pairs) -> None:
    """Report values under `set` that their keys refuse.

    Args:
        document: Study that has been read; problems are added to it.
        base: Its base.
        fixed: Values that every trial sets.
    """
    for key, _ in fixed:
        problem = _refusal(base, fixed, key)
        if problem is not None:
            strange = "unknown key" in problem.what
            document.report(("set", key), problem.what, problem.hint, key=strange)


def _texts(axis: Axis | Span) -> Sequence[str]:
    """Return the values of a key that are tried: of a span its ends."""
    return axis.texts if isinstance(axis, Axis) else (axis.text(axis.low), axis.text(axis.high))


def _try(
    document: Document,
    path: KeyPath,
    base: Opened,
    fixed: Pairs,
    key: str,
    texts: Sequence[str],
    kinds: Mapping[str, Sequence[str]],
    *,
    listed: bool = False,
) -> None:
    """Report values that a key refuses with every kind of its part that the study has."""
    kind = f"{key.split('.')[0]}.kind"
    named = () if kind == key else kinds.get(kind, ())
    settings: list[Pairs] = [((kind, name),) for name in named] or [()]
    for index, text in enumerate(texts[:_TRIED]):
        refusals = [_refusal(base, (*fixed, *more, (key, text)), key) for more in settings]
        problem = refusals[0]
        if problem is None or None in refusals:
            continue
        strange = "unknown key" in problem.what
        place = (*path, index) if listed and not strange else path
        document.report(place, problem.what, problem.hint, key=strange)
        if strange:
            return


def _refusal(base: Opened, pairs: Pairs, key: str) -> Problem | None:
    """Return why a key refuses its value; None where it does not."""
    parts = key.split(".")
    # As messages write them, in which a part of strange characters stands in quotes.
    section, where = dotted(parts[:1]), dotted(parts) if all(parts) else ""
    try:
        load_experiment(base, pairs)
    except SpecError as error:
        for problem in error.problems:
            strange = problem.where == section and "unknown key" in problem.what
            if strange or problem.where == where or problem.where.startswith(f"{where}["):
                return problem
    return None
