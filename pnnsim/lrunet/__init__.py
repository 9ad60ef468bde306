"""Train LruNet, and run it on a simulated machine (Köpüklü et al., arXiv:1901.09615)."""

from pnnsim.lrunet.loaded import Loaded
from pnnsim.lrunet.machine import Machine, digital_loop
from pnnsim.lrunet.module import LruModule
from pnnsim.lrunet.network import LruNet
from pnnsim.lrunet.simulate import accuracy, timing_metrics
from pnnsim.lrunet.values import ideal_outputs, outputs

__all__ = [
    "Loaded",
    "LruModule",
    "LruNet",
    "Machine",
    "accuracy",
    "digital_loop",
    "ideal_outputs",
    "outputs",
    "timing_metrics",
]
