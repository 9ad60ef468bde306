"""Refuse parts that do not fit each other, each of them being right by itself.

Fields are asked for by name: a kind that lacks one is not concerned. What a machine does well or
badly is not decided here; those are the warnings of components and chips.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pnnsim.specs.document import Document, KeyPath

#: What a line carries, in words.
_CARRIERS = {"power": "optical power", "field": "an optical field", "voltage": "a voltage"}


def check_fit(document: Document, prefix: KeyPath, found: Mapping[str, Any]) -> None:
    """Report parts that do not fit each other.

    Args:
        document: Description that has been read; problems are added to it.
        prefix: Where in the document the machine stands.
        found: Description of each part, by name.
    """
    cols = getattr(found["weight_banks"], "cols", None)
    lines = getattr(found["encoder"], "lines", None)
    if cols is not None and lines is not None and cols > lines:
        what = f"a bank has {cols} inputs, the encoder drives {lines} lines; expected no more"
        hint = f"set encoder.lines to {cols}, or weight_banks.cols to {lines}"
        document.report((*prefix, "weight_banks", "cols"), what, hint)
    channels = getattr(found["weight_banks"], "channels_per_bus", None)
    trees = getattr(found["switch"], "count", None)
    if cols is not None and channels is not None and trees is not None:
        buses = -(-cols // channels)
        if trees < buses:
            what = f"{trees} switch tree(s) for {buses} buses; expected one for each bus"
            hint = f"{cols} inputs with {channels} wavelengths on a bus take {buses} buses"
            document.report((*prefix, "switch", "count"), what, hint)
    _check_carrier(document, prefix, found)
    _check_state(document, prefix, found)


def _check_carrier(document: Document, prefix: KeyPath, found: Mapping[str, Any]) -> None:
    """Report parts on the way of the signal that do not carry what the banks work with."""
    banks, encoder = found["weight_banks"], found["encoder"]
    carrier: str | None = getattr(banks, "carrier", None)
    if carrier is None:
        return
    sent: str = getattr(encoder, "carrier", carrier)
    wanted = f"expected {_CARRIERS[carrier]} for weight_banks of kind '{banks.kind}'"
    if sent != carrier:
        key = "carrier" if "carrier" in type(encoder).model_fields else "kind"
        what = f"'{encoder.kind}' sends {_CARRIERS[sent]}; {wanted}"
        document.report((*prefix, "encoder", key), what)
    for part in ("switch", "detector"):
        accepted = getattr(found[part], "accepts", (carrier,))
        if carrier not in accepted:
            takes = " or ".join(_CARRIERS[name] for name in accepted)
            what = f"'{found[part].kind}' takes {takes} as described here; {wanted}"
            document.report((*prefix, part, "kind"), what)
    trees, lines = getattr(found["switch"], "count", None), getattr(encoder, "lines", None)
    if carrier == "field" and trees is not None and lines is not None and trees < lines:
        what = f"{trees} switch tree(s) for {lines} lines; expected one for each line"
        hint = "fields of different lines cannot share a waveguide"
        document.report((*prefix, "switch", "count"), what, hint)


def _check_state(document: Document, prefix: KeyPath, found: Mapping[str, Any]) -> None:
    """Report a state that would change between analog and digital without a converter."""
    sorts = {True: "numbers", False: "analog values"}
    made: bool | None = getattr(found["nonlinearity"], "digital", None)
    if made is None:
        return
    kept: bool = getattr(found["memory"], "digital", made)
    if kept != made:
        what = f"'{found['memory'].kind}' keeps {sorts[kept]}; expected a memory of {sorts[made]}"
        hint = f"nonlinearity of kind '{found['nonlinearity'].kind}' delivers {sorts[made]}"
        document.report((*prefix, "memory", "kind"), what, hint)
    if getattr(found["readout"], "digital", False) and not made:
        what = f"'{found['readout'].kind}' reads numbers; expected a converter such as 'adc'"
        document.report((*prefix, "readout", "kind"), what)
