"""Train the model, then write its weights: the machine is not used while learning."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from pnnsim.hil import calibration
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.networks.relaxnet import ReLaXNet


class OnModel(Rule):
    """Backpropagation through a model; the machine is written once at the end."""

    def gradient(self, session: Session) -> float:
        """Return the loss of the model; its gradient is exact for the model."""
        x, y = session.take()
        loss = nn.functional.cross_entropy(self.predict(session, x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @abstractmethod
    def predict(self, session: Session, x: Tensor) -> Tensor:
        """Return the model's outputs; gradients flow to its parameters.

        Args:
            session: What the rule works with.
            x: Inputs, shape `(batch, n_inputs)`.
        """

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return nothing: the machine is written once, after the last update."""
        return ()


@final
class Deploy(OnModel):
    """Backpropagation through the model, nominal or calibrated, and deployment at the end."""

    name = "deploy"

    def predict(self, session: Session, x: Tensor) -> Tensor:
        """Return the outputs of the surrogate, calibrated where it was."""
        outputs, _ = calibration.predict(
            session.surrogate, session.surrogate.live(), x, session.calibration
        )
        return outputs


@final
class HardwareAware(OnModel):
    """Backpropagation through a model whose chips and noise are drawn anew, then deployment.

    Args:
        redraw: Updates for which a drawn chip stays; the noise of reading is fresh in each.

    Reference: practice of noise-aware training, such as aihwkit's hwa_training.
    """

    name = "hardware_aware"

    def __init__(self, redraw: int = 8) -> None:
        self._redraw = redraw

    def begin(self, session: Session) -> None:
        """Draw every non-ideality that differs from chip to chip or from read to read."""
        surrogate = session.surrogate
        known = surrogate.read.active
        drawn = surrogate.chip.non_idealities - known
        surrogate.draws = ChipSampler(
            surrogate.chip, known, drawn, seed=session.seed, redraw=self._redraw
        )

    def predict(self, session: Session, x: Tensor) -> Tensor:
        """Return the outputs of a drawn chip."""
        return session.surrogate(x.to(session.surrogate.weight))  # type: ignore[no-any-return]
