"""Hold examples so that a batch can be taken by number, whether they are stored or made.

A loop that trains needs no more than `len(examples)` and `examples.take(numbers)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

#: Examples that are evaluated at once where gradients are not asked for.
_CHUNK = 4096


class Examples(Protocol):
    """Give examples by their numbers."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs, shape `(batch, n_inputs)`, and classes, shape `(batch,)`.

        Sequences have one more axis behind the first, the place in the sequence.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Hold stored examples.

    Args:
        x: Inputs, shape `(batch, n_inputs)`.
        y: Classes, int64, shape `(batch,)`.
    """

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return examples by their numbers."""
        return self.x[numbers], self.y[numbers]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Make examples of a text: some characters in a row, and the one that follows.

    Input i of a window is 1 where its character number i // vocabulary, oldest first, is
    i % vocabulary, and 0 elsewhere. Example n is the window that begins at character n.

    Args:
        ids: Numbers of the characters, int64, shape `(length,)`.
        window: Characters in a row that are the input.
        vocabulary: Number of distinct characters.
    """

    ids: Tensor
    window: int
    vocabulary: int

    def __len__(self) -> int:
        return max(0, len(self.ids) - self.window)

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return windows by where they begin."""
        places = numbers.unsqueeze(1) + torch.arange(self.window, device=numbers.device)
        hot = torch.nn.functional.one_hot(self.ids[places], self.vocabulary)
        x = hot.reshape(len(numbers), -1).to(torch.float32)
        return x, self.ids[numbers + self.window]


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Cut a text into examples of many windows in a row, for a stateful network.

    Args:
        windows: Windows of the whole text.
        length: Windows of one example; none is in two examples.
    """

    windows: Windows
    length: int

    def __len__(self) -> int:
        return len(self.windows) // self.length

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs, shape `(batch, length, n_inputs)`, and classes, `(batch, length)`."""
        places = self.length * numbers.unsqueeze(1) + torch.arange(self.length)
        x, y = self.windows.take(places.flatten())
        return x.reshape(*places.shape, -1), y.reshape(places.shape)


def labelled(x: NDArray[Any], y: NDArray[Any]) -> Labelled:
    """Return the examples that two arrays hold."""
    return Labelled(torch.from_numpy(x), torch.from_numpy(y))


def batches(examples: Examples) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all examples in their order, a few thousand at a time."""
    chunk = _CHUNK
    if isinstance(examples, Sequences):
        chunk = max(1, _CHUNK // examples.length)
    for numbers in torch.split(torch.arange(len(examples)), chunk):
        yield examples.take(numbers)
