"""Families of parts, and the types that their methods take and return.

Every kind belongs to one family. Classes here are abstract; a kind is final.
"""

from pnnsim.devices.component import Active, Component, Size, State, band_wait_fs, settling, wait_fs
from pnnsim.devices.families import (
    Detector,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
    Received,
    Switch,
)
from pnnsim.devices.weight_banks.base import ProgrammedWeights, WeightBank

__all__ = [
    "Active",
    "Component",
    "Detector",
    "Encoder",
    "FrontEnd",
    "Memory",
    "Nonlinearity",
    "ProgrammedWeights",
    "Readout",
    "Received",
    "Size",
    "State",
    "Switch",
    "WeightBank",
    "band_wait_fs",
    "settling",
    "wait_fs",
]
