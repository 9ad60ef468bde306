"""A torch module as a network: its workload, and its weights.

    net = pnnsim.from_torch(module, example)

The module is taken as it is in `eval`: dropout vanishes, and a batch norm becomes a gain and a
shift from its running statistics. A module that is called several times is one matrix. Matrices are
on banks, everything else is digital, and so are the layers that `layers` names: `layers={"conv1":
{"place": "digital"}}`. What cannot be lowered is refused by its name in the module.

A workload describes one sample. That the module treats the samples of a batch apart from each
other, and that the workload computes what the module does, is checked on two samples before it is
returned.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

from pnnsim.errors import WorkloadError
from pnnsim.networks.given import GivenNetwork
from pnnsim.networks.layer_settings import LayerSettings
from pnnsim.networks.lowering.sketch import Sketch, Symbol
from pnnsim.networks.lowering.sketch_emission import Gains, emit
from pnnsim.networks.lowering.torch_rules import RULES
from pnnsim.networks.lowering.torch_trace import Tracer
from pnnsim.networks.operator_constants import shown
from pnnsim.networks.parts import Value
from pnnsim.networks.reference import run_reference

#: What a module may raise when it gets a sample that does not fit.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)

#: Greatest error of a workload, relative to the greatest output of the module.
_TOLERANCE = {torch.float64: 1e-9}
_COARSE = 1e-3


def from_torch(
    module: nn.Module,
    example: Tensor,
    *,
    layers: Mapping[str, Mapping[str, Any] | LayerSettings] | None = None,
    batch_axis: int = 0,
    gains: Gains = "row",
) -> GivenNetwork:
    """Return the network of a module.

    Args:
        module: The module; it is left as it was.
        example: Samples, such as one batch of the data; their numbers do not matter.
        layers: Settings of layers by name, as of `LayerSettings`: `place` (`banks` or `digital`),
            `bits` and `scaling`.
        batch_axis: Axis of the samples in what the module reads; 1 for `batch_first=False`. What
            the network reads and gives has it first.
        gains: `row`: a gain for each output of a matrix; `set`: one for all of them.

    Raises:
        WorkloadError: If the module has a part that cannot be lowered, or mixes samples.
    """
    _check(module, example, batch_axis)
    settings = read_layers(layers)
    samples = _two(example.detach().movedim(batch_axis, 0))
    shape = tuple(samples.shape[1:])
    with _evaluating(module):
        sketch = Sketch(Value(shape, "float" if samples.is_floating_point() else "int"), settings)
        made, operands = _run(
            module, Tracer(sketch, module, RULES), samples[:1].movedim(0, batch_axis)
        )
        sketch.where = type(module).__name__
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                both = module(samples.movedim(0, batch_axis))
            except _FAULTS as error:
                sketch.refuse(f"cannot read two samples at once ({_line(error)})", _BATCH)
        axis = _batch_axis(sketch, _only(sketch, made), _only(sketch, both))
        both = _only(sketch, both).movedim(axis, 0)
    output = _only(sketch, operands)
    if not isinstance(output, Symbol):
        sketch.refuse("the outputs do not depend on the sample", "a network that reads it")
    dtype = samples.dtype if samples.is_floating_point() else torch.get_default_dtype()
    workload, weights = emit(
        sketch, output, tuple(both.shape[1:]) or (1,), dtype=dtype, gains=gains
    )
    sketch.refuse_unknown_layers()
    _compare(sketch, GivenNetwork(workload, weights), samples, both)
    return GivenNetwork(workload, weights)


def read_layers(
    layers: Mapping[str, Mapping[str, Any] | LayerSettings] | None,
) -> dict[str, LayerSettings]:
    """Return the settings of layers.

    Args:
        layers: Settings of layers by name.

    Raises:
        WorkloadError: If a setting is unknown.
    """
    found = {}
    for name, given in (layers or {}).items():
        try:
            found[name] = LayerSettings.model_validate(given)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            where = ".".join(["layers", name, *map(str, detail["loc"])])
            raise WorkloadError(
                f"{where}: got {shown(detail['input'])}; expected place: banks or digital, bits: "
                "1 to 16, scaling: row or matrix"
            ) from None
        if found[name].place == "digital" and found[name] != LayerSettings(place="digital"):
            raise WorkloadError(
                f"layers.{name}: is digital and has bits or a scaling; expected either"
            )
    return found


_BATCH = "a module that treats samples apart from each other"


def _check(module: nn.Module, example: Tensor, batch_axis: int) -> None:
    """Refuse what is no module, or no batch of samples."""
    if not isinstance(module, nn.Module):
        raise WorkloadError(f"module: got {type(module).__name__}; expected a torch.nn.Module")
    if not isinstance(example, Tensor) or example.dim() < 2 or example.numel() == 0:
        got = tuple(example.shape) if isinstance(example, Tensor) else type(example).__name__
        raise WorkloadError(
            f"example: got {got}; expected a tensor (batch, …) of one sample or more"
        )
    if not -example.dim() <= batch_axis < example.dim():
        raise WorkloadError(f"batch_axis: got {batch_axis}; expected an axis of the example")
    if example.dim() > 4:
        raise WorkloadError(
            f"example: has shape {tuple(example.shape)}; expected at most three axes and the batch"
        )
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule) or hasattr(part, "_orig_mod"):
            raise WorkloadError(
                f"{name or 'module'}: is compiled; expected modules of torch. Hint: use the module "
                "that it was made of"
            )


def _two(example: Tensor) -> Tensor:
    """Return two samples that differ."""
    first = example[:1]
    if len(example) > 1 and not torch.equal(example[:1], example[1:2]):
        return example[:2].contiguous()
    turned = first.roll(1, -1)
    if first.is_floating_point():
        ramp = torch.linspace(-0.5, 0.5, first.numel(), dtype=first.dtype, device=first.device)
        turned = 0.5 * turned + ramp.reshape(first.shape)
    return torch.cat([first, turned])


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Let a module be in `eval`, and leave each part as it was."""
    modes = {part: part.training for part in module.modules()}
    buffers = [
        (part, name, buffer, buffer.clone())
        for part in module.modules()
        for name, buffer in part.named_buffers(recurse=False)
    ]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
        with torch.no_grad():
            for part, name, buffer, before in buffers:
                setattr(part, name, buffer.copy_(before))


def _run(module: nn.Module, tracer: Tracer, sample: Tensor) -> tuple[Any, Any]:
    """Return what a module gives for one sample, and the operands of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tracer.run(sample)
    except WorkloadError:
        raise
    except _FAULTS as error:
        raise WorkloadError(
            f"{tracer.place}: cannot read a sample of shape {tuple(sample.shape)} "
            f"({_line(error)}); expected an example that it can"
        ) from error


def _line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _only(sketch: Sketch, made: Any) -> Any:
    """Return the only tensor of what a module gives."""
    found = [part for part in tree_flatten(made, is_leaf=_is_operand)[0] if part is not None]
    if len(found) != 1:
        sketch.refuse(
            f"gives {len(found)} tensors", "one", "wrap it in a module that returns one of them"
        )
    return found[0]


def _is_operand(part: object) -> bool:
    return isinstance(part, Symbol)


def _batch_axis(sketch: Sketch, one: Tensor, both: Tensor) -> int:
    """Return the axis of the outputs that has as many places as there are samples."""
    if one.dim() == both.dim():
        axes = [a for a in range(one.dim()) if one.shape[a] == 1 and both.shape[a] == 2]
        others = [a for a in range(one.dim()) if a not in axes and one.shape[a] != both.shape[a]]
        if len(axes) == 1 and not others:
            return axes[0]
    shapes = f"{tuple(one.shape)} for one sample and {tuple(both.shape)} for two"
    return sketch.refuse(
        f"gives {shapes}", _BATCH, "look for reshapes that count the batch in, such as squeeze()"
    )


def _compare(sketch: Sketch, network: GivenNetwork, samples: Tensor, expected: Tensor) -> None:
    """Refuse a workload that does not compute what the module does.

    Raises:
        WorkloadError: If outputs differ by more than rounding.
    """
    with torch.no_grad():
        found = run_reference(network.workload, network.weights, samples)
    largest = float(expected.abs().max()) or 1.0
    error = float((found.reshape(expected.shape) - expected).abs().max()) / largest
    allowed = _TOLERANCE.get(found.dtype, _COARSE)
    if not error <= allowed:
        sketch.refuse(
            f"outputs of two samples differ by {error:.2g} from those of the workload",
            _BATCH,
            "look for random numbers, and for steps that mix samples or change with them",
        )
