"""Laws of the part that turns what leaves a bank into an electrical signal."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from pnnsim.devices.base import Active, Detector, Received
from pnnsim.testing.gradients import gradient_is_that_of_the_mean
from pnnsim.testing.trial import IDEAL, READS, SIGMAS, Law, Trial

_OFF: Active = frozenset()

#: Power [W], or current [A], of logical 1: that of a fast receiver, and of a camera's pixel.
_UNITS = (1e-6, 1e-9, 1e-12)
#: Conductance on an output node [S]: a thousand junctions of a megohm.
_CONDUCTANCE = 1e-3


def received(trial: Trial[Detector[Any]], samples: int, unit_input: float = _UNITS[0]) -> Received:
    """Return the signal behind random lines in [0, 1] and weights in [-1, 1].

    Args:
        trial: Trial of the detector.
        samples: Number of samples.
        unit_input: Power [W], or current [A], of logical 1.
    """
    size = trial.component.size
    line = trial.uniform((samples, size.lines), 0.0, 1.0, "line")
    weight = trial.uniform((size.detectors, size.lines), -1.0, 1.0, "weight")
    return Received(
        signal=line @ weight.T,
        total=line.sum(dim=1, keepdim=True),
        unit_input=unit_input,
        fluctuation=1e-3 * line.sum(dim=1, keepdim=True),
        laser=torch.full_like(line[:, :1], 1e-3),
        emission=0.0,
        conductance=_CONDUCTANCE,
    )


def part_of(
    all_samples: Received, samples: slice | Tensor, dtype: torch.dtype = torch.float64
) -> Received:
    """Return some samples of a received signal, in another precision.

    Args:
        all_samples: Signal of all samples.
        samples: Which samples.
        dtype: Type of the result.
    """

    def some(tensor: Tensor) -> Tensor:
        return tensor[samples].to(dtype)

    fluctuation, laser = all_samples.fluctuation, all_samples.laser
    return replace(
        all_samples,
        signal=some(all_samples.signal),
        total=some(all_samples.total),
        fluctuation=None if fluctuation is None else some(fluctuation),
        laser=None if laser is None else some(laser),
    )


def _detector_values(trial: Trial[Detector[Any]]) -> None:
    part = trial.component
    for unit in _UNITS:
        met = received(trial, 5, unit)
        for generator in (None, trial.generator()):
            built = part.as_built(part.fabricate(trial.generator("fabricate")))
            for each in (part, built):
                found = each.detect(met, generator, _OFF)
                trial.same(found, met.signal, "non-idealities off", "detect()", IDEAL)
        for dtype in (torch.float32, torch.float64):
            for samples in (5, 1, 0):
                some = part_of(met, slice(samples), dtype)
                for stream in (None, trial.generator()):
                    _detector_form(trial, some, part.detect(some, stream, trial.all_on))
        together = part.detect(met, None, trial.all_on)
        alone = [part.detect(part_of(met, slice(i, i + 1)), None, trial.all_on) for i in range(5)]
        trial.same(torch.cat(alone), together, "causality", "detect() of a sample alone", 1e-12)


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
    trial.gradient_is_right("detect()", lambda x: detect(x, _UNITS[0], _OFF), signal)
    passed = []
    for unit in _UNITS:
        at = signal.clone().requires_grad_(True)
        output = detect(at, unit, trial.trained_on)
        if output.requires_grad:
            (gradient,) = torch.autograd.grad(output.sum(), at)
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
    noise = trial.all_on - trial.trained_on
    spreads = []
    for unit in _UNITS:
        met = part_of(received(trial, 1, unit), slice(0, 1))
        many = part_of(met, torch.zeros(READS, dtype=torch.long))
        quiet = part.detect(met, None, noise)
        spreads.append(
            trial.noise_is_white("detect()", partial(part.detect, many, active=noise), quiet)
        )
    # Units come from large to small; the deviation of one spread is 1 / sqrt(2 reads) of it.
    slack = 1.0 + 2.0 * SIGMAS / (2.0 * READS) ** 0.5
    grows = all(bool((large <= small * slack + IDEAL).all()) for large, small in pairwise(spreads))
    trial.expect(
        grows,
        "noise scales",
        "detect(): the noise of a logical signal grows with the light, or current, of logical 1; "
        "expected it to fall or stay",
    )


def _noisy_gradient(trial: Trial[Detector[Any]]) -> None:
    """Check that training which draws noise learns as much as training that does not."""
    part = trial.component
    noise = trial.all_on - trial.trained_on
    for unit in _UNITS:
        met = part_of(received(trial, 1, unit), torch.zeros(READS, dtype=torch.long))

        def detect(
            signal: Tensor, generator: torch.Generator | None, met: Received = met
        ) -> Tensor:
            return part.detect(replace(met, signal=signal), generator, noise)

        gradient_is_that_of_the_mean(
            trial,
            "detect()",
            lambda x: detect(x, trial.generator("noise")),
            lambda x: detect(x, None),
            met.signal,
        )


def _intensity_noise(trial: Trial[Detector[Any]]) -> None:
    """Check that intensity noise is captured in some band, and in none where it is off."""
    part = trial.component
    off, on = part.intensity_band(_OFF), part.intensity_band(trial.all_on)
    trial.expect(
        off == 0.0, "non-idealities off", f"intensity_band() is {off!r} Hz with all off; expected 0"
    )
    trial.expect(
        0.0 <= on < math.inf, "range", f"intensity_band() is {on!r} Hz; expected 0 or more"
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
    trial.expect(
        part.residue(_OFF) == 0.0, "non-idealities off", "a symbol is left of the last one"
    )
    left = part.residue(trial.all_on)
    trial.expect(0.0 <= left < 1.0, "monotone settling", f"residue() is {left!r}; expected [0, 1)")


DETECTOR_LAWS: tuple[Law[Any], ...] = (
    _detector_values, _detector_gradient, _detector_noise, _noisy_gradient, _intensity_noise,
    _detector_scale,
)  # fmt: skip
