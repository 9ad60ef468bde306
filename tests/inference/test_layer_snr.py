"""Signal over noise of each matrix, behind the detector."""

from __future__ import annotations

import math

import torch

import pnnsim
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import calibrated
from pnnsim.inference.signal_to_noise import signal_to_noise
from pnnsim.specs.hardware import load_spec


def machine(*settings: tuple[str, str]) -> pnnsim.HardwareSpec:
    return load_spec("photonic_mrr", settings)


def of_mlp(spec: pnnsim.HardwareSpec) -> dict[str, float | None]:
    network = pnnsim.Mlp(sizes=(12, 9, 4), activation="relu")
    chip = Chip.nominal(spec, network)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(16, 12, generator=generator)
    parameters = pnnsim.Surrogate(network, spec).parameter_set()
    return signal_to_noise(chip, calibrated(chip, parameters, x), x)


def test_light_raises_the_ratio_of_every_layer_until_the_laser_limits_it() -> None:
    steps = ["1 uW", "10 uW", "100 uW", "1 mW"]
    found = [of_mlp(machine(("encoder.laser_power", power))) for power in steps]
    for name in found[0]:
        values = [ratios[name] for ratios in found]
        assert all(value is not None for value in values)
        numbers = [float(value or 0.0) for value in values]
        assert numbers == sorted(numbers)
        # Amplifiers limit weak light: ten times the light is 20 dB, of light alone 10 dB.
        assert 10.0 < numbers[1] - numbers[0] <= 20.5


def test_steps_of_a_relaxnet_have_ratios_too() -> None:
    spec = machine()
    network = pnnsim.ReLaXNet(inputs=12, hidden=12, outputs=4, weight_sets=2, steps=4)
    chip = Chip.nominal(spec, network)
    x = torch.rand(16, 12, generator=torch.Generator().manual_seed(1))
    found = signal_to_noise(chip, pnnsim.Surrogate(network, spec).parameter_set(), x)
    assert list(found) == [matrix.name for matrix in network.workload.matrices]
    assert all(value is not None and 0.0 < value < 80.0 for value in found.values())


def test_a_run_says_it_for_each_layer() -> None:
    network = pnnsim.Mlp(sizes=(12, 9, 4), activation="relu")
    spec = machine()
    x = torch.rand(6, 12, generator=torch.Generator().manual_seed(0))
    result = pnnsim.simulate(spec, pnnsim.Surrogate(network, spec), x, [0, 1, 2, 3, 0, 1], chips=1)
    layers = {layer["name"]: layer["snr_db"] for layer in result.metrics["layers"]}
    assert layers.pop(None) is None
    assert list(layers) == [matrix.name for matrix in network.workload.matrices]
    assert all(math.isfinite(value) for value in layers.values())
