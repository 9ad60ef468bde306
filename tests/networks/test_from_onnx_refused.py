"""What no workload can be made of: operators and files that are refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

import pnnsim
from pnnsim.errors import WorkloadError
from pnnsim.networks.lowering import onnx_file
from pnnsim.networks.lowering.from_onnx import from_onnx
from tests.networks.onnx_files import saved
from tests.networks.onnx_models import lenet, model, node, tensor
from tests.networks.torch_modules import LeNet, settled


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
