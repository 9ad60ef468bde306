"""Examples of which a batch can be taken by number, whether they are stored or made.

A training loop needs no more than `len(examples)` and `examples.take(numbers)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor

from pnnsim.errors import InputError
from pnnsim.inference.inputs import as_inputs, as_labels, as_sequences
from pnnsim.networks.protocol import Network, input_width, is_stateful, output_width

#: Examples that are evaluated at once where no gradients are needed.
_CHUNK = 4096


@runtime_checkable
class Examples(Protocol):
    """Anything that gives examples by their numbers."""

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
    """Stored examples.

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
    """Examples made of a text: some characters in a row, and the one that follows.

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
    """Examples of many windows in a row of a text, for a stateful network.

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
    """Return examples made of two arrays.

    Args:
        x: Inputs, shape `(batch, n_inputs)`.
        y: Classes from 0, int64, shape `(batch,)`.
    """
    return Labelled(torch.from_numpy(x), torch.from_numpy(y))


def batches(examples: Examples) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all examples in their order, a few thousand at a time."""
    chunk = _CHUNK
    if isinstance(examples, Sequences):
        chunk = max(1, _CHUNK // examples.length)
    for numbers in torch.split(torch.arange(len(examples)), chunk):
        yield examples.take(numbers)


def check_examples(examples: object, what: str, network: Network) -> None:
    """Refuse examples that a network cannot learn from, before any is taken.

    Of stored examples all classes are looked at, of a text those of the first windows. Examples of
    another type are not taken here, as that may draw random numbers: see `check_batch`.

    Args:
        examples: What was given as examples.
        what: Name of the argument.
        network: What is trained.

    Raises:
        InputError: If they are no examples, none, or not of the network's widths and classes.
    """
    if not isinstance(examples, Examples):
        raise InputError(
            f"{what}: is of the type {type(examples).__name__}; expected examples. Hint: "
            "pnnsim.learning.examples.labelled(x, y) makes them from two arrays"
        )
    if not len(examples):
        raise InputError(f"{what}: is empty; expected at least one example")
    if isinstance(examples, Labelled):
        check_batch(examples.x, examples.y, what, network)
    elif isinstance(examples, Windows | Sequences):
        check_batch(*examples.take(torch.arange(1)), what, network)


def check_batch(x: object, y: object, what: str, network: Network) -> None:
    """Refuse inputs and classes that a network cannot learn from.

    Whether inputs are finite is not looked at: the loss of a training shows it.

    Args:
        x: Inputs, shape `(batch, n_inputs)`; sequences where the network keeps its state.
        y: Classes, as many.
        what: Name of the argument that they come from.
        network: What is trained.

    Raises:
        InputError: If they are no tensors, or not of the network's widths and classes.
    """
    for name, part in (("x", x), ("y", y)):
        if not isinstance(part, Tensor):
            raise InputError(
                f"{what}.{name}: is of the type {type(part).__name__}; expected a tensor. Hint: "
                "pnnsim.learning.examples.labelled(x, y) makes examples from two arrays"
            )
    assert isinstance(x, Tensor)
    assert isinstance(y, Tensor)
    like = torch.empty(0, device=x.device)
    try:
        if not is_stateful(network):
            as_inputs(x[:1], input_width(network), like, finite=False)
            as_labels(y, len(x), output_width(network))
            return
        as_sequences(x[:1], input_width(network), like)
        if y.shape != x.shape[:2]:
            raise InputError(
                f"y: has the shape {tuple(y.shape)}; expected {tuple(x.shape[:2])}, one class for "
                "each sample of a sequence"
            )
        as_labels(y.flatten(), y.numel(), output_width(network))
    except InputError as error:
        raise InputError(f"{what}.{error}") from None
