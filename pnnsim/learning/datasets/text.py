"""Read a text as a sequence of character numbers.

The text is not changed in any way: no lower case, no white space removed. `learning.task_examples`
makes inputs of a network from the numbers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pnnsim.learning.datasets.base import TextTask
from pnnsim.learning.datasets.download import Remote
from pnnsim.learning.datasets.files import Source, locate, read

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: A cut text is still a text: only the checksum shows that it is whole.
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
LENGTH = 1_115_394

SHAKESPEARE = Source(
    task="shakespeare",
    folders=("tinyshakespeare",),
    required=("input.txt",),
    home="https://github.com/karpathy/char-rnn/tree/master/data/tinyshakespeare",
    remotes=(
        Remote(
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            f"sha256:{SHA256}",
        ),
    ),
)


def load(
    name: str, *, data_dir: str | Path | None, offline: bool, progress: Progress | None
) -> TextTask:
    """Load tinyshakespeare; see `pnnsim.learning.datasets.load_text`.

    Split: the first nine tenths are training, the rest validation, as is customary since Karpathy,
    "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015. The vocabulary is that of
    the whole text.

    Args:
        name: Name of the task.
        data_dir: As for `load_text`.
        offline: As for `load_text`.
        progress: As for `load_text`.
    """
    folder = locate(SHAKESPEARE, data_dir=data_dir, offline=offline, progress=progress)
    file = read(SHAKESPEARE, folder, "input.txt")
    digest = hashlib.sha256(file.data).hexdigest()
    if digest != SHA256:
        raise file.wrong(
            f"{len(file.data):,} bytes with SHA-256 {digest}",
            f"{LENGTH:,} bytes with SHA-256 {SHA256}",
        )
    return encode(name, "tinyshakespeare, as published", file.data.decode("ascii"))


def encode(name: str, note: str, text: str) -> TextTask:
    """Number the characters of a text and cut it once.

    Args:
        name: Name of the task.
        note: Its note.
        text: The text, not empty.

    Returns:
        The task: the first nine tenths, rounded down, are training.
    """
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    vocabulary, ids = np.unique(points, return_inverse=True)
    ids = ids.astype(np.int64)
    cut = len(ids) * 9 // 10
    return TextTask(name, note, tuple(map(chr, vocabulary)), ids[:cut], ids[cut:])
