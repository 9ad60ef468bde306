"""Follows a sample through a torch module, and lowers each function of torch that it meets.

The module runs on one sample, with `torch.overrides.TorchFunctionMode` in between: whatever way an
operator is written (module, function, method, in place), it comes by here once, with its numbers
and shapes. So loops over a sequence are unrolled, sizes are integers, and a function that is called
in no rule is found by its name. A question whose reply depends on the sample (`if x.sum() > 0`) is
refused. Nothing here depends on an operator: `torch_rules` has them.

Compared with torch.export, a trace takes milliseconds instead of a tenth of a second, writes no
log, and is the same in all versions of torch; compared with torch.fx, sizes are known.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MethodWrapperType
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from pnnsim.networks.lowering.sketch import Operand, Sketch, Symbol, Weight

#: Rule of a function: the sketch, and the arguments of the function with operands for tensors.
Rule = Callable[..., Any]

#: Functions whose results are numbers of a sample.
_READERS = frozenset(
    [
        "item",
        "tolist",
        "numpy",
        "__array__",
        "__bool__",
        "__int__",
        "__float__",
        "__index__",
        "__complex__",
        "equal",
        "allclose",
        "is_nonzero",
        "__contains__",
        "nonzero",
    ]
)

#: Functions that tell about a tensor, and nothing of its numbers.
_ABOUT = frozenset(
    [
        "size",
        "dim",
        "numel",
        "nelement",
        "ndimension",
        "__len__",
        "stride",
        "is_floating_point",
        "is_complex",
        "is_contiguous",
        "get_device",
        "element_size",
        "has_names",
        "is_signed",
        "is_same_size",
        "requires_grad_",
        "__hash__",
        "is_inference",
        "is_conj",
        "is_neg",
        "storage_offset",
    ]
)

#: Functions that read the shape and the type of a tensor, and nothing of its numbers.
_SHAPED = frozenset(
    ["new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like", "new_tensor"]
)


class Tracer(TorchFunctionMode):
    """Record of what a module does with a sample.

    Args:
        sketch: What is drawn.
        module: The module, whose parameters are known by their names.
        rules: Rule of each function by its name, without the `_` of what works in place.
    """

    def __init__(self, sketch: Sketch, module: nn.Module, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self._sketch = sketch
        self._rules = rules
        # Tensors are kept, so that no other one gets their number.
        self._known: dict[int, tuple[Tensor, Operand, int]] = {}
        self._stack: list[str] = []
        self._module = module
        for name, parameter in module.named_parameters():
            self._bind(parameter, Weight(parameter.detach(), name, name))
        for name, buffer in module.named_buffers():
            self._bind(buffer, Weight(buffer.detach(), name, name, learned=False))

    @property
    def place(self) -> str:
        """Return the part of the module that is being run, or was when it failed."""
        return self._sketch.where

    def run(self, sample: Tensor) -> tuple[Any, Any]:
        """Return what the module gives for a sample, and the same with operands for tensors.

        Args:
            sample: The sample, with its batch of 1.
        """
        sample = sample.detach().clone()
        self._bind(sample, Symbol(0, tuple(sample.shape)))
        with torch.no_grad(), _named(self._module, self._stack, self._place), self:
            made = self._module(sample)
        return made, tree_map(lambda x: self._operand(x) if isinstance(x, Tensor) else x, made)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function, and lower it if it reads what a sample makes."""
        kwargs = dict(kwargs or {})
        name = _name(func)
        about = name in _ABOUT or name in ("shape", "dtype", "device", "layout", "ndim")
        tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
        if about:
            return func(*args, **kwargs)
        operands = [self._operand(x) for x in tensors]
        if name in _SHAPED or not any(isinstance(operand, Symbol) for operand in operands):
            return self._constant(func, args, kwargs)
        if name in _READERS:
            self._sketch.refuse(
                f"{name} reads the numbers of a sample",
                "the same steps for every sample",
                "control flow on data cannot be lowered",
            )
        rule = self._rules.get(name)
        if rule is None and name.endswith("_") and not name.endswith("__"):
            rule = self._rules.get(name[:-1])
        if rule is None:
            value = func(*args, **kwargs)
            if not any(isinstance(x, Tensor) for x in tree_flatten(value)[0]):
                return value
            self._refuse(name)
        made = self._lower(name, rule, args, kwargs)
        value = func(*args, **kwargs)
        self._bind_all(args[0] if value is None else value, made, name)
        return value

    def _lower(
        self, name: str, rule: Rule, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Return what a rule makes of operands."""
        given, named = tree_map(
            lambda x: self._operand(x) if isinstance(x, Tensor) else x, (args, dict(kwargs))
        )
        try:
            bound = inspect.signature(rule).bind(self._sketch, *given, **named)
        except TypeError as error:
            self._sketch.refuse(f"{name} is called in an unusual way ({error})", "its usual form")
        return rule(*bound.args, **bound.kwargs)

    def _constant(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run what reads no sample, and keep what its results were made of."""
        parts: list[object] = []
        read: list[Weight] = []
        for part in tree_flatten((args, dict(kwargs)))[0]:
            operand = self._operand(part) if isinstance(part, Tensor) else None
            if isinstance(operand, Weight):
                read.append(operand)
                parts.append(operand.key)
            else:
                parts.append(repr(part) if operand is None else operand.shape)
        value = func(*args, **kwargs)
        owner = next((weight.name for weight in read if weight.name), "")
        learned = any(weight.learned for weight in read)
        results = args[0] if value is None and args else value
        for index, result in enumerate(tree_flatten(results)[0]):
            if isinstance(result, Tensor) and not self._is_parameter(result):
                key = (_name(func), index, tuple(parts))
                self._bind(result, Weight(result.detach(), key, owner, learned))
        return value

    def _is_parameter(self, x: Tensor) -> bool:
        """Return whether a result is a parameter itself, as it was."""
        known = self._known.get(id(x))
        if known is None or known[2] != x._version:
            return False
        return isinstance(known[1], Weight) and known[1].key == known[1].name

    def _operand(self, x: Tensor) -> Operand:
        """Return what a tensor stands for.

        Raises:
            WorkloadError: If it was changed through another tensor that shares its memory.
        """
        known = self._known.get(id(x))
        if known is None:
            return self._bind(x, Weight(x.detach(), ("tensor", id(x)), learned=False))
        if known[2] != x._version:
            self._sketch.refuse(
                "a tensor was changed in place through another one that shares its memory",
                "changes of the tensor itself",
                "write x = x.relu() in the place of x.view(-1).relu_()",
            )
        return known[1]

    def _bind(self, x: Tensor, operand: Operand) -> Operand:
        self._known[id(x)] = x, operand, x._version
        return operand

    def _bind_all(self, value: Any, made: Any, name: str) -> None:
        """Note what a rule has made as the operands of the tensors of a result."""
        if isinstance(value, Tensor):
            if tuple(value.shape) != made.shape:
                self._sketch.refuse(f"{name} makes {tuple(value.shape)}", f"{made.shape}")
            self._bind(value, made)
        elif isinstance(value, tuple | list):
            for one, other in zip(value, made, strict=True):
                self._bind_all(one, other, name)

    def _refuse(self, name: str) -> NoReturn:
        self._sketch.refuse(
            f"{name} cannot be lowered",
            "linear layers, convolutions, RNN, GRU, LSTM, attention, embeddings, norms, pools, "
            "activations, sums, products, means and views",
            "replace it, or leave it to what reads the outputs",
        )

    def _place(self) -> None:
        """Name the part that is being run, for messages."""
        name = self._stack[-1] if self._stack else ""
        kind = type(self._module.get_submodule(name)).__name__
        self._sketch.where = f"{name} ({kind})" if name else kind


def _name(func: object) -> str:
    """Return the name of a function; of a property, its own."""
    if isinstance(func, MethodWrapperType) and func.__name__ == "__get__":
        return _name(func.__self__)
    # Functions of torch are of many types, not all of which have a name.
    return getattr(func, "__name__", str(func))


@contextmanager
def _named(module: nn.Module, stack: list[str], changed: Callable[[], None]) -> Iterator[None]:
    """Keep the names of the modules that are being run on a stack."""

    def entering(name: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            stack.append(name)
            changed()

        return hook

    def leaving(*_: Any) -> None:
        stack.pop()
        changed()

    with ExitStack() as hooks:
        for name, part in module.named_modules():
            hooks.callback(part.register_forward_pre_hook(entering(name)).remove)
            hooks.callback(part.register_forward_hook(leaving).remove)
        yield
