"""Model what a selector of banks passes, and what it lets leak.

Ratios are linear. How fast a switch moves is a matter of `dynamics`.

              ┌─ bank 0     a tree of 1x2 cells: depth cells in series on every path,
    ──┤1x2├───┤             each leaks a little into the branch it should keep dark
              └─ bank 1
"""

from __future__ import annotations

import torch
from torch import Tensor

from pnnsim.physics._checks import require, require_fraction, require_positive


def tree_depth(banks: int) -> int:
    """Return how many 1x2 cells a path of a tree passes: `ceil(log2(banks))`."""
    require(banks >= 1, "tree_depth", "banks", banks, "1 or more")
    return (banks - 1).bit_length()


def tree_cells(banks: int) -> int:
    """Return how many 1x2 cells a tree needs: one fewer than it has banks."""
    require(banks >= 1, "tree_cells", "banks", banks, "1 or more")
    return banks - 1


def tree_transmission(banks: int, cell_transmission: float) -> float:
    """Return the power that the selected path of a tree passes.

    Args:
        banks: Leaves of the tree.
        cell_transmission: Power transmission of one cell, linear.
    """
    require_fraction("tree_transmission", cell_transmission=cell_transmission)
    return float(cell_transmission ** tree_depth(banks))


def tree_leak(banks: int, cell_leak: float, *, coherent: bool = False) -> float:
    """Return how strongly an unselected bank appears beside the selected one.

    Args:
        banks: Leaves of the tree.
        cell_leak: Power that one cell sends the wrong way, relative to the right way, linear.
        coherent: Whether banks add as fields: the leak is then an amplitude.

    Returns:
        Relative weight of an unselected bank: `depth * cell_leak`, never above 1, or its square
        root for fields. This is an upper estimate: every cell of the path is counted.
    """
    require_fraction("tree_leak", cell_leak=cell_leak)
    power = min(1.0, tree_depth(banks) * cell_leak)
    return float(power**0.5) if coherent else power


def gate_transmission(banks: int, gate: float, splitter: float) -> float:
    """Return the power that passes a splitter with one gate on each of its branches.

    Args:
        banks: Branches, one for each bank.
        gate: Power that an open gate passes, linear; above 1 if it amplifies.
        splitter: Power that one 1x2 splitter passes in all, linear.

    Returns:
        `gate * splitter**depth / banks`.
    """
    require_fraction("gate_transmission", splitter=splitter)
    return float(gate * splitter ** tree_depth(banks) / banks)


def mirror_load_time(rows: int, clocks_per_row: int, clock: float) -> float:
    """Return the time to load a pattern into the memory cells below an array of mirrors.

    Args:
        rows: Rows that change.
        clocks_per_row: Clock cycles to load one row.
        clock: Data clock [Hz].

    Returns:
        `rows * clocks_per_row / clock` [s]; 30.72 µs for 768 rows of 16 cycles at 400 MHz.
    """
    require_positive("mirror_load_time", clock=clock)
    return rows * clocks_per_row / clock


def selected_weights(
    banks: Tensor, selected: int, leak: Tensor | float, transmission: Tensor | float = 1.0
) -> Tensor:
    """Return the weights that act when a leaky selector points at one bank.

    Args:
        banks: Weights of all banks, shape `(n_bank, …)`.
        selected: Index of the selected bank.
        leak: Weight of an unselected bank relative to the selected one: a power ratio for
            incoherent light, an amplitude for fields. Shape `()` or `(n_bank,)`.
        transmission: What the selected path passes.

    Returns:
        `transmission * (W_selected + sum of leak_k * W_k over the others)`, shape of one bank.
    """
    count = banks.shape[0]
    require(0 <= selected < count, "selected_weights", "selected", selected, f"0 to {count - 1}")
    factors = torch.as_tensor(leak, dtype=banks.dtype, device=banks.device).expand(count)
    here = torch.arange(count, device=banks.device) == selected
    factors = torch.where(here, torch.ones_like(factors), factors)
    weights: Tensor = torch.tensordot(factors, banks, dims=1)
    return transmission * weights


def mzi_switch(
    phase: Tensor, angle_in: Tensor | float = 0.0, angle_out: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return the power transmissions of an interferometric 2x2 switch.

    Args:
        phase: Phase between both arms [rad], any shape; 0 is cross, pi is bar.
        angle_in: Error of the first coupler's angle from pi/4 [rad].
        angle_out: Error of the second coupler's angle from pi/4 [rad].

    Returns:
        Bar and cross transmission, each as `phase`; they add to 1. With ideal couplers they are
        `sin²(phase/2)` and `cos²(phase/2)`; equal errors e leak `sin²(2e)` into bar at phase 0.

    Reference: product of two couplers and a phase; matrix in `photonic_mesh`.
    """
    # |bar|² = |e^{i phase} cos A cos B - sin A sin B|² with A, B = pi/4 + error, expanded so that
    # both coupler angles enter only through their sum and their difference.
    total = torch.as_tensor(angle_in + angle_out, dtype=phase.dtype, device=phase.device)
    difference = torch.as_tensor(angle_in - angle_out, dtype=phase.dtype, device=phase.device)
    bar = (
        torch.sin(total) ** 2 * torch.cos(phase / 2.0) ** 2
        + torch.cos(difference) ** 2 * torch.sin(phase / 2.0) ** 2
    )
    return bar, 1.0 - bar


def capacitive_feedthrough(off_capacitance: float, node_capacitance: float) -> float:
    """Return the part of a voltage step that an open gate couples into a node.

    Args:
        off_capacitance: Capacitance across the open gate [F].
        node_capacitance: Capacitance of the node [F].
    """
    require_positive("capacitive_feedthrough", total=off_capacitance + node_capacitance)
    return off_capacitance / (off_capacitance + node_capacitance)
