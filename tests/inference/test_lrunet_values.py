"""Tiles give the convolution they were cut from, and an ideal machine the network it runs.

Convolutions are computed here by loops over pixels, in NumPy, without unfolding.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pnnsim.errors import InputError, ParameterError
from pnnsim.lrunet import (
    Loaded,
    LruModule,
    LruNet,
    Machine,
    accuracy,
    digital_loop,
    ideal_outputs,
    outputs,
    passes,
)
from pnnsim.lrunet.program import Application
from pnnsim.lrunet.tiling import tile_weights, tiles
from pnnsim.networks.lrunet import Convolution
from pnnsim.specs.hardware import load_spec

NETWORK = LruNet(channels=2, side=8, classes=3, stem=8, repetitions=2)

#: Convolution, tiles on banks of 64 x 64 by hand.
CONVOLUTIONS = [
    (Convolution("stem", 3, 64, 3, 2, 1, 4, 1), 1),  # 27 lines
    (Convolution("stage1.depthwise", 16, 32, 3, 1, 16, 4, 1), 3),  # 7 channels of 9 taps a tile
    (Convolution("stage1.pointwise", 128, 64, 1, 1, 8, 4, 1), 2),  # 4 groups of 16 lines
    (Convolution("stage3.pointwise", 512, 256, 1, 1, 8, 4, 1), 8),  # a group fills 64 lines
    (Convolution("stage4.pointwise", 1024, 512, 1, 1, 8, 4, 1), 16),  # two tiles a group
    (Convolution("head.classify", 256, 70, 1, 1, 1, 2, 1, bias=True), 8),  # 4 by 2
]


def convolved(
    x: NDArray[np.float64], weight: NDArray[np.float64], conv: Convolution
) -> NDArray[np.float64]:
    """Return the convolution of one image, pixel by pixel."""
    pad = conv.kernel // 2
    ins, outs = conv.inputs // conv.groups, conv.outputs // conv.groups
    side = conv.side * conv.stride
    y = np.zeros((conv.outputs, conv.side, conv.side))
    for row in range(conv.side):
        for col in range(conv.side):
            for i in range(conv.kernel):
                for j in range(conv.kernel):
                    r, c = row * conv.stride + i - pad, col * conv.stride + j - pad
                    if 0 <= r < side and 0 <= c < side:
                        pixel = x[:, r, c].reshape(conv.groups, ins)
                        kernel = weight[:, :, i, j].reshape(conv.groups, outs, ins)
                        y[:, row, col] += np.einsum("goi,gi->go", kernel, pixel).ravel()
    return y


@pytest.mark.parametrize(("conv", "count"), CONVOLUTIONS, ids=lambda value: str(value)[:40])
def test_tiles_together_are_the_convolution(conv: Convolution, count: int) -> None:
    generator = np.random.default_rng(0)
    weight = generator.standard_normal(
        (conv.outputs, conv.inputs // conv.groups, conv.kernel, conv.kernel)
    )
    x = generator.standard_normal((conv.inputs, conv.side * conv.stride, conv.side * conv.stride))
    patches = patches_of(conv, x)
    total = np.zeros((conv.patches, conv.outputs))
    found = tiles(conv, 64, 64)
    assert len(found) == count
    cells = 0
    for tile in found:
        values = tile_weights(tile, conv, weight)
        assert values.shape[0] <= 64
        assert values.shape[1] <= 64
        assert np.count_nonzero(values) == tile.connected.sum()
        cells += int(tile.connected.sum())
        total[:, tile.outputs] += patches[:, tile.inputs] @ values.T
    assert cells == conv.weights  # each weight lies in one cell of one tile
    # Float64 sums in another order.
    np.testing.assert_allclose(
        total.T.reshape(conv.outputs, conv.side, conv.side),
        convolved(x, weight, conv),
        atol=1e-11,
        rtol=0,
    )


def patches_of(conv: Convolution, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return patches as the machine encodes them, through its own function."""
    application = Application(conv, 0, range(0), 0, 0)
    return passes.patches(application, torch.from_numpy(x)[None]).numpy()


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
    return torch.rand(
        count, 2 * 64, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
    )


@cache
def loaded(name: str, banks: int, shared: bool = True, bits: int | None = None) -> Loaded:
    spec = digital_loop(load_spec(name), NETWORK, banks=banks)
    if bits is not None:
        parts = ("encoder.bits", "nonlinearity.bits")
        spec = load_spec(spec.to_tree(), [(part, str(bits)) for part in parts])
    machine = Machine.of(spec, NETWORK, shared=shared)
    return Loaded(machine, trained_like(NETWORK), images(6), dtype=torch.float64)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_pcm", "photonic_mzi", "spintronic_mtj"])
def test_an_ideal_machine_computes_the_network(name: str, shared: bool) -> None:
    """Intensities with an offset, fields and voltages with their sign; banks are rewritten.

    Float64 throughout, hundreds of sums of numbers of order 1: 1e-10 is generous.
    """
    it = loaded(name, 8, shared)
    assert it.signed == (name in ("photonic_mzi", "spintronic_mtj"))
    assert it.machine.writes > 0
    with torch.no_grad():
        expected = trained_like(NETWORK)(images(6))
    torch.testing.assert_close(ideal_outputs(it, images(6)), expected, rtol=0, atol=1e-10)
    assert float(expected.std()) > 0.1  # something is computed at all


def test_signed_maps_ride_on_an_offset_where_light_is_an_intensity() -> None:
    """Batch norm without ReLU stands ahead of each pointwise convolution only."""
    it = loaded("photonic_pcm", 8)
    first = 0
    for application in it.machine.program.applications:
        offset = it.ranges[first].offset
        assert (offset < 0.0) == application.conv.name.endswith(".pointwise")
        first += len(application.tiles)
    assert all(r.offset == 0.0 for r in loaded("photonic_mzi", 8).ranges.values())


def test_training_images_just_fill_lines_and_converter() -> None:
    """One unit beyond the largest sum would be clipped."""
    it = loaded("photonic_pcm", 8)
    x = images(6)
    exact = ideal_outputs(it, x)
    beyond = ideal_outputs(it, 3.0 * x)
    module = trained_like(NETWORK)
    with torch.no_grad():
        torch.testing.assert_close(exact, module(x), rtol=0, atol=1e-10)
        assert float((beyond - module(3.0 * x)).abs().max()) > 1e-3


def test_quantizers_fade_with_their_bits() -> None:
    """Four bits more make steps 16 times finer; a factor of 4 is asked for."""
    x = images(6)
    errors = []
    for bits in (6, 10):
        it = loaded("photonic_pcm", 40, True, bits)
        known = {"encoder.quantization", "nonlinearity.quantization"}
        chip = it.machine.chip
        answers = outputs(it, chip, x, without=chip.non_idealities - known, noise=False)
        errors.append(float((answers - ideal_outputs(it, x)).abs().mean()))
    assert 0.0 < errors[1] < errors[0] / 4


def test_a_chip_outputs_the_same_again_and_another_chip_otherwise() -> None:
    it = loaded("photonic_pcm", 40)
    x = images(4)
    chips = [it.machine.chip.fabricate(0, index) for index in (0, 0, 1)]
    first, again, other = (outputs(it, chip, x) for chip in chips)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert bool(torch.isfinite(other).all())


def test_measuring_the_batch_norms_changes_nothing_where_nothing_is_wrong() -> None:
    it = loaded("photonic_pcm", 8)
    chip, x = it.machine.chip, images(6)
    same = outputs(it, chip, x, without=chip.non_idealities, noise=False, recalibrated=True)
    # Means and spreads are of order 1 and computed twice, in sums of another order.
    torch.testing.assert_close(same, ideal_outputs(it, x), rtol=0, atol=1e-9)


def test_measuring_the_batch_norms_removes_errors_of_whole_channels() -> None:
    """Resonances that are off shift what rings make of the constant that signals ride on."""
    it = loaded("photonic_mrr", 40)
    chip, x = it.machine.chip.fabricate(0, 0), images(6)
    off = chip.non_idealities - {"weight_banks.resonance_error"}
    plain, measured = (
        outputs(it, chip, x, without=off, recalibrated=flag) for flag in (False, True)
    )
    exact = ideal_outputs(it, x)
    assert float((measured - exact).abs().mean()) < 0.5 * float((plain - exact).abs().mean())


def test_accuracy_is_that_of_the_nominal_and_of_fabricated_chips() -> None:
    it = loaded("photonic_pcm", 40)
    x = images(6)
    y = ideal_outputs(it, x).argmax(dim=1)
    found = accuracy(it, x, y, chips=2)
    assert 0.0 <= min(found["chips"]) <= found["hardware_mean"] <= max(found["chips"]) <= 1.0
    assert len(found["chips"]) == 2
    assert found["surrogate"] >= 0.5  # 8 bits turn over at most a few close calls


def test_images_of_any_form_are_read_and_others_refused_by_name() -> None:
    net, x = loaded("photonic_mrr", 16), images(3)
    wanted = outputs(net, net.machine.chip, x)
    for form in (x.numpy(), x.reshape(3, 2, 8, 8), x.tolist()):
        assert torch.equal(outputs(net, net.machine.chip, form), wanted)
    with pytest.raises(InputError, match=r"x: has the shape \(3, 127\); expected \(batch, 128\)"):
        outputs(net, net.machine.chip, x[:, 1:])
    with pytest.raises(InputError, match="x: 3 of 384 values are not finite"):
        accuracy(net, torch.where(x == x[:, :1], math.nan, x), [0, 1, 2])
    with pytest.raises(InputError, match="y: 1 of 3 classes are out of range"):
        accuracy(net, x, [0, 1, 3])


def test_a_module_of_another_network_is_refused() -> None:
    machine = loaded("photonic_pcm", 8).machine
    other = LruModule(NETWORK.model_copy(update={"repetitions": 3}))
    with pytest.raises(ParameterError, match="the machine was made for"):
        Loaded(machine, other, images(1))
