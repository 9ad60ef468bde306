"""What changes in a simulated machine while it is on, and its file.

A machine whose file turns out to be damaged stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from pnnsim.common import storage
from pnnsim.common.units import show
from pnnsim.devices.base import State
from pnnsim.errors import BackendError

KIND = storage.Kind(
    "condition",
    1,
    "the machine's state",
    BackendError,
    "remove it to start with a machine as it was made",
)

#: A time on the machine's clock [fs]: longer than any that waits can add up to.
_Time = Annotated[int, Field(ge=0, le=10**32)]
_Count = Annotated[int, Field(ge=0, le=2**53)]


class _BankRecord(BaseModel):
    """Numbers of one bank, as in `Bank`; `rewritten` where it had weights before the last."""

    number: Annotated[int, Field(ge=-1)]
    began_fs: _Time
    rewritten: bool


class _Record(BaseModel):
    """Record that is stored beside the tensors, as in `Condition`."""

    clock_fs: _Time
    settled_fs: _Time
    advanced_fs: _Time
    writes: _Count
    selected: _Count
    identity: dict[str, Any]
    banks: list[_BankRecord]


@dataclass
class Bank:
    """Commands to one bank, and what has drifted in it.

    Args:
        weight: Last commanded weights, or None before the first write.
        before: Commanded weights before those, or None.
        number: Number of the last programming; -1 before the first.
        began_fs: Start of that programming on the machine's clock [fs].
        environment: What drifts, as of the last advance.
        corrected: The same when that programming began.
    """

    weight: Tensor | None = None
    before: Tensor | None = None
    number: int = -1
    began_fs: int = 0
    environment: State = field(default_factory=dict)
    corrected: State = field(default_factory=dict)


@dataclass
class Condition:
    """Everything that changes while a machine is on; a clean stop keeps it.

    Args:
        clock_fs: Time since the machine was made [fs].
        settled_fs: Time from which all banks have settled [fs].
        advanced_fs: Time at which what drifts was last advanced [fs].
        writes: Programmings so far.
        selected: Bank on which the switch rests.
        gain: Electronic gain of each set.
        bias: Bias of each set.
        banks: One for each weight set.
        noise: Stream of the noise of reading.
        drift: Stream of each bank's environment.
    """

    clock_fs: int
    settled_fs: int
    advanced_fs: int
    writes: int
    selected: int
    gain: Tensor
    bias: Tensor
    banks: list[Bank]
    noise: torch.Generator
    drift: list[torch.Generator]


def save_condition(path: Path, condition: Condition, identity: dict[str, Any]) -> None:
    """Write the condition of a machine.

    Args:
        path: File to write.
        condition: What to keep.
        identity: What this machine differs in from others; JSON values.

    Raises:
        OutputError: If the file cannot be written.
    """
    record = _Record(
        clock_fs=condition.clock_fs,
        settled_fs=condition.settled_fs,
        advanced_fs=condition.advanced_fs,
        writes=condition.writes,
        selected=condition.selected,
        identity=identity,
        banks=[
            _BankRecord(
                number=bank.number, began_fs=bank.began_fs, rewritten=bank.before is not None
            )
            for bank in condition.banks
        ],
    )
    tensors = {
        "gain": condition.gain,
        "bias": condition.bias,
        "noise": condition.noise.get_state(),
    }
    for index, (bank, drift) in enumerate(zip(condition.banks, condition.drift, strict=True)):
        tensors[f"drift.{index}"] = drift.get_state()
        for name, value in (("weight", bank.weight), ("before", bank.before)):
            if value is not None:
                tensors[f"{name}.{index}"] = value
        for name, value in bank.environment.items():
            tensors[f"environment.{index}.{name}"] = value
        for name, value in bank.corrected.items():
            tensors[f"corrected.{index}.{name}"] = value
    storage.write(path, KIND, record=record, tensors=tensors)


def load_condition(path: Path, condition: Condition, identity: dict[str, Any]) -> None:
    """Set a machine to the condition that `save_condition` has written.

    Args:
        path: File to read.
        condition: Of a new machine; takes over what is stored once all of it has been read.
        identity: As when it was written.

    Raises:
        BackendError: If the file is damaged, or belongs to another machine.
    """
    stored = storage.read(path, KIND)
    record = stored.record(_Record)
    if record.identity != identity:
        raise stored.fault(
            f"is the state of another machine, {show(str(record.identity))}; expected "
            f"{show(str(identity))}, the same machine, seed and network"
        )
    _check_times(stored, record, len(condition.banks))
    tensors = stored.checked(_table(record, condition))
    streams = {"noise": condition.noise}
    streams |= {f"drift.{index}": drift for index, drift in enumerate(condition.drift)}
    for name in streams:
        stored.check_stream(name)
    banks = [
        Bank(
            tensors.get(f"weight.{index}"),
            tensors.get(f"before.{index}"),
            entry.number,
            entry.began_fs,
            _with_prefix(tensors, f"environment.{index}."),
            _with_prefix(tensors, f"corrected.{index}."),
        )
        for index, entry in enumerate(record.banks)
    ]
    for index, (bank, made) in enumerate(zip(banks, condition.banks, strict=True)):
        _check_bank(stored, index, bank, made)
    # All is valid: from here on nothing is refused.
    condition.clock_fs, condition.settled_fs = record.clock_fs, record.settled_fs
    condition.advanced_fs, condition.writes = record.advanced_fs, record.writes
    condition.selected, condition.banks = record.selected, banks
    condition.gain, condition.bias = tensors["gain"], tensors["bias"]
    for name, generator in streams.items():
        generator.set_state(tensors[name])


def _check_times(stored: storage.Stored, record: _Record, banks: int) -> None:
    """Refuse numbers and times that contradict each other."""
    if len(record.banks) != banks:
        raise stored.fault(f"banks: got {len(record.banks)}; expected {banks}")
    if record.selected >= banks:
        raise stored.fault(
            f"selected: got {record.selected}; expected a bank from 0 to {banks - 1}"
        )
    times = {"advanced_fs": record.advanced_fs}
    times |= {f"banks.{n}.began_fs": bank.began_fs for n, bank in enumerate(record.banks)}
    for name, time_fs in times.items():
        if time_fs > record.clock_fs:
            raise stored.fault(
                f"{name}: got {time_fs} fs; expected at most clock_fs, {record.clock_fs} fs"
            )
    written = [bank.number for bank in record.banks if bank.number >= 0]
    if len(set(written)) < len(written) or max(written, default=-1) >= record.writes:
        raise stored.fault(
            f"banks: got the programmings {show(str(written))}; expected distinct ones of "
            f"{record.writes}"
        )
    if max(written, default=-1) != record.writes - 1:
        raise stored.fault(f"writes: got {record.writes}; expected {max(written, default=-1) + 1}")
    again = [bank.number for bank in record.banks if bank.rewritten]
    if bool(again) != (record.writes > len(written)) or -1 in again:
        raise stored.fault(
            f"banks: got {len(again)} rewritten at {record.writes} programmings of "
            f"{len(written)} banks; expected one for those beyond the first"
        )


def _table(record: _Record, condition: Condition) -> dict[str, storage.Declared]:
    """Return what the tensors must be: as in a new machine, and weights where some were written."""
    table = {
        "gain": storage.Declared.like(condition.gain),
        "bias": storage.Declared.like(condition.bias),
        "noise": storage.STREAM,
    }
    size = condition.bias.shape[1]
    for index, (entry, made) in enumerate(zip(record.banks, condition.banks, strict=True)):
        table[f"drift.{index}"] = storage.STREAM
        for name, value in made.environment.items():
            table[f"environment.{index}.{name}"] = storage.Declared.like(value)
            if entry.number >= 0:  # a bank that was never written has not corrected anything
                table[f"corrected.{index}.{name}"] = storage.Declared.like(value)
        if entry.number >= 0:
            table[f"weight.{index}"] = storage.Declared((size, size))
        if entry.rewritten:
            table[f"before.{index}"] = storage.Declared((size, size))
    return table


def _check_bank(stored: storage.Stored, index: int, bank: Bank, made: Bank) -> None:
    """Refuse weights that no bank takes, and places in the bank that are not those of this chip."""
    for name, value in (("weight", bank.weight), ("before", bank.before)):
        largest = 0.0 if value is None else float(value.abs().max())
        if largest > 1.0:
            raise stored.fault(
                f"{name}.{index}: got the magnitude {largest:.6g}; expected weights in [-1, 1]"
            )
    for part, found in (("environment", bank.environment), ("corrected", bank.corrected)):
        for name, value in found.items():
            # What drifts is a real number; whole ones say where it does, and stay.
            if not value.is_floating_point() and not torch.equal(value, made.environment[name]):
                raise stored.fault(
                    f"{part}.{index}.{name}: got other places than this chip has; expected the same"
                )


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
