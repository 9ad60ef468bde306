"""Decide how a weight matrix is cut into tiles and how many weight sets the banks hold at once.

Which set lies where at which time is the schedule's business; what a bank does to light is not
known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from pnnsim.errors import MappingError


@dataclass(frozen=True, slots=True)
class Mapping:
    """Place the square matrices of a network on banks of one size.

    The tiles of a matrix lie on as many physical banks, used in parallel, their partial sums added
    behind the detector. Such a group is a *logical bank*: it holds one weight set.

    Args:
        hidden: Width N of the matrices.
        weight_sets: Distinct matrices, L_W.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.
    """

    hidden: int
    weight_sets: int
    count: int
    rows: int
    cols: int

    @property
    def tiles(self) -> int:
        """Return how many physical banks one matrix takes, ceil(N/rows) * ceil(N/cols)."""
        return -(-self.hidden // self.rows) * -(-self.hidden // self.cols)

    @property
    def logical(self) -> int:
        """Return how many weight sets the machine can hold at once."""
        return self.count // self.tiles

    @property
    def used(self) -> int:
        """Return how many logical banks ever hold weights."""
        return min(self.logical, self.weight_sets)

    @property
    def resident(self) -> bool:
        """Return whether every weight set keeps a logical bank of its own."""
        return self.weight_sets <= self.logical

    def writers(self, write_drivers: int) -> int:
        """Return how many logical banks can be written side by side."""
        return max(1, write_drivers // self.tiles)

    def write_rounds(self, write_drivers: int) -> int:
        """Return how many writes one after the other fill one logical bank."""
        return -(-self.tiles // write_drivers)

    def physical_banks(self, bank: int) -> range:
        """Return the physical banks that make up a logical bank, in the order of the tiles."""
        return range(bank * self.tiles, (bank + 1) * self.tiles)


def map_network(*, hidden: int, weight_sets: int, count: int, rows: int, cols: int) -> Mapping:
    """Map the weight sets of a network on the banks of a machine.

    Args:
        hidden: Width N of the square matrices.
        weight_sets: Distinct matrices, L_W.
        count: Physical banks.
        rows: Outputs of one bank.
        cols: Inputs of one bank.

    Raises:
        MappingError: Not even one matrix fits.
    """
    mapping = Mapping(hidden=hidden, weight_sets=weight_sets, count=count, rows=rows, cols=cols)
    if not mapping.logical:
        raise MappingError(
            f"weight_banks.count: a {hidden} x {hidden} matrix takes {mapping.tiles} banks of "
            f"{rows} x {cols} at once, got {count}; expected at least {mapping.tiles}. Hint: raise "
            "weight_banks.count, rows or cols, or lower network.hidden"
        )
    return mapping
