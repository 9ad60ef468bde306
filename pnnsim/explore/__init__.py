"""Studies: sweeps, searches, yield and load, over anything that a description can say.

A study compares machines that could be built. It runs trials, each of them an experiment with some
values set, keeps every one of them in a store, and never changes what a single run gives. Names are
loaded when they are first used, so that the command line does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnnsim.explore.study import Study

_HOME = {"Study": "study"}

__all__ = ["Study"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pnnsim.explore' has no attribute '{name}'")
    return vars(import_module(f"pnnsim.explore.{_HOME[name]}"))[name]
