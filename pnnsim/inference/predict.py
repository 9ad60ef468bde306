"""Outputs of chips: fabricated, nominal or ideal.

What drifts is advanced here as a chip's clock runs. Nothing is timed, and nothing is measured of
the outputs; see `pnnsim.inference.quality`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active
from pnnsim.errors import InputError, MappingError
from pnnsim.inference.accesses import AccessTable, nominal_accesses
from pnnsim.inference.bank_models import BankModel, FabricatedBanks, NominalBanks
from pnnsim.inference.calibration import calibrated_ranges
from pnnsim.inference.chip import Chip
from pnnsim.inference.corrections import CorrectionObserver, Corrections
from pnnsim.inference.drift import drift_windows
from pnnsim.inference.evaluator import evaluate, evaluate_streams
from pnnsim.inference.inputs import as_values
from pnnsim.inference.ranges import Ranges
from pnnsim.inference.switched_banks import NoiseContext
from pnnsim.inference.workload_evaluator import evaluate_workload
from pnnsim.inference.written_matrices import written_matrices
from pnnsim.networks.network_parameters import NetworkParameters
from pnnsim.networks.parameters import ParameterSet

#: Trained numbers: of a ReLaX-Net, stacked by weight set, or of any network, by name.
Parameters = ParameterSet | NetworkParameters

#: Distance of the numbers of programmings that serve the calibration from those of the run.
_APART = 2**32


def outputs(
    chip: Chip,
    parameters: Parameters,
    x: Tensor,
    accesses: AccessTable,
    *,
    without: Sequence[str] = (),
    streams: int | None = None,
    measured: Measured | None = None,
) -> Tensor:
    """Return the outputs of one chip, with all of its non-idealities but some.

    What drifts is advanced as the chip's clock runs, in steps of a tenth of its correlation time;
    the same chip gives the same outputs each time.

    Args:
        chip: Fabricated or nominal.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, n_inputs)`, or images of that many values; arrays and lists, too.
        accesses: What each sample met.
        without: Names of non-idealities to switch off.
        streams: Samples ahead of the one that goes on from the first; those of the whole machine
            where not given.
        measured: Known inputs by which the chip is calibrated beforehand; None for none.

    Returns:
        Outputs, shape `(batch, n_outputs)`.

    Raises:
        InputError: If inputs or accesses do not fit.
        MappingError: If outputs are not finite: signal or noise is beyond what numbers hold.
    """
    x = _rows(chip, parameters, x)
    if len(accesses.bank) not in (1, len(x)):
        raise InputError(
            f"accesses: are those of {len(accesses.bank)} samples, x has {len(x)}; expected as many"
        )
    active = chip.non_idealities - frozenset(without)
    loop = _loop(chip, parameters, streams_of(chip) if streams is None else streams)
    with _without_gradients():
        if measured is not None:
            _calibrate(chip, loop, parameters, measured, active)
        generator = stream(chip.seed, f"{chip.name}.detector", "read")
        found = _through(chip, loop, x, accesses, NoiseContext(active, generator))
    return _finite(found, chip)


def _through(
    chip: Chip, loop: _Loop | _Passes, x: Tensor, accesses: AccessTable, noise: NoiseContext
) -> Tensor:
    """Return the outputs of samples that go through a chip while it drifts."""
    found = []
    for samples, environment in drift_windows(chip, accesses, len(x), loop.streams):
        banks = FabricatedBanks(chip, loop.weight, noise.active, environment)
        found.append(loop.predict(banks, x[samples], accesses.select(samples), noise))
    return torch.cat(found)


@dataclass(frozen=True, slots=True)
class Measured:
    """Known inputs that go through a chip before its first sample, so that it is calibrated.

    Args:
        x: Inputs, shape `(batch, *input)`.
        accesses: What each of them met.
    """

    x: Tensor
    accesses: AccessTable


def _calibrate(
    chip: Chip, loop: _Loop | _Passes, parameters: Parameters, measured: Measured, active: Active
) -> None:
    """Correct the sums of a chip by what it gives for known inputs, drawn apart from the run."""
    if not isinstance(loop, _Passes):
        return
    observer = CorrectionObserver(loop.weight, chip.mapping)
    loop.corrections = observer
    # What the set-up has written stays; later programmings have errors of their own.
    write = measured.accesses.write
    accesses = replace(
        measured.accesses, write=np.where(write < chip.mapping.used, write, write + _APART)
    )
    generator = stream(chip.seed, f"{chip.name}.detector.calibration", "read")
    x = _rows(chip, parameters, measured.x)
    _through(chip, loop, x, accesses, NoiseContext(active, generator))
    loop.corrections = observer.corrections()


def _finite(found: Tensor, chip: Chip) -> Tensor:
    """Return outputs, or refuse a machine whose signal or noise leaves no number."""
    whole = torch.isfinite(found).flatten(1).all(dim=1)
    if not bool(whole.all()):
        raise MappingError(
            f"detector: {chip.name} gives outputs that are not finite for {int((~whole).sum())} of "
            f"{len(found)} samples; expected a signal and noise within the range of {found.dtype}. "
            "Hint: more power on the lines, fewer losses, or less noise"
        )
    return found


def ideal_outputs(chip: Chip, parameters: Parameters, x: Tensor) -> Tensor:
    """Return the outputs without any non-ideality: the network in exact arithmetic.

    Args:
        chip: Any chip of the machine.
        parameters: Trained numbers.
        x: As for `outputs`.
    """
    return _settled_outputs(chip, parameters, x, frozenset())


def nominal_outputs(chip: Chip, parameters: Parameters, x: Tensor) -> Tensor:
    """Return the outputs of the surrogate: nominal banks, settled, no noise.

    Args:
        chip: Any chip of the machine.
        parameters: Trained numbers.
        x: As for `outputs`.
    """
    return _settled_outputs(chip, parameters, x, chip.deterministic)


def calibrated(chip: Chip, parameters: NetworkParameters, x: Tensor) -> NetworkParameters:
    """Return parameters whose ranges some inputs fill.

    Args:
        chip: Any chip of the machine.
        parameters: Trained numbers.
        x: As for `outputs`.
    """
    with _without_gradients():
        found = calibrated_ranges(
            chip, parameters.numbers, _rows(chip, parameters, x), active=chip.deterministic
        )
    return replace(parameters, ranges=found.tensors())


def _settled_outputs(chip: Chip, parameters: Parameters, x: Tensor, active: Active) -> Tensor:
    x = _rows(chip, parameters, x)
    accesses = nominal_accesses(chip.order, chip.mapping, chip.policy)
    with _without_gradients():
        loop = _loop(chip, parameters, streams_of(chip))
        banks = NominalBanks(chip, loop.weight, active)
        return loop.predict(banks, x, accesses, NoiseContext(active))


def _rows(chip: Chip, parameters: Parameters, x: Tensor) -> Tensor:
    """Return inputs as one row a sample, in the type of the parameters."""
    return as_values(x, chip.network.workload.values[0], parameters.like).detach()


@contextmanager
def _without_gradients() -> Iterator[None]:
    """Compute without gradients, but so that what a chip keeps can serve training later."""
    with torch.inference_mode(False), torch.no_grad():
        yield


def _loop(chip: Chip, parameters: Parameters, streams: int) -> _Loop | _Passes:
    """Return what evaluates samples of a network on a chip, one window after the other."""
    if isinstance(parameters, NetworkParameters):
        return _Passes(chip, parameters)
    return _Loop(chip, parameters, streams)


class _Passes:
    """A chip that evaluates samples of a network of any shape.

    Args:
        chip: Nominal or fabricated.
        parameters: Trained numbers.
    """

    streams = 1

    def __init__(self, chip: Chip, parameters: NetworkParameters) -> None:
        self._numbers = parameters.numbers
        self._ranges = Ranges.from_tensors(parameters.ranges)
        self.weight, self._scales = written_matrices(chip, parameters.numbers, self._ranges)
        self.corrections = Corrections()

    def predict(
        self, banks: BankModel, x: Tensor, accesses: AccessTable, noise: NoiseContext
    ) -> Tensor:
        """Return outputs, shape `(batch, *output)`; see `_Loop.predict`."""
        return evaluate_workload(
            banks, self._numbers, self._scales, self._ranges, x, accesses, noise,
            corrections=self.corrections,
        )  # fmt: skip


class _Loop:
    """A chip that evaluates some samples after others, which may go on from the state of these.

    Args:
        chip: Nominal or fabricated.
        parameters: Trained numbers.
        streams: Samples that come one behind the other before a kept state is taken up again.
    """

    def __init__(self, chip: Chip, parameters: ParameterSet, streams: int) -> None:
        self.streams = streams
        self._stateful = chip.relaxnet.stateful
        self._parameters = parameters
        self.weight = parameters.weight
        # Streams begin with nothing; the samples of a block are one of each.
        self._state = parameters.bias.new_zeros(streams, chip.relaxnet.hidden)

    def predict(
        self, banks: BankModel, x: Tensor, accesses: AccessTable, noise: NoiseContext
    ) -> Tensor:
        """Return outputs, shape `(batch, n_outputs)`.

        Args:
            banks: What the banks make of the weight sets while these samples come.
            x: Inputs, shape `(batch, n_inputs)`.
            accesses: What each sample met.
            noise: Noise, and which non-idealities are on.
        """
        if not self._stateful:
            return evaluate(banks, self._parameters, x, accesses, noise)
        found, self._state = evaluate_streams(
            banks, self._parameters, x, accesses, noise, self._state.to(x)
        )
        return found


def streams_of(chip: Chip) -> int:
    """Return how many samples come one behind the other before a kept state is taken up again."""
    return chip.spec.control.cores * streams_of_core(chip) if chip.stateful else 1


def streams_of_core(chip: Chip) -> int:
    """Return how many samples of one core do, each of which goes on with states of its own."""
    return chip.spec.control.block if chip.stateful else 1
