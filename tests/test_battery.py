"""The battery of `pnnsim.testing` names the law that a component breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from pnnsim.components.base import Component, Held, Received
from pnnsim.params.base import Params
from pnnsim.registry import component_class
from pnnsim.rng import normal
from pnnsim.spec import load_spec
from pnnsim.testing import LawError, check_component, laws, small_size
from pnnsim.testing.trial import Trial

SPEC = load_spec("photonic_mrr")


def original(part: str) -> type[Component[Any]]:
    return component_class(part, getattr(SPEC, part).kind)


def problems(part: str, **replaced: Any) -> list[str]:
    """Return what the battery says of a component of which something was replaced."""
    params: Params = getattr(SPEC, part)
    broken = type("Broken", (original(part),), replaced)
    trial = Trial(part, params.kind, broken(params, small_size()))
    try:
        trial.ask(laws(part))
    except LawError as error:
        return str(error).splitlines()
    return []


def constant(value: Any) -> Any:
    return lambda *arguments, **named: value


def transposed(self: Any, target: torch.Tensor, *rest: Any) -> Held:
    return Held(target.clamp(-1.0, 1.0).T)


def detached(self: Any, value: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    return value.detach().clamp(0.0, 1.0)


def wrong_slope(self: Any, value: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    inside = value.clamp(0.0, 1.0)
    return inside.detach() + 0.5 * (inside - inside.detach())


def mixed(self: Any, state: torch.Tensor, *, converted: bool, active: Any) -> torch.Tensor:
    """Let every wave see the mean of all."""
    line = state.clamp(0.0, 1.0)
    return line if not active or not len(line) else 0.5 * (line + line.mean(dim=0))


def biased(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
    if generator is None or not active:
        return received.signal
    noise = normal(tuple(received.signal.shape), generator).to(received.signal)
    return received.signal + 0.01 * noise + 0.01


def forgetful(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
    """Draw noise from a stream of its own."""
    noise = torch.randn(received.signal.shape).to(received.signal)
    return received.signal if generator is None or not active else received.signal + noise


def global_draw(self: Any, generator: torch.Generator) -> dict[str, torch.Tensor]:
    return {"resonance": torch.randn(7, 6)}


def jumping(self: Any, before: Any, elapsed: float, generator: torch.Generator) -> dict[str, Any]:
    return {"temperature": normal((7, 6), generator)}


def rising(self: Any, dwell: torch.Tensor, active: Any) -> torch.Tensor:
    return (1.0 - torch.exp(-dwell)) if active else torch.zeros_like(dwell)


def late(self: Any, dwell: torch.Tensor, active: Any) -> torch.Tensor:
    """Have settled a little before the move."""
    return 0.9 * torch.exp(-dwell / 1e-9) if active else torch.zeros_like(dwell)


def single(self: Any, state: torch.Tensor, held: torch.Tensor, active: Any) -> torch.Tensor:
    return state.double()


BROKEN = {
    "a float delay": ("memory", {"delay_fs": constant(1e5)}, "delays: hold takes 100000.0"),
    "a negative delay": ("memory", {"delay_fs": constant(-1)}, "delays: hold takes -1"),
    "an action nobody knows": ("memory", {"cost": constant(0.0)}, "unknown action costs 0.0 J"),
    "a gain of energy": ("detector", {"cost": constant(-1e-15)}, "energy: the price of detect"),
    "static power": ("switch", {"static_power": constant(float("nan"))}, "static power is nan"),
    "a repeated name": ("memory", {"imperfections": ("droop", "droop")}, "imperfections repeat"),
    "an unknown deterministic": ("memory", {"deterministic": ("wear",)}, "are not all among"),
    "a global draw": ("weight_banks", {"fabricate": global_draw}, "from a global generator"),
    "a transpose": ("weight_banks", {"program": transposed}, "imperfections off: program() of"),
    "a bank that settles late": ("weight_banks", {"residue": late}, "t = 0: residue() is 0.9"),
    "a bank that unsettles": ("weight_banks", {"residue": rising}, "residue() rises at times"),
    "light from nothing": ("weight_banks", {"transmission": 1.5}, "transmission is 1.5"),
    "a jumping environment": (
        "weight_banks",
        {"environment": jumping},
        "t = 0: environment() changes",
    ),
    "a leak with everything off": ("switch", {"leakage": constant(0.1)}, "the leak is 0.1"),
    "a gain without emission": ("switch", {"transmission": 2.0}, "transmission is 2.0"),
    "waves that mix": ("encoder", {"encode": mixed}, "causality: encode() of a wave alone"),
    "a lost gradient": ("nonlinearity", {"activate": detached}, "gradient: activate() passes no"),
    "a wrong gradient": ("nonlinearity", {"activate": wrong_slope}, "by autograd and"),
    "a range too small": ("nonlinearity", {"range": (0.0, 0.5)}, "range: f lies in"),
    "noise with a mean": ("detector", {"detect": biased}, "noise has no mean"),
    "noise of its own": ("detector", {"detect": forgetful}, "determinism per stream: the noise"),
    "another precision": ("memory", {"hold": single}, "dtype and shape: hold()"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_component_is_told_which_law_it_breaks(name: str) -> None:
    part, replaced, expected = BROKEN[name]
    found = problems(part, **replaced)
    assert any(expected in line for line in found), found
    assert all(line.startswith(f"{part}.{getattr(SPEC, part).kind}: ") for line in found)


def test_the_originals_break_none() -> None:
    for part in ("encoder", "switch", "weight_banks", "detector", "nonlinearity", "memory"):
        assert problems(part) == []


def test_a_description_of_another_kind_is_refused() -> None:
    what = "switch.electro_optic: params is SampleHoldParams; expected ElectroOpticSwitchParams"
    with pytest.raises(TypeError, match=what):
        check_component("switch", "electro_optic", SPEC.memory)


def test_the_size_can_be_chosen() -> None:
    check_component("memory", "sample_hold", SPEC.memory, size=replace(small_size(), hidden=1))


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown part 'swich'"):
        laws("swich")
