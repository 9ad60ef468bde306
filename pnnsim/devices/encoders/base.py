"""Encoders whose lines stand behind digital-to-analog converters, which several lines may share.

What a line is (a laser behind a modulator, a source, a driver) is for the kinds to describe.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from torch import Tensor

from pnnsim.devices.base import Active, Encoder
from pnnsim.devices.encoders.line_driver_params import LineDriverParams
from pnnsim.devices.encoders.microwave_source_params import MicrowaveSourceParams
from pnnsim.devices.encoders.modulator_params import MrmParams, MzmParams
from pnnsim.devices.encoders.source_array_params import SourceArrayParams
from pnnsim.physics import quantize

E = TypeVar(
    "E",
    bound=MrmParams | MzmParams | SourceArrayParams | LineDriverParams | MicrowaveSourceParams,
)


class ConverterEncoder(Encoder[E]):
    """Encoder of converters, each followed by its lines.

    state ──▶ converter ──┬──▶ line
                          └──▶ line      as many lines as share a converter
    """

    deterministic: ClassVar[tuple[str, ...]] = ("quantization",)
    non_idealities: ClassVar[tuple[str, ...]] = deterministic

    def delay_fs(self, action: str) -> int:
        """Return the conversions of a converter's lines, or the wait for a line to settle."""
        if action == "convert":
            return self.params.turns(self.size.lines) * self._conversion_fs
        if action == "encode":
            return self._settling_fs
        raise KeyError(action)

    @property
    @abstractmethod
    def _conversion_fs(self) -> int:
        """Return the time of one conversion [fs]."""

    @property
    @abstractmethod
    def _settling_fs(self) -> int:
        """Return the wait for a new symbol to settle on a line [fs]."""

    def cost(self, action: str) -> float:
        """Return the energy of one conversion, or one symbol, on every line in use."""
        each = {"convert": self.params.dac_energy, "encode": self._symbol_energy}[action]
        return self.size.lines * each

    @property
    @abstractmethod
    def _symbol_energy(self) -> float:
        """Return the energy of one new symbol on one line [J]."""

    def static_power(self) -> float:
        """Return the power of all lines in use and of their converters."""
        converters = self.params.standing_power(self.size.lines)
        return self.params.sets * (self.size.lines * self._line_power + converters)

    @property
    @abstractmethod
    def _line_power(self) -> float:
        """Return the power of one line without its converter [W]."""

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        area = self.params.converters_area(self.size.lines)
        return None if area is None else self.params.sets * area

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the state as the lines carry it, clipped at the ends of their range."""
        if converted and self.on(active, "quantization"):
            return quantize.quantize(state, self.params.bits, self._lowest, 1.0)
        return state.clamp(self._lowest, 1.0)

    @property
    def _lowest(self) -> float:
        """Return the lowest value of a line: 0, or -1 for lines of either sign."""
        return 0.0
