"""Train a surrogate of a machine by backpropagation.

Anything that torch can train can also be trained by hand; this is what the command line uses. The
loop itself is `pnnsim.learning.loop`. Neither the schedule nor chips are simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import torch
from pydantic import BaseModel
from torch import nn

from pnnsim.errors import TrainingError
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.learning.examples import Examples, batches, check_batch, check_examples
from pnnsim.learning.loop import Batches, Checkpoints, Course, Procedure, Score, learn
from pnnsim.learning.optimizers import OptimizerFactory, make_optimizer, rate_factor
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.specs.settings import TrainingParams

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress


#: Training examples that fix the ranges of lines and converters in the end.
_RANGED = 256


@dataclass(frozen=True, slots=True)
class History:
    """Record of a training.

    Args:
        loss: Mean training loss of each epoch [nats].
        validation_loss: Mean loss on the validation part after each epoch [nats].
        validation_accuracy: Accuracy on the validation part after each epoch.
        best_epoch: Epoch, from 0, whose parameters were kept.
    """

    loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    best_epoch: int


def make_surrogate(
    network: Network, spec: HardwareSpec, training: TrainingParams
) -> Surrogate | WorkloadSurrogate:
    """Return a surrogate with what the settings of a training let it see of the machine.

    Args:
        network: What is to be computed.
        spec: Machine.
        training: Settings; `hardware_aware` draws the non-idealities that they name.

    Raises:
        ParameterError: If the machine has no non-ideality of such a name.
        MappingError: If the network does not fit the machine.
    """
    chip = Chip.nominal(spec, network)
    drawn: Iterable[str] = ()
    if training.rule == "hardware_aware":
        named = training.non_idealities
        drawn = chip.non_idealities if named == "all" else named
    if not isinstance(network, ReLaXNet) or not network.digital_maps:
        return WorkloadSurrogate(
            network, chip, seed=training.seed, drawn=drawn, redraw=training.redraw
        )
    return Surrogate(
        network,
        chip,
        seed=training.seed,
        state_scale=training.state_scale,
        drawn=drawn,
        redraw=training.redraw,
    )


def fit(
    surrogate: Surrogate | WorkloadSurrogate,
    train: Examples,
    validation: Examples,
    training: TrainingParams,
    progress: Progress | None = None,
    *,
    select: Literal["accuracy", "loss"] = "accuracy",
    optimizer: OptimizerFactory | None = None,
    checkpoints: Path | None = None,
) -> History:
    """Train a surrogate in place by backpropagation.

    Without `patience` the last epoch is kept: a step size that falls to 0 is made to end there, and
    the best of many epochs on a small validation part is often luck. With it the best epoch on the
    validation part is kept. The test part is never seen here. The surrogate
    trains in training mode, where it draws what it was made to draw, and is validated without.

    Args:
        surrogate: Network to train; it ends with the parameters of the epoch kept, on the CPU and
            in evaluation mode.
        train: Examples to learn from.
        validation: Examples for every choice.
        training: Settings.
        progress: Progress of the batches; None for silence.
        select: What makes an epoch the best: the highest accuracy or the lowest loss.
        optimizer: Makes another optimizer than the settings name, from parameter groups.
        checkpoints: Folder where the state is kept as training goes on. If there is one from before
            it was stopped, training goes on from there and ends with the same bits.

    Raises:
        InputError: If examples do not fit the network; all classes of stored ones are looked at.
        TrainingError: If training diverges, or the checkpoint is not one of this training.
        OutputError: If a checkpoint cannot be written.
    """
    check_examples(train, "train", surrogate.network)
    check_examples(validation, "validation", surrogate.network)
    surrogate.to(_device(training.device))
    taken = Batches(train, size=training.batch, seed=training.seed, length=training.examples)
    procedure = _Backpropagation(surrogate, taken, validation, training, optimizer)
    course = Course(
        training.epochs, training.epochs * taken.per_pass, patience=training.patience, select=select
    )
    kept = None
    if checkpoints is not None:
        identity = _identity(surrogate, train, validation, training, select, procedure.optimizer)
        kept = Checkpoints(checkpoints, training.checkpoint_epochs, identity)
    found = learn(procedure, taken, course, checkpoints=kept, progress=progress)
    surrogate.to("cpu").eval()
    if isinstance(surrogate, WorkloadSurrogate):
        surrogate.calibrate(train.take(torch.arange(min(len(train), _RANGED)))[0])
    return History(
        tuple(found.loss),
        tuple(found.validation_loss),
        tuple(found.validation_accuracy),
        found.best_epoch,
    )


@final
class _Backpropagation(Procedure):
    """Backpropagation through the surrogate itself, which draws what it was made to draw."""

    def __init__(
        self,
        surrogate: Surrogate | WorkloadSurrogate,
        taken: Batches,
        validation: Examples,
        training: TrainingParams,
        factory: OptimizerFactory | None,
    ) -> None:
        optimizer = make_optimizer(surrogate, training, factory)
        rates = [group["lr"] for group in optimizer.param_groups]
        super().__init__("training", surrogate, optimizer, rates, clip=training.gradient_clip)
        self._taken = taken
        self._validation = validation
        self._training = training
        self._x = torch.empty(0)

    def begin_epoch(self) -> None:
        """Let every epoch begin with a chip of its own, as one does that goes on from a file."""
        if self.surrogate.draws is not None:
            self.surrogate.draws.renew()

    def rate(self, update: int, updates: int) -> float:
        """Return the factor of the settings' schedule."""
        epoch, number = divmod(update, self._taken.per_pass)
        # The middle of the batch: the first step of a warm-up and the last of a cosine are not 0.
        return rate_factor(self._training, epoch + (number + 0.5) / self._taken.per_pass)

    def warming_up(self, update: int) -> bool:
        """Return whether the epochs of `training.warmup` are not over."""
        return update < self._training.warmup * self._taken.per_pass

    def gradient(self, update: int) -> float:
        """Return the cross entropy, with smoothed labels."""
        device = self.surrogate.weight.device
        x, y = self._taken.take()
        if update == 0:
            check_batch(x, y, "train", self.surrogate.network)
        x, y = x.to(device), y.to(device)
        self._x = x
        loss = nn.functional.cross_entropy(
            self.surrogate(x).flatten(end_dim=-2),
            y.flatten().long(),
            label_smoothing=self._training.label_smoothing,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @torch.no_grad()
    def stepped(self, loss: float) -> None:
        """Keep weights that are written as they are within the range of a bank."""
        if isinstance(self.surrogate, Surrogate):
            self.surrogate.weight.clamp_(-1.0, 1.0)  # a bank holds no more, and beyond is no slope

    def validate(self) -> Score:
        """Return accuracy and loss on the validation part, ranges fixed on training inputs."""
        if isinstance(self.surrogate, WorkloadSurrogate):
            self.surrogate.calibrate(self._x)
        return Score(*score(self.surrogate, self._validation))

    def likely_cause(self) -> str:
        """Name inputs or parameters that are not finite, or else the step size."""
        if not bool(torch.isfinite(self._x).all()):
            return "Likely cause: the inputs of this batch hold numbers that are not finite"
        rate, clip = self._training.learning_rate, self._training.gradient_clip
        for name, parameter in self.surrogate.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                return (
                    f"Likely cause: {name} is no longer finite after the step before. Hint: lower "
                    f"training.learning_rate, now {rate:g}"
                )
        return (
            "Likely cause: the steps are too large. Hint: lower training.learning_rate, now "
            f"{rate:g}, or training.gradient_clip, now {clip:g}"
        )


def _description(network: Network) -> Any:
    """Return what a network differs in from others, as plain data."""
    if isinstance(network, BaseModel):
        return network.model_dump(mode="json")
    return network.workload.sha256()


def score(surrogate: nn.Module, examples: Examples) -> tuple[float, float]:
    """Return the share of outputs that are right, and the mean loss [nats], in evaluation mode.

    Args:
        surrogate: Any module that gives one output for each class.
        examples: What it is measured on.
    """
    right, count, loss = 0, 0, 0.0
    device = next(surrogate.parameters()).device
    surrogate.eval()
    with torch.no_grad():
        for x, y in batches(examples):
            outputs = surrogate(x.to(device)).flatten(end_dim=-2)
            wanted = y.to(device).flatten().long()
            right += int((outputs.argmax(dim=1) == wanted).sum())
            count += len(wanted)
            loss += float(nn.functional.cross_entropy(outputs.double(), wanted, reduction="sum"))
    return right / count, loss / count


def _device(wanted: str) -> torch.device:
    """Return the device of a training.

    Raises:
        TrainingError: If CUDA is wanted and torch finds none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError(
            "training.device: is cuda, but torch finds none here; expected a CUDA device. "
            "Hint: training.device=auto takes the CPU where there is none"
        )
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


def _identity(
    surrogate: Surrogate | WorkloadSurrogate,
    train: Examples,
    validation: Examples,
    training: TrainingParams,
    select: str,
    steps: torch.optim.Optimizer,
) -> Mapping[str, Any]:
    """Return what decides a training's result, and so must not change between its parts."""
    settings = training.model_dump(mode="json", exclude={"checkpoint_epochs", "device"})
    return {
        **{f"training.{key}": value for key, value in settings.items()},
        "network": _description(surrogate.network),
        "machine": surrogate.spec.sha256(),
        "examples": [len(train), len(validation)],
        "select": select,
        "optimizer": type(steps).__name__,
    }
