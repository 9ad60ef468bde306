"""An LruNet on banks: an ideal machine computes the module, and ranges and levels are its own."""

from __future__ import annotations

from functools import cache, partial

import pytest
import torch
from torch import Tensor, nn

from pnnsim.errors import InputError
from pnnsim.inference.predict import outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.lrunet_module import LruBlock, LruModule
from pnnsim.networks.network_parameters import NetworkParameters
from pnnsim.networks.reference import run_reference
from pnnsim.networks.workload import Mvm
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec

NETWORK = LruNet(channels=2, side=8, classes=3, stem=8, repetitions=2)
COPIES = NETWORK.model_copy(update={"shared": False})


def trained_like(network: LruNet) -> LruModule:
    """Return a module in evaluation mode whose batch norms keep the signals at order 1."""
    module = LruModule(network, seed=1).double()
    generator = torch.Generator().manual_seed(2)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None  # the mean over all batches
    with torch.no_grad():
        module.train()(torch.rand(64, 2 * 64, dtype=torch.float64, generator=generator))
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight.uniform_(0.4, 0.8, generator=generator)
                part.bias.uniform_(-0.2, 0.2, generator=generator)
        assert module.classify.bias is not None
        module.classify.bias.fill_(2.0)  # so that the last ReLU lets numbers of either sign pass
    return module.eval()


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(count, 2 * 64, dtype=torch.float64, generator=generator)


@cache
def surrogate(name: str, banks: int, *changes: tuple[str, str]) -> WorkloadSurrogate:
    """Return the network on a machine, with ranges of some images."""
    spec = load_spec(name, [("weight_banks.count", str(banks)), *changes])
    found = Surrogate(trained_like(NETWORK).trained(), spec)
    assert isinstance(found, WorkloadSurrogate)
    found.calibrate(images(6))
    return found


def numbers_with(found: WorkloadSurrogate, x: Tensor, known: set[str]) -> Tensor:
    """Return what the nominal chip gives with some of its non-idealities alone."""
    chip = found.chip
    off = sorted(chip.non_idealities - known)
    accesses = time_run(chip, len(x)).accesses
    return outputs(chip, found.parameter_set(), x, accesses, without=off)


@pytest.mark.parametrize("network", [NETWORK, COPIES], ids=["shared", "copies"])
@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_pcm", "photonic_mzi", "spintronic_mtj"])
def test_an_ideal_machine_computes_the_network(name: str, network: LruNet) -> None:
    """Intensities with an offset, fields and voltages with their sign; banks are rewritten.

    Float64 throughout, hundreds of sums of numbers of order 1: 1e-10 is generous.
    """
    module = trained_like(network)
    spec = load_spec(name, [("weight_banks.count", "8")])
    found = Surrogate(module.trained(), spec, ideal=True)
    assert not found.chip.mapping.resident
    with torch.no_grad():
        expected = module(images(6))
        torch.testing.assert_close(found(images(6)), expected, rtol=0, atol=1e-10)
    assert float(expected.std()) > 0.1  # something is computed at all


@pytest.mark.parametrize("network", [NETWORK, COPIES], ids=["shared", "copies"])
def test_a_module_that_is_lowered_by_its_layers_gives_the_same(network: LruNet) -> None:
    """Its two filters of a depthwise convolution are matrices of their own there."""
    module = trained_like(network)
    lowered = from_torch(module, images(2))
    assert lowered.workload.macs == network.workload.macs
    found = run_reference(lowered.workload, lowered.initial_parameters(), images(4))
    torch.testing.assert_close(found, module(images(4)).detach(), rtol=0, atol=1e-10)


def test_the_network_of_a_module_has_its_type() -> None:
    module = trained_like(NETWORK)
    for dtype in (torch.float32, torch.float64):
        found = module.to(dtype).trained()
        assert {tensor.dtype for tensor in found.weights.values()} == {dtype}
        assert found.workload == NETWORK.workload
        NetworkParameters(NETWORK, found.weights).check()


def test_signed_maps_ride_on_an_offset_where_light_is_an_intensity() -> None:
    """Batch norm without ReLU stands ahead of each pointwise convolution only."""
    steps = [step for step in NETWORK.workload.steps if isinstance(step, Mvm)]
    names = [NETWORK.workload.matrices[step.matrix].name for step in steps]
    ranges = surrogate("photonic_pcm", 8).parameter_set().ranges
    for number, name in enumerate(names):
        offsets = ranges[f"range.offset.{number}"]
        assert bool((offsets < 0.0).any()) == (".pointwise." in name)
    signed = surrogate("photonic_mzi", 8).parameter_set().ranges
    assert not any(bool(signed[f"range.offset.{n}"].any()) for n in range(len(names)))


def test_quantizers_fade_with_their_bits() -> None:
    """Four bits more make steps 16 times finer; a factor of 4 is asked for."""
    module, x, errors = trained_like(NETWORK), images(6), []
    known = ("encoder.quantization", "readout.quantization")
    for bits in ("6", "10"):
        spec = load_spec("photonic_pcm", [("encoder.bits", bits), ("readout.bits", bits)])
        found = Surrogate(module.trained(), spec, non_idealities=known).eval()
        found.standardize(x)
        with torch.no_grad():
            errors.append(float((found(x) - module(x)).abs().mean()))
    assert 0.0 < errors[1] < errors[0] / 4


def test_a_chip_outputs_the_same_again_and_another_chip_otherwise() -> None:
    found, x = surrogate("photonic_pcm", 40), images(4)
    accesses = time_run(found.chip, len(x)).accesses
    first, again, other = (
        outputs(found.chip.fabricate(0, index), found.parameter_set(), x, accesses)
        for index in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert bool(torch.isfinite(other).all())


@pytest.mark.long
def test_images_of_any_form_are_read_and_others_refused_by_name() -> None:
    found, x = surrogate("photonic_mrr", 16), images(3)
    run = partial(simulate, found.spec, found, y=[0, 1, 2], chips=1)
    wanted = run(x=x).metrics["accuracy"]
    for form in (x.numpy(), x.reshape(3, 2, 8, 8), x.tolist()):
        assert run(x=form).metrics["accuracy"] == wanted
    with pytest.raises(InputError, match=r"x: has the shape \(3, 127\); expected \(batch, 128\)"):
        run(x=x[:, 1:])


BITS = 5


def stepped(module: LruModule, ranges: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return what the module gives where each convolution reads numbers of a few levels.

    Each channel has levels of its own. Filter f of a stage reads every second channel from f on.
    """
    stages = list(module.stages)
    uses = {module.stem: [0]}
    matrices = [step.matrix for step in NETWORK.workload.steps if isinstance(step, Mvm)]
    filters = {}
    for number, stage in enumerate(stages):
        assert isinstance(stage, LruBlock)
        count = NETWORK.repetitions
        first = 1 + 2 * count * number
        for place, convs in enumerate((stage.depthwise, stage.pointwise)):
            for index, conv in enumerate(convs):
                filters[conv] = slice(index, None, len(convs)) if place else slice(None)
                uses[conv] = [first + 2 * repetition + place for repetition in range(count)]
    uses[module.reduce] = [1 + 2 * NETWORK.repetitions * len(stages)]
    uses[module.classify] = [2 + 2 * NETWORK.repetitions * len(stages)]

    def levels(conv: nn.Module, given: tuple[Tensor]) -> Tensor:
        use = uses[conv].pop(0)
        mine = filters.get(conv, slice(None))
        offset, profile = (
            tensor[mine].reshape(-1, 1, 1)
            for tensor in (ranges[f"range.offset.{use}"], ranges[f"range.profile.{matrices[use]}"])
        )
        span = ranges[f"range.span.{use}"] * profile
        line = ((given[0] - offset) / span).clamp(0.0, 1.0)
        return offset + span * (line * (2**BITS - 1)).round() / (2**BITS - 1)

    hooks = [conv.register_forward_pre_hook(levels) for conv in uses]
    with torch.no_grad():
        found = module(x)
    for hook in hooks:
        hook.remove()
    assert not any(uses.values())
    return found


def test_patches_of_images_meet_the_converters_of_the_lines() -> None:
    module, x = trained_like(NETWORK), images(6)
    spec = [("weight_banks.count", "40"), ("encoder.bits", str(BITS))]
    found = Surrogate(module.trained(), load_spec("photonic_pcm", spec))
    assert isinstance(found, WorkloadSurrogate)
    # Ranges wider than these images need, so that no sum leaves the converter of the outputs.
    found.calibrate(2.0 * x)
    expected = stepped(module, dict(found.parameter_set().ranges), x)
    assert float((expected - numbers_with(found, x, set())).abs().max()) > 1e-3
    made = numbers_with(found, x, {"encoder.quantization"})
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-10)
