"""Rules that train a network for a machine, most of them through it: one signature.

    deploy             backpropagate through the model, write once at the end
    hardware_aware     the same through a model that draws chips and noise
    physics_aware      measured forward, the model's derivative backward
    dfa, augmented_dfa the output error sent straight to every step
    spsa, mgd          perturb the weights and measure the loss
    local              every step learns by itself, from right and wrong labels

Equilibrium propagation is left out: it needs an energy, so symmetric weights and a settled fixed
point, and a network that switches between weight sets for a finite time has neither.
"""

from __future__ import annotations

from collections.abc import Callable

from pnnsim.errors import TrainingError
from pnnsim.learning.rules.base import Call, Outcome, Rule, Session, Settings
from pnnsim.learning.rules.deploy import Deploy, HardwareAware
from pnnsim.learning.rules.dry_run import dry_run
from pnnsim.learning.rules.feedback_alignment import FeedbackAlignment
from pnnsim.learning.rules.local import Local
from pnnsim.learning.rules.multiplexed import Multiplexed
from pnnsim.learning.rules.physics_aware import PhysicsAware, physics_aware
from pnnsim.learning.rules.spsa import Spsa
from pnnsim.learning.rules.through_bench import measure, train

__all__ = [
    "RULES",
    "Call",
    "Deploy",
    "FeedbackAlignment",
    "HardwareAware",
    "Local",
    "Multiplexed",
    "Outcome",
    "PhysicsAware",
    "Rule",
    "Session",
    "Settings",
    "Spsa",
    "dry_run",
    "make_rule",
    "measure",
    "physics_aware",
    "train",
]

#: Name of each rule, and how it is made with its usual settings.
RULES: dict[str, Callable[[], Rule]] = {
    "deploy": Deploy,
    "hardware_aware": HardwareAware,
    "physics_aware": PhysicsAware,
    "dfa": FeedbackAlignment,
    "augmented_dfa": FeedbackAlignment.augmented,
    "spsa": Spsa,
    "mgd": Multiplexed,
    "local": Local,
}


def make_rule(name: str) -> Rule:
    """Return a rule with its usual settings.

    Raises:
        TrainingError: If there is none of that name.
    """
    if name not in RULES:
        raise TrainingError(f"rule: got '{name}'; expected one of {', '.join(RULES)}")
    return RULES[name]()
