"""Kinds of networks that an experiment may name.

The class of a kind is imported when an experiment names it: what lowers a network takes a tenth of
a second to import, and a description without it needs none of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from pnnsim.common.description import Description

#: Module below `pnnsim.networks` and name of the class, by kind.
_HOME: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "relaxnet": ("relaxnet", "ReLaXNet"),
        "rnn": ("relaxnet", "ReLaXNet"),
        "dnn": ("relaxnet", "ReLaXNet"),
        "mlp": ("mlp", "Mlp"),
        "lrunet": ("lrunet", "LruNet"),
        "onnx": ("file_network", "FileNetwork"),
        "workload": ("file_network", "FileNetwork"),
    }
)

#: Names of all kinds.
KINDS = tuple(_HOME)

#: Kinds that are read from a file of their own.
FILE_KINDS = ("onnx", "workload")


def network_class(kind: str) -> type[Description]:
    """Return the class that describes networks of a kind, one of `KINDS`."""
    module, name = _HOME[kind]
    found: type[Description] = vars(import_module(f"pnnsim.networks.{module}"))[name]
    return found
