"""Influence of the heaters of a mesh on each other, and its inverse, by which it is cancelled."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from pnnsim.errors import MappingError
from pnnsim.physics import photonic_calibration, photonic_thermal
from pnnsim.physics.photonic_mesh import Arrangement

#: Condition of heaters that warm each other beyond which their phases cannot be set apart.
_WORST_CONDITION = 1e8


@lru_cache(maxsize=8)
def heater_influence(
    modes: int,
    arrangement: Arrangement,
    pitches: tuple[float, float],
    kernel: tuple[float, float, float],
) -> tuple[Tensor, Tensor]:
    """Return the influence of heaters on each other and its inverse, once for each mesh.

    Args:
        modes: Modes of the mesh.
        arrangement: How its interferometers lie.
        pitches: From column to column, and from mode to mode [m].
        kernel: Part of a heater's phase at a distance [m], and the length over which it falls [m].

    Raises:
        MappingError: If heaters warm each other so much that their phases cannot be set apart.
    """
    positions = photonic_calibration.heater_positions(modes, *pitches, arrangement)
    influence = photonic_thermal.crosstalk_matrix(positions, *kernel)
    inverse, failed = torch.linalg.inv_ex(influence)
    worst = float(torch.linalg.matrix_norm(influence) * torch.linalg.matrix_norm(inverse))
    if bool(failed) or not worst < _WORST_CONDITION:
        raise MappingError(
            f"weight_banks.crosstalk: got {kernel[0]:.4g} of a heater's phase at "
            f"{kernel[1]:.4g} m, falling over {kernel[2]:.4g} m, with heaters {pitches[0]:.4g} m "
            f"and {pitches[1]:.4g} m apart; expected less, or phases cannot be set apart. "
            "Hint: lower weight_banks.crosstalk or raise weight_banks.column_pitch and mode_pitch"
        )
    return influence, inverse
