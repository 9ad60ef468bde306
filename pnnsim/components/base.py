"""Offer what a kind of part builds on: the families, and what they are asked and given.

Every kind belongs to one family. Classes here are abstract; a kind is final.
"""

from pnnsim.components.bank import Held, WeightBank
from pnnsim.components.component import Active, Component, Size, State, wait_fs
from pnnsim.components.families import (
    Detector,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
    Received,
    Switch,
)

__all__ = [
    "Active",
    "Component",
    "Detector",
    "Encoder",
    "FrontEnd",
    "Held",
    "Memory",
    "Nonlinearity",
    "Readout",
    "Received",
    "Size",
    "State",
    "Switch",
    "WeightBank",
    "wait_fs",
]
