"""What the descriptions of all kinds of a part have in common, family by family.

A machine is put together from these alone: how large banks are, how many lines an encoder drives,
what carries the signal, and whether the state is a number. What else a kind has is read by its own
component. Classes here are abstract: they have no YAML name.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from pnnsim.devices.quantities import Carrier, Count, Energy, Frequency, Params


class FrontEndParams(Params):
    """Description of a front end: the engine of the input and output maps."""

    clock: Annotated[Frequency, Field(gt=0)]
    """Clock of the multiply-accumulate array."""
    macs_per_cycle: Count
    """Multiply-accumulates done in one clock cycle."""
    mac_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one multiply-accumulate."""


class EncoderParams(Params):
    """Description of an encoder: what puts the state onto lines."""

    lines: Count
    """Lines that can be driven at once."""
    double_buffered: bool = False
    """Whether each line has a second set of converter, driver and source, which settles on the next
    symbol while the first keeps its own; it takes as much standing power and area again."""

    @property
    def sets(self) -> int:
        """Return how many sets of converter, driver and source each line has."""
        return 2 if self.double_buffered else 1

    @property
    def sends(self) -> Carrier:
        """Return what a line carries: optical power, unless a kind has another carrier."""
        return "power"

    @property
    def symbol_time(self) -> float:
        """Return how long a symbol lasts where lines follow each other [s]; 0 side by side."""
        return 0.0


class SwitchParams(Params):
    """Description of a switch: what selects the weight bank."""

    @property
    def accepts(self) -> tuple[Carrier, ...]:
        """Return what may be switched: optical power, unless a kind has other carriers."""
        return ("power",)

    @property
    def trees(self) -> int | None:
        """Return the parallel switches, one for each bus or line; None where one serves all."""
        return None

    @property
    def selects(self) -> bool:
        """Return whether more than one bank can be reached."""
        return True


class ParallelSwitchParams(SwitchParams):
    """Description of a switch of which every bus, or every line, has one."""

    count: Count
    """Parallel switches: one for each bus, or for each line."""

    @property
    def trees(self) -> int:
        """Return the parallel switches."""
        return self.count


class WeightBankParams(Params):
    """Description of weight banks: physical banks of one size, each with outputs and inputs."""

    count: Count
    """Physical banks."""
    rows: Count
    """Outputs of one bank."""
    cols: Count
    """Inputs of one bank."""

    @property
    def carrier(self) -> Carrier:
        """Return what a bank works with: optical power, unless a kind has another carrier."""
        return "power"

    @property
    def wavelengths(self) -> int | None:
        """Return the inputs that share one bus; None for a bank whose inputs share none."""
        return None

    @property
    def symbol_time(self) -> float:
        """Return how long a weight meets its line where these follow each other [s]; 0 else."""
        return 0.0


class DetectorParams(Params):
    """Description of a detector: what turns a bank's output into an electrical signal."""

    @property
    def accepts(self) -> tuple[Carrier, ...]:
        """Return what may be detected: optical power, unless a kind has other carriers."""
        return ("power",)


class NonlinearityParams(Params):
    """Description of a nonlinearity: what applies f."""

    #: Whether f gives numbers.
    digital: ClassVar[bool] = False

    @property
    def linear(self) -> bool:
        """Return whether f passes its range on unchanged, so that f proper is computed behind."""
        return False

    @property
    def operators(self) -> frozenset[str]:
        """Return the names of the operators that f is, by which a network may call it."""
        return frozenset()


class MemoryParams(Params):
    """Description of a memory: what holds the state between steps."""

    #: Whether the state is held as numbers.
    digital: ClassVar[bool] = False


class ReadoutParams(Params):
    """Description of a readout: what hands the result to the host."""

    #: Whether the state is read as numbers, without a converter.
    digital: ClassVar[bool] = False


#: Part of a machine and what every description of it is.
FAMILIES: dict[str, type[Params]] = {
    "front_end": FrontEndParams,
    "encoder": EncoderParams,
    "switch": SwitchParams,
    "weight_banks": WeightBankParams,
    "detector": DetectorParams,
    "nonlinearity": NonlinearityParams,
    "memory": MemoryParams,
    "readout": ReadoutParams,
}
