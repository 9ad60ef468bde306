"""Measure what sets a machine apart from its model, and correct the model by it.

Where the model says what an error of a device does, as for the resonance of a ring, the devices are
fitted first (`pnnsim.hil.device_errors`). Then each weight set gets, for each output, a gain and an
offset, and for each weight an error of its own: what leaks from neighbours, and what phases or
junctions are off by. Those belong to the weights that were on the machine; small changes of the
weights leave them as they are.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.base import State
from pnnsim.errors import BackendError
from pnnsim.hil.bench import Bench
from pnnsim.hil.calibrated_banks import CalibratedBanks, Calibration
from pnnsim.hil.device_errors import Devices
from pnnsim.inference.bank_models import NominalBanks
from pnnsim.inference.evaluator import LoopState, StepEvaluator
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.parameters import ParameterSet

#: Linearizations of the activation: each corrects what the last has got wrong.
_ROUNDS = 4

#: Standard deviation of the pre-activation in a calibration: f has slope over four of them.
_SWING = 0.25

#: Share of the activation's range at either end that is not looked at.
_EDGE = 0.02

#: Penalties that are tried, over the mean square of the columns that they hold down.
_PENALTIES = torch.logspace(-6, 3, 28, dtype=torch.float64)


def loop_of(
    surrogate: Surrogate, live: ParameterSet, calibration: Calibration | None = None
) -> StepEvaluator:
    """Return the loop of a surrogate, as nominal or as calibrated.

    Args:
        surrogate: Model of the machine.
        live: Its parameters in the machine's units; gradients flow to them.
        calibration: What was measured; None for the nominal model.
    """
    noise = NoiseContext(surrogate.known)
    if calibration is None:
        nominal = NominalBanks(surrogate.chip, live.weight, noise.active)
        banks = SwitchedBanks(nominal, noise)
        return StepEvaluator(banks, live.gain, live.bias, surrogate.accesses)
    # Behind the detector an offset is a bias of `gain` times its size.
    bias = live.bias + live.gain.unsqueeze(1) * calibration.offset.to(live.bias)
    banks = SwitchedBanks(CalibratedBanks(surrogate, live.weight, calibration), noise)
    return StepEvaluator(banks, live.gain, bias, surrogate.accesses)


def predict(
    surrogate: Surrogate, live: ParameterSet, x: Tensor, calibration: Calibration | None = None
) -> tuple[Tensor, Tensor]:
    """Return outputs, shape `(batch, n_outputs)`, and last states.

    Args:
        surrogate: Model of the machine.
        live: Its parameters in the machine's units; gradients flow to them.
        x: Inputs, shape `(batch, n_inputs)`.
        calibration: What was measured; None for the nominal model.
    """
    network = surrogate.network
    drive = drive_of(surrogate, live, x)
    loop = loop_of(surrogate, live, calibration)
    carry = loop.begin(drive)
    for step in range(network.steps):
        carry = loop.step(step, carry, drive)
    result = loop.result(carry)
    outputs = surrogate.chip.front_end.map_output(result, live.output_weight, live.output_bias)
    return outputs, result


def drive_of(surrogate: Surrogate, live: ParameterSet, x: Tensor) -> Tensor:
    """Return what the front end hands over, shape `(batch, n_hidden)`; gradients flow.

    Args:
        surrogate: Model of the machine.
        live: Its parameters in the machine's units.
        x: Inputs, shape `(batch, n_inputs)`.
    """
    first = surrogate.network.injection == "first"
    bias = live.input_bias if first else None
    return surrogate.chip.front_end.map_input(x.to(live.input_weight), live.input_weight, bias)


def reality_gap(
    bench: Bench, surrogate: Surrogate, x: Tensor, calibration: Calibration | None = None
) -> float:
    """Return the root mean square of machine minus model over the last states of some inputs.

    Args:
        bench: Machine, with the surrogate's parameters loaded.
        surrogate: Model of it.
        x: Inputs, shape `(batch, n_inputs)`.
        calibration: What was measured; None for the nominal model.
    """
    live = surrogate.parameter_set()
    with torch.no_grad():
        _, expected = predict(surrogate, live, x, calibration)
    found = bench.run(live, x).result
    return float((found - expected.to(torch.float64)).square().mean().sqrt())


def calibrate(
    bench: Bench, surrogate: Surrogate, *, samples: int = 2000, seed: int = 0
) -> Calibration:
    """Measure a machine with samples of random states through each weight set alone.

    The surrogate's weights are loaded, and the electronic gain is set so that the activation
    has a slope. What is measured is linear in gain, offset and errors up to that slope, so each
    output is a regression; a ridge keeps noise out of what the samples do not determine, and its
    size is that of the least generalized cross-validation (Golub, Heath and Wahba, Technometrics
    21, 1979).

    Args:
        bench: Machine.
        surrogate: Model of it.
        samples: Measurements on each weight set.
        seed: Seed of the states.

    Raises:
        BackendError: If there is no sample, or the machine fails.
    """
    if samples < 1:
        raise BackendError(f"calibration: got {samples} samples; expected at least 1")
    before, live = bench.cost, surrogate.parameter_set().to(torch.float64)
    generator = stream(seed, "calibration", "read")
    shape = (samples, surrogate.network.hidden)
    state = torch.rand(shape, generator=generator, dtype=torch.float64)
    bench.load(live)
    found, devices = Calibration.none(surrogate), Devices.of(surrogate)
    with torch.no_grad():
        parameters = _in_range(surrogate, live, state)
        bench.backend.electronics(parameters.gain, parameters.bias)
        for number in range(surrogate.network.weight_sets):
            measured = bench.backend.step(number, state)
            bench.cost = bench.cost + measured.cost
            if devices is not None:
                found.devices[number] = _fitted(
                    devices, number, surrogate, parameters, state, measured.result
                )
            for _ in range(_ROUNDS):
                _refine(found, number, surrogate, parameters, state, measured.result)
    bench.backend.electronics(live.gain, live.bias)
    cost = bench.cost + before * -1
    return replace(found, cost=cost)


def _in_range(surrogate: Surrogate, live: ParameterSet, state: Tensor) -> ParameterSet:
    """Return the parameters with gains and biases that center the activation where it has slope."""
    gain, bias = torch.empty_like(live.gain), torch.empty_like(live.bias)
    for number in range(surrogate.network.weight_sets):
        unit = replace(live, gain=torch.ones_like(gain), bias=torch.zeros_like(bias))
        product = _captured(loop_of(surrogate, unit), surrogate, number, state)
        gain[number] = _SWING / float(product.std(dim=0).mean().clamp(min=1e-9))
        bias[number] = -gain[number] * product.mean(dim=0)
    return replace(live, gain=gain, bias=bias)


def _captured(loop: StepEvaluator, surrogate: Surrogate, number: int, state: Tensor) -> Tensor:
    step = surrogate.network.weight_set_order().index(number)
    captured = loop.step(step, LoopState(state), torch.zeros_like(state)).captured
    assert captured is not None, "a step captures"
    return captured


def _informative(surrogate: Surrogate, measured: Tensor) -> Tensor:
    """Return 1 for results that carry information, 0 for those at an end of the activation's range.

    There it hides what is beyond, which would pass for a low gain.
    """
    low, high = surrogate.chip.nonlinearity.range
    margin = _EDGE * (high - low)
    return ((measured > low + margin) & (measured < high - margin)).to(measured)


def _fitted(
    devices: Devices,
    number: int,
    surrogate: Surrogate,
    parameters: ParameterSet,
    state: Tensor,
    measured: Tensor,
) -> State:
    """Return the errors of the devices of one bank, as its results determine them."""
    useful, nothing = _informative(surrogate, measured), Calibration.none(surrogate)

    def predicted(errors: State) -> Tensor:
        guess = replace(nothing, devices={number: errors})
        captured = _captured(loop_of(surrogate, parameters, guess), surrogate, number, state)
        value = parameters.gain[number] * captured + parameters.bias[number]
        return useful * surrogate.chip.nonlinearity.activate(value, None, None, frozenset())

    return devices.fit(tuple(parameters.weight[number].shape), predicted, useful * measured)


def _refine(
    found: Calibration,
    number: int,
    surrogate: Surrogate,
    parameters: ParameterSet,
    state: Tensor,
    measured: Tensor,
) -> None:
    """Improve the calibration of one weight set in place, by one linear regression per output."""
    chip = surrogate.chip
    captured = _captured(loop_of(surrogate, parameters, found), surrogate, number, state)
    value = parameters.gain[number] * (captured + found.offset[number]) + parameters.bias[number]
    with torch.enable_grad():
        value = value.requires_grad_()
        activated = chip.nonlinearity.activate(value, None, None, frozenset())
        (slope,) = torch.autograd.grad(activated.sum(), value)
    useful = _informative(surrogate, measured)
    weight = useful * slope * parameters.gain[number]  # (sample, output)
    missed = useful * (measured - activated.detach())
    line = chip.encoder.encode(state, converted=True, active=surrogate.known)
    product = line @ parameters.weight[number].T
    columns = torch.stack([product, torch.ones_like(product)], dim=-1)  # (sample, output, 2)
    everyone = line.unsqueeze(1).expand(*product.shape, line.shape[1])
    design = weight.unsqueeze(-1) * torch.cat([columns, everyone], dim=-1)
    solved = _ridge(design.transpose(0, 1), missed.T)  # (output, 2 + n_in)
    found.gain[number] += solved[:, 0]
    found.offset[number] += solved[:, 1]
    found.error[number] += solved[:, 2:]


def _ridge(design: Tensor, target: Tensor) -> Tensor:
    """Return the ridge regression of each output, all with the penalty of the least GCV.

    Args:
        design: Shape `(n_out, n_sample, n_column)`.
        target: Shape `(n_out, n_sample)`.
    """
    samples = design.shape[1]
    left, singular, right = torch.linalg.svd(design, full_matrices=False)
    along = (left.transpose(1, 2) @ target.unsqueeze(-1)).squeeze(-1)
    outside = target.square().sum() - along.square().sum()
    squares = singular.square()
    scale = squares.sum() / (squares.shape[0] * squares.shape[1])
    best, chosen = float("inf"), scale
    for penalty in (_PENALTIES * scale).tolist():
        kept = squares / (squares + penalty)
        left_over = outside + ((1.0 - kept) * along).square().sum()
        freedom = 1.0 - kept.sum() / (samples * len(design))
        score = float(left_over / freedom.square())
        if score < best:
            best, chosen = score, torch.tensor(penalty, dtype=torch.float64)
    shrunk = singular / (squares + chosen) * along
    solved: Tensor = right.transpose(1, 2) @ shrunk.unsqueeze(-1)
    return solved.squeeze(-1)
