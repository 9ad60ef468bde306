"""Figures of a described machine, as works publish them: times, rates, energies, errors.

Each measure takes an experiment and computes one number with the engines that every run uses. The
published figure is not read here, so that nothing can be fitted to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.common.rng import stream
from pnnsim.common.units import from_fs, level_db
from pnnsim.inference.accesses import nominal_accesses
from pnnsim.inference.bank_models import FabricatedBanks
from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.parts import Gather, Value
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.timing_pass import Timing, time_run
from pnnsim.specs.experiment import Experiment

_OPERATIONS_PER_MAC = 2
#: Steps of a recurrent network, at least, from which on products of a block follow each other.
_STEPS = 4
#: Vectors of a random product, and of a run into a fixed point.
_VECTORS = 256
#: Seed of fabricated chips, weights and vectors.
_SEED = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """Figure that can be computed for any machine.

    Args:
        dimension: Dimension in which the published figure is written.
        unit: Unit of both figures; empty for pure numbers.
        of: Computes it.
    """

    dimension: str
    unit: str
    of: Callable[[Experiment], float]


def _step_time(experiment: Experiment) -> float:
    """Return by how much one step more delays the result of a single sample [s]."""
    network = _recurrent(experiment)
    steps = network.steps
    longer = network.model_copy(update={"steps": 2 * steps})
    first, second = (_single(experiment, each) for each in (network, longer))
    return (second - first) / steps


def _loop_time(experiment: Experiment) -> float:
    """Return the time of all steps of a single sample, without its input and its output [s]."""
    return _recurrent(experiment).steps * _step_time(experiment)


def _write_time(experiment: Experiment) -> float:
    """Return the time to write all weights of one bank [s]."""
    return from_fs(_chip(experiment).weight_banks.delay_fs("write"))


def _rate(experiment: Experiment) -> float:
    """Return the operations per time of a machine whose products follow each other [1/s]."""
    used = _stream(experiment)
    return used.operations / used.time_s


def _operation_energy(experiment: Experiment) -> float:
    """Return the energy of one operation while products follow each other [J]."""
    used = _stream(experiment)
    return used.energy_j / used.operations


def _step_energy(experiment: Experiment) -> float:
    """Return the energy of one product of a whole bank while products follow each other [J]."""
    used = _stream(experiment)
    return used.energy_j / used.products


def _power(experiment: Experiment) -> float:
    """Return the power while products follow each other, without front end and host [W]."""
    used = _stream(experiment)
    return used.energy_j / used.time_s


def _electrical_power(experiment: Experiment) -> float:
    """Return that power without what its lasers take [W]."""
    encoder = experiment.hardware.encoder
    values = dict(encoder)
    power = float(values.get("laser_power", 0.0))
    lasers = encoder.lines * power / float(values.get("laser_efficiency", 1.0))
    return _power(experiment) - lasers


def _signal_to_error(experiment: Experiment) -> float:
    """Return signal over error of random products of a fabricated chip [dB]."""
    signal, error = _random_products(experiment)
    return level_db(float((signal**2).sum() / (error**2).sum()))


def _product_bits(experiment: Experiment) -> float:
    """Return the bits of a rounding with as much error, over the range of random products [bit].

    A step of rounding has a deviation of its width over the root of 12.
    """
    signal, error = _random_products(experiment)
    span = signal.max(dim=0).values - signal.min(dim=0).values
    return float(torch.log2(span / (math.sqrt(12.0) * error.std(dim=0))).mean())


def _random_products(experiment: Experiment) -> tuple[Tensor, Tensor]:
    """Return random products less their means, and the errors of a fabricated chip in them.

    Vectors are codes of the converters. Gain and offset of each output are taken out, as a
    calibration would.

    Returns:
        Both of shape `(batch, n_out)`.
    """
    chip = _chip(experiment).fabricate(_SEED, 0)
    active = chip.non_idealities
    generator = stream(_SEED, "published.products", "read")
    bank, encoder = chip.spec.weight_banks, chip.encoder
    drawn = torch.rand((1, bank.rows, bank.cols), generator=generator, dtype=torch.float64)
    weight = 2.0 * drawn - 1.0
    low = -1.0 if chip.spec.encoder.sends in ("field", "number") else 0.0
    drawn = torch.rand((_VECTORS, bank.cols), generator=generator, dtype=torch.float64)
    vectors = low + (1.0 - low) * drawn
    codes = encoder.encode(vectors, converted=True, active=active & {"encoder.quantization"})
    line = encoder.encode(codes, converted=True, active=active)
    banks = SwitchedBanks(FabricatedBanks(chip, weight, active), NoiseContext(active, generator))
    products = BankMvm(banks, nominal_accesses(chip.order, chip.mapping))
    heard = chip.detector.detect(products.receive(line, 0), generator, active)
    signal, heard = (each - each.mean(dim=0) for each in (codes @ weight[0].T, heard))
    gain = (signal * heard).sum(dim=0) / (signal**2).sum(dim=0)
    return signal, heard / gain - signal


def _loop_error(experiment: Experiment) -> float:
    """Return how far a fabricated chip ends from where the same steps in exact arithmetic do.

    The distance is relative to that end, over all vectors. The read-out is left out: what is
    published is how well the loop follows its model.
    """
    network = _recurrent(experiment)
    chip = _chip(experiment).fabricate(_SEED, 0)
    generator = stream(_SEED, "published.loop", "read")
    x = torch.rand((_VECTORS, network.inputs), generator=generator, dtype=torch.float64)
    parameters = Surrogate(network, experiment.hardware).parameter_set()
    exact = ideal_outputs(chip, parameters, x)
    accesses = nominal_accesses(chip.order, chip.mapping)
    found = outputs(chip, parameters, x, accesses, without=["readout.quantization"])
    return float((found - exact).norm() / exact.norm())


def _accuracy_loss(experiment: Experiment) -> float:
    """Return the accuracy that fabricated chips lose against the network in software."""
    accuracy = run(experiment).metrics["accuracy"]
    return float(accuracy["float"]) - float(accuracy["hardware_mean"])


def _weights(experiment: Experiment) -> float:
    """Return the weights of the matrices on banks, biases and gains apart."""
    matrices = experiment.network.workload.matrices
    return float(sum(matrix.outputs * matrix.inputs for matrix in matrices))


#: Name of a measure in files of figures.
MEASURES: dict[str, Measure] = {
    "step_time": Measure("time", "s", _step_time),
    "loop_time": Measure("time", "s", _loop_time),
    "write_time": Measure("time", "s", _write_time),
    "rate": Measure("rate", "op/s", _rate),
    "operation_energy": Measure("energy", "J", _operation_energy),
    "step_energy": Measure("energy", "J", _step_energy),
    "power": Measure("power", "W", _power),
    "electrical_power": Measure("power", "W", _electrical_power),
    "signal_to_error": Measure("ratio_db", "dB", _signal_to_error),
    "product_bits": Measure("fraction", "", _product_bits),
    "loop_error": Measure("fraction", "", _loop_error),
    "accuracy_loss": Measure("fraction", "", _accuracy_loss),
    "weights": Measure("fraction", "", _weights),
}


def _recurrent(experiment: Experiment) -> ReLaXNet:
    network = experiment.network
    if not isinstance(network, ReLaXNet):
        raise TypeError(f"{type(network).__name__} has no steps")  # a fault of a file of figures
    return network


def _chip(experiment: Experiment, network: Network | None = None) -> Chip:
    return Chip.nominal(experiment.hardware, network or experiment.network)


def _single(experiment: Experiment, network: Network) -> float:
    """Return the latency of one sample alone [s]."""
    hardware = experiment.hardware
    control = hardware.control.model_copy(update={"block": 1})
    trace = time_run(Chip.nominal(replace(hardware, control=control), network), 1).trace
    return from_fs(int(trace.result_fs[0] - trace.arrival_fs[0]))


@dataclass(frozen=True, slots=True)
class _Stream:
    """What further products of a busy machine take, without front end, readout and host.

    Args:
        products: Products of whole matrices.
        operations: Multiplications and additions in them.
        time_s: Time by which they make a run longer [s].
        energy_j: Energy by which they do [J].
    """

    products: int
    operations: int
    time_s: float
    energy_j: float


def _stream(experiment: Experiment) -> _Stream:
    """Return what further products take, by the difference of two runs.

    A recurrent network makes twice as many steps with one block of samples; for any other, twice as
    many vectors cross its first matrix.
    """
    network: Network = experiment.network
    longer: Network
    if isinstance(network, ReLaXNet):
        samples, steps = experiment.hardware.control.block, max(network.steps, _STEPS)
        products = steps * samples
        network, longer = (network.model_copy(update={"steps": count * steps}) for count in (1, 2))
    else:
        samples, products = 1, _VECTORS
        network, longer = (_one_matrix(network, count * products) for count in (1, 2))
    first, second = (time_run(_chip(experiment, each), samples) for each in (network, longer))
    matrix = network.workload.matrices[0]
    return _Stream(
        products,
        _OPERATIONS_PER_MAC * products * matrix.outputs * matrix.inputs,
        from_fs(second.trace.makespan_fs - first.trace.makespan_fs),
        _loop_energy(second) - _loop_energy(first),
    )


def _one_matrix(network: Network, vectors: int) -> Network:
    """Return a network that sends a number of vectors through the first matrix of another."""
    matrix = network.workload.matrices[0]
    builder = WorkloadBuilder(Value((matrix.inputs, 1, vectors)))
    builder.mvm(builder.matrix("w", matrix.outputs, matrix.inputs), 0, gather=Gather((1, 1)))
    weight = torch.zeros((matrix.outputs, matrix.inputs))
    return GivenNetwork(builder.build(1), {"w": weight})


def _loop_energy(timing: Timing) -> float:
    """Return the energy of all parts but the digital engine of the maps and the readout [J]."""
    parts = EnergyLedger.from_trace(timing.trace, timing.prices).by_component()
    return math.fsum(e for part, e in parts.items() if part not in ("front_end", "readout"))
