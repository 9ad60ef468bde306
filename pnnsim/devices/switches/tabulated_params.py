"""Description of switches by tables of their scattering parameters."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pnnsim.devices.family_params import ParallelSwitchParams
from pnnsim.devices.quantities import Bits, Carrier, Count, Energy, Length, Power, RatioDb, Time


class TabulatedSwitchParams(ParallelSwitchParams):
    """Switches whose routes are measured, or simulated elsewhere, and given as tables.

    `files` are read with the description, and `route_loss` and `route_extinction` come out.
    """

    accepts: ClassVar[tuple[Carrier, ...]] = ("power", "field")

    kind: Literal["tabulated"]
    count: Count
    """Parallel switches: one for each bus, or for each line of a coherent machine."""
    wavelength: Annotated[Length, Field(gt=0, le=20e-6)]
    """Vacuum wavelength of the middle channel."""
    band: Annotated[Length, Field(ge=0, le=1e-6)] = 0.0
    """Span of all channels; the worst wavelength in it counts."""
    files: tuple[str, ...] | None = None
    """Tables (.sNp, .npz, .json), one for each output, in which it is selected; beside the file of
    the machine."""
    ports: tuple[str, ...] | None = None
    """Input, then the outputs, as the tables name them; in their order where not given."""
    table_sha256: str | None = None
    """Hash of what the tables were; filled in when they are read."""
    route_loss: Annotated[
        tuple[Annotated[RatioDb, Field(ge=0, le=100)], ...], Field(min_length=2, max_length=63)
    ]
    """Loss of each route when it is selected; read from the tables where they are given."""
    route_extinction: Annotated[
        tuple[Annotated[RatioDb, Field(gt=0, le=100)], ...], Field(min_length=2, max_length=63)
    ]
    """Power of each selected route over the strongest other output; read likewise."""
    rise_time: Annotated[Time, Field(gt=0)]
    """10-90 % rise time of one switch."""
    bits: Bits
    """Depth to which a switch settles before light may cross."""
    settling_time: Annotated[Time, Field(gt=0)] | None = None
    """Wait after a move; from rise time and bits where it is not given."""
    toggle_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one move of one switch."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power that one switch draws all the time."""

    @model_validator(mode="after")
    def _routes_agree(self) -> Self:
        """Refuse losses and extinctions of different numbers of routes."""
        if len(self.route_loss) != len(self.route_extinction):
            raise ValueError(
                f"route_loss has {len(self.route_loss)} routes and route_extinction "
                f"{len(self.route_extinction)}; expected the same"
            )
        return self
