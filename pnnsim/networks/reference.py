"""What a workload computes, in exact arithmetic: the software baseline, and the evaluator's oracle.

There is no machine here: no ranges, no noise, no time. `run_int8` is the baseline of a digital
accelerator: weights of each row and values of each tensor rounded to 255 levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from pnnsim.errors import ParameterError, WorkloadError
from pnnsim.networks.operator_functions import activate, compute, convolve, product
from pnnsim.networks.workload import MACHINE, Digital, Mvm, Workload

#: What a product reads of a source, by number of the step and source: `(step, source, x)`.
Read = Callable[[int, int, Tensor], Tensor]

#: Digital operators that multiply what they read, and how many of their sources.
_MULTIPLY = {"linear_digital": 1, "conv_digital": 1, "matmul": 2}

#: Codes of an 8-bit number on either side of zero.
_CODES = 127


def run_reference(
    workload: Workload,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    *,
    activation: Callable[[Tensor], Tensor] | None = None,
    lines: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return what a workload gives; gradients flow to parameters and inputs.

    Args:
        workload: What is computed.
        parameters: Tensors by the names of `workload.shapes`; all of one type.
        x: Samples, shape `(batch, *input)`; of a workload that carries values on, sequences,
            `(batch, length, *input)`.
        activation: f of the machine; None where no step has it.
        lines: What the lines ahead of a bank carry of a value, such as its clipped form; None for
            the value itself.

    Returns:
        Outputs, shape `(batch, *output)`, or `(batch, length, *output)`.

    Raises:
        ParameterError: If a parameter or the inputs are not those of the workload.
        WorkloadError: If a step has the machine's activation, and there is none.
    """

    def read(step: int, source: int, value: Tensor) -> Tensor:
        if lines is None or isinstance(workload.steps[step], Digital):
            return value
        return lines(value)

    return _run(workload, parameters, x, activation, read)


def run_int8(
    workload: Workload,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    *,
    calibration: Tensor,
    activation: Callable[[Tensor], Tensor] | None = None,
    lines: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return what a workload gives on an accelerator of 8-bit products.

    Levels are symmetric about zero. Weights have one scale for each row; what a product reads has
    one for each source, by the largest value of the calibration. Sums, biases and all other
    operators are exact.

    Args:
        workload: What is computed.
        parameters: Tensors by the names of `workload.shapes`.
        x: Samples, as for `run_reference`.
        calibration: Samples that fix the scales, as `x`.
        activation: f of the machine; None where no step has it.
        lines: As for `run_reference`.

    Returns:
        Outputs, as of `run_reference`.

    Reference: Jacob et al., CVPR, 2018 (integer arithmetic); Krishnamoorthi, arXiv:1806.08342, 2018
    (scales for each row of the weights).
    """
    rounded = dict(parameters)
    for name in _multiplied(workload):
        weight = _checked(workload, parameters)[name]
        rounded[name] = _rounded(weight, weight.abs().amax(dim=1, keepdim=True))
    largest: dict[tuple[int, int], Tensor] = {}

    def read(step: int, value: Tensor) -> Tensor:
        clipped = lines is not None and isinstance(workload.steps[step], Mvm)
        return lines(value) if clipped and lines is not None else value

    def observe(step: int, source: int, value: Tensor) -> Tensor:
        value = read(step, value)
        found = value.detach().abs().max()
        before = largest.get((step, source))
        largest[step, source] = found if before is None else torch.maximum(before, found)
        return value

    def rounding(step: int, source: int, value: Tensor) -> Tensor:
        return _rounded(read(step, value), largest[step, source])

    with torch.no_grad():
        _run(workload, parameters, calibration, activation, observe)
        return _run(workload, rounded, x, activation, rounding)


def _multiplied(workload: Workload) -> set[str]:
    """Return the names of the weights that products read."""
    names = {matrix.name for matrix in workload.matrices}
    for step in workload.steps:
        if isinstance(step, Digital) and step.operator in ("linear_digital", "conv_digital"):
            names.add(step.parameters[0])
    return names


def _rounded(x: Tensor, largest: Tensor) -> Tensor:
    """Return the nearest of 255 levels from `-largest` to `largest`."""
    step = largest / _CODES
    step = torch.where(step > 0, step, torch.ones_like(step))
    return (x / step).round().clamp(-_CODES, _CODES) * step


def _checked(workload: Workload, parameters: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the parameters, whose names, shapes and types are those of the workload.

    Raises:
        ParameterError: If they are not.
    """
    for name, shape in workload.shapes.items():
        if name not in parameters:
            raise ParameterError(f"{name}: is missing; expected shape {shape}")
        if tuple(parameters[name].shape) != shape:
            raise ParameterError(
                f"{name}: has shape {tuple(parameters[name].shape)}; expected {shape}"
            )
    kinds = {parameters[name].dtype for name in workload.shapes}
    if len(kinds) > 1 or not all(kind.is_floating_point for kind in kinds):
        raise ParameterError(
            f"parameters: have the types {sorted(str(kind) for kind in kinds)}; expected one of "
            "floating point"
        )
    return parameters


def _run(
    workload: Workload,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    activation: Callable[[Tensor], Tensor] | None,
    read: Read,
) -> Tensor:
    """Return the outputs, with what products read left open."""
    _checked(workload, parameters)
    if activation is None:
        for number, step in enumerate(workload.steps):
            if isinstance(step, Mvm) and step.activation == MACHINE:
                raise WorkloadError(
                    f"step {number}: has the activation of the machine; expected one to be given"
                )
    shape = workload.values[0].shape
    ahead = 2 if workload.carried else 1
    if x.dim() != ahead + len(shape) or tuple(x.shape[ahead:]) != shape:
        form = "(batch, length" if workload.carried else "(batch"
        raise ParameterError(
            f"inputs: have shape {tuple(x.shape)}; expected {form}, "
            f"{', '.join(str(size) for size in shape)})"
        )
    interpreter = _Interpreter(workload, parameters, activation, read)
    if not workload.carried:
        return interpreter.sample(x, {})[0]
    found = []
    state: dict[int, Tensor] = {}
    for turn in x.unbind(dim=1):
        output, state = interpreter.sample(turn, state)
        found.append(output)
    return torch.stack(found, dim=1)


class _Interpreter:
    """Workload with its numbers, computed a batch at a time."""

    def __init__(
        self,
        workload: Workload,
        parameters: Mapping[str, Tensor],
        activation: Callable[[Tensor], Tensor] | None,
        read: Read,
    ) -> None:
        self._workload = workload
        self._parameters = parameters
        self._activation = activation
        self._read = read
        self._last = last_uses(workload)
        self._targets = {carried.target: carried for carried in workload.carried}

    def sample(self, x: Tensor, state: Mapping[int, Tensor]) -> tuple[Tensor, dict[int, Tensor]]:
        """Return the outputs of one sample of each stream, and what goes on to the next.

        Args:
            x: Samples, shape `(batch, *input)`.
            state: Values by the number that they replace; empty for a first sample.
        """
        workload = self._workload
        like = self._like(x)
        values = {0: x.to(like.dtype) if workload.values[0].dtype == "float" else x}
        for number, step in enumerate(workload.steps):
            made = number + 1
            if made in self._targets and state:
                values[made] = state[made]
            elif isinstance(step, Digital):
                values[made] = self._digital(number, step, values, like)
                if made in self._targets:
                    values[made] = torch.full_like(values[made], self._targets[made].initial)
            else:
                values[made] = self._mvm(number, step, values)
            for gone in self._last.get(number, ()):
                del values[gone]
        return values[workload.output], {
            carried.target: values[carried.source] for carried in workload.carried
        }

    def _like(self, x: Tensor) -> Tensor:
        """Return a tensor with the type of the numbers and the batch of the inputs."""
        first = next(iter(self._workload.shapes), None)
        own = x.dtype if x.is_floating_point() else torch.get_default_dtype()
        dtype = own if first is None else self._parameters[first].dtype
        return torch.empty(len(x), dtype=dtype, device=x.device)

    def _mvm(self, number: int, step: Mvm, values: Mapping[int, Tensor]) -> Tensor:
        """Return `activation(gain * (W x) + bias + inject) + residual`."""
        matrix = self._workload.matrices[step.matrix]
        weight = self._parameters[matrix.name]
        line = self._read(number, step.source, values[step.source])
        if step.gather is None:
            y = product(line, weight, matrix.groups)
        else:
            y = convolve(line, weight, step.gather, matrix.groups)
        if step.gain is not None:
            y = y * self._channels(step.gain, y)
        if step.bias is not None:
            y = y + self._channels(step.bias, y)
        if step.inject is not None:
            y = y + values[step.inject]
        if step.activation == MACHINE:
            assert self._activation is not None, "was checked"
            y = self._activation(y)
        elif step.activation is not None:
            y = activate(step.activation, y)
        if step.residual is not None:
            other, factor = step.residual
            # The symbol that has fed the bank is what the lines still carry.
            y = factor * (line if other == step.source else values[other]) + y
        return y

    def _channels(self, name: str, y: Tensor) -> Tensor:
        """Return a parameter of each output, ahead of the places of a map."""
        found = self._parameters[name]
        return found[:, None, None] if found.dim() and y.dim() == 4 else found

    def _digital(
        self, number: int, step: Digital, values: Mapping[int, Tensor], like: Tensor
    ) -> Tensor:
        """Return what a digital step makes."""
        sources = [values[source] for source in step.sources]
        for index in range(_MULTIPLY.get(step.operator, 0)):
            sources[index] = self._read(number, step.sources[index], sources[index])
        return compute(
            step.operator,
            sources,
            constants=step.constants,
            parameters=[self._parameters[name] for name in step.parameters],
            like=like,
        )


def last_uses(workload: Workload) -> dict[int, list[int]]:
    """Return, by step, the values that no later step reads."""
    last = {number + 1: number for number in range(len(workload.steps))} | {0: 0}
    for number, step in enumerate(workload.steps):
        last.update(dict.fromkeys(step.sources, number))
    kept = {workload.output, *(carried.source for carried in workload.carried)}
    found: dict[int, list[int]] = {}
    for value, number in last.items():
        if value not in kept:
            found.setdefault(number, []).append(value)
    return found
