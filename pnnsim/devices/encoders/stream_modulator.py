"""Encoder of one modulator that sends a vector symbol by symbol."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, Encoder
from pnnsim.devices.encoders.stream_modulator_params import StreamModulatorParams
from pnnsim.physics import quantize, streaming


@final
class StreamModulator(Encoder[StreamModulatorParams]):
    """Encoder of symbols in [0, 1] that follow each other on the light of all wavelengths.

        comb of wavelengths ──▶ modulator ──▶ x_1, x_2, …, x_n on every wavelength
                                    ▲
             state ──▶ converter ───┘

    Conversions keep pace with the symbols, so that only the first is waited for; the time of the
    stream itself is that of the product. Each stack of tiles along the inputs has a stream of its
    own.
    """

    kind = "stream_modulator"
    Params = StreamModulatorParams
    deterministic = ("quantization", "symbol_memory")
    non_idealities = deterministic

    def delay_fs(self, action: str) -> int:
        """Return the first conversion; symbols settle while they are sent."""
        return {"convert": to_fs(self.params.symbol_time), "encode": 0}[action]

    def cost(self, action: str) -> float:
        """Return the energy of one conversion, or symbol, of each input in use."""
        each = {"convert": self.params.dac_energy, "encode": self.params.symbol_energy}[action]
        return self.size.lines * each

    def static_power(self) -> float:
        """Return the power of a wavelength for each output, and of the modulators."""
        p, streams = self.params, self.size.tiles_in
        light = self.size.detectors * p.laser_power / p.laser_efficiency
        return streams * (light + p.static_power + p.standing_power(1))

    def area(self) -> float | None:
        """Return the area of the converters, where it is described."""
        each = self.params.converters_area(1)
        return None if each is None else self.size.tiles_in * each

    def encode(self, state: Tensor, *, converted: bool, active: Active) -> Tensor:
        """Return the mean of each symbol, clipped at the ends of its range."""
        p = self.params
        if converted and self.on(active, "quantization"):
            line = quantize.quantize(state, p.bits, 0.0, 1.0)
        else:
            line = state.clamp(0.0, 1.0)
        if not self.on(active, "symbol_memory"):
            return line
        ratio = 2.0 * math.pi * p.bandwidth * p.symbol_time
        streams = [
            streaming.streamed_symbols(part, ratio)
            for part in torch.tensor_split(line, self.size.tiles_in, dim=-1)
        ]
        return torch.cat(streams, dim=-1)

    @property
    def full_scale(self) -> float:
        """Return the power of one wavelength behind the modulator [W]."""
        return self.params.full_scale

    @property
    def intensity_noise(self) -> float:
        """Return the relative intensity noise of the comb [1/Hz], from decibels."""
        return power_ratio(self.params.laser_rin)
