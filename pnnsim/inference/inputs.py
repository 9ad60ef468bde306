"""Read what a user hands over from Python: machines, trained numbers, inputs and classes.

What can be meant is accepted: arrays, lists, tensors of any real type, images of any shape whose
values fill the network's inputs, a machine by name or path, a surrogate for its parameters. All
else is refused with a sentence that names the argument. No network is evaluated here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pnnsim.errors import InputError
from pnnsim.networks.network_parameters import NetworkParameters
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.parts import Value
from pnnsim.specs.hardware import HardwareSpec, load_spec

#: What may stand for a machine: itself, its name, the path of its file, or its description.
SpecLike = HardwareSpec | str | Path | Mapping[str, Any]

#: Largest seed of a simulation, as in descriptions.
_SEEDS = 2**53


@runtime_checkable
class Trained(Protocol):
    """Anything that gives a parameter set, such as a surrogate."""

    def parameter_set(self) -> ParameterSet | NetworkParameters:
        """Return the parameters as they would be written to a machine."""
        ...


def as_spec(spec: object) -> HardwareSpec:
    """Return a machine, by itself or by its name, path or description.

    Raises:
        InputError: If the argument cannot be a machine.
        SpecError: If there is no such machine, or its description is wrong.
    """
    if isinstance(spec, HardwareSpec):
        return spec
    if isinstance(spec, str | Path | Mapping):
        return load_spec(spec)
    raise InputError(
        f"spec: got {_kind(spec)}; expected a machine's name such as 'photonic_mrr', a path, or "
        "what pnnsim.load_spec returns"
    )


def as_parameters(parameters: object) -> ParameterSet | NetworkParameters:
    """Return trained numbers, also those of a surrogate.

    Raises:
        InputError: If the argument is neither, such as a plain torch module.
    """
    if isinstance(parameters, ParameterSet | NetworkParameters):
        return parameters
    if isinstance(parameters, Trained):
        return parameters.parameter_set()
    hint = ""
    if isinstance(parameters, nn.Module):
        hint = (
            ". Hint: train a pnnsim.Surrogate(network, spec) in its place, which is a module too; "
            "other modules have no machine"
        )
    elif isinstance(parameters, str | Path):
        hint = ". Hint: pnnsim.load_parameters(path) reads a file"
    raise InputError(
        f"parameters: got {_kind(parameters)}; expected a ParameterSet or a Surrogate{hint}"
    )


def as_inputs(x: object, width: int, like: Tensor, *, finite: bool = True) -> Tensor:
    """Return inputs as one row a sample, in the type and on the device of another tensor.

    Args:
        x: Numbers, shape `(batch, width)`, or `(batch, ...)` where the other axes hold `width`
            values, such as `(batch, channels, height, width)` of images; a single sample without
            its batch axis is a batch of one.
        width: Values of one sample.
        like: Tensor whose type and device are wanted.
        finite: Whether values are checked; a training loop checks its loss instead.

    Returns:
        Shape `(batch, width)`; gradients flow through.

    Raises:
        InputError: If the argument is not numbers of such a shape, empty, or not finite.
    """
    given = _real_tensor(x, "x")
    shape = tuple(given.shape)
    if not given.numel():
        raise InputError(f"x: is empty, of shape {shape}; expected at least one sample")
    if given.dim() and math.prod(shape[1:]) == width:
        rows = given.reshape(shape[0], width)
    elif given.dim() and math.prod(shape) == width:
        rows = given.reshape(1, width)
    else:
        raise InputError(
            f"x: has the shape {shape}; expected (batch, {width}), or images of {width} values "
            "each, as the network has that many inputs"
        )
    wanted = rows.to(like)
    if finite and not _all_finite(wanted):
        bad = (~torch.isfinite(wanted)).nonzero()
        sample, place = (int(i) for i in bad[0])
        value = float(rows[sample, place])
        why = f"beyond the range of {wanted.dtype}" if math.isfinite(value) else "not finite"
        raise InputError(
            f"x: {len(bad)} of {wanted.numel()} values are {why}, the first in sample {sample}, "
            f"input {place}: {value:g}; expected finite numbers"
        )
    return wanted


def as_values(x: object, value: Value, like: Tensor, *, finite: bool = True) -> Tensor:
    """Return inputs of a workload, in the type and on the device of another tensor.

    Args:
        x: As for `as_inputs`, of as many numbers as the value has.
        value: Value 0 of the workload.
        like: Tensor whose type and device are wanted.
        finite: As for `as_inputs`.

    Returns:
        Shape `(batch, *value.shape)`; gradients flow through.

    Raises:
        InputError: As `as_inputs`.
    """
    rows = as_inputs(x, value.size, like, finite=finite)
    return rows.reshape(len(rows), *value.shape)


def _all_finite(values: Tensor) -> bool:
    """Return whether every value is finite, by their sum where that decides it.

    A sum is finite only where all of its terms are, and takes a fraction of the time.
    """
    return bool(torch.isfinite(values.detach().sum())) or bool(torch.isfinite(values).all())


def as_sequences(x: object, width: int, like: Tensor) -> Tensor:
    """Return sequences in the type and on the device of another tensor; gradients flow through.

    Args:
        x: Numbers, shape `(batch, length, width)`.
        width: Values of one sample.
        like: Tensor whose type and device are wanted.

    Raises:
        InputError: If the argument is not numbers of such a shape, or empty.
    """
    given = _real_tensor(x, "x")
    if given.dim() != 3 or given.shape[2] != width or not given.numel():
        raise InputError(
            f"x: has the shape {tuple(given.shape)}; expected sequences, (batch, length, {width}), "
            "as the network is stateful"
        )
    return given.to(like)


def as_labels(y: object, count: int, classes: int) -> Tensor:
    """Return classes as int64, one a sample.

    Args:
        y: Whole numbers from 0 to `classes - 1`, shape `(batch,)`; a single number is one sample's.
        count: Number of samples.
        classes: Number of classes.

    Raises:
        InputError: If they are of another type, shape or range, or of another number of samples.
    """
    given = _real_tensor(y, "y")
    if given.dtype == torch.bool or given.is_floating_point():
        got = "truth values" if given.dtype == torch.bool else f"fractions ({given.dtype})"
        raise InputError(
            f"y: got {got}; expected classes as whole numbers. Hint: y.astype(int) of an array, "
            "y.long() of a tensor"
        )
    if given.dim() == 0:
        given = given.reshape(1)
    if given.dim() != 1:
        hint = ". Hint: y.argmax(1) if they are one-hot" if given.dim() == 2 else ""
        raise InputError(
            f"y: has the shape {tuple(given.shape)}; expected one class a sample, ({count},){hint}"
        )
    if len(given) != count:
        raise InputError(f"y: has {len(given)} classes for {count} samples; expected as many")
    labels = given.detach().to("cpu", torch.int64)
    wrong = ((labels < 0) | (labels >= classes)).nonzero().flatten()
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"y: {len(wrong)} of {count} classes are out of range, the first of sample {first}: "
            f"{int(labels[first])}; expected 0 to {classes - 1}, as the network has {classes} "
            "outputs"
        )
    return labels


def as_examples(
    parameters: ParameterSet | NetworkParameters, x: object, y: object
) -> tuple[Tensor, Tensor]:
    """Return inputs and classes as tensors that fit the network of some parameters.

    Args:
        parameters: Trained numbers.
        x: As for `as_inputs`.
        y: As for `as_labels`.

    Raises:
        InputError: As these.
    """
    workload = parameters.network.workload
    rows = as_values(x, workload.values[0], parameters.like).detach()
    return rows, as_labels(y, len(rows), workload.values[workload.output].size)


def as_whole(value: object, what: str, least: int, below: int = _SEEDS) -> int:
    """Return a setting such as a seed or a number of chips as a whole number.

    Args:
        value: What was given.
        what: Name of the argument.
        least: Smallest value.
        below: Smallest value that is too large.

    Raises:
        InputError: If it is not a whole number between these.
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= int(value) < below:  # type: ignore[call-overload]
        raise InputError(
            f"{what}: got {value!r:.60}; expected a whole number, at least {least} and less than "
            f"{below}"
        )
    return int(value)  # type: ignore[call-overload,no-any-return]


def _real_tensor(value: object, what: str) -> Tensor:
    """Return numbers as a tensor of a real type; arrays are copied."""
    if isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) for v in value):
        shapes = {tuple(v.shape) for v in value}
        if len(shapes) > 1:
            raise InputError(f"{what}: is a list of {_unequal(shapes)}; expected equal ones")
        value = torch.stack(list(value))
    if isinstance(value, Tensor):
        return _plain_tensor(value, what)
    if value is None or isinstance(value, str | bytes | dict | set):
        raise InputError(f"{what}: got {_kind(value)}; expected an array or a tensor of numbers")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{what}: is an array with masked values; expected all of them")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        raise InputError(
            f"{what}: got {_kind(value)} that is no array, as its rows are of unequal lengths or "
            "types; expected an array or a tensor of numbers"
        ) from None
    return torch.from_numpy(_native(array, what))


def _plain_tensor(value: Tensor, what: str) -> Tensor:
    if value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise InputError(
            f"{what}: is a tensor without a plain value for each entry ({value.layout}, "
            f"{value.dtype}, on {value.device}); expected a dense one. Hint: x.to_dense()"
        )
    if value.is_complex():
        raise InputError(f"{what}: is complex ({value.dtype}); expected real numbers")
    # What was made in inference mode cannot take part in training; a copy can.
    learns = value.is_inference() and not torch.is_inference_mode_enabled()
    return value.clone() if learns else value


def _native(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Return a copy that torch can hold: of this computer's byte order, and writable."""
    if array.dtype.kind == "c":
        raise InputError(f"{what}: is complex ({array.dtype}); expected real numbers")
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{what}: is an array of {array.dtype} values; expected an array or a tensor of numbers"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    if array.dtype == np.uint64:
        # A number beyond int64 stays out of range as a negative class, and is no exact float.
        return array.astype(np.float64 if array.max(initial=0) >= 2**63 else np.int64)
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C", copy=True)


def _kind(value: object) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


def _unequal(shapes: set[tuple[int, ...]]) -> str:
    return f"tensors of the shapes {' and '.join(str(shape) for shape in sorted(shapes)[:3])}"
