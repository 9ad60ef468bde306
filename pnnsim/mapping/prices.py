"""What one action of a machine costs, and what its parts draw while it is on.

Nothing is counted here: how often an action happened is known to a trace alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: What the digital engine keeps of a sample: its input until the encoder takes it; the drive that
#: it adds in each step; or all values of a network with digital steps between.
EngineKeeps = Literal["input", "drive", "values"]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of the actions of a machine, and the static power of its parts.

    Args:
        dynamic: Energy of one span by (component, action) [J]; a pair that is not here is free.
        static_w: Power of each component [W].
        gated: Components that draw their static power only while they work or keep something
            (`pnnsim.analysis.gating`), each core for itself.
        cores: Cores that share the static power equally.
        engine_keeps: What the digital engine keeps of a sample.
    """

    dynamic: Mapping[tuple[str, str], float]
    static_w: Mapping[str, float]
    gated: frozenset[str] = frozenset()
    cores: int = 1
    engine_keeps: EngineKeeps = "input"

    @property
    def standing_w(self) -> float:
        """Return the power of a machine that does nothing [W]."""
        return math.fsum(w for part, w in self.static_w.items() if part not in self.gated)
