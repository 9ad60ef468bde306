"""Switch of transmission gates on the sense lines of a crossbar."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor

from pnnsim.common.rng import normal
from pnnsim.common.units import to_fs
from pnnsim.devices.base import Active, State, Switch
from pnnsim.devices.switches.current_params import CurrentSwitchParams
from pnnsim.physics import dynamics


@final
class CurrentSwitch(Switch[CurrentSwitchParams]):
    """Switch of transmission gates that connect the sense lines of one bank to the amplifiers.

        sense line of bank 0 ──┤gate├──┬──▶ amplifier
        sense line of bank 1 ──┤gate├──┘

    The amplifier senses behind the gate, so that a closed gate passes the whole signal.
    """

    kind = "current"
    Params = CurrentSwitchParams
    deterministic = ("leakage",)
    non_idealities = (*deterministic, "settling", "charge_injection")

    def delay_fs(self, action: str) -> int:
        """Return the time of a whole move, from the address to settled sense lines."""
        p = self.params
        move = p.settling_time
        if move is None:
            move = p.decoder_time + dynamics.settling_time(p.time_constant, p.bits)
        return {"route": to_fs(move)}[action]

    def cost(self, action: str) -> float:
        """Return the energy of opening the gates of one bank and closing those of another."""
        return {"route": 2 * self._gates * self.params.toggle_energy}[action]

    def static_power(self) -> float:
        """Return the leakage of the gates of all banks."""
        return self.size.banks * self._gates * self.params.static_power

    @property
    def _gates(self) -> int:
        """Return the gates of one logical bank: every tile has sense lines of its own."""
        return self.size.detectors * self.size.tiles_in * self.params.gates_per_output

    @property
    def transmission(self) -> float:
        """Return 1: the amplifier holds the line itself at virtual ground, behind the gate."""
        return 1.0

    def leakage(self, active: Active) -> float:
        """Return the ratio of the resistances of a closed and an open gate."""
        if not self.on(active, "leakage"):
            return 0.0
        return self.params.on_resistance / self.params.off_resistance

    def residue(self, dwell: Tensor, active: Active) -> Tensor:
        """Return what an exponential approach has left, which begins when the decoder is done."""
        moving = (dwell - self.params.decoder_time).clamp(min=0.0)
        return self.unsettled(moving, self.params.time_constant, active)

    def fabricate(self, generator: torch.Generator) -> State:
        """Draw the charge that the gates of each bank leave on each output, shape `(bank, n_out)`.

        What is alike in all gates cancels between both polarities. What differs does not: the sum
        of as many independent charges as an output has gates.
        """
        p = self.params
        gates = p.gates_per_output * self.size.tiles_in
        each = p.injected_charge * p.injection_mismatch
        drawn = normal((self.size.banks, self.size.detectors), generator)
        return {"charge": each * math.sqrt(gates) * drawn}

    def injection(
        self, dwell: Tensor, previous: Tensor, bank: Tensor, active: Active
    ) -> Tensor | None:
        """Return the current of the charge that the gates' mismatch leaves on each output [A].

        Gates that close give what gates that open take, each with a mismatch of its own. The charge
        leaves with the amplifier's time constant: `Q / tau * exp(-t / tau)`.
        """
        if not self.on(active, "charge_injection") or "charge" not in self.state:
            return None
        p, charge = self.params, self.state["charge"]
        moving = (dwell - p.decoder_time).clamp(min=0.0)
        fading = dynamics.residue(moving, p.injection_time) / p.injection_time
        return fading.unsqueeze(1) * (charge[bank] - charge[previous])
