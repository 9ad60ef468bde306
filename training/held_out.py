"""Test part of a task, closed until every choice of a recipe has been made.

Settings, epochs and the network that is deployed are chosen on the validation part. A recipe gets
its data with the test part closed, and opens it for the final figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from pnnsim import Data, PnnsimError
from pnnsim.learning import Examples


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """Test part of which nothing can be read but its length.

    Args:
        part: Examples that `opened` gives back.
    """

    part: Examples

    def __len__(self) -> int:
        return len(self.part)

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Refuse to return examples.

        Raises:
            PnnsimError: Always.
        """
        raise PnnsimError(
            f"test part: {len(numbers)} examples are read while it is closed; expected none before "
            "every choice is made. Hint: choose on the validation part, then call opened()"
        )


def closed(data: Data) -> Data:
    """Return data whose test part cannot be read."""
    return replace(data, test=Closed(data.test))


def opened(data: Data) -> Data:
    """Return data whose test part can be read, for figures after which nothing is chosen."""
    assert isinstance(data.test, Closed)
    return replace(data, test=data.test.part)
