"""The battery of `pnnsim.testing` names the law that a component breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.common.rng import normal
from pnnsim.devices import registry
from pnnsim.devices.base import Component, Memory, ProgrammedWeights, Received
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import component_class
from pnnsim.specs.hardware import load_spec
from pnnsim.testing import LawError, check_component, laws, small_size
from pnnsim.testing.trial import Trial

SPEC = load_spec("photonic_mrr")


def original(part: str) -> type[Component[Any]]:
    return component_class(part, getattr(SPEC, part).kind)


def problems(part: str, **replaced: Any) -> list[str]:
    """Return the laws that the battery finds broken by a component with replaced attributes."""
    params: Params = getattr(SPEC, part)
    broken = type("Broken", (original(part),), replaced)
    trial = Trial(part, params.kind, broken(params, small_size()))
    try:
        trial.run(laws(part))
    except LawError as error:
        return str(error).splitlines()
    return []


def constant(value: Any) -> Any:
    return lambda *arguments, **named: value


def transposed(self: Any, target: torch.Tensor, *rest: Any) -> ProgrammedWeights:
    return ProgrammedWeights(target.clamp(-1.0, 1.0).T)


def detached(self: Any, value: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    return value.detach().clamp(0.0, 1.0)


def wrong_slope(self: Any, value: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    inside = value.clamp(0.0, 1.0)
    return inside.detach() + 0.5 * (inside - inside.detach())


def mixed(self: Any, state: torch.Tensor, *, converted: bool, active: Any) -> torch.Tensor:
    """Let every sample see the mean of all."""
    line = state.clamp(0.0, 1.0)
    return line if not active or not len(line) else 0.5 * (line + line.mean(dim=0))


def biased(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
    if generator is None or not active:
        return received.signal
    noise = normal(tuple(received.signal.shape), generator).to(received.signal)
    return received.signal + 0.01 * noise + 0.01


def counted(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
    """Draw numbers that have no derivative, and pass none on."""
    if generator is None or not active:
        return received.signal
    noise = normal(tuple(received.signal.shape), generator).to(received.signal)
    return received.signal.detach() + 0.01 * noise


def halved(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
    """Draw numbers with half the gradient of their mean."""
    if generator is None or not active:
        return received.signal
    noise = normal(tuple(received.signal.shape), generator).to(received.signal)
    return (received.signal + received.signal.detach()) / 2.0 + 0.01 * noise


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
    "a gain of energy": ("detector", {"cost": constant(-1e-15)}, "prices: the price of detect"),
    "static power": ("switch", {"static_power": constant(float("nan"))}, "static power is nan"),
    "a repeated name": ("memory", {"non_idealities": ("droop", "droop")}, "non-idealities repeat"),
    "an unknown deterministic": ("memory", {"deterministic": ("wear",)}, "are not all among"),
    "a global draw": ("weight_banks", {"fabricate": global_draw}, "from a global generator"),
    "a transpose": ("weight_banks", {"program": transposed}, "non-idealities off: program() of"),
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
    "samples that mix": ("encoder", {"encode": mixed}, "causality: encode() of a sample alone"),
    "a lost gradient": ("nonlinearity", {"activate": detached}, "gradient: activate() passes no"),
    "a wrong gradient": ("nonlinearity", {"activate": wrong_slope}, "by autograd and"),
    "a range too small": ("nonlinearity", {"range": (0.0, 0.5)}, "range: f lies in"),
    "noise with a mean": ("detector", {"detect": biased}, "noise has no mean"),
    "noise without a gradient": ("detector", {"detect": counted}, "no gradient while it draws"),
    "noise with half a gradient": ("detector", {"detect": halved}, "the gradient through noise"),
    "noise of its own": ("detector", {"detect": forgetful}, "determinism per stream: the noise"),
    "another precision": ("memory", {"hold": single}, "dtype and shape: hold()"),
}  # fmt: skip


class Flawed:
    """Methods that are right but for one flaw each."""

    @staticmethod
    def noisy(noise: Any) -> Any:
        """Return an activation, clipped to [0, 1], with a noise of its own."""

        def activate(self: Any, value: torch.Tensor, previous: Any, generator: Any, active: Any):
            curve = 0.25 + 0.5 * value.clamp(0.0, 1.0)
            return curve if generator is None or not active else curve + noise(curve, generator)

        return {"activate": activate, "non_idealities": ("noise",), "deterministic": (),
                "range": (0.25, 0.75), "slope": 0.5}  # fmt: skip

    @staticmethod
    def detected(noise: Any) -> Any:
        """Return a detector with a noise of its own."""

        def detect(self: Any, received: Received, generator: Any, active: Any) -> torch.Tensor:
            if generator is None or not active:
                return received.signal
            return received.signal + noise(received, generator)

        return {"detect": detect, "non_idealities": ("noise",), "deterministic": ()}


def white(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return normal(tuple(like.shape), generator).to(like)


def own_stream(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return 0.01 * white(like, torch.Generator().manual_seed(3))


def dragging(met: Received, generator: torch.Generator) -> torch.Tensor:
    """Let half of each sample's noise stay for the next one."""
    fresh = white(met.signal, generator)
    return fresh + 0.5 * fresh.roll(1, dims=0) if len(fresh) > 1 else fresh


def from_numpy(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    np.random.random()  # noqa: NPY002 - the flaw
    return 0.01 * white(like, generator)


def forgets(action: str, value: Any) -> Any:
    def answer(self: Any, asked: str) -> Any:
        if asked == action or asked not in ("propagate", "mvm", "write", "hold"):
            raise KeyError(asked)
        return value

    return answer


def root(self: Any, value: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    return value.clamp(0.0, 1.0).sqrt() * 0.5 + 0.25 * value.clamp(0.0, 1.0)


def kinked(self: Any, target: torch.Tensor, *rest: Any) -> ProgrammedWeights:
    inside = target.clamp(-1.0, 1.0)
    return ProgrammedWeights(inside.sign() * inside.abs().sqrt() ** 2)


def doubled_error(self: Any, held: torch.Tensor, generator: Any, active: Any) -> Any:
    return normal(tuple(held.shape), generator) * 0.01 if active else None


def single_variance(self: Any, held: torch.Tensor, age: float, active: Any) -> Any:
    return held.float() ** 2 if active else None


def double_map(self: Any, x: torch.Tensor, weight: torch.Tensor, bias: Any) -> torch.Tensor:
    mapped = x.double() @ weight.double().T
    return mapped if bias is None else mapped + bias.double()


#: Part, what is replaced, then view, law, and method or action that the sentence must name.
PLANTED: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "noise with a mean of 5 deviations": (
        "nonlinearity", Flawed.noisy(lambda c, g: 1e-3 * (white(c, g) + 5.0)),
        "values", "noise has no mean", "activate()"),
    "noise with a mean of 0.2 deviations": (
        "nonlinearity", Flawed.noisy(lambda c, g: 1e-3 * (white(c, g) + 0.2)),
        "values", "noise has no mean", "activate()"),
    "a constant added as noise": (
        "nonlinearity", Flawed.noisy(lambda c, g: 0.01), "values", "noise has no mean",
        "activate()"),
    "noise that ignores its stream": (
        "nonlinearity", Flawed.noisy(own_stream), "values", "determinism per stream",
        "activate() draws the same noise from another stream"),
    "noise of NumPy's global generator": (
        "nonlinearity", Flawed.noisy(from_numpy), "values", "determinism per stream",
        "draws from a global generator"),
    "noise in another precision": (
        "nonlinearity", Flawed.noisy(lambda c, g: 0.01 * normal(tuple(c.shape), g).double()),
        "values", "dtype and shape", "activate() with noise of torch.float32"),
    "a slope without end": (
        "nonlinearity", {"activate": root, "range": (0.0, 0.75), "slope": 1.0}, "values",
        "gradient", "activate()"),
    "noise in common to all samples": (
        "detector", Flawed.detected(lambda m, g: white(m.signal[:1], g)), "values",
        "noise has no mean", "detect()"),
    "noise that stays for the next sample": (
        "detector", Flawed.detected(dragging), "values", "causality", "detect()"),
    "noise that grows with the light": (
        "detector", Flawed.detected(lambda m, g: 1e5 * m.unit_input * white(m.signal, g)),
        "values", "noise scales", "detect()"),
    "a band of noise that is off": (
        "detector", {"intensity_band": constant(1e9)}, "values", "non-idealities off",
        "intensity_band()"),
    "a band below zero": (
        "detector", {"intensity_band": lambda self, active: -1e9 * bool(active)}, "values",
        "range", "intensity_band()"),
    "banks that are paid for once": (
        "weight_banks", {"static_power": constant(1e-3)}, "cost", "static power",
        "static_power()"),
    "an area of one bank": ("weight_banks", {"area": constant(1e-6)}, "cost", "area", "area()"),
    "switches that are paid for once": (
        "switch", {"static_power": constant(1e-3)}, "cost", "static power", "static_power()"),
    "an action without a delay": (
        "weight_banks", {"delay_fs": forgets("mvm", 5)}, "timing", "delays",
        "delay_fs() has no value for the action mvm"),
    "an action without a price": (
        "weight_banks", {"cost": forgets("write", 0.0)}, "cost", "prices",
        "cost() has no value for the action write"),
    "no action at all": (
        "memory", {"delay_fs": forgets("hold", 5)}, "timing", "delays",
        "delay_fs() has no value for the action hold"),
    "a price that falls with width": (
        "memory", {"cost": lambda self, action: {"hold": 1e-12 / self.size.hidden}[action]},
        "cost", "prices", "hold costs"),
    "a write error in another precision": (
        "weight_banks", {"write_error": doubled_error}, "values", "dtype and shape",
        "write_error() of float32"),
    "a variance in another precision": (
        "weight_banks", {"read_variance": single_variance}, "values", "finite numbers",
        "read_variance()"),
    "no gradient at weight 0": (
        "weight_banks", {"program": kinked}, "values", "gradient", "program() of weights of 0"),
    "a map in another precision": (
        "front_end", {"map_input": double_map}, "values", "dtype and shape", "map_input()"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_with_its_kind_its_view_and_its_action(name: str) -> None:
    part, replaced, view, law, action = PLANTED[name]
    found = problems(part, **replaced)
    head = f"{part}.{getattr(SPEC, part).kind}: {view}: {law}: "
    assert any(line.startswith(head) and action in line for line in found), found


def test_the_right_noise_around_planted_faults_breaks_no_law_of_noise() -> None:
    """What the faults are planted in is sound, so that each is found for its flaw."""
    sound = {
        "nonlinearity": Flawed.noisy(lambda c, g: 0.01 * white(c, g)),
        "detector": Flawed.detected(lambda m, g: 0.03 * white(m.signal, g)),
    }
    for part, replaced in sound.items():
        assert problems(part, **replaced) == []


def test_a_class_that_lacks_methods_is_refused_with_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Half(Memory[Any]):
        kind = "half"
        Params = type(SPEC.memory)

    monkeypatch.setattr(registry, "_registered", {("memory", "half"): Half})
    with pytest.raises(
        LawError, match=r"memory\.half: declaration: .* lacks capacity, cost, delay"
    ):
        check_component("memory", "half", SPEC.memory)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_component_is_told_which_law_it_breaks(name: str) -> None:
    part, replaced, expected = BROKEN[name]
    found = problems(part, **replaced)
    assert any(expected in line for line in found), found
    assert all(line.startswith(f"{part}.{getattr(SPEC, part).kind}: ") for line in found)


def test_the_originals_break_none() -> None:
    for part in (
        "front_end",
        "readout",
        "encoder",
        "switch",
        "weight_banks",
        "detector",
        "nonlinearity",
        "memory",
    ):
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
