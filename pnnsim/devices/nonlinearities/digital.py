"""Nonlinearity of a digital table behind analog-to-digital converters."""

from __future__ import annotations

from typing import ClassVar, TypeVar, final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Nonlinearity
from pnnsim.devices.nonlinearities.digital_params import DigitalActivationParams
from pnnsim.devices.nonlinearities.lookup_params import LookupParams
from pnnsim.physics import electronic, quantize

T = TypeVar("T", bound=DigitalActivationParams | LookupParams)


class TableActivation(Nonlinearity[T]):
    """Nonlinearity of a table of f, which reads so many bits of its input."""

    deterministic: ClassVar[tuple[str, ...]] = ("quantization",)
    non_idealities: ClassVar[tuple[str, ...]] = deterministic

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return f of what the table reads, which ends at its range."""
        full = self.params.input_range
        if self.on(active, "quantization"):
            value = quantize.quantize(value, self.params.bits, -full, full)
        return electronic.activation(value.clamp(-full, full), self.params.function)

    def convert(self, value: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return values in the steps of the table, whose range is scaled to theirs."""
        if not self.on(active, "quantization"):
            return value
        return quantize.quantize(value, self.params.bits, *span)

    @property
    def range(self) -> tuple[float, float]:
        """Return f's least and greatest value over the table's range; all f are monotone."""
        full = self.params.input_range
        ends = torch.tensor([-full, full], dtype=torch.float64)
        low, high = electronic.activation(ends, self.params.function).tolist()
        return low, high


@final
class DigitalActivation(TableActivation[DigitalActivationParams]):
    """Nonlinearity of a converter and a table of f; the encoder converts back."""

    kind = "digital"
    Params = DigitalActivationParams

    def delay_fs(self, action: str) -> int:
        """Return conversion and function, one after the other."""
        turns = self.params.turns(self.size.hidden)
        conversions = turns * to_fs(self.params.conversion_time)
        return {"activate": conversions + to_fs(self.params.function_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of converting and looking up every line."""
        conversion = electronic.converter_energy(self.params.figure_of_merit, self.params.enob)
        return {"activate": self.size.hidden * (conversion + self.params.function_energy)}[action]

    def static_power(self) -> float:
        """Return the standing power of all converters with their tables."""
        return self.params.converters(self.size.hidden) * self.params.static_power

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        return self.params.converters_area(self.size.hidden)
