"""A state meets the converters of the lines as often as the machine converts it, and no more."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.lrunet import Loaded, LruModule, LruNet, Machine, digital_loop, passes
from pnnsim.lrunet import ideal_outputs as ideal_images
from pnnsim.lrunet import outputs as image_outputs
from pnnsim.lrunet.program import Application
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.test_agreement import random_inputs, random_parameters

ONLY = frozenset({"encoder.quantization"})
#: Doubles through a few dozen products; the largest number is of order 10.
TOLERANCE = 1e-10


@pytest.mark.parametrize(
    ("machine", "stateful", "converted"),
    [
        ("photonic_mrr", True, False),  # handed over once, to the first sample of a stream: 0
        ("photonic_mrr", False, True),
        ("freespace_dmd", True, True),  # a digital memory: every state is converted
    ],
)
def test_an_analog_state_that_is_kept_is_not_converted_again(
    machine: str, stateful: bool, converted: bool
) -> None:
    injection = "every" if stateful else "first"
    network = ReLaXNet(
        inputs=6,
        hidden=8,
        outputs=3,
        weight_sets=2,
        steps=3,
        injection=injection,
        stateful=stateful,
    )
    chip = Chip.nominal(load_spec(machine, [("encoder.bits", "4")]), network)
    p, x = random_parameters(network), random_inputs(network, 5)
    exact = ideal_outputs(chip, p, x)
    others = sorted(chip.non_idealities - ONLY)
    stepped = outputs(chip, p, x, time_run(chip, 5).accesses, without=others)
    off = float((stepped - exact).abs().max())
    assert off > 1e-5 if converted else off < TOLERANCE


NETWORK = LruNet(channels=2, side=8, classes=3, stem=8, repetitions=2)
BITS = 5


class Stepped(passes.Pass):
    """An LruNet in exact arithmetic whose patches go through converters."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded.machine.program, loaded.folded)
        self.ranges = loaded.ranges

    def convolve(self, application: Application, first: int, x: Tensor) -> Tensor:
        conv, scaling = application.conv, self.ranges[first]
        steps = 2**BITS - 1
        line = ((passes.patches(application, x) - scaling.offset) / scaling.span).clamp(0.0, 1.0)
        line = (line * steps).round() / steps
        values = (scaling.offset + scaling.span * line).reshape(len(line), conv.groups, -1)
        weight = self.folded[conv.name].weight.to(x)
        weight = weight.reshape(conv.groups, conv.outputs // conv.groups, -1)
        y = torch.einsum("ngi,goi->ngo", values, weight).reshape(len(x), -1, conv.outputs)
        return y.transpose(1, 2).reshape(len(x), conv.outputs, conv.side, conv.side)


def test_patches_of_images_meet_the_converters_of_the_lines() -> None:
    spec = digital_loop(load_spec("photonic_pcm"), NETWORK, banks=40)
    spec = load_spec(spec.to_tree(), [("encoder.bits", str(BITS))])
    module = LruModule(NETWORK, seed=1).double()
    draw = partial(torch.rand, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = None
        module.train()(draw(64, 128))
    x = draw(6, 128)
    # Ranges wider than these images need, so that no sum leaves the converter of the outputs.
    loaded = Loaded(Machine.of(spec, NETWORK), module.eval(), 2.0 * x, dtype=torch.float64)
    chip = loaded.machine.chip
    found = image_outputs(loaded, chip, x, without=chip.non_idealities - ONLY, noise=False)
    expected = Stepped(loaded).run(x)
    exact = ideal_images(loaded, x)
    assert float((expected - exact).abs().max()) > 1e-3
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)
