"""Machines for the tests of bands: a shipped one with no other ranges than a test gives it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec

NETWORK = ReLaXNet(inputs=8, hidden=8, outputs=4, weight_sets=2, steps=3)


def with_ranges(name: str = "photonic_mrr", **notes: Any) -> HardwareSpec:
    """Return a shipped machine, without laws, and with no other notes than those given.

    Args:
        name: The machine.
        notes: Notes by value, such as `switch__rise_time={"range": ["1 ns", "10 ns"]}`.
    """
    bare = replace(load_spec(name), ranges={}, groups={}, chosen={}, sources={}, laws={})
    tree = bare.to_tree()
    for path, note in notes.items():
        section, _, field = path.partition("__")
        tree[section][field] = {"value": tree[section][field], **note}
    return load_spec(tree)
