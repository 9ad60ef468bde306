"""Rules take steps of the size that their schedule says, and feed errors back at the right scale.

Sizes are those of the publications, written out here; nothing is read from the rule but what it
made.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy import stats

from pnnsim.hil.bench import Bench
from pnnsim.learning.rules import FeedbackAlignment, PhysicsAware, Rule, Session, Spsa, train
from pnnsim.learning.rules.base import Settings
from pnnsim.networks.relaxnet import ReLaXNet
from tests.hil.hil_machines import exact_surrogate, examples, ideal


def test_a_rules_step_falls_along_half_a_cosine() -> None:
    found = [PhysicsAware().rate(update, 12) for update in (0, 4, 6, 8, 12)]
    assert found == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0], abs=1e-15)


def test_spsa_follows_spalls_sequence() -> None:
    """a_k = a / (A + 1 + k)^0.602, over a_0 (Spall, IEEE Trans. Aerosp. Electron. Syst., 1998)."""
    rule = Spsa(stability=9.0)
    assert rule.rate(0, 100) == 1.0
    assert rule.rate(10, 100) == pytest.approx(0.5**0.602, rel=1e-12, abs=0)
    assert rule.rate(90, 100) == pytest.approx(0.1**0.602, rel=1e-12, abs=0)
    assert rule.rate(90, 1000) == rule.rate(90, 100)


class Watched(torch.optim.SGD):
    """Descent that records the step size of every update and every group."""

    seen: list[tuple[float, ...]]

    def step(self, closure: Any = None) -> None:
        self.seen.append(tuple(group["lr"] for group in self.param_groups))


@pytest.mark.parametrize("rule", [PhysicsAware(), Spsa(stability=2.0)], ids=lambda rule: rule.name)
def test_every_update_takes_the_step_of_its_place(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    surrogate = exact_surrogate()
    steps = Watched(surrogate.parameters(), lr=123.0)
    steps.seen = []
    monkeypatch.setattr(rule, "optimizer", lambda *_: steps)
    train(
        rule,
        Bench(ideal()),
        surrogate,
        examples(12),
        Settings(epochs=2, batch=4, learning_rate=0.2),
    )
    if isinstance(rule, Spsa):
        wanted = [0.2 * (3.0 / (3.0 + k)) ** 0.602 for k in range(6)]
    else:
        wanted = [0.2 * 0.5 * (1.0 + math.cos(math.pi * k / 6)) for k in range(6)]
    assert steps.seen == [(pytest.approx(each, rel=1e-12, abs=0),) for each in wanted]


@pytest.mark.parametrize("feedback", ["set", "step"])
@pytest.mark.parametrize("outputs", [3, 10])
def test_feedback_matrices_are_uniform_and_as_wide_as_an_output_map(
    feedback: Any, outputs: int
) -> None:
    """Within ±1 / sqrt(n_out): what comes back does not grow with the number of outputs."""
    network = ReLaXNet(hidden=64, outputs=outputs, weight_sets=2, steps=5)
    rule = FeedbackAlignment(feedback=feedback)
    rule.begin(cast(Session, SimpleNamespace(surrogate=SimpleNamespace(network=network), seed=4)))
    drawn = rule._matrices.numpy()
    # One for each set, or step, and one for the input map.
    assert drawn.shape == ({"set": 3, "step": 6}[feedback], 64, outputs)
    bound = 1.0 / math.sqrt(outputs)
    uniform = stats.kstest(drawn.ravel(), stats.uniform(-bound, 2.0 * bound).cdf)
    assert uniform.pvalue > 5.7e-7  # 5 sigma
    n = drawn.size
    # The variance of n uniform numbers has the relative deviation sqrt(0.8 / n).
    assert np.var(drawn) == pytest.approx(bound**2 / 3, rel=5 * math.sqrt(0.8 / n), abs=0)
    each = drawn.reshape(len(drawn), -1)
    apart = np.corrcoef(each) - np.eye(len(each))
    assert np.abs(apart).max() < 5 / math.sqrt(each.shape[1])
