"""Accuracy against photons per multiply-accumulate, trained with and without the photons' noise.

The free-space machine gets a camera that counts photoelectrons, and ever weaker sources. Each
network is trained twice: on the mean counts, and on counts drawn from Poisson's distribution,
through which the gradient of the mean passes. Both are then measured on chips that count.

Photons are those that the camera detects, over the multiply-accumulates of the banks, as in Wang et
al., Nat. Commun. 13, 123, 2022: 90 % on MNIST at 0.66, 99 % at 3.1 detected photons each, with one
layer after the other on the same optics and digital activations.

    python -m training.photon_counting [--quick]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from pnnsim import Chip, Data, HardwareSpec, ReLaXNet, fit, load_experiment, load_spec, time_run
from pnnsim.devices.base import Active, Detector, Received
from pnnsim.devices.detectors.camera import Camera
from pnnsim.inference.predict import outputs
from pnnsim.inference.quality import share_correct
from pnnsim.learning import make_surrogate
from pnnsim.physics import photonic_detection
from training.common import Options, load, read_options
from training.figures import spread, write_table
from training.held_out import opened

MACHINE = "freespace_dmd"
#: A camera that tells each electron: as many steps as electrons.
CAMERA = {
    "kind": "camera",
    "wavelength": "633 nm",
    "quantum_efficiency": "60 %",
    "exposure": "1 us",
    "readout_time": "1 us",
    "full_well": "65535",
    "bits": "16",
    "dark_current": "1 aA",
    "read_noise": "0.3",
    "pixel_energy": "50 pJ",
    "static_power": "3 W",
}
#: Electrical power of one source, of which 2 % become light on a line.
POWERS = ("0.02 uW", "0.06 uW", "0.2 uW", "0.6 uW", "2 uW", "20 uW")
QUICK_POWERS = ("0.2 uW", "20 uW")
HEAD = ("source", "trained on", "photons a MAC", "accuracy %", "std")
CHIP_SEED = 100
CHIPS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """Accuracy at one level of light after one kind of training.

    Args:
        power: Electrical power of one source, with its unit.
        noisy: Whether training drew the counts.
        photons: Detected photons of one multiply-accumulate.
        shares: Accuracy of each seed, the mean over its chips.
    """

    power: str
    noisy: bool
    photons: float
    shares: tuple[float, ...]


class Meter(Detector[Any]):
    """Camera that adds up the electrons that light frees in it, and counts the products.

    Args:
        camera: The camera that detects.
    """

    deterministic = Camera.deterministic
    non_idealities = Camera.non_idealities

    def __init__(self, camera: Detector[Any]) -> None:
        super().__init__(camera.params, camera.size)
        self._camera = camera
        self.electrons = 0.0
        self.macs = 0

    def detect(
        self, received: Received, generator: torch.Generator | None, active: Active
    ) -> Tensor:
        """Return what the camera detects, after adding up its light."""
        p = self.params
        total = received.total.expand_as(received.signal)
        power = total * torch.as_tensor(received.unit_input, dtype=total.dtype)
        freed = photonic_detection.photoelectrons(
            power, p.quantum_efficiency, p.wavelength, p.exposure
        )
        self.electrons += float(freed.double().sum())
        self.macs += received.signal.numel() * self.size.lines
        return self._camera.detect(received, generator, active)

    def unit_current(self, unit_input: float | Tensor) -> float | Tensor:
        """Return that of the camera."""
        return self._camera.unit_current(unit_input)

    def delay_fs(self, action: str) -> int:
        """Return that of the camera."""
        return self._camera.delay_fs(action)

    def cost(self, action: str) -> float:
        """Return that of the camera."""
        return self._camera.cost(action)

    def static_power(self) -> float:
        """Return that of the camera."""
        return self._camera.static_power()


def machine(power: str) -> HardwareSpec:
    """Return the free-space machine with a counting camera and sources of some power."""
    tree = load_spec(MACHINE).to_tree()
    changed = {**tree, "name": "counting", "detector": CAMERA}
    return load_spec(changed, [("encoder.electrical_power", power)])


def measure(chip: Chip, parameters: Any, data: Data) -> tuple[float, float]:
    """Return the accuracy of one chip, and its detected photons for each multiply-accumulate.

    Args:
        chip: Fabricated chip.
        parameters: Trained numbers.
        data: Data set, of which the test part is used.
    """
    meter = Meter(chip.detector)
    metered = replace(chip, components={**chip.components, "detector": meter})
    test = opened(data).test
    accesses = time_run(chip, len(test)).accesses
    found = outputs(metered, parameters, test.x, accesses)
    return share_correct(found, test.y), meter.electrons / meter.macs


def study(power: str, data: Data, options: Options, *, noisy: bool) -> Row:
    """Train for one level of light, and measure on chips.

    Args:
        power: Electrical power of one source.
        data: Data set.
        options: Options of the command line.
        noisy: Whether training draws the counts.
    """
    network = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=2)
    spec = machine(power)
    base = load_experiment(MACHINE).training.model_copy(
        update={"epochs": 2 if options.quick else 30}
    )
    shares, photons = [], []
    for seed in range(options.seeds):
        rule = {
            "rule": "hardware_aware" if noisy else "backprop",
            "non_idealities": ("detector.shot_noise",),
            "seed": seed,
        }
        surrogate = make_surrogate(network, spec, base.model_copy(update=rule))
        fit(surrogate, data.train, data.validation, base.model_copy(update=rule))
        chips = [surrogate.chip.fabricate(CHIP_SEED + seed, index) for index in range(CHIPS)]
        each = [measure(chip, surrogate.parameter_set(), data) for chip in chips]
        shares.append(mean(share for share, _ in each))
        photons.append(mean(photon for _, photon in each))
    return Row(power, noisy, mean(photons), tuple(shares))


def cells(rows: Sequence[Row]) -> list[tuple[str, str, str, str, str]]:
    """Return the cells of the table, a line for each row."""
    found = []
    for row in rows:
        share, off = spread([100 * share for share in row.shares])
        how = "drawn counts" if row.noisy else "mean counts"
        found.append((row.power, how, f"{row.photons:.3g}", f"{share:.1f}", f"{off:.1f}"))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Study every level of light, and print the table."""
    options = read_options("photon_counting", __doc__, 3, arguments)
    data = load(options, "digits")
    rows: list[Row] = []
    table = ""
    for power in QUICK_POWERS if options.quick else POWERS:
        for noisy in (False, True):
            rows.append(study(power, data, options, noisy=noisy))
            # Written after each row: what is done is kept if a later one is interrupted.
            table = write_table(options.out, "photon-counting", HEAD, cells(rows))
    print(table)


if __name__ == "__main__":
    main()
