"""Ask the parts that a signal passes one after the other, the bank and its switch left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pnnsim.components.base import (
    Active,
    Detector,
    Encoder,
    FrontEnd,
    Memory,
    Nonlinearity,
    Readout,
    Received,
)
from pnnsim.testing.trial import IDEAL, SIGMAS, Law, Trial

OFF: Active = frozenset()

#: Power [W], or current [A], of logical 1: that of a fast receiver, and of a camera's pixel.
_UNITS = (1e-6, 1e-9, 1e-12)
#: Conductance on an output node [S]: a thousand junctions of a megohm.
_CONDUCTANCE = 1e-3
#: Waves over which the mean of noise is taken.
_WAVES = 4000


def _front_end(trial: Trial[FrontEnd[Any]]) -> None:
    part, size = trial.component, trial.component.size
    x = trial.uniform((4, size.inputs), -1.0, 1.0)
    into = trial.uniform((size.hidden, size.inputs), -1.0, 1.0, "into")
    out = trial.uniform((size.outputs, size.hidden), -1.0, 1.0, "out")
    bias = trial.uniform((size.hidden,), -1.0, 1.0, "bias")
    law = "imperfections off"
    trial.same(part.map_input(x, into, None), x @ into.T, law, "map_input()", IDEAL)
    trial.same(part.map_input(x, into, bias), x @ into.T + bias, law, "map_input()", IDEAL)
    state = trial.uniform((4, size.hidden), -1.0, 1.0, "state")
    end = bias[: size.outputs]
    trial.same(part.map_output(state, out, end), state @ out.T + end, law, "map_output()", IDEAL)
    trial.gradient_is_right("map_input()", lambda at: part.map_input(at, into, bias), x)
    trial.gradient_is_right("map_output()", lambda at: part.map_output(at, out, end), state)
    trial.waves_are_alone("map_input()", lambda at: part.map_input(at, into, bias), x)


def _encoder(trial: Trial[Encoder[Any]]) -> None:
    part = trial.component
    inside = trial.uniform((5, part.size.lines), 0.02, 0.98)
    wide = trial.uniform((5, part.size.lines), -3.0, 3.0, "wide")
    for converted in (False, True):
        ideal = partial(part.encode, converted=converted, active=OFF)
        trial.same(ideal(inside), inside, "imperfections off", "a state in [0, 1]", IDEAL)
        real = partial(part.encode, converted=converted, active=trial.all_on)
        for f in (ideal, real):
            trial.map_keeps_form("encode()", f, inside)
            trial.waves_are_alone("encode()", f, inside)
            bound = float(f(wide).abs().max())
            trial.expect(
                bound <= 1.0 + IDEAL,
                "range",
                f"a line carries up to {bound:g}; expected at most 1, its full scale",
            )
        trial.gradient_is_right("encode()", ideal, inside)
        trained = partial(part.encode, converted=converted, active=trial.trained_on)
        trial.gradient_is_usable("encode()", trained, inside)
    trial.expect(part.full_scale > 0.0, "range", f"full scale is {part.full_scale!r}; expected > 0")
    noise = part.intensity_noise
    trial.expect(noise >= 0.0, "range", f"intensity noise is {noise!r}; expected 0 or more")


def received(trial: Trial[Detector[Any]], waves: int, unit_input: float = _UNITS[0]) -> Received:
    """Return what a detector meets behind lines in [0, 1] and weights in [-1, 1]."""
    size = trial.component.size
    line = trial.uniform((waves, size.lines), 0.0, 1.0, "line")
    weight = trial.uniform((size.detectors, size.lines), -1.0, 1.0, "weight")
    return Received(
        signal=line @ weight.T,
        total=line.sum(dim=1, keepdim=True),
        squares=line**2 @ (weight**2).T,
        square_total=(line**2).sum(dim=1, keepdim=True),
        unit_input=unit_input,
        intensity_noise=1e-15,
        emission=0.0,
        conductance=_CONDUCTANCE,
    )


def part_of(
    all_waves: Received, waves: slice | Tensor, dtype: torch.dtype = torch.float64
) -> Received:
    """Return some of the waves that a detector meets, in another precision."""

    def some(tensor: Tensor) -> Tensor:
        return tensor[waves].to(dtype)

    squares, square_total = all_waves.squares, all_waves.square_total
    return replace(
        all_waves,
        signal=some(all_waves.signal),
        total=some(all_waves.total),
        squares=None if squares is None else some(squares),
        square_total=None if square_total is None else some(square_total),
    )


def _detector_values(trial: Trial[Detector[Any]]) -> None:
    part = trial.component
    for unit in _UNITS:
        met = received(trial, 5, unit)
        for generator in (None, trial.generator()):
            found = part.detect(met, generator, OFF)
            trial.same(found, met.signal, "imperfections off", "detect()", IDEAL)
        for dtype in (torch.float32, torch.float64):
            for waves in (5, 1, 0):
                some = part_of(met, slice(waves), dtype)
                for stream in (None, trial.generator()):
                    _detector_form(trial, some, part.detect(some, stream, trial.all_on))
        together = part.detect(met, None, trial.all_on)
        alone = [part.detect(part_of(met, slice(i, i + 1)), None, trial.all_on) for i in range(5)]
        trial.same(torch.cat(alone), together, "causality", "detect() of a wave alone", 1e-12)


def _detector_form(trial: Trial[Detector[Any]], met: Received, got: Tensor) -> None:
    wanted = met.signal
    trial.expect(
        got.dtype == wanted.dtype and got.shape == wanted.shape,
        "dtype and shape",
        f"detect() of {tuple(wanted.shape)} {wanted.dtype} is {tuple(got.shape)} {got.dtype}; "
        "expected the same as the signal",
    )
    trial.expect(bool(torch.isfinite(got).all()), "finite numbers", "detect() is not finite")


def _detector_gradient(trial: Trial[Detector[Any]]) -> None:
    part = trial.component

    def detect(signal: Tensor, unit: float, active: Active) -> Tensor:
        return part.detect(replace(received(trial, 5, unit), signal=signal), None, active)

    signal = received(trial, 5).signal
    trial.gradient_is_right("detect()", lambda x: detect(x, _UNITS[0], OFF), signal)
    passed = []
    for unit in _UNITS:
        at = signal.clone().requires_grad_(True)
        answer = detect(at, unit, trial.trained_on)
        if answer.requires_grad:
            (gradient,) = torch.autograd.grad(answer.sum(), at)
            passed.append(bool(torch.isfinite(gradient).all()) and bool(gradient.any()))
    trial.expect(
        any(passed),
        "gradient",
        f"detect() passes no gradient with {sorted(trial.trained_on)} on, whether logical 1 is "
        f"{_UNITS[0]:g}, {_UNITS[1]:g} or {_UNITS[2]:g} W; expected one, straight through where "
        "the true one is zero",
    )


def _detector_noise(trial: Trial[Detector[Any]]) -> None:
    part = trial.component
    met = part_of(received(trial, 1), slice(0, 1))
    many = part_of(met, torch.zeros(_WAVES, dtype=torch.long))
    noise = trial.all_on - trial.trained_on
    quiet = part.detect(met, None, noise)
    drawn = part.detect(many, trial.generator("noise"), noise)
    again = part.detect(many, trial.generator("noise"), noise)
    trial.same(again, drawn, "determinism per stream", "the noise of the same stream")
    error = (drawn - quiet).mean(dim=0).abs()
    bound = SIGMAS * drawn.std(dim=0) / _WAVES**0.5 + IDEAL
    trial.expect(
        bool((error <= bound).all()),
        "noise has no mean",
        f"the mean of {_WAVES} reads is off by {float((error / bound).max()) * SIGMAS:.3g} "
        f"standard errors; expected at most {SIGMAS:g}",
    )


def _detector_scale(trial: Trial[Detector[Any]]) -> None:
    part = trial.component
    inputs = torch.tensor([[0.25], [0.5], [1.0]], dtype=torch.float64) * _UNITS[0]
    currents = torch.as_tensor(part.unit_current(inputs))
    rises = bool((currents > 0.0).all() and (currents.diff(dim=0) > 0.0).all())
    trial.expect(
        currents.shape == inputs.shape and rises,
        "range",
        "unit_current() does not rise with what reaches the detector; expected it to",
    )
    one = float(part.unit_current(_UNITS[0]))
    trial.expect(
        abs(one - float(currents[-1])) <= 1e-12 * one,
        "range",
        "unit_current() of a number is not that of a tensor",
    )
    trial.expect(part.residue(OFF) == 0.0, "imperfections off", "a symbol is left of the last one")
    left = part.residue(trial.all_on)
    trial.expect(0.0 <= left < 1.0, "monotone settling", f"residue() is {left!r}; expected [0, 1)")


def _nonlinearity(trial: Trial[Nonlinearity[Any]]) -> None:
    part = trial.component
    value = trial.uniform((5, part.size.hidden), -0.97, 0.97)
    wide = trial.uniform((5, part.size.hidden), -5.0, 5.0, "wide")
    previous = trial.uniform((5, part.size.hidden), 0.0, 1.0, "previous")

    def ideal(x: Tensor) -> Tensor:
        return part.activate(x, None, None, OFF)

    law = "imperfections off"
    trial.same(part.activate(value, previous, None, OFF), ideal(value), law, "f after a last one")
    with_noise = part.activate(value, previous, trial.generator(), OFF)
    trial.same(with_noise, ideal(value), law, "f with a stream of noise")
    for active in (OFF, trial.trained_on, trial.all_on):
        quiet = partial(part.activate, previous=None, generator=None, active=active)
        trial.map_keeps_form("activate()", quiet, wide)
        trial.waves_are_alone("activate()", quiet, wide)
    noisy = [
        part.activate(wide, previous, trial.generator("noise"), trial.all_on) for _ in range(2)
    ]
    trial.same(noisy[1], noisy[0], "determinism per stream", "the noise of the same stream")
    trial.gradient_is_right("activate()", ideal, value)
    trial.gradient_is_usable(
        "activate()", lambda x: part.activate(x, None, None, trial.trained_on), value
    )
    low, high = part.range
    trial.expect(low < high, "range", f"is [{low:g}, {high:g}]; expected least before greatest")
    answers = ideal(wide)
    trial.expect(
        float(answers.min()) >= low - IDEAL and float(answers.max()) <= high + IDEAL,
        "range",
        f"f lies in [{float(answers.min()):g}, {float(answers.max()):g}]; expected the declared "
        f"[{low:g}, {high:g}]",
    )
    trial.expect(part.slope > 0.0, "range", f"the steepest slope is {part.slope:g}; expected > 0")


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
        "energy",
        f"transmission is {part.transmission!r}; expected more than 0, at most 1",
    )
    for seconds in (0.0, 1e-9, 1.0):
        trial.same(held(seconds, OFF), state, "imperfections off", "a held state", IDEAL)
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
        trial.same(got, state, "imperfections off", f"a state in {span}", IDEAL)
        real = partial(part.read, span=span, active=trial.all_on)
        trial.map_keeps_form("read()", real, state)
        trial.waves_are_alone("read()", real, state)
        low, high = float(real(state).min()), float(real(state).max())
        trial.expect(
            low >= span[0] - IDEAL and high <= span[1] + IDEAL,
            "range",
            f"read() of a state in {span} lies in [{low:g}, {high:g}]",
        )
        trained = partial(part.read, span=span, active=trial.trained_on)
        trial.gradient_is_usable("read()", trained, state)


SIGNAL_LAWS: dict[str, tuple[Law[Any], ...]] = {
    "front_end": (_front_end,),
    "encoder": (_encoder,),
    "detector": (_detector_values, _detector_gradient, _detector_noise, _detector_scale),
    "nonlinearity": (_nonlinearity,),
    "memory": (_memory,),
    "readout": (_readout,),
}
