"""Reads an ONNX file as data: a graph of standard operators, and its numbers.

A file can hold no code, and nothing that it names is opened or run: numbers that lie in other
files, operators of other domains, functions, and graphs within a graph are refused, as is a file
that is damaged or too large. What an operator does is not decided here.

Reference: Open Neural Network Exchange, operators of domain `ai.onnx`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pnnsim.common.files import FileError, open_regular
from pnnsim.errors import WorkloadError
from pnnsim.networks.operator_constants import shown

if TYPE_CHECKING:
    import onnx

#: Most bytes of a file; ResNet-152 in float32 has 240 MB.
LIMIT = 2**30
#: Versions of the operators that have rules.
VERSIONS = (9, 25)

_CONTROL = ("If", "Loop", "Scan", "SequenceMap")
_OWN = ("", "ai.onnx")
_HINT = "Hint: save the model with all its data in one file, for inference."


@dataclass(frozen=True, slots=True)
class Call:
    """One use of an operator.

    Args:
        operator: Name of the operator.
        name: Name of the node; its first result where it has none.
        inputs: Names of what it reads; empty for what is left out.
        outputs: Names of what it makes.
        attributes: Settings by name: numbers, texts, sequences of them, or tensors.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """Network of a file.

    Args:
        source: Name of the input.
        shape: Shape of a sample.
        whole: Whether the input is whole numbers.
        output: Name of the output.
        calls: Uses of operators, in order.
        numbers: Tensors of the file by name.
    """

    source: str
    shape: tuple[int, ...]
    whole: bool
    output: str
    calls: tuple[Call, ...]
    numbers: Mapping[str, Tensor]


def read_graph(path: Path) -> Graph:
    """Return the graph of a file.

    Args:
        path: The file.

    Raises:
        WorkloadError: If onnx is not installed, or the file is missing, damaged, too large, or
            holds what is not lowered.
    """
    return _Reader(str(path)).graph(_bytes(path))


def _bytes(path: Path) -> bytes:
    """Return what a file holds."""
    try:
        with open_regular(path, sys.maxsize) as (file, size):
            if size > LIMIT:
                raise WorkloadError(f"{path}: has {size} bytes; expected at most {LIMIT}")
            return file.read()
    except FileError as error:
        raise WorkloadError(f"{path}: {error}") from None
    except OSError as error:
        raise WorkloadError(f"{path}: cannot be read ({error.strerror}); expected a file") from None


class _Reader:
    """Reader of one file, whose name begins every message."""

    def __init__(self, name: str) -> None:
        self._name = name
        try:
            import onnx
            import onnx.checker
            import onnx.numpy_helper
        except ImportError:
            raise self._error(
                "needs the package onnx, which is missing; expected it to be installed. "
                "Hint: pip install 'pnnsim[onnx]'"
            ) from None
        self._onnx = onnx

    def graph(self, content: bytes) -> Graph:
        """Return the graph of what a file holds."""
        model = self._model(content)
        self._refuse_other(model)
        numbers = {}
        for tensor in model.graph.initializer:
            numbers[tensor.name] = self._tensor(tensor.name, tensor)
        calls = tuple(self._call(node) for node in model.graph.node)
        self._check(model)
        sources = [value for value in model.graph.input if value.name not in numbers]
        if len(sources) != 1 or len(model.graph.output) != 1:
            raise self._error(
                f"has {len(sources)} inputs and {len(model.graph.output)} outputs; expected one "
                "of each"
            )
        shape, whole = self._sample(sources[0])
        return Graph(
            sources[0].name,
            shape,
            whole,
            model.graph.output[0].name,
            calls,
            MappingProxyType(numbers),
        )

    def _error(self, what: str) -> WorkloadError:
        return WorkloadError(f"{self._name}: {what}")

    def _model(self, content: bytes) -> onnx.ModelProto:
        from google.protobuf.message import DecodeError

        model = self._onnx.ModelProto()
        try:
            model.ParseFromString(content)
        except (DecodeError, ValueError):
            raise self._error("is damaged, or no ONNX file; expected a model") from None
        if not model.graph.node:
            raise self._error("holds no graph; expected a model in the form of ONNX")
        return model

    def _check_version(self, model: onnx.ModelProto) -> None:
        """Refuse operators of a version that the rules do not describe."""
        versions = [entry.version for entry in model.opset_import if entry.domain in _OWN]
        least, most = VERSIONS
        if len(versions) != 1 or not least <= versions[0] <= most:
            raise self._error(f"has operators of version {versions}; expected {least} to {most}")

    def _refuse_other(self, model: onnx.ModelProto) -> None:
        """Refuse what is more than a graph of standard operators with its numbers."""
        self._check_version(model)
        for node in model.graph.node:
            if node.domain not in _OWN:
                raise self._error(
                    f"{node.op_type} is an operator of the domain {shown(node.domain)}; expected "
                    f"those of ai.onnx. {_HINT}"
                )
            if node.op_type in _CONTROL:
                raise self._error(
                    f"{node.name or node.op_type} ({node.op_type}) is control flow; expected the "
                    "same steps for every sample"
                )
        if model.functions:
            raise self._error(f"defines operators of its own; expected those of ai.onnx. {_HINT}")
        if model.graph.sparse_initializer:
            raise self._error("has sparse tensors; expected dense ones")

    def _check(self, model: onnx.ModelProto) -> None:
        """Refuse a model that breaks the rules of the format."""
        try:
            self._onnx.checker.check_model(model)
        except (self._onnx.checker.ValidationError, ValueError, RuntimeError) as error:
            line = (str(error).strip().splitlines() or ["unknown"])[0][:200]
            raise self._error(f"is damaged ({line}); expected a model that is complete") from None

    def _call(self, node: onnx.NodeProto) -> Call:
        name = node.name or (node.output[0] if node.output else node.op_type)
        attributes = {}
        for entry in node.attribute:
            kind = entry.type
            if kind in (entry.GRAPH, entry.GRAPHS, entry.SPARSE_TENSOR, entry.SPARSE_TENSORS):
                raise self._error(f"{name}: holds a graph or sparse tensors; expected neither")
            if entry.ref_attr_name:
                raise self._error(f"{name}: refers to a function; expected its own settings")
            try:
                value = self._onnx.helper.get_attribute_value(entry)
            except ValueError:
                raise self._error(f"{name}: has a damaged setting; expected numbers") from None
            if kind == entry.TENSOR:
                value = self._tensor(name, value)
            elif isinstance(value, bytes):
                value = value.decode(errors="replace")
            attributes[entry.name] = value
        return Call(
            node.op_type, name, tuple(node.input), tuple(node.output), MappingProxyType(attributes)
        )

    def _tensor(self, name: str, tensor: onnx.TensorProto) -> Tensor:
        """Return a tensor that lies in the file."""
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            raise self._error(f"{name}: its numbers are in another file. {_HINT}")
        if any(size < 0 for size in tensor.dims):
            raise self._error(f"{name}: has shape {tuple(tensor.dims)}; expected sizes")
        try:
            array = self._onnx.numpy_helper.to_array(tensor)
            return torch.from_numpy(array.copy())
        except (TypeError, ValueError, RuntimeError, KeyError):
            raise self._error(
                f"{name}: is a damaged tensor, or of a type that is not known; expected numbers"
            ) from None

    def _sample(self, value: onnx.ValueInfoProto) -> tuple[tuple[int, ...], bool]:
        """Return the shape of a sample, and whether it is whole numbers."""
        kind = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
        if len(sizes) < 2 or any(size < 1 for size in sizes[1:]):
            raise self._error(
                f"input {value.name}: has shape {tuple(sizes)}; expected a batch, and sizes that "
                "are numbers"
            )
        if sizes[0] > 1:
            raise self._error(
                f"input {value.name}: has a batch of {sizes[0]}; expected 1, or any. Hint: save "
                "the model with a batch that has a name"
            )
        types = self._onnx.TensorProto
        floats = (types.FLOAT, types.DOUBLE, types.FLOAT16, types.BFLOAT16)
        if kind.elem_type not in (*floats, types.INT32, types.INT64):
            raise self._error(f"input {value.name}: is of type {kind.elem_type}; expected numbers")
        return tuple(sizes[1:]), kind.elem_type not in floats
