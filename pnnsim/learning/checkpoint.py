"""Checkpoints: all of a training's state in one file, from which it goes on to the same bits.

Nothing of a training is changed before all of a checkpoint has been found valid: its shapes and
types are those of the model and of the optimizer that are given.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from pnnsim.common import storage
from pnnsim.common.units import show, show_path
from pnnsim.errors import OutputError, TrainingError

FILE = "checkpoint.safetensors"

KIND = storage.Kind("checkpoint", 2, "the checkpoint", TrainingError, "remove it to start anew")

#: State of an optimizer that cannot be negative: steps, and means or sums of squares.
_NATURAL = (
    "step", "exp_avg_sq", "max_exp_avg_sq", "square_avg", "sum", "acc_delta", "exp_inf",
)  # fmt: skip

#: Counts of what a surrogate has drawn, as torch names the extra state of a module.
_DRAWN = "_extra_state"

_Count = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(slots=True)
class Progression:
    """Progress of a training.

    Args:
        epoch: Epochs that are complete.
        loss: Mean training loss of each [nats].
        validation_loss: Mean loss on the validation part after each [nats].
        validation_accuracy: Share of the validation part that is right after each.
        best_epoch: Epoch, from 0, with the best validation; -1 before the first.
    """

    epoch: _Count = 0
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[_Share] = field(default_factory=list)
    best_epoch: Annotated[int, Field(ge=-1)] = -1

    def add(self, accuracy: float, loss: float | None) -> None:
        """Add what was measured on the validation part.

        Args:
            accuracy: Share that is right.
            loss: Mean loss [nats]; None where none was measured.
        """
        self.validation_accuracy.append(accuracy)
        if loss is not None:
            self.validation_loss.append(loss)


class _Record(BaseModel):
    """Record that is stored beside the tensors."""

    progression: Progression
    optimizer: dict[str, dict[str, Any]]
    identity: dict[str, Any]


def numbers_of(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a model by name, not copied."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


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
        progression: Progress of the training.
        model: What is trained.
        best: Parameters and buffers of the model after the best epoch.
        optimizer: Its optimizer.
        order: Stream of the order of examples.
        identity: What must be the same where the training goes on; JSON values.

    Raises:
        OutputError: If the file cannot be written.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    tensors["order"] = order.get_state()
    moments, numbers = _parts(optimizer)
    record = _Record(progression=progression, optimizer=numbers, identity=dict(identity))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{show_path(str(folder / FILE))}: cannot write the checkpoint: got "
            f"'{error.strerror}'; expected a folder that can be made. Hint: choose another folder"
        ) from None
    storage.write(folder / FILE, KIND, record=record, tensors={**tensors, **moments})


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
        Progress of the training, and its parameters and buffers after the best epoch; None without
        a file.

    Raises:
        TrainingError: If the file is damaged, or belongs to another training.
    """
    path = folder / FILE
    if not os.path.lexists(path):
        return None
    stored = storage.read(path, KIND)
    record = stored.record(_Record)
    _same_training(path, record.identity, json.loads(json.dumps(dict(identity))))
    progression = record.progression
    _check_progression(stored, progression)
    table = {"order": storage.STREAM}
    for name, value in model.state_dict().items():
        table[f"model.{name}"] = storage.Declared.like(value)
    for name, value in numbers_of(model).items():
        table[f"best.{name}"] = storage.Declared.like(value)
    tensors = stored.checked(table | _moments(stored, record.optimizer, optimizer))
    stored.check_stream("order")
    drawn = tensors.get(f"model.{_DRAWN}")
    if drawn is not None and bool((drawn < 0).any()):
        raise stored.fault(f"{_DRAWN}: got negative counts; expected none")
    state: dict[int, dict[str, Any]] = {
        int(i): dict(found) for i, found in record.optimizer.items()
    }
    for name, value in _with_prefix(tensors, "optimizer.").items():
        index, _, key = name.partition(".")
        if key in _NATURAL and bool((value < 0).any()):
            raise stored.fault(f"{show('optimizer.' + name)}: got a negative number; expected none")
        state.setdefault(int(index), {})[key] = value
    # All is valid: from here on nothing is refused.
    model.load_state_dict(_with_prefix(tensors, "model."))
    order.set_state(tensors["order"])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    device = next(model.parameters()).device
    best = {name: value.to(device) for name, value in _with_prefix(tensors, "best.").items()}
    return progression, best


def _parts(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, dict[str, Any]]]:
    """Return the tensors of an optimizer's state, by the names in the file, and its numbers."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    return tensors, numbers


def _check_progression(stored: storage.Stored, found: Progression) -> None:
    """Refuse progress that no training can have made."""
    for name, epochs in (
        ("loss", found.loss),
        ("validation_loss", found.validation_loss),
        ("validation_accuracy", found.validation_accuracy),
    ):
        if len(epochs) != found.epoch:
            raise stored.fault(f"{name}: got {len(epochs)} epochs; expected {found.epoch}")
    if not (0 <= found.best_epoch < found.epoch or (found.best_epoch, found.epoch) == (-1, 0)):
        raise stored.fault(
            f"best_epoch: got {found.best_epoch}; expected one of {found.epoch} epochs"
        )


def _moments(
    stored: storage.Stored,
    numbers: Mapping[str, Mapping[str, Any]],
    optimizer: torch.optim.Optimizer,
) -> dict[str, storage.Declared]:
    """Return the declarations of an optimizer's state of each parameter that is in the file.

    The step of a copy of the optimizer shows names, shapes and types. A parameter that no
    gradient has reached has no state, or all of it.
    """
    trial = copy.deepcopy(optimizer)
    for group in trial.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    trial.step()
    tensors, others = _parts(trial)
    known = {name.split(".")[1] for name in tensors} | others.keys()
    stated = {name.split(".")[1] for name in stored.tensors if name.startswith("optimizer.")}
    for index in sorted(stated | numbers.keys()):
        if index not in known:
            raise stored.fault(
                f"optimizer: got the state of the parameter {show(index)}; expected one of "
                f"{len(known)}"
            )
        wanted, given = others.get(index, {}), numbers.get(index, {})
        if {n: type(v) for n, v in wanted.items()} != {n: type(v) for n, v in given.items()}:
            raise stored.fault(
                f"optimizer: got the numbers {show(str(given))} of the parameter {index}; expected "
                f"such as {show(str(wanted))}"
            )
        for name, value in given.items():
            if name in _NATURAL and value < 0:
                raise stored.fault(
                    f"optimizer: got {show(str(value))} as {name}; expected no less than 0"
                )
    return {
        name: storage.Declared.like(value)
        for name, value in tensors.items()
        if name.split(".")[1] in stated
    }


def _same_training(path: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with another training, and name the setting in which it differs."""
    for key in sorted(stored.keys() | wanted.keys()):
        before, now = (json.dumps(given.get(key)) for given in (stored, wanted))
        if before != now or (key in stored) != (key in wanted):
            raise TrainingError(
                f"{show_path(str(path))}: was written by another training: {show(key)[1:-1]} was "
                f"{show(before)[1:-1]}, is now {show(now)[1:-1]}. Hint: give the same settings, or "
                "another folder to start anew"
            )


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
