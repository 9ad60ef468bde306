"""Training ends where its loss is lost for good, and not where a deep network begins far off."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from pnnsim.errors import TrainingError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Labelled
from pnnsim.learning.fit import fit
from pnnsim.learning.loop import Batches, Course, Procedure, learn
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TrainingParams
from training.common import _ideal

NETWORK = ReLaXNet(inputs=5, hidden=6, outputs=3, weight_sets=1, steps=1)
GUESSING = math.log(3)


class Scripted(Procedure):
    """Procedure whose losses are given."""

    def __init__(self, losses: Sequence[float], warm: int = 0) -> None:
        surrogate = Surrogate(NETWORK, load_spec("photonic_mrr"))
        super().__init__("scripted", surrogate, torch.optim.SGD(surrogate.parameters()), [0.0])
        self.losses, self.warm = losses, warm

    def rate(self, update: int, updates: int) -> float:
        return 0.0

    def warming_up(self, update: int) -> bool:
        return update < self.warm

    def gradient(self, update: int) -> float:
        return self.losses[update]

    def likely_cause(self) -> str:
        return "Script."

    def validate(self) -> None:
        return None


def run(losses: Sequence[float], *, epochs: int, warm: int = 0) -> list[float]:
    taken = Batches(Labelled(torch.zeros(4, 5), torch.zeros(4).long()), size=4, seed=0)
    taken.last = 4
    return learn(Scripted(losses, warm), taken, Course(epochs, len(losses))).loss


def test_a_high_loss_ends_a_training() -> None:
    with pytest.raises(TrainingError, match=r"epoch 1, update 3: loss 110 .* below 110"):
        run([1.0, 99 * GUESSING, 110.0, 1.0], epochs=1)


def test_a_loss_that_begins_high_may_fall() -> None:
    assert run([5000.0, 9000.0, 2.0, 1.0], epochs=2) == [7000.0, 1.5]
    with pytest.raises(TrainingError, match=r"epoch 1, update 2: loss 600000 .* below 5e\+05"):
        run([5000.0, 600000.0], epochs=1)
    with pytest.raises(TrainingError, match=r"epoch 2, update 1: loss 800000 .* below 7e\+05"):
        run([5000.0, 9000.0, 800000.0, 1.0], epochs=2)


def test_warm_up_is_not_judged_but_by_numbers_that_are_not_finite() -> None:
    assert run([1.0, 5000.0, 1.0, 1.0], epochs=1, warm=2) == [
        pytest.approx(1250.75, rel=1e-12, abs=0)
    ]
    with pytest.raises(TrainingError, match="update 3"):
        run([1.0, 5000.0, 5000.0, 1.0], epochs=1, warm=2)
    for lost in (math.nan, math.inf):
        with pytest.raises(TrainingError, match="update 2"):
            run([1.0, lost, 1.0, 1.0], epochs=1, warm=4)


def test_the_warm_up_of_the_settings_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that rises to a thousand times that of guessing in the second batch of an epoch."""
    counted: list[int] = []
    plain = torch.nn.functional.cross_entropy

    def scaled(*args: torch.Tensor, **settings: object) -> torch.Tensor:
        counted.append(1)
        return plain(*args, **settings) * (1000.0 if len(counted) == 2 else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", scaled)
    data = Labelled(torch.rand(8, 5), torch.arange(8) % 3)
    for warmup in (1, 0):
        counted.clear()
        training = TrainingParams(epochs=2, batch=4, warmup=warmup)
        model = Surrogate(NETWORK, load_spec("photonic_mrr"))
        if warmup:
            fit(model, data, data, training)
        else:
            with pytest.raises(TrainingError, match="epoch 1, update 2"):
                fit(model, data, data, training)


@pytest.mark.parametrize("steps", [1, 12, 24, 48])
def test_recipes_begin_with_states_that_do_not_explode(steps: int) -> None:
    """A gain of 1 / sqrt(N) at any depth would give a spread of many hundreds at 24 steps."""
    network = ReLaXNet(inputs=20, hidden=32, weight_sets=1, steps=steps, residual=1.0)
    model = _ideal(network, TrainingParams(state_scale=1 / 256))
    x = torch.randn(64, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        outputs = model(x)
    assert float(outputs.std()) < 40.0
