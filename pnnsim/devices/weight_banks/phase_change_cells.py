"""Phase-change cells of a crossbar: from weights to levels and conductances, and weights again.

Draws of a chip are arguments here, as tensors; nothing is drawn, timed or priced: that is
`pcm_crossbar`.

Axes: `(n_out, n_in, 2, n_device)`, polarity (0 adds, 1 subtracts), then the cells of a group. With
an offset the subtracting cells are those of one column, the same for every output.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pnnsim.devices.weight_banks.pcm_crossbar_params import PcmCrossbarParams
from pnnsim.devices.weight_banks.sub_arrays import SubArrays
from pnnsim.physics import dynamics, phase_change

_DEVIATIONS = {
    "nandakumar_2019": phase_change.programming_deviation,
    "joshi_2020": phase_change.programming_deviation_joshi,
}


@final
class PhaseChangeCells:
    """Layout of one weight on its phase-change cells, with their statistics.

    Args:
        params: Description of the bank.
    """

    def __init__(self, params: PcmCrossbarParams) -> None:
        self._params = params
        self.paired = params.signs == "pair"
        self._full = 1.0 / params.full_resistance
        self._reset = 1.0 / params.reset_resistance

    @property
    def swing(self) -> float:
        """Return the conductance of weight 1 [S]."""
        span = self._params.devices * (self._full - self._reset)
        return span if self.paired else span / 2.0

    @property
    def mean(self) -> float:
        """Return the conductance of one cell at the mean level [S]."""
        return self._reset + self._params.mean_level * (self._full - self._reset)

    @property
    def groups(self) -> float:
        """Return the groups of cells for each weight: a column of offsets serves all outputs."""
        return 2.0 if self.paired else 1.0 + 1.0 / self._params.rows

    def step_count(self) -> int:
        """Return how many weights the levels of cells make, evenly spaced over [-1, 1]."""
        return 2 * self._params.levels - 1 if self.paired else self._params.levels

    def levels(self, weight: Tensor) -> Tensor:
        """Return the level of both polarities of each weight, 0 to 1, shape `(n_out, n_in, 2)`."""
        if self.paired:
            return torch.stack([weight.clamp(min=0.0), (-weight).clamp(min=0.0)], dim=-1)
        plus = (1.0 + weight.clamp(-1.0, 1.0)) / 2.0
        return torch.stack([plus, torch.full_like(plus, 0.5)], dim=-1)

    def weights(self, levels: Tensor) -> Tensor:
        """Return the weights of the mean levels of groups, shape `(n_out, n_in)`."""
        difference = levels[..., 0] - levels[..., 1]
        return difference if self.paired else 2.0 * difference

    def shared(self, draws: Tensor) -> Tensor:
        """Return draws of each cell, the subtracting ones alike where they are of one column.

        Args:
            draws: One for each cell, shape `(n_out, n_in, 2, n_device)`.
        """
        if self.paired:
            return draws
        column = draws[:1, :, 1:].expand(len(draws), -1, -1, -1)
        return torch.cat([draws[:, :, :1], column], dim=2)

    def faded(self, levels: Tensor, elapsed: float, luck: Tensor | None) -> Tensor:
        """Return the levels of groups some time after their write, as `levels`.

        Args:
            levels: Levels that were written, shape `(n_out, n_in, 2)`.
            elapsed: Time since the write [s].
            luck: Standard normal draws for the exponent of each cell; None for mean exponents.
        """
        p = self._params
        each = levels.unsqueeze(-1)
        noise = torch.zeros_like(each) if luck is None else self.shared(luck.to(levels))
        exponent = p.drift_scale * phase_change.drift_exponent(each.expand(noise.shape), noise)
        since = torch.tensor(elapsed, dtype=levels.dtype, device=levels.device)
        left = dynamics.power_law_drift(each, since, p.drift_reference_time, exponent)
        return left.mean(dim=-1)

    def missed(self, weight: Tensor, noise: Tensor) -> Tensor:
        """Return by how much a programming misses weights, as `weight`.

        A cell cannot conduct less than at its lowest level, so it misses that in one direction.

        Args:
            weight: Weights that were meant, shape `(n_out, n_in)`.
            noise: Standard normal draws, one for each cell.
        """
        levels = self.levels(weight)
        each = levels.unsqueeze(-1)
        deviation = self._params.programming_scale * _DEVIATIONS[self._params.statistics](each)
        found = (each + deviation * self.shared(noise.to(weight))).clamp(min=0.0)
        return self.weights(found.mean(dim=-1) - levels)

    def read_variance(self, weight: Tensor, elapsed: float) -> Tensor:
        """Return the variance of each weight from read to read by 1/f noise, as `weight`.

        Args:
            weight: Weights that are held, shape `(n_out, n_in)`.
            elapsed: Time since the write [s].
        """
        p = self._params
        levels = self.levels(weight)
        since = torch.tensor(elapsed, dtype=weight.dtype, device=weight.device)
        relative = phase_change.read_deviation(levels, since, p.read_time)
        variance = (p.read_noise_scale * relative * levels) ** 2 / p.devices
        return variance.sum(dim=-1) * (1.0 if self.paired else 4.0)

    def wire_factor(self, levels: Tensor, arrays: SubArrays) -> Tensor:
        """Return what the wires leave of the conductance of each group, as `levels`.

        A column of offsets is taken to lose what the mean column of its sub-array does.

        Args:
            levels: Levels of groups, shape `(n_out, n_in, 2)`.
            arrays: Sub-arrays in which the cells lie, one for each cell of a group.
        """
        cells = self._conductance(levels)
        spare = torch.full((1,), self._reset, dtype=torch.float64)
        factor = arrays.wire_factor(cells.unsqueeze(-1), spare).squeeze(-1)
        if self.paired:
            return factor
        column = factor[..., 0].mean(dim=0, keepdim=True).expand_as(factor[..., 1])
        return torch.stack([factor[..., 0], column], dim=-1)

    def seen(self, levels: Tensor, factor: Tensor) -> Tensor:
        """Return levels as they are seen through the wires, as `levels`.

        Args:
            levels: Levels of groups, shape `(n_out, n_in, 2)`.
            factor: As of `wire_factor`.
        """
        return (self._conductance(levels) * factor - self._reset) / (self._full - self._reset)

    def _conductance(self, levels: Tensor) -> Tensor:
        """Return the conductance of one cell [S], as `levels`."""
        return self._reset + (self._full - self._reset) * levels
