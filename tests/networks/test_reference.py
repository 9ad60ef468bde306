"""The exact reading of a workload, and the one of an accelerator of 8-bit products."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pnnsim.errors import ParameterError
from pnnsim.networks.builder import WorkloadBuilder
from pnnsim.networks.reference import run_int8, run_reference
from pnnsim.networks.workload import Gather, Value, Workload


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(workload: Workload, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    source = generator()
    return {
        name: torch.randn(shape, generator=source, dtype=dtype)
        for name, shape in workload.shapes.items()
    }


def dense(outputs: int = 3, inputs: int = 4, vectors: int | None = None) -> Workload:
    shape = (inputs,) if vectors is None else (vectors, inputs)
    builder = WorkloadBuilder(Value(shape))
    return builder.build(
        builder.mvm(builder.matrix("w", outputs, inputs), 0, bias="b", gain="g", activation="tanh")
    )


def test_a_small_network_of_torch_is_computed_exactly() -> None:
    builder = WorkloadBuilder(Value((2, 9, 8)))
    x = builder.mvm(
        builder.matrix("conv", 6, 18, groups=2),
        0,
        gather=Gather((3, 3), (2, 1), (1, 0), (1, 2)),
        bias="conv.bias",
        gain="conv.gain",
        activation="relu",
        barrier=True,
    )
    y = builder.mvm(builder.matrix("point", 6, 6), x, gather=Gather((1, 1)), residual=(x, 0.5))
    y = builder.digital("avg_pool", y, kernel=(2, 2), stride=(2, 2))
    y = builder.digital("flatten", y)
    workload = builder.build(builder.mvm(builder.matrix("last", 3, 24), y, bias="last.bias"))
    p = drawn(workload)
    images = torch.randn((4, 2, 9, 8), generator=generator(1), dtype=torch.float64)

    found = run_reference(workload, p, images)

    h = functional.conv2d(
        images, p["conv"].reshape(6, 1, 3, 3), None, (2, 1), (1, 0), (1, 2), groups=2
    )
    h = functional.relu(h * p["conv.gain"].reshape(1, 6, 1, 1) + p["conv.bias"].reshape(1, 6, 1, 1))
    h = torch.einsum("oc,bchw->bohw", p["point"], h) + 0.5 * h
    h = functional.avg_pool2d(h, 2).flatten(1)
    expected = functional.linear(h, p["last"], p["last.bias"])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_cell_of_gates_is_that_of_torch() -> None:
    """An LSTM: W_ih of the whole sequence is one use of T vectors, W_hh is one use a step."""
    length, inputs, hidden = 5, 3, 4
    builder = WorkloadBuilder(Value((length, inputs)))
    ahead = builder.mvm(builder.matrix("ih", 4 * hidden, inputs), 0, bias="b")
    h = c = builder.digital("constant", shape=(hidden,))
    recurrent = builder.matrix("hh", 4 * hidden, hidden)
    for t in range(length):
        drive = builder.digital("slice", ahead, axis=0, start=t, stop=t + 1)
        drive = builder.digital("flatten", drive)
        gates = builder.mvm(recurrent, h, inject=drive)
        i, f, g, o = (
            builder.digital(
                name, builder.digital("slice", gates, start=k * hidden, stop=(k + 1) * hidden)
            )
            for k, name in enumerate(("sigmoid", "sigmoid", "tanh", "sigmoid"))
        )
        kept, new = builder.digital("multiply", f, c), builder.digital("multiply", i, g)
        c = builder.digital("add", kept, new)
        h = builder.digital("multiply", o, builder.digital("tanh", c))
    workload = builder.build(h)
    assert workload.macs == length * 4 * hidden * (inputs + hidden)

    lstm = nn.LSTM(inputs, hidden, batch_first=True, dtype=torch.float64)
    p = {
        "ih": lstm.weight_ih_l0,
        "hh": lstm.weight_hh_l0,
        "b": lstm.bias_ih_l0 + lstm.bias_hh_l0,
    }
    x = torch.randn((6, length, inputs), generator=generator(2), dtype=torch.float64)
    expected = lstm(x)[0][:, -1]
    torch.testing.assert_close(run_reference(workload, p, x), expected, rtol=1e-12, atol=1e-12)


def test_the_first_sample_finds_the_initial_state_and_the_next_what_was_left() -> None:
    """An accumulator by hand: s = s / 2 + x, from 4."""
    builder = WorkloadBuilder(Value((1,)))
    start = builder.digital("constant", shape=(1,), value=7.0)
    state = builder.digital("add", builder.digital("scale", start, factor=0.5), 0)
    builder.carry(state, start, initial=4.0)
    x = torch.tensor([[[1.0], [2.0], [3.0]]])
    found = run_reference(builder.build(state), {}, x)
    assert found.tolist() == [[[3.0], [3.5], [4.75]]]


def test_attention_is_that_of_torch() -> None:
    builder = WorkloadBuilder(Value((5, 8)))
    q, k, v = (builder.mvm(builder.matrix(name, 8, 8), 0) for name in "qkv")
    scores = builder.digital("matmul", q, builder.digital("transpose", k))
    scores = builder.digital("softmax", builder.digital("scale", scores, factor=8**-0.5))
    workload = builder.build(builder.digital("matmul", scores, v))
    p = drawn(workload)
    x = torch.randn((3, 5, 8), generator=generator(3), dtype=torch.float64)
    expected = functional.scaled_dot_product_attention(*(x @ p[name].T for name in "qkv"))
    torch.testing.assert_close(run_reference(workload, p, x), expected, rtol=1e-12, atol=1e-12)


def test_numbers_of_characters_are_looked_up() -> None:
    builder = WorkloadBuilder(Value((3,), "int"))
    table = builder.parameter("table", (7, 2))
    found = builder.digital("flatten", builder.digital("embedding", 0, parameters=(table,)))
    workload = builder.build(builder.mvm(builder.matrix("w", 4, 6), found))
    p = drawn(workload)
    x = torch.tensor([[0, 6, 3], [1, 1, 1]])
    expected = p["table"][x].flatten(1) @ p["w"].T
    torch.testing.assert_close(run_reference(workload, p, x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("vectors", [None, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_have_the_type_of_the_parameters(vectors: int | None, dtype: torch.dtype) -> None:
    workload = dense(vectors=vectors)
    x = torch.rand((2, *workload.values[0].shape), generator=generator(), dtype=torch.float64)
    assert run_reference(workload, drawn(workload, dtype), x).dtype == dtype


def test_parameters_and_inputs_of_another_network_are_refused() -> None:
    workload = dense()
    p, x = drawn(workload), torch.zeros(2, 4, dtype=torch.float64)
    with pytest.raises(ParameterError, match=r"w: is missing; expected shape \(3, 4\)"):
        run_reference(workload, {name: p[name] for name in ("b", "g")}, x)
    with pytest.raises(ParameterError, match=r"w: has shape \(4, 3\); expected \(3, 4\)"):
        run_reference(workload, {**p, "w": p["w"].T}, x)
    with pytest.raises(ParameterError, match="parameters: have the types"):
        run_reference(workload, {**p, "w": p["w"].float()}, x)
    with pytest.raises(ParameterError, match="parameters: have the types"):
        run_reference(workload, {name: t.long() for name, t in p.items()}, x)
    with pytest.raises(ParameterError, match=r"inputs: have shape \(2, 5\); expected \(batch, 4\)"):
        run_reference(workload, p, torch.zeros(2, 5))
    with pytest.raises(ParameterError, match=r"inputs: have shape \(4,\); expected \(batch, 4\)"):
        run_reference(workload, p, torch.zeros(4))


def test_int8_is_integer_arithmetic() -> None:
    """Compare with codes and sums in integers, written out by hand in NumPy."""
    builder = WorkloadBuilder(Value((20,)))
    workload = builder.build(builder.mvm(builder.matrix("w", 6, 20), 0, bias="b"))
    p = drawn(workload)
    x = torch.randn((9, 20), generator=generator(5), dtype=torch.float64)

    found = run_int8(workload, p, x, calibration=x).numpy()

    weight, values = p["w"].numpy(), x.numpy()
    rows = np.abs(weight).max(axis=1) / 127
    span = np.abs(values).max() / 127
    weight_codes = np.rint(weight / rows[:, None]).astype(np.int64)
    value_codes = np.rint(values / span).astype(np.int64)
    assert weight_codes.min() >= -127
    expected = (value_codes @ weight_codes.T) * rows * span + p["b"].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    exact = run_reference(workload, p, x).numpy()
    # Half a step of either factor in each of 20 products.
    bound = 20 * (0.5 * rows.max() * np.abs(values).max() + 0.5 * span * np.abs(weight).max())
    assert 0 < np.abs(found - exact).max() < bound * 1.01


def test_int8_clips_what_is_beyond_its_calibration() -> None:
    builder = WorkloadBuilder(Value((1,)))
    workload = builder.build(builder.mvm(builder.matrix("w", 1, 1), 0))
    p = {"w": torch.ones(1, 1, dtype=torch.float64)}
    one = torch.ones(1, 1, dtype=torch.float64)
    found = run_int8(workload, p, torch.tensor([[-3.0], [0.5], [3.0]]), calibration=one)
    np.testing.assert_allclose(found.numpy(), [[-1.0], [64 / 127], [1.0]], rtol=1e-12, atol=0)


def test_int8_of_zeros_is_zero() -> None:
    workload = dense()
    p = {name: torch.zeros_like(tensor) for name, tensor in drawn(workload).items()}
    x = torch.zeros(2, 4, dtype=torch.float64)
    assert torch.equal(run_int8(workload, p, x, calibration=x), torch.zeros(2, 3).double())


def test_int8_rounds_digital_layers_and_products_of_values_too() -> None:
    builder = WorkloadBuilder(Value((4, 6)))
    weight = builder.parameter("w", (5, 6))
    x = builder.digital("linear_digital", 0, parameters=(weight,))
    workload = builder.build(builder.digital("matmul", builder.digital("transpose", x), x))
    p = drawn(workload)
    images = torch.randn((3, 4, 6), generator=generator(6), dtype=torch.float64)

    def rounded(t: Tensor, dim: int | None = None) -> Tensor:
        step = (t.abs().max() if dim is None else t.abs().amax(dim, keepdim=True)) / 127
        return (t / step).round() * step

    # The second scale is fixed by the exact values of the calibration, not by rounded ones.
    exact = images @ p["w"].T
    step = exact.abs().max() / 127
    x8 = ((rounded(images) @ rounded(p["w"], 1).T) / step).round().clamp(-127, 127) * step
    expected = x8.transpose(1, 2) @ x8
    found = run_int8(workload, p, images, calibration=images)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
