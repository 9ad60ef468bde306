"""Switch of multiplexers, which select among arrays."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.common.units import amplitude_ratio, to_fs
from pnnsim.devices.base import Active, Switch
from pnnsim.devices.switches.multiplexer_params import MultiplexerParams


@final
class Multiplexer(Switch[MultiplexerParams]):
    """Switch of gates: of logic, which leak nothing, or of transistors, which leak little."""

    kind = "multiplexer"
    Params = MultiplexerParams
    deterministic = non_idealities = ("leakage",)

    @property
    def absent(self) -> frozenset[str]:
        """Return the leakage where gates of logic let nothing through."""
        return frozenset() if self.params.isolation is not None else frozenset({"leakage"})

    def delay_fs(self, action: str) -> int:
        """Return the time of a new address."""
        return {"route": to_fs(self.params.select_time)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of a new address at every output."""
        return {"route": self._outputs * self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the power of the outputs of all banks."""
        return self.size.banks * self._outputs * self.params.static_power

    @property
    def _outputs(self) -> int:
        """Return the outputs of one logical bank: every tile has sums of its own."""
        return self.size.detectors * self.size.tiles_in

    @property
    def transmission(self) -> float:
        """Return 1: a number loses nothing."""
        return 1.0

    def leakage(self, active: Active) -> float:
        """Return the ratio of voltages that isolation leaves; 0 for logic gates."""
        if self.params.isolation is None or not self.on(active, "leakage"):
            return 0.0
        return amplitude_ratio(-self.params.isolation)

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return nothing: the sums are those of one bank or of the other."""
        return torch.zeros_like(dwell)
