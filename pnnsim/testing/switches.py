"""Laws of the part that selects a weight bank."""

from __future__ import annotations

from typing import Any

import torch

from pnnsim.devices.base import Switch
from pnnsim.testing.trial import TIMES, Law, Trial

_OFF: frozenset[str] = frozenset()


def _power(trial: Trial[Switch[Any]]) -> None:
    part, law = trial.component, "conservation"
    emission, passed = part.emission, part.transmission
    trial.expect(
        part.endurance > 0.0, "declarations", f"endurance is {part.endurance!r}; expected > 0"
    )
    trial.expect(emission >= 0.0, law, f"emission is {emission!r}; expected 0 or more")
    trial.expect(
        passed > 0.0 and (passed <= 1.0 or emission > 0.0),
        law,
        f"transmission is {passed!r}; expected more than 0, and at most 1 without an amplifier, "
        "whose emission is not 0",
    )


def _leak(trial: Trial[Switch[Any]]) -> None:
    part = trial.component
    off, on = part.leakage(_OFF), part.leakage(trial.all_on)
    trial.expect(off == 0.0, "non-idealities off", f"the leak is {off!r}; expected 0")
    trial.expect(0.0 <= on < 1.0, "range", f"the leak is {on!r}; expected 0 to less than 1")


def _settling(trial: Trial[Switch[Any]]) -> None:
    part = trial.component
    times = torch.tensor(TIMES, dtype=torch.float64)
    trial.same(
        part.residue(times, _OFF), torch.zeros_like(times), "non-idealities off", "residue()"
    )
    trial.settles("residue()", lambda dwell: part.residue(dwell, trial.all_on))


def _injection(trial: Trial[Switch[Any]]) -> None:
    part = trial.component.as_built(trial.component.fabricate(trial.generator("fabricate")))
    times = torch.tensor(TIMES, dtype=torch.float64)
    first = torch.zeros(len(times), dtype=torch.long)
    off = part.injection(times, first, first + 1, _OFF)
    trial.expect(
        off is None or not bool(off.any()),
        "non-idealities off",
        "a move leaves a current; expected none",
    )
    stayed = part.injection(times, first, first, trial.all_on)
    trial.expect(
        stayed is None or not bool(stayed.any()),
        "t = 0",
        "a switch that stays on its bank leaves a current; expected none",
    )
    left = part.injection(times, first, first + 1, trial.all_on)
    if left is None:
        return
    trial.expect(
        left.shape == (len(times), part.size.detectors),
        "dtype and shape",
        f"injection() is {tuple(left.shape)}; expected {(len(times), part.size.detectors)}",
    )
    sizes = left.abs()
    trial.expect(
        bool(torch.isfinite(sizes).all()) and bool((sizes.diff(dim=0) <= 0.0).all()),
        "monotone settling",
        "the current that a move leaves does not fall with time; expected it to",
    )
    trial.expect(
        float(sizes[-1].max()) == 0.0,
        "monotone settling",
        "the current that a move leaves is still there after an infinite time; expected 0",
    )


SWITCH_LAWS: tuple[Law[Any], ...] = (_power, _leak, _settling, _injection)
