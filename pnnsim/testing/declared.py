"""Ask what every component must answer, whatever its part: names, times, prices and draws."""

from __future__ import annotations

import math
import random
from typing import Any

import torch

from pnnsim.components.base import Component, State, WeightBank
from pnnsim.params.base import Params
from pnnsim.registry import params_class
from pnnsim.testing.trial import Law, Trial

#: What each part does, and is timed and priced for; propagation is the bank's.
ACTIONS: dict[str, tuple[str, ...]] = {
    "front_end": ("map_input", "map_output"),
    "encoder": ("convert", "encode"),
    "switch": ("route",),
    "weight_banks": ("propagate", "mvm", "write"),
    "detector": ("detect",),
    "nonlinearity": ("activate",),
    "memory": ("hold",),
    "readout": ("convert",),
}

_NO_ACTION = "an action that no part knows"

AnyTrial = Trial[Component[Any]]


def _names(trial: AnyTrial) -> None:
    component, law = trial.component, "declarations"
    trial.expect(
        component.part == trial.part and component.kind == trial.kind,
        law,
        f"the class says {component.part}.{component.kind}",
    )
    trial.expect(
        params_class(trial.part, trial.kind) is type(component.params)
        and isinstance(component.params, Params)
        and component.params.kind == trial.kind,
        law,
        f"is described by {type(component.params).__name__} of the kind "
        f"'{component.params.kind}'; expected the Params that the kind names",
    )
    trial.expect(
        len(trial.all_on) == len(component.imperfections),
        law,
        f"imperfections repeat: {component.imperfections}",
    )
    trial.expect(
        trial.trained_on <= trial.all_on,
        law,
        f"deterministic {component.deterministic} are not all among the imperfections "
        f"{component.imperfections}",
    )
    warnings = (*component.warnings(), *component.overload(1e-6), *component.overload(1.0))
    trial.expect(
        all(isinstance(text, str) and text and "\n" not in text for text in warnings),
        law,
        f"warnings are {warnings!r}; expected a sentence each, on one line",
    )


def _times(trial: AnyTrial) -> None:
    law = "delays"
    for action in ACTIONS[trial.part]:
        delay = trial.component.delay_fs(action)
        trial.expect(
            type(delay) is int and delay >= 0,
            law,
            f"{action} takes {delay!r}; expected whole femtoseconds, 0 or more",
        )
        again = trial.component.delay_fs(action)
        trial.expect(again == delay, law, f"{action} takes {delay}, then {again}; expected one")
    try:
        delay = trial.component.delay_fs(_NO_ACTION)
    except KeyError:
        return
    trial.expect(False, law, f"an unknown action takes {delay!r} fs; expected a KeyError")


def _prices(trial: AnyTrial) -> None:
    component, law = trial.component, "energy"
    for action in ACTIONS[trial.part]:
        _not_negative(trial, law, f"the price of {action}", component.cost(action), "J")
    _not_negative(trial, law, "the static power", component.static_power(), "W")
    area = component.area()
    if area is not None:
        _not_negative(trial, "area", "the area", area, "m^2")
    try:
        price = component.cost(_NO_ACTION)
    except KeyError:
        return
    trial.expect(False, law, f"an unknown action costs {price!r} J; expected a KeyError")


def _not_negative(trial: AnyTrial, law: str, what: str, value: float, unit: str) -> None:
    trial.expect(
        isinstance(value, int | float) and math.isfinite(value) and value >= 0.0,
        law,
        f"{what} is {value!r}; expected a finite number of {unit}, 0 or more",
    )


def _draws(trial: AnyTrial) -> None:
    law = "determinism per stream"
    component = trial.component
    before = (torch.random.get_rng_state(), random.getstate())
    first = component.fabricate(trial.generator("fabricate"))
    states_are_same(trial, component.fabricate(trial.generator("fabricate")), first, "fabricate()")
    states = [first]
    if isinstance(component, WeightBank):
        states.append(component.environment(None, 0.0, trial.generator("environment")))
    for state in states:
        for name, value in state.items():
            trial.expect(
                bool(torch.isfinite(value).all()),
                "finite numbers",
                f"state '{name}' is not finite everywhere",
            )
    after = (torch.random.get_rng_state(), random.getstate())
    trial.expect(
        torch.equal(before[0], after[0]) and before[1] == after[1],
        law,
        "draws from a global generator; expected the one that is passed in",
    )


def states_are_same(trial: Trial[Any], got: State, wanted: State, what: str) -> None:
    """Expect two states to hold the same tensors under the same names."""
    trial.expect(
        got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in got),
        "determinism per stream",
        f"{what} differs when the same stream draws again; expected the same numbers",
    )


DECLARED_LAWS: tuple[Law[Any], ...] = (_names, _times, _prices, _draws)
