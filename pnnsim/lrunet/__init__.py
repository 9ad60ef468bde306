"""Train LruNet, and run it on a simulated machine (Köpüklü et al., arXiv:1901.09615)."""

from pnnsim.lrunet.module import LruModule
from pnnsim.lrunet.network import LruNet

__all__ = ["LruModule", "LruNet"]
