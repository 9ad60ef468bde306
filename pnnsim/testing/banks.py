"""Laws of the part that holds weights."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pnnsim.devices.base import Active, State, WeightBank
from pnnsim.testing.declared import states_are_same
from pnnsim.testing.trial import IDEAL, TIMES, Law, Trial

_OFF: Active = frozenset()
#: Ages at which a bank is checked [s].
_AGES = (0.0, 1e-6, 1e-3, 1.0, 1e6)

Banks = Trial[WeightBank[Any]]


def _target(trial: Banks) -> Tensor:
    size = trial.component.size
    return trial.uniform((size.detectors, size.lines), -0.97, 0.97, "target")


def _state(trial: Banks) -> State:
    bank = trial.component
    return {
        **bank.fabricate(trial.generator("fabricate")),
        **bank.environment(None, 0.0, trial.generator("environment")),
    }


def _ideal(trial: Banks) -> None:
    bank, target, law = trial.component, _target(trial), "non-idealities off"
    ends = {
        "weights between the ends": target,
        "weights of 0": torch.zeros_like(target),
        "weights of 1": torch.ones_like(target),
        "weights of -1": -torch.ones_like(target),
        "the unit matrix": torch.eye(*target.shape, dtype=torch.float64),
    }
    for what, wanted in ends.items():
        for state in ({}, _state(trial)):
            held = bank.program(wanted, state, _OFF, math.inf)
            trial.same(held.weights, wanted, law, f"program() of {what}", IDEAL)
        for active in (_OFF, trial.trained_on):
            trial.gradient_is_finite(
                f"program() of {what}",
                lambda at, active=active: bank.program(at, {}, active, math.inf).weights,  # type: ignore[misc]
                wanted,
            )
    beyond = bank.program(3.0 * target, {}, _OFF, math.inf).weights
    trial.same(beyond, (3.0 * target).clamp(-1.0, 1.0), law, "program() of weights beyond 1", IDEAL)
    trial.gradient_is_right(
        "program()", lambda at: bank.program(at, {}, _OFF, math.inf).weights, target
    )
    trial.gradient_is_usable(
        "program()", lambda at: bank.program(at, {}, trial.trained_on, math.inf).weights, target
    )


def _form(trial: Banks) -> None:
    bank, target, state = trial.component, _target(trial), _state(trial)
    ages = (*_AGES, math.inf) if bank.ages else (math.inf,)
    cases = [
        (torch.float32, trial.all_on, math.inf),
        (torch.float64, trial.trained_on, math.inf),
        *((torch.float64, trial.all_on, age) for age in ages),
    ]
    for dtype, active, age in cases:
        held = bank.program(target.to(dtype), state, active, age)
        trial.expect(
            held.weights.shape == target.shape and held.weights.dtype == dtype,
            "dtype and shape",
            f"program() of {tuple(target.shape)} {dtype} is {tuple(held.weights.shape)} "
            f"{held.weights.dtype}; expected the same",
        )
        trial.expect(
            bool(torch.isfinite(held.weights).all()),
            "finite numbers",
            f"program() is not finite at the age {age:g} s",
        )
        scale = torch.as_tensor(held.scale)
        trial.expect(
            bool(((scale > 0.0) & (scale <= 1.0 + IDEAL)).all()),
            "conservation",
            f"program() scales by {held.scale!r}; expected more than 0, at most 1",
        )
        trial.expect(
            held.light is None
            or (held.light.shape == target.shape and bool((held.light >= 0.0).all())),
            "conservation",
            "the light that outputs absorb, by program(), is negative or not of the weights' shape",
        )


def _respond(trial: Banks) -> None:
    bank = trial.component
    line = trial.uniform((5, bank.size.lines), 0.02, 0.98, "line")
    for full_scale in (1e-3, 0.1):
        off = bank.respond(line, full_scale, _OFF)
        trial.same(off, line, "non-idealities off", "respond()", IDEAL)
        real = partial(bank.respond, full_scale=full_scale, active=trial.all_on)
        trial.map_keeps_form("respond()", real, line)
        trial.samples_are_alone("respond()", real, line)
        trial.gradient_is_right("respond()", real, line)
        power = bank.line_power(full_scale)
        trial.expect(
            power >= 0.0, "conservation", f"line_power() is {power!r} W; expected 0 or more"
        )


def _age(trial: Banks) -> None:
    bank, target, state = trial.component, _target(trial), _state(trial)
    if bank.ages:
        return
    young, old = (bank.program(target, state, trial.all_on, age).weights for age in (1e-6, 1.0))
    trial.same(old, young, "causality", "program() of a bank that does not declare `ages`")


def _draws(trial: Banks) -> None:
    bank, target, law = trial.component, _target(trial), "determinism per stream"
    state = _state(trial)
    held = bank.program(target, state, trial.all_on, 1.0).weights
    again = bank.program(target, state, trial.all_on, 1.0).weights
    trial.same(again, held, "causality", "program(), called again,")
    trial.expect(
        bank.write_error(held, trial.generator(), _OFF) is None,
        "non-idealities off",
        "write_error() draws an error; expected None",
    )
    errors = [bank.write_error(held, trial.generator(), trial.all_on) for _ in range(2)]
    other = bank.write_error(torch.zeros_like(held), trial.generator(), trial.all_on)
    trial.expect(
        (errors[0] is None) == (other is None),
        law,
        "whether there is a write error depends on the weights; expected only on the description",
    )
    if errors[0] is not None and errors[1] is not None:
        trial.same(errors[1], errors[0], law, "write_error() of the same stream")
        trial.expect(
            errors[0].shape == held.shape
            and errors[0].dtype == held.dtype
            and bool(torch.isfinite(errors[0]).all()),
            "dtype and shape",
            f"write_error() is {tuple(errors[0].shape)} {errors[0].dtype}; expected finite "
            f"{tuple(held.shape)} {held.dtype}",
        )
        single = bank.write_error(held.float(), trial.generator(), trial.all_on)
        trial.expect(
            single is not None and single.dtype == torch.float32,
            "dtype and shape",
            f"write_error() of float32 weights is {None if single is None else single.dtype}; "
            "expected float32",
        )


def _variance(trial: Banks) -> None:
    bank = trial.component
    held = bank.program(_target(trial), _state(trial), trial.all_on, 1.0).weights
    off = bank.read_variance(held, 1.0, _OFF)
    trial.expect(off is None or not bool(off.any()), "non-idealities off", "weights are noisy")
    for age in _AGES:
        variance = bank.read_variance(held, age, trial.all_on)
        trial.expect(
            variance is None
            or (
                variance.shape == held.shape
                and variance.dtype == held.dtype
                and bool(torch.isfinite(variance).all())
                and bool((variance >= 0.0).all())
            ),
            "finite numbers",
            f"read_variance() at the age {age:g} s is not finite, 0 or more, and of the weights' "
            "shape",
        )


def _settling(trial: Banks) -> None:
    bank = trial.component
    times = torch.tensor(TIMES, dtype=torch.float64)
    trial.same(
        bank.residue(times, _OFF), torch.zeros_like(times), "non-idealities off", "residue()"
    )
    trial.settles("residue()", lambda elapsed: bank.residue(elapsed, trial.all_on))
    wait = bank.setup_wait()
    trial.expect(
        math.isfinite(wait) and wait >= 0.0, "delays", f"setup_wait() is {wait!r}; expected >= 0 s"
    )


def _light(trial: Banks) -> None:
    bank, law = trial.component, "conservation"
    passed = bank.transmission
    electric = bank.conductance > 0.0
    trial.expect(
        passed > 0.0 and math.isfinite(passed) and (electric or passed <= 1.0),
        law,
        f"transmission is {passed!r}; expected more than 0, and at most 1 for light",
    )
    trial.expect(
        bank.absorbed >= 0.0 and bank.conductance >= 0.0,
        law,
        f"absorbed is {bank.absorbed!r} and conductance {bank.conductance!r}; expected 0 or more",
    )
    trial.expect(
        bank.endurance > 0.0, "declarations", f"endurance is {bank.endurance!r}; expected > 0"
    )
    rest = bank.rest_weight
    trial.expect(-1.0 <= rest <= 1.0, "range", f"rest_weight is {rest!r}; expected [-1, 1]")


def _environment(trial: Banks) -> None:
    bank = trial.component
    start = bank.environment(None, 0.0, trial.generator("environment"))
    states_are_same(
        trial,
        bank.environment(None, 0.0, trial.generator("environment")),
        start,
        "environment()",
    )
    time = bank.correlation_time()
    trial.expect(time > 0.0, "delays", f"correlation_time() is {time!r}; expected more than 0 s")
    still = bank.environment(start, 0.0, trial.generator("later"))
    trial.expect(
        still.keys() == start.keys() and all(torch.equal(still[k], start[k]) for k in start),
        "t = 0",
        "environment() changes while no time passes; expected it to stay",
    )
    later = bank.environment(start, 1e3, trial.generator("later"))
    trial.expect(
        later.keys() == start.keys()
        and all(later[k].shape == start[k].shape for k in start)
        and all(bool(torch.isfinite(later[k]).all()) for k in start),
        "dtype and shape",
        "environment() changes its names or shapes, or is not finite, as time passes",
    )
    if bank.corrects_drift:
        target = _target(trial)
        corrected = bank.program(target, bank.drifted(later, later), trial.all_on, math.inf)
        alone = bank.program(target, {}, trial.all_on, math.inf)
        trial.same(corrected.weights, alone.weights, "t = 0", "a bank that was just programmed")


BANK_LAWS: tuple[Law[Any], ...] = (
    _ideal, _form, _respond, _age, _draws, _variance, _settling, _light, _environment,
)  # fmt: skip
