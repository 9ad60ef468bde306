"""Ratio of signal to noise behind the detector, for each matrix of a network.

The lines of a run without noise pass each bank once more with noise, so that what one product adds
is measured by itself: light, laser, weights from read to read, and detector. Spread of fabrication,
errors of writing and converters are not noise of this kind, and not in it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.bank_models import NominalBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.evaluator import StepEvaluator
from pnnsim.inference.inputs import as_values
from pnnsim.inference.mvm import BankMvm
from pnnsim.inference.predict import Parameters
from pnnsim.inference.ranges import Ranges
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.inference.workload_evaluator import evaluate_workload
from pnnsim.inference.written_matrices import written_matrices
from pnnsim.networks.network_parameters import NetworkParameters
from pnnsim.networks.parameters import ParameterSet

#: Samples over which powers are averaged at most: each has thousands of sums.
_SAMPLES = 16


class Probe:
    """Powers of signal and noise behind the detector, summed by matrix.

    Args:
        model: Banks that the products are taken with.
        noise: Noise that is measured.
    """

    def __init__(self, model: NominalBanks, noise: NoiseContext) -> None:
        self._chip = chip = model.chip
        self._noise = noise
        accesses = nominal_accesses(chip.order, chip.mapping)
        self._mvm = BankMvm(SwitchedBanks(model, noise), accesses)
        self._powers = torch.zeros(2, len(chip.network.workload.matrices), dtype=torch.float64)

    def __call__(self, number: int, line: Tensor, quiet: Tensor, vectors: int) -> None:
        """Add what one product of some samples has.

        Args:
            number: Number of the product.
            line: What the lines of its bank carry, as of `BankMvm.receive`.
            quiet: What the detector captures without noise.
            vectors: Vectors of each sample.
        """
        received = self._mvm.receive(line, number, vectors=vectors)
        noisy = self._chip.detector.detect(received, self._noise.generator, self._noise.active)
        content = self._chip.mapping.contents[self._chip.passage.products[number].content]
        # Rows beyond the edge of a matrix are detectors that nobody reads.
        rows = len(content.fold.tile.outputs)
        signal = quiet.reshape(noisy.shape)[..., :rows].double()
        noise = noisy[..., :rows].double() - signal
        self._powers[:, content.matrix] += torch.stack(
            [signal.square().sum(), noise.square().sum()]
        )

    def decibels(self) -> list[float | None]:
        """Return signal over noise of each matrix [dB]; None where one of them is nothing."""
        return [
            10.0 * math.log10(signal / noise) if signal and noise else None
            for signal, noise in self._powers.T.tolist()
        ]


@torch.no_grad()
def signal_to_noise(chip: Chip, parameters: Parameters, x: Tensor) -> dict[str, float | None]:
    """Return the ratio of signal to noise of each matrix by its name [dB]; None without noise.

    Args:
        chip: Nominal chip; its banks have settled.
        parameters: Trained numbers, ranges included.
        x: Inputs; the first of them are taken.
    """
    x = as_values(x[:_SAMPLES], chip.network.workload.values[0], parameters.like)
    generator = stream(0, f"{chip.name}.signal_to_noise", "read")
    if isinstance(parameters, ParameterSet):
        found = _of_steps(chip, parameters, x, generator)
    else:
        found = _of_workload(chip, parameters, x, generator)
    names = [matrix.name for matrix in chip.network.workload.matrices]
    return dict(zip(names, found.decibels(), strict=True))


def _of_workload(
    chip: Chip, parameters: NetworkParameters, x: Tensor, generator: torch.Generator
) -> Probe:
    """Return the powers of a network of any shape."""
    ranges = Ranges.from_tensors(parameters.ranges)
    written, scales = written_matrices(chip, parameters.numbers, ranges)
    model = NominalBanks(chip, written, chip.deterministic)
    probe = Probe(model, NoiseContext(chip.non_idealities, generator))
    evaluate_workload(
        model,
        parameters.numbers,
        scales,
        ranges,
        x,
        nominal_accesses(chip.order, chip.mapping),
        NoiseContext(chip.deterministic),
        probe=probe,
    )
    return probe


def _of_steps(chip: Chip, parameters: ParameterSet, x: Tensor, generator: torch.Generator) -> Probe:
    """Return the powers of a ReLaX-Net; one that keeps its state begins with none."""
    network = chip.relaxnet
    model = NominalBanks(chip, parameters.weight, chip.deterministic)
    probe = Probe(model, NoiseContext(chip.non_idealities, generator))
    loop = StepEvaluator(
        SwitchedBanks(model, NoiseContext(chip.deterministic)),
        parameters.gain,
        parameters.bias,
        nominal_accesses(chip.order, chip.mapping),
        probe=probe,
    )
    first = network.injection == "first"
    drive = chip.front_end.map_input(
        x, parameters.input_weight, parameters.input_bias if first else None
    )
    carry = loop.begin(drive, torch.zeros_like(drive) if network.stateful else None)
    for step in range(network.steps):
        carry = loop.step(step, carry, drive)
    return probe
