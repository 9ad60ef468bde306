"""Load the digits that come with scikit-learn: 8 × 8 pixels, no file and no network needed.

The 1,797 digits are the test side of "Optical Recognition of Handwritten Digits" (E. Alpaydin,
C. Kaynak, UCI Machine Learning Repository, 1998), with 17 grey levels.
"""

from __future__ import annotations

from sklearn.datasets import load_digits

from pnnsim.learning.datasets.base import Labelled, Task, assemble, held_out

FULL_SCALE = 16.0


def load() -> Task:
    """Return the digits; one in three of every class is the test side, fixed."""
    bunch = load_digits()
    values, labels = bunch.data, bunch.target
    test = held_out(labels, one_in=3)
    return assemble(
        "digits",
        f"scikit-learn's 8x8 digits, {(~test).sum():,} + {test.sum():,}, split here: figures "
        "compare only with the same split",
        classes=10,
        full_scale=FULL_SCALE,
        train=Labelled(values[~test], labels[~test]),
        test=Labelled(values[test], labels[test]),
    )
