"""Training: the fit loop, learning rules and data sets.

Rules may train a surrogate or hardware in the loop; nothing here simulates events.
"""

from pnnsim.learning.examples import Examples, Labelled, Windows
from pnnsim.learning.fit import make_surrogate, score

__all__ = ["Examples", "Labelled", "Windows", "make_surrogate", "score"]
