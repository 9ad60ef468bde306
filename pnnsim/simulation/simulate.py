"""Simulate a trained network on a machine: timing once, values on every chip.

This is where the two passes meet. It reads no files and writes none;
`pnnsim.simulation.experiment_run` does that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import BaseModel
from torch import Tensor

from pnnsim.errors import InputError
from pnnsim.inference.accesses import Ints
from pnnsim.inference.calibration import CALIBRATED
from pnnsim.inference.chip import Chip, nominal_chip
from pnnsim.inference.inputs import SpecLike, Trained, as_examples, as_parameters, as_spec, as_whole
from pnnsim.inference.predict import (
    Measured,
    Parameters,
    calibrated,
    nominal_outputs,
    outputs,
    streams_of_core,
)
from pnnsim.inference.programmings import sharing
from pnnsim.inference.quality import (
    IMAGE_QUALITIES,
    Qualities,
    quality,
)
from pnnsim.inference.ranges import KNOWN_INPUTS
from pnnsim.inference.signal_to_noise import signal_to_noise
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.protocol import Network, input_width, output_width
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.networks.workload import Mvm
from pnnsim.networks.workload_counts import macs_by_place, parameters_by_place
from pnnsim.simulation.result import Result
from pnnsim.simulation.software import software_outputs
from pnnsim.simulation.timing_pass import Timing, faded, time_run, timing_metrics
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.multicore import ParallelTrace

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress


METRICS_SCHEMA = 1
#: Inputs that fix ranges where nothing has fixed them before.
_RANGED = 64


def simulate(
    spec: SpecLike | Chip,
    parameters: Parameters | Trained,
    x: Tensor | ArrayLike,
    y: Tensor | ArrayLike,
    *,
    seed: int = 0,
    chips: int = 3,
    arrivals: Arrivals | None = None,
    exact: bool = False,
    any_machine: bool = False,
    qualities: Qualities = IMAGE_QUALITIES,
    progress: Progress | None = None,
) -> Result:
    """Simulate a trained network on a machine and on fabricated chips of it.

    Args:
        spec: Machine, or its name, path or description, or its nominal chip for this network.
        parameters: Trained numbers, or the surrogate that holds them.
        x: Inputs, one sample each, `(batch, n_inputs)` or images; tensors, arrays or lists.
        y: Classes, whole numbers, shape `(batch,)`.
        seed: Seed of the chips.
        chips: Number of fabricated chips.
        arrivals: When the inputs come; as fast as the machine takes them where it is not given. An
            input that finds the queue full gets no output, and accuracy is that of the others.
        exact: Simulate every event, also where the run repeats itself.
        any_machine: Accept parameters that were trained for another machine.
        qualities: What is measured of the outputs, by the key of the metrics.
        progress: Display of the simulation; None for silence.

    Raises:
        InputError: If an argument cannot be meant, such as values that are not finite.
        ParameterError: If the parameters do not fit the network, or were trained for another
            machine and `any_machine` is not set.
        MappingError: If the network does not fit the machine.
    """
    parameters = as_parameters(parameters)
    machine = spec if isinstance(spec, Chip) else as_spec(spec)
    spec = machine.spec if isinstance(machine, Chip) else machine
    seed, chips = as_whole(seed, "seed", 0), as_whole(chips, "chips", 1)
    network = parameters.network
    parameters.check()
    parameters.check_machine(spec.sha256(), spec.name, any_machine=any_machine)
    x, y = as_examples(parameters, x, y)
    if arrivals is not None and arrivals.count != len(x):
        what = f"arrivals: are {arrivals.count} for {len(x)} samples; expected one for each"
        raise InputError(what)
    begin = time.perf_counter()
    nominal = nominal_chip(machine, network)
    timing = time_run(nominal, arrivals or len(x), progress, exact=exact)
    x, y = timing.served(x), timing.served(y)
    timed = time.perf_counter()
    parts = [nominal.fabricate(seed, index) for index in range(chips)]
    parameters, more = ranged(nominal, parameters, x)
    nominally = nominal_outputs(nominal, parameters, x)
    in_software = software_outputs(nominal, parameters, x)
    really = [chip_outputs(chip, parameters, x, timing) for chip in parts]
    timed_metrics = timing_metrics(timing)
    ratios = signal_to_noise(nominal, parameters, x)
    for layer in timed_metrics["layers"]:
        layer["snr_db"] = ratios.get(layer["name"])
    counts = timed_metrics["counts"]
    writes = sum(counts.get(f"weight_banks.{action}", 0) for action in ("write", "refresh"))
    metrics = {
        "schema": METRICS_SCHEMA,
        "pnnsim_version": version("pnnsim"),
        "hardware": spec.name,
        "spec_sha256": spec.sha256(),
        "seed": seed,
        "network": network_figures(network),
        **{
            name: quality(measure, in_software, nominally, really, y)
            for name, measure in qualities.items()
        },
        **timed_metrics,
        **calibration_of(timing, parameters),
        **counts_of(network),
        "area_m2": nominal.areas(),
        "warnings": [
            *spec.warnings(),
            *nominal.warnings(timing.work),
            *faded(timing),
            *sharing(writes),
            *more,
        ],
    }
    evaluated = time.perf_counter()
    return Result(
        metrics,
        timing,
        {"timing": timed - begin, "values": evaluated - timed},
        tuple(found.argmax(dim=1).numpy() for found in really),
        y.numpy(),
    )


def ranged(chip: Chip, parameters: Parameters, x: Tensor) -> tuple[Parameters, list[str]]:
    """Return parameters whose ranges are fixed, and a warning where these were fixed here.

    Args:
        chip: Nominal chip.
        parameters: Trained numbers.
        x: Inputs of the run; the first of them fix ranges that nothing has fixed before.
    """
    if isinstance(parameters, ParameterSet) or parameters.ranges or not chip.converts:
        return parameters, []
    first = x[:_RANGED]
    fixed = calibrated(chip, parameters, first)
    return fixed, [
        f"network: ranges of lines and converters were fixed on the first {len(first)} inputs of "
        "this run. Hint: surrogate.calibrate(x) fixes them on training inputs"
    ]


def network_figures(network: Network) -> dict[str, Any]:
    """Return what describes a network, under the keys of the metrics."""
    described = network.model_dump(mode="json") if isinstance(network, BaseModel) else {}
    if isinstance(network, ReLaXNet):
        return described
    workload = network.workload
    return {
        "kind": "module",
        **described,
        "inputs": input_width(network),
        "outputs": output_width(network),
        "weight_sets": len(workload.matrices),
        "steps": sum(isinstance(step, Mvm) for step in workload.steps),
    }


def counts_of(network: Network) -> dict[str, Any]:
    """Return parameters and multiply-accumulates of a network by place, as keys of the metrics."""
    if isinstance(network, ReLaXNet):
        return {
            "parameters": network.parameter_counts(),
            "macs_per_inference": network.macs_per_inference(),
        }
    workload = network.workload
    return {
        "parameters": parameters_by_place(workload),
        "macs_per_inference": macs_by_place(workload),
    }


def chip_outputs(
    chip: Chip, parameters: Parameters, x: Tensor, timing: Timing, *, without: Sequence[str] = ()
) -> Tensor:
    """Return the outputs of a chip, each of its cores for the samples that it got.

    Args:
        chip: Fabricated or nominal.
        parameters: Trained numbers.
        x: Inputs, shape `(batch, n_inputs)`.
        timing: The timing pass of as many samples.
        without: Names of non-idealities to switch off.
    """
    if not isinstance(timing.run, ParallelTrace):
        measured = _measured(timing, parameters, slice(None))
        return outputs(chip, parameters, x, timing.accesses, without=without, measured=measured)
    samples = samples_of_cores(timing)
    firsts = samples_of_cores(timing.calibration) if timing.chip.converts else []
    found = [
        outputs(
            chip.core(core), parameters, x[torch.from_numpy(mine)], timing.accesses.select(mine),
            without=without, streams=streams_of_core(chip),
            measured=_measured(timing, parameters, firsts[core]) if core < len(firsts) else None,
        )
        for core, mine in enumerate(samples)
    ]  # fmt: skip
    return torch.cat(found)[torch.from_numpy(np.argsort(np.concatenate(samples)))]


def _measured(timing: Timing, parameters: Parameters, samples: slice | Ints) -> Measured | None:
    """Return the known inputs by which a core is calibrated; None for no calibration.

    Args:
        timing: The timing pass of the run.
        parameters: Trained numbers.
        samples: Samples of the calibration that the core has.
    """
    known = known_inputs(timing.chip, parameters)
    if known is None:
        return None
    count = CALIBRATED if isinstance(samples, slice) else len(samples)
    accesses = timing.calibration.accesses.select(samples)
    return Measured(known[torch.arange(count) % len(known)], accesses)


def samples_of_cores(timing: Timing) -> list[Ints]:
    """Return the numbers of the samples of each core that has any."""
    run = timing.run
    assert isinstance(run, ParallelTrace), "there are several cores"
    return [run.samples_of_core(core) for core in range(len(run.parts))]


def known_inputs(chip: Chip, parameters: Parameters) -> Tensor | None:
    """Return the inputs by which each chip is calibrated, shape `(CALIBRATED, *input)`.

    Args:
        chip: Any chip of the machine.
        parameters: Trained numbers; their ranges have the inputs, which are repeated where they are
            few. None where values become no numbers, or where a sample goes on from another.
    """
    if isinstance(parameters, ParameterSet) or not chip.converts or chip.stateful:
        return None
    inputs = parameters.ranges.get(KNOWN_INPUTS)
    if inputs is None:
        return None
    return inputs[torch.arange(CALIBRATED) % len(inputs)]


def calibration_of(timing: Timing, parameters: Parameters) -> dict[str, Any]:
    """Return what the calibration of a chip takes, as `calibration` of the metrics, or nothing.

    Args:
        timing: The timing pass of the run.
        parameters: Trained numbers.
    """
    if known_inputs(timing.chip, parameters) is None:
        return {}
    figures = timing_metrics(timing.calibration)
    taken = {
        "samples": CALIBRATED * timing.chip.spec.control.cores,
        "time_s": figures["makespan_s"],
        "energy_j": figures["energy_j"]["total"],
    }
    return {"calibration": taken}
