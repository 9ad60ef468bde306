"""Keep all of a training's state in one file, so that it can go on as if it had never stopped.

A checkpoint is safetensors: tensors by name and one JSON text. Nothing is ever pickled, so a file
from a stranger can be opened. It takes the place of the one before in a single step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pnnsim.errors import OutputError, TrainingError
from pnnsim.units import MAX_LENGTH, show

FILE = "checkpoint.safetensors"


@dataclass(slots=True)
class Progression:
    """Hold how far a training has come.

    Args:
        epoch: Epochs that are complete.
        loss: Mean training loss of each [nats].
        validation_loss: Mean loss on the validation part after each [nats].
        validation_accuracy: Share of the validation part that is right after each.
        best_epoch: Epoch, from 0, with the best validation; -1 before the first.
        chips: Chips drawn so far.
        reads: Evaluations with drawn noise so far.
    """

    epoch: int = 0
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    best_epoch: int = -1
    chips: int = 0
    reads: int = 0


def save_checkpoint(
    folder: Path,
    progression: Progression,
    *,
    model: nn.Module,
    best: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    order: torch.Generator,
    identity: Mapping[str, Any],
) -> None:
    """Write the state of a training after a complete epoch.

    Args:
        folder: Folder of the checkpoint; made if need be.
        progression: How far the training has come.
        model: What is trained.
        best: State of the model after the best epoch.
        optimizer: Its optimizer.
        order: Stream of the order of examples.
        identity: What must be the same where the training goes on; JSON values.

    Raises:
        OutputError: If the file cannot be written.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    tensors["order"] = order.get_state()
    numbers: dict[str, dict[str, Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    about = {
        "progression": asdict(progression),
        "optimizer": numbers,
        "identity": dict(identity),
    }
    # safetensors refuses tensors that share memory, and stores them from the CPU.
    stored = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    scratch = folder / f".{FILE}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(stored, scratch, metadata={"pnnsim": json.dumps(about)})
        scratch.replace(folder / FILE)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{folder / FILE}: cannot write the checkpoint: {error}") from error


def load_checkpoint(
    folder: Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    order: torch.Generator,
    identity: Mapping[str, Any],
) -> tuple[Progression, dict[str, Tensor]] | None:
    """Put a training into the state that `save_checkpoint` has written.

    Args:
        folder: Folder of the checkpoint.
        model: As it was made; takes over the stored state.
        optimizer: As `model`.
        order: As `model`.
        identity: What must be the same as when the file was written.

    Returns:
        How far the training had come, and the state after its best epoch; None without a file.

    Raises:
        TrainingError: If the file is damaged, or belongs to another training.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["pnnsim"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        progression = Progression(**about["progression"])
        stored, numbers = about["identity"], about["optimizer"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{path}: cannot read the checkpoint: {error}; expected a file written by pnnsim. "
            "Hint: remove it to start anew"
        ) from error
    _same_training(path, stored, json.loads(json.dumps(dict(identity))))
    model.load_state_dict(_with_prefix(tensors, "model."))
    order.set_state(tensors["order"])
    state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in numbers.items()}
    for name, value in _with_prefix(tensors, "optimizer.").items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    device = next(model.parameters()).device
    best = {name: value.to(device) for name, value in _with_prefix(tensors, "best.").items()}
    return progression, best


def _same_training(path: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with a training that is another one, and say in what."""
    for key in sorted(stored.keys() | wanted.keys()):
        before, now = stored.get(key), wanted.get(key)
        if before != now:
            raise TrainingError(
                f"{path}: was written by another training: {show(str(key))[1:-1]} was "
                f"{_shown(before)}, is now {_shown(now)}. "
                "Hint: give the same settings, or another folder to start anew"
            )


def _shown(value: object) -> str:
    """Return a value of an identity, of which a file may hold any, for a message."""
    text = str(value)
    return text if text.isprintable() and len(text) <= MAX_LENGTH else show(text)


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
