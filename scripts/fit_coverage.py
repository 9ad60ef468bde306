"""Count in how many synthetic data sets the stated 2-sigma interval holds the truth.

python scripts/fit_coverage.py [SETS] [KIND…]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import pnnsim
from tests.devices.measured_curves import GENERATORS


def coverage(kind: str, sets: int) -> dict[str, int]:
    """Return for each parameter of a kind how many intervals hold the truth.

    Args:
        kind: Kind of measurement.
        sets: Number of synthetic data sets.
    """
    held: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        for seed in range(sets):
            curves = GENERATORS[kind](np.random.default_rng([seed, 2026]))
            path.write_text(curves.csv(), encoding="utf-8")
            fit = pnnsim.fit_device(kind, path, known=curves.known)
            for name, truth in curves.truth.items():
                inside = fit[name].low <= truth <= fit[name].high
                held[name] = held.get(name, 0) + int(inside)
    return held


def main() -> None:
    """Print one row for each parameter of each kind."""
    words = sys.argv[1:]
    sets = int(words[0]) if words else 100
    print(f"| measurement | parameter | intervals of {sets} that hold the truth |")
    print("|---|---|---|")
    for kind in words[1:] or GENERATORS:
        for name, count in coverage(kind, sets).items():
            print(f"| {kind} | {name} | {count} |", flush=True)


if __name__ == "__main__":
    main()
