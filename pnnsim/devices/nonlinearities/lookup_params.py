"""Description of a digital function of numbers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pnnsim.devices.family_params import NonlinearityParams
from pnnsim.devices.quantities import Bits, Energy, Power, Time


class LookupParams(NonlinearityParams):
    """Digital function of sums that are numbers already, with no converter ahead of it."""

    digital: ClassVar[bool] = True

    kind: Literal["lookup"]
    function: Literal["linear", "relu", "clipped_relu", "tanh", "sigmoid"]
    """Activation f; `linear` is [-1, 1], `clipped_relu` is [0, 1], `relu` ends with the input."""
    input_range: Annotated[float, Field(gt=0, le=100)]
    """Pre-activation at which the table ends, either sign."""
    bits: Bits
    """Bits of a sum that the table reads, over both signs."""
    function_time: Annotated[Time, Field(ge=0)]
    """Time to scale and round a sum, and of table and register."""
    function_energy: Annotated[Energy, Field(ge=0)]
    """Energy of one function of one output, scaling and register included."""
    static_power: Annotated[Power, Field(ge=0)]
    """Power of the function of one output while the machine is on."""

    @property
    def linear(self) -> bool:
        """Return whether the function is `linear`."""
        return self.function == "linear"
