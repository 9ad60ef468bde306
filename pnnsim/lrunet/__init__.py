"""LruNet on a simulated machine: its tiles, schedule and values (Köpüklü et al., arXiv:1901.09615).

What LruNet is, and the module that is trained, is not here but in `networks`.
"""

from pnnsim.lrunet.loaded import Loaded
from pnnsim.lrunet.machine import Machine, digital_loop
from pnnsim.lrunet.simulate import accuracy, timing_metrics
from pnnsim.lrunet.values import ideal_outputs, outputs
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_module import LruModule

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
