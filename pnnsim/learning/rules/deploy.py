"""Train the model, then write its weights: nothing is asked of the machine while learning."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from pnnsim.hil.calibration import predict
from pnnsim.inference.chip_sampler import ChipSampler
from pnnsim.learning.rules.base import Call, Rule, Session
from pnnsim.networks.relaxnet import ReLaXNet


class OnModel(Rule):
    """Backpropagate through a model, and write the machine once at the end."""

    def gradient(self, session: Session) -> float:
        """Return the loss of the model; its gradient is exact for the model."""
        x, y = session.take()
        loss = nn.functional.cross_entropy(self.answer(session, x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @abstractmethod
    def answer(self, session: Session, x: Tensor) -> Tensor:
        """Return what the model answers to inputs; gradients flow to its parameters."""

    def calls(
        self, update: int, sizes: Callable[[int], int], network: ReLaXNet
    ) -> tuple[Call, ...]:
        """Return nothing: the machine is written once, after the last update."""
        return ()


@final
class Deploy(OnModel):
    """Backpropagate through the model, nominal or calibrated, and deploy at the end."""

    name = "deploy"

    def answer(self, session: Session, x: Tensor) -> Tensor:
        """Return what the surrogate answers, calibrated where it was."""
        outputs, _ = predict(session.surrogate, session.surrogate.live(), x, session.calibration)
        return outputs


@final
class HardwareAware(OnModel):
    """Backpropagate through a model whose chips and noise are drawn anew, and deploy at the end.

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
        known = surrogate.known
        drawn = surrogate.chip.non_idealities - known
        surrogate.draws = ChipSampler(
            surrogate.chip, known, drawn, seed=session.seed, redraw=self._redraw
        )

    def answer(self, session: Session, x: Tensor) -> Tensor:
        """Return what a drawn chip answers."""
        return session.surrogate(x.to(session.surrogate.weight))  # type: ignore[no-any-return]
