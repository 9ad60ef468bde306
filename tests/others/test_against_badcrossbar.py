"""Crossbars with wires beside badcrossbar (Joksas and Mehonic, SoftwareX 12, 100617, 2020)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pnnsim.physics import crossbar

other = pytest.importorskip(
    "badcrossbar", reason="badcrossbar is not installed: pip install badcrossbar"
)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 5), (16, 8), (32, 32)])
@pytest.mark.parametrize(("r_row", "r_col"), [(2.1, 6.4), (0.5, 0.5), (50.0, 10.0)])
def test_output_currents_are_those_of_nodal_analysis(
    rows: int, cols: int, r_row: float, r_col: float
) -> None:
    random = np.random.default_rng(rows + cols)
    resistances = random.uniform(5e3, 12e3, (rows, cols))
    voltages = random.uniform(0.0, 0.2, (rows, 3))
    solved = other.compute(
        voltages, resistances, r_i_word_line=r_row, r_i_bit_line=r_col, verbose=0
    )
    conductance = torch.from_numpy(1.0 / resistances)
    ours = crossbar.effective_conductance(conductance, r_row, r_col).T @ torch.from_numpy(voltages)
    np.testing.assert_allclose(ours.numpy().T, solved.currents.output, rtol=1e-9, atol=0)
    ports = crossbar.port_admittance(conductance, r_row, r_col)
    currents = -ports[rows:, :rows] @ torch.from_numpy(voltages)
    np.testing.assert_allclose(currents.numpy().T, solved.currents.output, rtol=1e-9, atol=0)
