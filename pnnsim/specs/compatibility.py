"""Refuse parts that do not fit each other, each of them being right by itself.

What is read here every description of a part's family has (`pnnsim.devices.family_params`). What a
machine does well or badly is not decided here; those are the warnings of components and chips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pnnsim.specs.document import Document, KeyPath

if TYPE_CHECKING:
    from pnnsim.specs.hardware import HardwareSpec

#: What a line carries, in words.
_CARRIERS = {
    "power": "optical power",
    "field": "an optical field",
    "voltage": "a voltage",
    "number": "a number",
    "stream": "optical power, symbol by symbol",
    "gate": "a level at gates",
    "microwave": "microwave power",
}


def check_fit(document: Document, prefix: KeyPath, spec: HardwareSpec) -> None:
    """Report parts that do not fit each other.

    Args:
        document: Description that has been read; problems are added to it.
        prefix: Where in the document the machine stands.
        spec: Parts that are right by themselves.
    """
    banks, lines, trees = spec.weight_banks, spec.encoder.lines, spec.switch.trees
    if banks.cols > lines:
        what = f"a bank has {banks.cols} inputs, the encoder drives {lines} lines; expected no more"
        hint = f"set encoder.lines to {banks.cols}, or weight_banks.cols to {lines}"
        document.report((*prefix, "weight_banks", "cols"), what, hint)
    if banks.count > 1 and not spec.switch.selects:
        what = f"{banks.count} banks, and a switch of kind '{spec.switch.kind}'; expected 1 bank"
        hint = "set weight_banks.count to 1, or name a switch that selects a bank"
        document.report((*prefix, "weight_banks", "count"), what, hint)
    if banks.wavelengths is not None and trees is not None:
        buses = -(-banks.cols // banks.wavelengths)
        if trees < buses:
            what = f"{trees} switch tree(s) for {buses} buses; expected one for each bus"
            inputs = f"{banks.cols} inputs with {banks.wavelengths} wavelengths on a bus"
            document.report((*prefix, "switch", "count"), what, f"{inputs} take {buses} buses")
    _check_carrier(document, prefix, spec)
    _check_state(document, prefix, spec)


def _check_carrier(document: Document, prefix: KeyPath, spec: HardwareSpec) -> None:
    """Report parts on the way of the signal that do not carry what the banks work with."""
    banks, encoder, switch = spec.weight_banks, spec.encoder, spec.switch
    carrier = banks.carrier
    wanted = f"expected {_CARRIERS[carrier]} for weight_banks of kind '{banks.kind}'"
    if encoder.sends != carrier:
        key = "carrier" if "carrier" in type(encoder).model_fields else "kind"
        what = f"'{encoder.kind}' sends {_CARRIERS[encoder.sends]}; {wanted}"
        document.report((*prefix, "encoder", key), what)
    for part, on_the_way in (("switch", switch), ("detector", spec.detector)):
        if carrier not in on_the_way.accepts:
            takes = " or ".join(_CARRIERS[name] for name in on_the_way.accepts)
            what = f"'{on_the_way.kind}' takes {takes} as described here; {wanted}"
            document.report((*prefix, part, "kind"), what)
    if encoder.symbol_time != banks.symbol_time:
        rates = [1.0 / p.symbol_time if p.symbol_time else 0.0 for p in (banks, encoder)]
        what = f"weights come at {rates[0]:g} Hz, symbols at {rates[1]:g} Hz"
        document.report((*prefix, "encoder", "symbol_rate"), f"{what}; expected the same rate")
    if carrier == "field" and switch.trees is not None and switch.trees < encoder.lines:
        what = f"{switch.trees} switch tree(s) for {encoder.lines} lines; expected one for each"
        hint = "fields of different lines cannot share a waveguide"
        document.report((*prefix, "switch", "count"), f"{what} line", hint)


def _check_state(document: Document, prefix: KeyPath, spec: HardwareSpec) -> None:
    """Report a state that would change between analog and digital without a converter."""
    sorts = {True: "numbers", False: "analog values"}
    made, memory, readout = spec.nonlinearity.digital, spec.memory, spec.readout
    if memory.digital != made:
        what = f"'{memory.kind}' keeps {sorts[memory.digital]}; expected a memory of {sorts[made]}"
        hint = f"nonlinearity of kind '{spec.nonlinearity.kind}' delivers {sorts[made]}"
        document.report((*prefix, "memory", "kind"), what, hint)
    if readout.digital and not made:
        what = f"'{readout.kind}' reads numbers; expected a converter such as 'adc'"
        document.report((*prefix, "readout", "kind"), what)
