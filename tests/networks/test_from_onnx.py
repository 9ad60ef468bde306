"""An ONNX file gives the workload that the same layers of torch have, and runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional

import pnnsim
from pnnsim.networks.lowering.from_onnx import from_onnx
from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.reference import run_reference
from tests.networks.onnx_files import samples, saved
from tests.networks.onnx_models import lenet, model, node, recurrent, tensor
from tests.networks.torch_modules import LeNet, settled


def test_lenet_has_one_workload_through_torch_and_onnx(tmp_path: Path) -> None:
    module = settled(LeNet())
    x = samples(3, 1, 28, 28)
    ours = from_torch(module, x)
    theirs = pnnsim.from_onnx(saved(lenet(module), tmp_path))
    assert theirs.workload.sha256() == ours.workload.sha256()
    assert theirs.weights.keys() == ours.weights.keys()
    for name, value in ours.weights.items():
        torch.testing.assert_close(theirs.weights[name], value, rtol=0, atol=0)
    with torch.no_grad():
        found = run_reference(theirs.workload, theirs.initial_parameters(), x)
        torch.testing.assert_close(found, module(x), rtol=1e-9, atol=1e-12)
    # On a machine, too, one is the other.
    spec, y = pnnsim.load_spec("photonic_pcm"), torch.arange(3)
    runs = [
        pnnsim.simulate(spec, pnnsim.Surrogate(network, spec), x, y, chips=1)
        for network in (ours, theirs)
    ]
    assert runs[0].trace.equals(runs[1].trace)
    for key in ("energy_j", "accuracy", "layers"):
        assert runs[0].metrics[key] == runs[1].metrics[key]


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_have_one_workload(
    layer: Callable[..., nn.LSTM | nn.GRU | nn.RNN], tmp_path: Path
) -> None:
    class First(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer(5, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0]

    module = settled(First())
    assert isinstance(module, First)
    x = samples(2, 6, 5)
    ours = from_torch(module, x)
    theirs = from_onnx(saved(recurrent(module.layer), tmp_path))
    assert theirs.workload.sha256() == ours.workload.sha256()
    with torch.no_grad():
        found = run_reference(theirs.workload, theirs.initial_parameters(), x)
        torch.testing.assert_close(found, module(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_begin_with_the_states_of_the_file(
    layer: Callable[..., nn.LSTM | nn.GRU | nn.RNN], tmp_path: Path
) -> None:
    module = settled(layer(5, 4, batch_first=True))
    assert isinstance(module, nn.LSTM | nn.GRU | nn.RNN)
    first = [sample[None, None] for sample in samples(2 if layer is nn.LSTM else 1, 4)]
    x = samples(3, 6, 5)
    found = from_onnx(saved(recurrent(module, *first), tmp_path))
    wide = [state.expand(1, 3, 4).contiguous() for state in first]
    with torch.no_grad():
        expected, _ = module(x, tuple(wide) if layer is nn.LSTM else wide[0])
        got = run_reference(found.workload, found.initial_parameters(), x)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-9)


def test_settings_of_a_file_are_the_numbers_that_torch_has(tmp_path: Path) -> None:
    """A file holds 1e-5 and 0.1 in float32."""
    module = settled(nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 4), nn.LeakyReLU(0.1)))
    numbers = [tensor(name, value) for name, value in module.named_parameters()]
    nodes = [
        node("LayerNormalization", "x 0.weight 0.bias", "a"),
        node("Gemm", "a 1.weight 1.bias", "b", transB=1),
        node("LeakyRelu", "b", "y", alpha=0.1),
    ]
    nodes[0].attribute.append(helper.make_attribute("epsilon", 1e-5))
    content = model(nodes, numbers, shape=["n", 6], outputs=["n", 4])
    ours = from_torch(module, samples(2, 6))
    assert from_onnx(saved(content, tmp_path)).workload.sha256() == ours.workload.sha256()


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


CASES: dict[str, tuple[list[onnx.NodeProto], dict[str, Tensor], Callable[[Tensor], Tensor]]] = {
    "activations": (
        [
            node("LeakyRelu", "x", "a", alpha=0.2),
            node("Clip", "a low high", "b"),
            node("Elu", "b", "c"),
            node("Softplus", "c", "d"),
            node("HardSigmoid", "d", "e", alpha=1 / 6),
            node("HardSwish", "e", "f"),
            node("Tanh", "f", "g"),
            node("Sigmoid", "g", "h"),
            node("LogSoftmax", "h", "y", axis=1),
        ],
        {"low": torch.tensor(-0.5).double(), "high": torch.tensor(0.8).double()},
        lambda x: functional.log_softmax(
            torch.sigmoid(
                torch.tanh(
                    functional.hardswish(
                        functional.hardsigmoid(
                            functional.softplus(
                                functional.elu(functional.leaky_relu(x, 0.2).clamp(-0.5, 0.8))
                            )
                        )
                    )
                )
            ),
            1,
        ),
    ),
    "arithmetic": (
        [
            node("Sub", "x row", "a"),
            node("Div", "a two", "b"),
            node("Neg", "b", "c"),
            node("Mul", "c x", "d"),
            node("Pow", "d two", "e"),
            node("Sub", "e d", "f"),
            node("ReduceMean", "f", "g", axes=[2, 3]),
            node("Softmax", "g", "y"),
        ],
        {"row": samples(1, 4, 1, 1), "two": torch.tensor(2.0).double()},
        lambda x: torch.softmax(_arithmetic(x).mean(dim=(2, 3), keepdim=True), dim=-1),
    ),
    "maps": (
        [
            node("Pad", "x pads", "a"),
            node("AveragePool", "a", "b", kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 1, 0]),
            node("Conv", "b kernel", "c", group=2, auto_pad="SAME_UPPER", strides=[2, 1]),
            node("InstanceNormalization", "c gain shift", "d"),
            node("BatchNormalization", "d gain shift mean var", "e"),
            node("GlobalAveragePool", "e", "f"),
            node("Flatten", "f", "y"),
        ],
        {
            "pads": torch.tensor([0, 0, 1, 0, 0, 0, 0, 1]),
            "kernel": samples(4, 2, 2, 3),
            "gain": vector(1, -2, 0.5, 3),
            "shift": vector(0, 1, 2, 3),
            "mean": vector(0.1, 0, 0, -1),
            "var": vector(1, 2, 3, 4),
        },
        lambda x: _maps(x),
    ),
    "parts": (
        [
            node("Split", "x", "a b", axis=1),
            node("Slice", "a starts ends axes steps", "c"),
            node("Gather", "b one", "d", axis=2),
            node("Unsqueeze", "d two", "e"),
            node("Concat", "c e", "f", axis=2),
            node("Transpose", "f", "g", perm=[0, 3, 1, 2]),
            node("Reshape", "g shape", "y"),
        ],
        {
            "starts": torch.tensor([1]),
            "ends": torch.tensor([2**62]),
            "axes": torch.tensor([2]),
            "steps": torch.tensor([2]),
            "one": torch.tensor(1),
            "two": torch.tensor([2]),
            "shape": torch.tensor([0, -1]),
        },
        lambda x: torch.cat([x[:, :2, 1::2], x[:, 2:, 1:2]], 2).permute(0, 3, 1, 2).flatten(1),
    ),
}


def _arithmetic(x: Tensor) -> Tensor:
    d = -(x - samples(1, 4, 1, 1)) / 2 * x
    return d**2 - d


def _maps(x: Tensor) -> Tensor:
    named = CASES["maps"][1]
    x = functional.pad(x, (0, 1, 1, 0))
    x = functional.avg_pool2d(x, (3, 2), (1, 2), (1, 0), count_include_pad=False)
    x = functional.pad(x, (1, 1, x.shape[2] % 2 * 0, 0 if x.shape[2] % 2 == 0 else 1))
    x = functional.conv2d(x, named["kernel"], stride=(2, 1), groups=2)
    x = functional.instance_norm(x, weight=named["gain"], bias=named["shift"])
    x = functional.batch_norm(x, named["mean"], named["var"], named["gain"], named["shift"])
    return x.mean(dim=(2, 3))


@pytest.mark.parametrize("name", list(CASES))
def test_operators_compute_what_those_of_torch_do(name: str, tmp_path: Path) -> None:
    nodes, numbers, function = CASES[name]
    x = samples(3, 4, 5, 6)
    expected = function(x)
    content = model(
        nodes,
        [tensor(key, value) for key, value in numbers.items()],
        shape=["n", 4, 5, 6],
        outputs=["n", *expected.shape[1:]],
        version=13 if name == "arithmetic" else 17,
    )
    network = from_onnx(saved(content, tmp_path))
    found = run_reference(network.workload, network.initial_parameters(), x)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


def test_a_layer_norm_attention_and_table_compute_the_same(tmp_path: Path) -> None:
    table, matrix, gain = samples(9, 8), samples(8, 8), samples(8, seed=4)
    nodes = [
        node("Gather", "table x", "a"),
        node("LayerNormalization", "a gain", "b"),
        node("MatMul", "b matrix", "c"),
        node("Transpose", "b", "d", perm=[0, 2, 1]),
        node("MatMul", "c d", "e"),
        node("Softmax", "e", "f", axis=-1),
        node("MatMul", "f b", "y"),
    ]
    numbers = [tensor("table", table), tensor("matrix", matrix), tensor("gain", gain)]
    content = model(nodes, numbers, shape=["n", 5], outputs=["n", 5, 8], kind=TensorProto.INT64)
    network = from_onnx(saved(content, tmp_path), layers={"matrix": {"place": "digital"}})
    assert network.workload.matrices == ()
    x = torch.tensor([[0, 3, 8, 1, 1], [2, 2, 5, 7, 6]])
    b = functional.layer_norm(table[x], (8,), gain)
    expected = torch.softmax(b @ matrix @ b.transpose(1, 2), -1) @ b
    found = run_reference(network.workload, network.initial_parameters(), x)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
