"""Weight bank that is no place: weights come as symbols, out of a memory."""

from __future__ import annotations

import math
from typing import final

import torch
from scipy import constants
from torch import Tensor

from pnnsim.common.units import power_ratio, to_fs
from pnnsim.devices.base import Active, ProgrammedWeights, State, WeightBank
from pnnsim.devices.weight_banks.streamed_params import StreamedParams
from pnnsim.physics import quantize, streaming


@final
class StreamedBank(WeightBank[StreamedParams]):
    """Weight bank of one modulator for each output, which passes one weight after the other.

        x_1, x_2, … ──▶ modulator of output i: w_i1, w_i2, … ──▶ (+) and (-), collected over time

    A weight splits the light between both ports of a modulator; a receiver that integrates over the
    stream subtracts them. A product takes as many symbols as there are inputs, and every product
    fetches and converts all of its weights anew: nothing stands still, so that nothing is held,
    tuned or drifts, and a matrix is selected by its address.

    Reference: Hamerly et al., Phys. Rev. X 9, 021032, 2019 (integration in time); Sludds et al.,
    Science 378, 270, 2022, and Hamerly et al., arXiv:2207.01777, 2022 (weights sent to a receiver).
    """

    kind = "streamed"
    Params = StreamedParams
    deterministic = ("quantization", "symbol_memory")
    non_idealities = (*deterministic, "level_noise")

    # timing

    def delay_fs(self, action: str) -> int:
        """Return the flight time, the length of a stream, or the time to store a matrix."""
        p = self.params
        if action == "propagate":
            return to_fs(p.path_length * p.group_index / constants.c)
        if action == "mvm":
            return to_fs(-(-self.size.lines // self.size.tiles_in) * p.symbol_time)
        if action == "write":
            return to_fs(math.ceil(p.matrix_bytes / p.port_bytes) / p.clock)
        raise KeyError(action)

    def setup_wait(self) -> float:
        """Return nothing: a memory holds what it has stored."""
        return 0.0

    # cost

    def cost(self, action: str) -> float:
        """Return the energy of fetching, converting and sending all weights, or of storing them."""
        p = self.params
        sent = self.size.lines * self.size.detectors
        fetched = sent * p.bits / 8 * p.weight_energy
        tiles = self.size.tiles_out * self.size.tiles_in
        return {
            "propagate": 0.0,
            "mvm": sent * (p.dac_energy + p.symbol_energy) + fetched,
            "write": tiles * p.matrix_bytes * p.weight_energy,
        }[action]

    def static_power(self) -> float:
        """Return the bias of a modulator for each output of each stream, and the memory's leak."""
        p = self.params
        modulators = self.size.detectors * self.size.tiles_in * p.static_power
        return modulators + p.count * p.matrix_bytes * p.memory_power

    # values

    def program(
        self, target: Tensor, state: State, active: Active, age: float
    ) -> ProgrammedWeights:
        """Return the mean of each weight over its symbol."""
        p = self.params
        if self.on(active, "quantization"):
            weights = quantize.quantize(target, p.bits, -1.0, 1.0)
        else:
            weights = target.clamp(-1.0, 1.0)
        if self.on(active, "symbol_memory"):
            ratio = 2.0 * math.pi * p.bandwidth * p.symbol_time
            streams = torch.tensor_split(weights, self.size.tiles_in, dim=-1)
            weights = torch.cat([streaming.streamed_symbols(s, ratio) for s in streams], dim=-1)
        return ProgrammedWeights(weights)

    def read_variance(self, held: Tensor, age: float, active: Active) -> Tensor | None:
        """Return the variance by converters and drivers, anew for each symbol."""
        if not self.on(active, "level_noise"):
            return None
        return torch.full_like(held, self.params.level_noise**2)

    def residue(self, elapsed: Tensor, active: Active) -> Tensor:
        """Return nothing: a memory holds one weight or the other."""
        return torch.zeros_like(elapsed)

    @property
    def rest_weight(self) -> float:
        """Return the weight of a memory that was cleared."""
        return 0.0

    @property
    def transmission(self) -> float:
        """Return what the way and the modulator leave of a wavelength's light."""
        return power_ratio(-self.params.insertion_loss)

    @property
    def absorbed(self) -> float:
        """Return 1: what one port does not pass goes to the other."""
        return 1.0
