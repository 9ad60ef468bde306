"""Keep the loop's state as numbers: convert, look up, store, hand over."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, Memory, Nonlinearity, Readout
from pnnsim.devices.memories.sram_params import SramParams
from pnnsim.devices.nonlinearities.digital_params import DigitalActivationParams
from pnnsim.devices.readouts.register_params import RegisterParams
from pnnsim.physics import electronic, quantize


@final
class DigitalActivation(Nonlinearity[DigitalActivationParams]):
    """Convert the pre-activation and apply f as a table; the encoder converts back."""

    kind = "digital"
    Params = DigitalActivationParams
    deterministic = non_idealities = ("quantization",)

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

    def activate(
        self,
        value: Tensor,
        previous: Tensor | None,
        generator: torch.Generator | None,
        active: Active,
    ) -> Tensor:
        """Return f of what the converter reads, which ends at its range."""
        full = self.params.input_range
        if self.on(active, "quantization"):
            value = quantize.quantize(value, self.params.bits, -full, full)
        return electronic.activation(value.clamp(-full, full), self.params.function)

    @property
    def range(self) -> tuple[float, float]:
        """Return f's least and greatest value over the converter's range; all f are monotone."""
        full = self.params.input_range
        ends = torch.tensor([-full, full], dtype=torch.float64)
        low, high = electronic.activation(ends, self.params.function).tolist()
        return low, high


@final
class Sram(Memory[SramParams]):
    """Hold the state as words, which do not fade."""

    kind = "sram"
    Params = SramParams
    analog = False

    def delay_fs(self, action: str) -> int:
        """Return the time to write and read a state."""
        return {"hold": to_fs(self.params.hold_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one write and one read of every line's word."""
        moved = 2.0 * self.size.hidden * self.params.word_bytes
        return {"hold": moved * self.params.energy_per_byte}[action]

    def static_power(self) -> float:
        """Return the leakage of all bytes."""
        stored = self.size.hidden * self.params.capacity * self.params.word_bytes
        return stored * self.params.static_power

    @property
    def capacity(self) -> int:
        """Return the number of samples for which there are words."""
        return self.params.capacity

    def hold(self, state: Tensor, held: Tensor, active: Active) -> Tensor:
        """Return the state as it was stored."""
        return state


@final
class Register(Readout[RegisterParams]):
    """Hand over a state that needs no further conversion."""

    kind = "register"
    Params = RegisterParams

    def delay_fs(self, action: str) -> int:
        """Return the time of the transfer."""
        return {"convert": to_fs(self.params.transfer_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of handing over every line."""
        return self.size.hidden * {"convert": self.params.energy}[action]

    def static_power(self) -> float:
        """Return the power of the interface."""
        return self.params.static_power

    def read(self, state: Tensor, span: tuple[float, float], active: Active) -> Tensor:
        """Return the numbers as they are."""
        return state
