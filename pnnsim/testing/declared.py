"""Laws of every component, whatever its part: names, times, prices and draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from pnnsim.devices.base import Component, State, WeightBank
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import params_class
from pnnsim.mapping.actions import TABLE, priced_actions
from pnnsim.testing.trial import Law, Trial

#: What each part does, and is timed and priced for; propagation is the bank's.
ACTIONS: dict[str, tuple[str, ...]] = {
    part: priced_actions(part) for action in TABLE for part in action.components
}

_NO_ACTION = "an action of no part"

#: Copies that are compared with twice as many: so many that a package they share is full.
_MANY = 10_000

AnyComponent = Component[Any]
AnyTrial = Trial[AnyComponent]

#: What is paid for each copy of a part: law, method, unit, and its value.
_PAID_FOR: tuple[tuple[str, str, str, Callable[[AnyComponent], float]], ...] = (
    ("static power", "static_power()", "W", lambda part: part.static_power()),
    ("area", "area()", "m^2", lambda part: part.area() or 0.0),
)


def _names(trial: AnyTrial) -> None:
    component, law = trial.component, "declarations"
    trial.expect(
        component.part == trial.part and component.kind == trial.kind,
        law,
        f"the class declares {component.part}.{component.kind}",
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
        len(trial.all_on) == len(component.non_idealities),
        law,
        f"non-idealities repeat: {component.non_idealities}",
    )
    trial.expect(
        trial.trained_on <= trial.all_on,
        law,
        f"deterministic {component.deterministic} are not all among the non-idealities "
        f"{component.non_idealities}",
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
        try:
            delay = trial.component.delay_fs(action)
        except KeyError:
            _missing(trial, law, action, "delay_fs()")
            continue
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
    component, law = trial.component, "prices"
    for action in ACTIONS[trial.part]:
        try:
            price = component.cost(action)
        except KeyError:
            _missing(trial, law, action, "cost()")
            continue
        _not_negative(trial, law, f"the price of {action}", price, "J")
    _not_negative(trial, "static power", "the static power", component.static_power(), "W")
    area = component.area()
    if area is not None:
        _not_negative(trial, "area", "the area", area, "m^2")
    try:
        price = component.cost(_NO_ACTION)
    except KeyError:
        return
    trial.expect(False, law, f"an unknown action costs {price!r} J; expected a KeyError")


def _missing(trial: AnyTrial, law: str, action: str, method: str) -> None:
    trial.expect(
        False,
        law,
        f"{method} has no value for the action {action}; expected one for each of "
        f"{', '.join(ACTIONS[trial.part])}",
    )


def _copies(trial: AnyTrial) -> None:
    """Check that parts which are built several times are paid for several times."""
    component = trial.component
    count = dict(component.params).get("count")
    if type(count) is not int:
        return

    def build(copies: int) -> AnyComponent:
        more = component.params.model_copy(update={"count": count * copies})
        return type(component)(more, component.size)

    one, many, twice = (build(copies) for copies in (1, _MANY, 2 * _MANY))
    for law, what, unit, of in _PAID_FOR:
        few, some, more = (of(part) for part in (one, many, twice))
        if not few:
            continue  # nothing drawn, or no area described
        # What all copies share is left out by the difference; copies may share a package.
        added = more - some
        trial.expect(
            added > 0.0 and abs(added - (some - few)) <= 0.05 * added,
            law,
            f"{what} is {few:g} {unit} of {count} copies and {some:g}, {more:g} {unit} of {_MANY} "
            f"and {2 * _MANY} times as many; expected it to rise in proportion to count",
        )


def _larger(trial: AnyTrial) -> None:
    """Check that no action of a machine twice as wide is cheaper."""
    component, size = trial.component, trial.component.size
    wider = replace(
        size,
        inputs=2 * size.inputs,
        hidden=2 * size.hidden,
        lines=2 * size.lines,
        detectors=2 * size.detectors,
        outputs=2 * size.outputs,
    )
    other = type(component)(component.params, wider)
    for action in ACTIONS[trial.part]:
        try:
            price, more = component.cost(action), other.cost(action)
        except KeyError:
            continue
        trial.expect(
            more >= price,
            "prices",
            f"{action} costs {price:g} J, and {more:g} J on a machine twice as wide; expected at "
            "least as much",
        )


def _not_negative(trial: AnyTrial, law: str, what: str, value: float, unit: str) -> None:
    trial.expect(
        isinstance(value, int | float) and math.isfinite(value) and value >= 0.0,
        law,
        f"{what} is {value!r}; expected a finite number of {unit}, 0 or more",
    )


def _draws(trial: AnyTrial) -> None:
    component = trial.component
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


def states_are_same(trial: Trial[Any], got: State, wanted: State, what: str) -> None:
    """Expect two states to hold the same tensors under the same names.

    Args:
        trial: Trial on which a difference is noted.
        got: State that was drawn again.
        wanted: State that was drawn first.
        what: Method that drew both.
    """
    trial.expect(
        got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in got),
        "determinism per stream",
        f"{what} differs when the same stream draws again; expected the same numbers",
    )


DECLARED_LAWS: tuple[Law[Any], ...] = (_names, _times, _prices, _copies, _larger, _draws)
