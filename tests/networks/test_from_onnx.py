"""An ONNX file gives the workload that the same layers of torch have, and runs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional

import pnnsim
from pnnsim.errors import WorkloadError
from pnnsim.networks.lowering import onnx_file
from pnnsim.networks.lowering.from_onnx import from_onnx
from pnnsim.networks.lowering.from_torch import from_torch
from pnnsim.networks.reference import run_reference
from tests.networks.onnx_models import lenet, model, node, recurrent, tensor
from tests.networks.torch_modules import LeNet, settled


def saved(content: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content.SerializeToString())
    return path


def samples(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


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


def small(*nodes: onnx.NodeProto, **more: Any) -> onnx.ModelProto:
    """Return a model of a map of 4 numbers."""
    settings: dict[str, Any] = {"shape": ["n", 4], "outputs": ["n", 4], **more}
    matrix = tensor("w", torch.eye(4, dtype=torch.float64))
    return model(nodes or (node("MatMul", "x w", "y"),), [matrix], **settings)


def elsewhere() -> onnx.ModelProto:
    content = small()
    number = content.graph.initializer[0]
    number.ClearField("raw_data")
    number.data_location = TensorProto.EXTERNAL
    entry = number.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    return content


def looped() -> onnx.ModelProto:
    body = helper.make_graph(
        [node("Identity", "x", "z")],
        "body",
        [],
        [helper.make_tensor_value_info("z", TensorProto.DOUBLE, ["n", 4])],
    )
    choice = helper.make_node("If", ["x"], ["y"], name="choice", then_branch=body, else_branch=body)
    return small(choice)


def functional_model() -> onnx.ModelProto:
    content = small()
    content.functions.append(
        helper.make_function(
            "own", "F", ["a"], ["b"], [node("Identity", "a", "b")], [helper.make_opsetid("", 17)]
        )
    )
    return content


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "numbers elsewhere": (elsewhere, r"w: its numbers are in another file\. Hint: "),
    "own domain": (
        lambda: small(node("Relu", "x", "y", domain="evil"), domains=["evil"]),
        r"Relu is an operator of the domain 'evil'; expected those of ai\.onnx",
    ),
    "control flow": (looped, r"choice \(If\) is control flow; expected the same steps"),
    "functions": (functional_model, r"defines operators of its own; expected those of ai\.onnx"),
    "version": (lambda: small(version=99), r"has operators of version \[99\]; expected 9 to "),
    "operator": (
        lambda: small(node("Erf", "x", "y")),
        r"Erf_y \(Erf\): Erf cannot be lowered; expected one of Add, ",
    ),
    "direction": (
        lambda: small(node("Relu", "q", "y")),
        r"is damaged \(.*\); expected a model that is complete",
    ),
    "batch": (
        lambda: small(shape=[8, 4], outputs=[8, 4]),
        r"input x: has a batch of 8; expected 1, or any\. Hint: ",
    ),
    "sizes": (
        lambda: small(shape=["n", "m"], outputs=["n", "m"]),
        r"input x: has shape \(0, 0\); expected a batch, and sizes that are numbers",
    ),
    "shapes": (
        lambda: small(shape=["n", 3]),
        r"MatMul_y \(MatMul\): matrix \(4, 4\) on \(1, 3\); expected as many inputs as columns",
    ),
    "settings": (
        lambda: small(node("Transpose", "x", "y", perm=[0, 7])),
        r"Transpose_y \(Transpose\): ",
    ),
    "huge constant": (
        lambda: small(
            node("Constant", "", "s", value=tensor("s", torch.tensor([2**40, 2**20]))),
            node("ConstantOfShape", "s", "c"),
            node("Add", "x c", "y"),
        ),
        r"ConstantOfShape_c \(ConstantOfShape\): its settings do not fit .*at most 67108864",
    ),
    "no sample": (
        lambda: small(node("Identity", "w", "y")),
        r"output y: does not depend on the sample; expected a network that reads it",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_not_lowered_is_refused_by_name(name: str, tmp_path: Path) -> None:
    make, message = REFUSED[name]
    with pytest.raises(WorkloadError, match=rf"model\.onnx: {message}") as caught:
        from_onnx(saved(make(), tmp_path))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_message(tmp_path: Path) -> None:
    whole = lenet(settled(LeNet())).SerializeToString()
    path = tmp_path / "model.onnx"
    generator = torch.Generator().manual_seed(5)
    damaged = [b"", b"\x00" * 40, whole[: len(whole) // 2], whole[:200]]
    head = 6000
    for _ in range(40):
        content = bytearray(lenet_head(whole, head))
        for place in torch.randint(0, len(content), (4,), generator=generator).tolist():
            content[place] ^= 0x55
        damaged.append(bytes(content))
    messages = []
    for content in damaged:
        path.write_bytes(content)
        try:
            from_onnx(path)
        except WorkloadError as error:
            messages.append(str(error))
    # Some bytes are those of a name that nothing else reads.
    assert len(messages) >= 30
    assert all(message.startswith(f"{path}: ") for message in messages)


def lenet_head(whole: bytes, size: int) -> bytes:
    """Return a whole model that is small: its graph without the numbers of two layers."""
    content = onnx.ModelProto()
    content.ParseFromString(whole)
    for number in content.graph.initializer:
        if len(number.raw_data) > size:
            number.raw_data = number.raw_data[:16]
    return content.SerializeToString()


def test_a_file_that_is_missing_or_too_large_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkloadError, match=r"none\.onnx: cannot be read \(No such file"):
        from_onnx(tmp_path / "none.onnx")
    path = saved(small(), tmp_path)
    monkeypatch.setattr(onnx_file, "LIMIT", 100)
    with pytest.raises(WorkloadError, match=r"model\.onnx: has \d+ bytes; expected at most 100"):
        from_onnx(path)


def test_without_onnx_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(small(), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(WorkloadError, match=r"Hint: pip install 'pnnsim\[onnx\]'$"):
        from_onnx(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(WorkloadError, match="got something else than a regular file"):
        pnnsim.from_onnx(tmp_path / "model.onnx")
