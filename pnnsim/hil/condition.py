"""Keep what changes in a simulated machine while it is on, and put it into a file and back.

A file is safetensors with one JSON text: nothing is ever unpickled. It takes the place of the one
before in a single step, so a machine that dies while it saves keeps its last state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pnnsim.components.base import State
from pnnsim.errors import BackendError, OutputError

_NUMBERS = ("clock_fs", "settled_fs", "advanced_fs", "writes", "selected")


@dataclass
class Bank:
    """Hold what one bank was told and when.

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
    """Hold everything that changes while a machine is on; a clean stop keeps it.

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
        identity: What tells this machine from others; JSON values.

    Raises:
        OutputError: If the file cannot be written.
    """
    about: dict[str, Any] = {name: getattr(condition, name) for name in _NUMBERS}
    about["identity"] = identity
    about["banks"] = [
        {"number": bank.number, "began_fs": bank.began_fs} for bank in condition.banks
    ]
    tensors = {
        "gain": condition.gain,
        "bias": condition.bias,
        "noise": condition.noise.get_state(),
    }
    for index, (bank, drift) in enumerate(zip(condition.banks, condition.drift, strict=True)):
        tensors[f"drift.{index}"] = drift.get_state()
        for name in ("weight", "before"):
            value = getattr(bank, name)
            if value is not None:
                tensors[f"{name}.{index}"] = value
        for name, value in bank.environment.items():
            tensors[f"environment.{index}.{name}"] = value
        for name, value in bank.corrected.items():
            tensors[f"corrected.{index}.{name}"] = value
    scratch = path.with_name(f".{path.name}.new")
    stored = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    try:
        save_file(stored, scratch, metadata={"pnnsim": json.dumps(about)})
        scratch.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot write the machine's state: {error}") from error


def load_condition(path: Path, condition: Condition, identity: dict[str, Any]) -> None:
    """Put a machine into the condition that `save_condition` has written.

    Args:
        path: File to read.
        condition: Of a new machine; takes over what is stored once all of it has been read.
        identity: As when it was written.

    Raises:
        BackendError: If the file is damaged, or belongs to another machine.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["pnnsim"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        stored = about["identity"]
        numbers = {name: int(about[name]) for name in _NUMBERS}
        banks = [
            Bank(
                tensors.get(f"weight.{index}"),
                tensors.get(f"before.{index}"),
                int(entry["number"]),
                int(entry["began_fs"]),
                _with_prefix(tensors, f"environment.{index}."),
            )
            for index, entry in enumerate(about["banks"])
        ]
        for index, bank in enumerate(banks):
            if bank.number >= 0:  # a bank that was never written has not corrected anything
                bank.corrected = {n: tensors[f"corrected.{index}.{n}"] for n in bank.environment}
        streams = [tensors["noise"], *(tensors[f"drift.{index}"] for index in range(len(banks)))]
        gain, bias = tensors["gain"], tensors["bias"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BackendError(
            f"{path}: cannot read the machine's state: {error}; expected a file written by pnnsim"
        ) from error
    if stored != identity:
        raise BackendError(
            f"{path}: is the state of another machine, {stored}; expected {identity}. Hint: give "
            "the same machine, seed and network, or another file"
        )
    for name, value in numbers.items():
        setattr(condition, name, value)
    condition.gain, condition.bias, condition.banks = gain, bias, banks
    for generator, state in zip((condition.noise, *condition.drift), streams, strict=True):
        generator.set_state(state)


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
