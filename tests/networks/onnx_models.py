"""ONNX models written by hand from modules of torch, without an exporter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tests.networks.torch_modules import LeNet


def tensor(name: str, value: Tensor) -> onnx.TensorProto:
    return numpy_helper.from_array(value.detach().contiguous().numpy(), name)


def model(
    nodes: Sequence[onnx.NodeProto],
    numbers: Sequence[onnx.TensorProto],
    *,
    shape: Sequence[int | str],
    outputs: Sequence[int | str],
    kind: int = TensorProto.DOUBLE,
    version: int = 17,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """Return a model that reads `x` and gives `y`."""
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, outputs)],
        list(numbers),
    )
    imports = [helper.make_opsetid("", version)]
    imports += [helper.make_opsetid(domain, 1) for domain in domains]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def node(operator: str, inputs: str, outputs: str, **settings: Any) -> onnx.NodeProto:
    """Return a node; names are apart by spaces, and `-` is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(
        operator, names, outputs.split(), name=f"{operator}_{outputs.split()[0]}", **settings
    )


def lenet(module: LeNet) -> onnx.ModelProto:
    """Return LeNet-5 as an exporter writes it, its last layer as a product and a sum."""
    numbers = [tensor(name, value) for name, value in module.named_parameters()]
    numbers.append(tensor("fc3.turned", module.fc3.weight.t()))
    numbers = [number for number in numbers if number.name != "fc3.weight"]
    numbers.append(tensor("flat", torch.tensor([-1])))
    numbers.append(tensor("zero", torch.tensor(0)))
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        node("Conv", "x conv1.weight conv1.bias", "a", kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", **window),
        node("Conv", "c conv2.weight conv2.bias", "d", kernel_shape=[5, 5]),
        node("Relu", "d", "e"),
        node("MaxPool", "e", "f", **window),
        node("Shape", "f", "f.shape"),
        node("Gather", "f.shape zero", "f.batch", axis=0),
        node("Unsqueeze", "f.batch first", "f.first"),
        node("Concat", "f.first flat", "g.shape", axis=0),
        node("Reshape", "f g.shape", "g"),
        node("Gemm", "g fc1.weight fc1.bias", "h", transB=1),
        node("Relu", "h", "i"),
        node("Gemm", "i fc2.weight fc2.bias", "j", transB=1),
        node("Relu", "j", "k"),
        node("MatMul", "k fc3.turned", "l"),
        node("Add", "fc3.bias l", "y"),
    ]
    numbers.append(tensor("first", torch.tensor([0])))
    return model(nodes, numbers, shape=["n", 1, 28, 28], outputs=["n", 10])


def recurrent(layer: nn.LSTM | nn.GRU | nn.RNN, *first: Tensor) -> onnx.ModelProto:
    """Return a layer of torch that reads its batch first, and its last state.

    Args:
        layer: The layer.
        first: States that it begins with, shape `(1, 1, hidden)` each; zeros where not given.
    """
    operator = type(layer).__name__
    order = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}[operator]

    def gates(value: Tensor) -> Tensor:
        parts = value.chunk(len(order))
        return torch.cat([parts[place] for place in order])

    w, r, one, two = (gates(value) for value in layer.parameters())
    numbers = [
        tensor("layer.w", w[None]),
        tensor("layer.r", r[None]),
        tensor("layer.b", torch.cat([one, two])[None]),
        *(tensor(f"first.{i}", state) for i, state in enumerate(first)),
    ]
    # Lengths stand between, and are left out.
    states = ["-", *(f"first.{i}" for i in range(len(first)))] if first else []
    read = " ".join(["t layer.w layer.r layer.b", *states])
    extra = {"linear_before_reset": 1} if operator == "GRU" else {}
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node(operator, read, "all last", hidden_size=r.shape[1], **extra),
        node("Squeeze", "all", "items", axes=[1]),
        node("Transpose", "items", "y", perm=[1, 0, 2]),
    ]
    size = r.shape[1]
    return model(nodes, numbers, shape=[1, 6, 5], outputs=[1, 6, size], version=11)
