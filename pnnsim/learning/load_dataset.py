"""Load a data set by name, images and texts alike, as examples to learn from and to measure on.

This is the one public door to data. It must not scale, cut or shuffle anything by itself: that is
done where files are read (`pnnsim.learning.datasets`) and where parts are cut
(`pnnsim.learning.task_examples`).
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import IMAGE_TASKS, TEXT_TASKS
from pnnsim.learning.examples import Examples, Labelled, Windows
from pnnsim.learning.task_examples import Data, load_data
from pnnsim.specs.settings import TaskParams

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Longest window of a text, as in a description (`task.window`).
_LONGEST_WINDOW = 1000


def load_dataset(
    name: str,
    *,
    window: int = 8,
    limit: int | None = None,
    data_dir: str | Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Data:
    """Load a data set as training, validation and test examples.

    Images have inputs `x` in [0, 1], shape `(batch, n_inputs)`, and classes `y`, shape `(batch,)`.
    A text has windows of characters, one-hot, whose class is the character that follows; they are
    made when they are taken.

    Args:
        name: Name of the data set: digits (embedded), mnist, fashion-mnist, svhn, cifar10,
            cifar100 or shakespeare.
        window: Characters of a text in one example; images have none.
        limit: Largest number of examples of each part, the first ones; None for all.
        data_dir: Folder with the published files; looked into before the folder that the
            environment variable PNNSIM_DATA_DIR names and before the cache.
        offline: Whether downloads are forbidden.
        progress: Receiver of the progress of downloads; None for silence.

    Returns:
        The parts `train`, `validation` and `test`, which share no example and are the same on every
        machine.

    Raises:
        TaskError: If the name is unknown, a file is missing or damaged, or a number out of range.
    """
    known = (*IMAGE_TASKS, *TEXT_TASKS)
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        hint = f". Hint: did you mean '{near[0]}'?" if near else ""
        raise TaskError(f"name: got {name!r}; expected one of {', '.join(known)}{hint}")
    _check_whole("window", window, _LONGEST_WINDOW)
    if limit is not None:
        _check_whole("limit", limit, None)
    data = load_data(
        TaskParams(name=name, window=window),
        data_dir=None if data_dir is None else Path(data_dir),
        offline=offline,
        progress=progress,
    )
    if limit is None:
        return data
    train, validation, test = (
        _first(part, limit) for part in (data.train, data.validation, data.test)
    )
    return replace(data, train=train, validation=validation, test=test)


def _check_whole(what: str, value: object, largest: int | None) -> None:
    """Raise unless a value is a whole number from 1 to a largest one."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TaskError(f"{what}: got {value!r}; expected a whole number of at least 1")
    if largest is not None and value > largest:
        raise TaskError(f"{what}: got {value}; expected at most {largest}")


def _first(examples: Examples, count: int) -> Examples:
    """Return the first examples of a part."""
    if isinstance(examples, Labelled):
        return Labelled(examples.x[:count], examples.y[:count])
    if isinstance(examples, Windows):
        return replace(examples, ids=examples.ids[: count + examples.window])
    raise AssertionError(f"{type(examples).__name__} is no part of a data set")
