"""Laws of the parts on the way of a signal, the bank and its switch left out."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from pnnsim.devices.base import (
    Active,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
)
from pnnsim.testing.detectors import DETECTOR_LAWS
from pnnsim.testing.gradients import gradient_is_that_of_the_mean
from pnnsim.testing.trial import IDEAL, READS, Law, Trial

OFF: Active = frozenset()


def _front_end(trial: Trial[FrontEnd[Any]]) -> None:
    part, size = trial.component, trial.component.size
    x = trial.uniform((4, size.inputs), -1.0, 1.0)
    into = trial.uniform((size.hidden, size.inputs), -1.0, 1.0, "into")
    out = trial.uniform((size.outputs, size.hidden), -1.0, 1.0, "out")
    bias = trial.uniform((size.hidden,), -1.0, 1.0, "bias")
    law = "non-idealities off"
    trial.same(part.map_input(x, into, None), x @ into.T, law, "map_input()", IDEAL)
    trial.same(part.map_input(x, into, bias), x @ into.T + bias, law, "map_input()", IDEAL)
    state = trial.uniform((4, size.hidden), -1.0, 1.0, "state")
    end = bias[: size.outputs]
    trial.same(part.map_output(state, out, end), state @ out.T + end, law, "map_output()", IDEAL)
    trial.gradient_is_right("map_input()", lambda at: part.map_input(at, into, bias), x)
    trial.gradient_is_right("map_output()", lambda at: part.map_output(at, out, end), state)
    for dtype in (torch.float32, torch.float64):
        got = part.map_input(x.to(dtype), into.to(dtype), bias.to(dtype))
        done = part.map_output(state.to(dtype), out.to(dtype), end.to(dtype))
        trial.expect(
            got.dtype == done.dtype == dtype,
            "dtype and shape",
            f"map_input() and map_output() of {dtype} are {got.dtype} and {done.dtype}; expected "
            "the same",
        )
    trial.samples_are_alone("map_input()", lambda at: part.map_input(at, into, bias), x)


def _encoder(trial: Trial[Encoder[Any]]) -> None:
    part = trial.component
    inside = trial.uniform((5, part.size.lines), 0.02, 0.98)
    wide = trial.uniform((5, part.size.lines), -3.0, 3.0, "wide")
    for converted in (False, True):
        ideal = partial(part.encode, converted=converted, active=OFF)
        trial.same(ideal(inside), inside, "non-idealities off", "a state in [0, 1]", IDEAL)
        real = partial(part.encode, converted=converted, active=trial.all_on)
        for f in (ideal, real):
            trial.map_keeps_form("encode()", f, inside)
            trial.samples_are_alone("encode()", f, inside)
            bound = float(f(wide).abs().max())
            trial.expect(
                bound <= 1.0 + IDEAL,
                "range",
                f"a line carries up to {bound:g}; expected at most 1, its full scale",
            )
        trial.gradient_is_right("encode()", ideal, inside)
        trained = partial(part.encode, converted=converted, active=trial.trained_on)
        trial.gradient_is_usable("encode()", trained, inside)
        corners = torch.tensor([[-3.0, -1.0, 0.0, 1.0, 3.0]], dtype=torch.float64)
        for f in (ideal, trained):
            trial.gradient_is_finite("encode()", f, corners)
    trial.expect(part.full_scale > 0.0, "range", f"full scale is {part.full_scale!r}; expected > 0")
    noise = part.intensity_noise
    trial.expect(noise >= 0.0, "range", f"intensity noise is {noise!r}; expected 0 or more")


def _nonlinearity(trial: Trial[Nonlinearity[Any]]) -> None:
    part = trial.component
    value = trial.uniform((5, part.size.hidden), -0.97, 0.97)
    wide = trial.uniform((5, part.size.hidden), -5.0, 5.0, "wide")
    previous = trial.uniform((5, part.size.hidden), 0.0, 1.0, "previous")

    def ideal(x: Tensor) -> Tensor:
        return part.activate(x, None, None, OFF)

    law = "non-idealities off"
    trial.same(part.activate(value, previous, None, OFF), ideal(value), law, "f after a last one")
    with_noise = part.activate(value, previous, trial.generator(), OFF)
    trial.same(with_noise, ideal(value), law, "f with a stream of noise")
    for active in (OFF, trial.trained_on, trial.all_on):
        quiet = partial(part.activate, previous=None, generator=None, active=active)
        trial.map_keeps_form("activate()", quiet, wide)
        trial.samples_are_alone("activate()", quiet, wide)
    for dtype in (torch.float32, torch.float64):
        noisy = part.activate(
            wide.to(dtype), previous.to(dtype), trial.generator("noise"), trial.all_on
        )
        trial.expect(
            noisy.dtype == dtype and noisy.shape == wide.shape,
            "dtype and shape",
            f"activate() with noise of {dtype} is {tuple(noisy.shape)} {noisy.dtype}; expected the "
            "same as its input",
        )
    corners = torch.tensor([[-5.0, -1.0, 0.0, 1.0, 5.0]], dtype=torch.float64)
    for active in (OFF, trial.trained_on):
        trial.gradient_is_finite(
            "activate()",
            partial(part.activate, previous=None, generator=None, active=active),
            corners,
        )
    _nonlinearity_noise(trial)
    trial.gradient_is_right("activate()", ideal, value)
    trial.gradient_is_usable(
        "activate()", lambda x: part.activate(x, None, None, trial.trained_on), value
    )
    low, high = part.range
    trial.expect(low < high, "range", f"is [{low:g}, {high:g}]; expected least before greatest")
    outputs = ideal(wide)
    trial.expect(
        float(outputs.min()) >= low - IDEAL and float(outputs.max()) <= high + IDEAL,
        "range",
        f"f lies in [{float(outputs.min()):g}, {float(outputs.max()):g}]; expected the declared "
        f"[{low:g}, {high:g}]",
    )
    trial.expect(part.slope > 0.0, "range", f"the steepest slope is {part.slope:g}; expected > 0")


def _nonlinearity_noise(trial: Trial[Nonlinearity[Any]]) -> None:
    part = trial.component
    noise = trial.all_on - trial.trained_on
    value = torch.linspace(-1.5, 1.5, 25, dtype=torch.float64).unsqueeze(0)
    quiet = part.activate(value, None, None, noise)
    many = value.expand(READS, -1)
    trial.noise_is_white(
        "activate()", lambda stream: part.activate(many, None, stream, noise), quiet, part.range
    )
    gradient_is_that_of_the_mean(
        trial,
        "activate()",
        lambda x: part.activate(x, None, trial.generator("noise"), noise),
        lambda x: part.activate(x, None, None, noise),
        many,
    )


def _memory(trial: Trial[Memory[Any]]) -> None:
    part = trial.component
    state = trial.uniform((5, part.size.hidden), -0.97, 0.97)

    def held(seconds: float, active: Active) -> Tensor:
        return part.hold(state, torch.full((5, 1), seconds, dtype=torch.float64), active)

    trial.expect(
        isinstance(part.analog, bool) and type(part.capacity) is int and part.capacity >= 1,
        "declarations",
        f"analog is {part.analog!r} and capacity {part.capacity!r}; expected a bool and 1 or more",
    )
    trial.expect(
        0.0 < part.transmission <= 1.0,
        "conservation",
        f"transmission is {part.transmission!r}; expected more than 0, at most 1",
    )
    for seconds in (0.0, 1e-9, 1.0):
        trial.same(held(seconds, OFF), state, "non-idealities off", "a held state", IDEAL)
    trial.same(held(0.0, trial.all_on), state, "t = 0", "a state held for no time", IDEAL)
    lost = [
        float((held(seconds, trial.all_on) - state).abs().max())
        for seconds in (0.0, 1e-12, 1e-9, 1e-6, 1e-3)
    ]
    trial.expect(
        lost == sorted(lost),
        "monotone settling",
        f"a held state is lost by {lost}; expected more the longer it is held",
    )
    for active in (OFF, trial.all_on):
        for x in (state, state[:1], state[:0]):
            times = torch.full((len(x), 1), 1e-9)
            got = part.hold(x.float(), times, active)
            trial.expect(
                got.dtype == torch.float32 and got.shape == x.shape,
                "dtype and shape",
                f"hold() of {tuple(x.shape)} is {tuple(got.shape)} {got.dtype}; expected the same",
            )
    nano = torch.full((5, 1), 1e-9, dtype=torch.float64)
    trial.gradient_is_right("hold()", lambda x: part.hold(x, nano, trial.all_on), state)


def _readout(trial: Trial[Readout[Any]]) -> None:
    part = trial.component
    for span in ((0.0, 1.0), (-1.0, 1.0), (0.0, 3.0)):
        state = trial.uniform((5, part.size.hidden), *span)
        got = part.read(state, span, OFF)
        trial.same(got, state, "non-idealities off", f"a state in {span}", IDEAL)
        real = partial(part.read, span=span, active=trial.all_on)
        trial.map_keeps_form("read()", real, state)
        trial.samples_are_alone("read()", real, state)
        low, high = float(real(state).min()), float(real(state).max())
        trial.expect(
            low >= span[0] - IDEAL and high <= span[1] + IDEAL,
            "range",
            f"read() of a state in {span} lies in [{low:g}, {high:g}]",
        )
        trained = partial(part.read, span=span, active=trial.trained_on)
        trial.gradient_is_usable("read()", trained, state)
        corners = torch.tensor([[span[0], 0.0, span[1]]], dtype=torch.float64)
        trial.gradient_is_finite("read()", trained, corners)


SIGNAL_LAWS: dict[str, tuple[Law[Any], ...]] = {
    "front_end": (_front_end,),
    "encoder": (_encoder,),
    "detector": DETECTOR_LAWS,
    "nonlinearity": (_nonlinearity,),
    "memory": (_memory,),
    "readout": (_readout,),
}
