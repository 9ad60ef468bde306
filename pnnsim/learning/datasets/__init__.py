"""Load data sets by name: the files as published, checked, in one form.

Networks and machines play no part here, and nothing stored is ever unpickled. `files.py` finds the
files, `base.py` cuts and scales what they contain.

    digits          embedded, no file needed     8 × 8 grey, 10 classes
    mnist           IDX                          28 × 28 grey, 10 classes
    fashion-mnist   IDX                          28 × 28 grey, 10 classes
    svhn            MATLAB, format 2             32 × 32 colour, 10 classes
    cifar10         binary version               32 × 32 colour, 10 classes
    cifar100        binary version               32 × 32 colour, 100 classes (the fine labels)
    shakespeare     text; `load_text`            65 characters
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from pnnsim.errors import TaskError
from pnnsim.learning.datasets.base import Task, TextTask

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

__all__ = ["IMAGE_TASKS", "TEXT_TASKS", "Task", "TextTask", "load_task", "load_text"]

IMAGE_TASKS = ("digits", "mnist", "fashion-mnist", "svhn", "cifar10", "cifar100")
TEXT_TASKS = ("shakespeare",)


def load_task(
    name: str,
    *,
    data_dir: str | Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Task:
    """Load a labelled data set.

    Args:
        name: One of `IMAGE_TASKS`.
        data_dir: Folder with the published files, or with a folder of them; looked into before the
            folder that the environment variable PNNSIM_DATA_DIR names and before the cache.
        offline: Never download.
        progress: Progress of downloads; None for silence.

    Returns:
        The task, in three parts that share no example and are the same on every machine.

    Raises:
        TaskError: If the name is unknown, or a file is missing, damaged or not what it should be.
    """
    _check_name(name, IMAGE_TASKS, TEXT_TASKS, "load_text")
    if name == "digits":
        from pnnsim.learning.datasets import digits

        return digits.load()
    from pnnsim.learning.datasets import images

    return images.load(name, data_dir=data_dir, offline=offline, progress=progress)


def load_text(
    name: str,
    *,
    data_dir: str | Path | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> TextTask:
    """Load a text.

    Args:
        name: One of `TEXT_TASKS`.
        data_dir: As for `load_task`.
        offline: As for `load_task`.
        progress: As for `load_task`.

    Returns:
        The text as numbers, in two parts.

    Raises:
        TaskError: As for `load_task`.
    """
    _check_name(name, TEXT_TASKS, IMAGE_TASKS, "load_task")
    from pnnsim.learning.datasets import text

    return text.load(name, data_dir=data_dir, offline=offline, progress=progress)


def _check_name(name: str, known: tuple[str, ...], others: tuple[str, ...], other: str) -> None:
    """Raise unless the name is known here; point to where else it may belong."""
    if name in known:
        return
    if name in others:
        raise TaskError(f"{name}: expected one of {', '.join(known)}. Hint: use {other}('{name}')")
    near = get_close_matches(name, known + others, n=1)
    hint = f". Hint: did you mean '{near[0]}'?" if near else ""
    raise TaskError(f"task: unknown name '{name}'; expected one of {', '.join(known)}{hint}")
