"""What is handed over from Python is read as it is meant, or refused by its name."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import pnnsim
from pnnsim.errors import InputError
from pnnsim.inference.chip import Chip
from pnnsim.inference.inputs import as_inputs, as_labels
from pnnsim.inference.predict import ideal_outputs, nominal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.ablation import ablation
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import periodic

#: 12 inputs are images of 3 channels, 2 x 2 pixels.
NETWORK = ReLaXNet(inputs=12, hidden=8, outputs=3, weight_sets=2, steps=3)
SPEC = load_spec("photonic_mrr")
TWIN = Surrogate(NETWORK, SPEC)
X = torch.linspace(0.0, 1.0, 60).reshape(5, 12)
Y = torch.tensor([0, 1, 2, 0, 1])
ROW = torch.zeros(1)


def figures(spec: Any = SPEC, parameters: Any = TWIN, x: Any = X, y: Any = Y) -> dict[str, Any]:
    metrics = simulate(spec, parameters, x, y, chips=2).metrics
    return {name: metrics[name] for name in ("accuracy", "latency_s", "energy_j")}


WANTED = figures(parameters=TWIN.parameter_set())


@pytest.mark.parametrize(
    "x",
    [
        X.numpy(),
        X.tolist(),
        list(X),
        X.double(),
        X.double().numpy(),
        X.numpy().astype(">f8"),
        X.numpy().astype(np.longdouble),
        X.numpy()[::-1][::-1],
        np.asfortranarray(X.numpy()),
        X.reshape(5, 3, 2, 2),
        X.reshape(5, 3, 2, 2).numpy(),
        X.clone().requires_grad_(True),
    ],
)
def test_inputs_of_any_real_form_give_the_same_figures(x: Any) -> None:
    assert figures(x=x) == WANTED


def test_an_array_that_cannot_be_written_to_is_read() -> None:
    frozen = X.numpy().copy()
    frozen.setflags(write=False)
    assert figures(x=frozen) == WANTED


@pytest.mark.parametrize("integer", [np.uint8, np.int64, np.uint64, torch.uint8, torch.int32])
def test_whole_numbers_are_inputs(integer: Any) -> None:
    whole = (X * 9).round()
    given = whole.to(integer) if isinstance(integer, torch.dtype) else whole.numpy().astype(integer)
    assert figures(x=given) == figures(x=whole)


@pytest.mark.parametrize(
    "y", [Y.tolist(), tuple(Y.tolist()), Y.numpy(), Y.numpy().astype(np.uint8), Y.to(torch.int32),
          Y.numpy().astype(np.uint64)],
)  # fmt: skip
def test_classes_of_any_whole_type_give_the_same_figures(y: Any) -> None:
    assert figures(y=y) == WANTED


def test_one_sample_is_a_batch_of_one_with_or_without_its_axis() -> None:
    alone = figures(x=X[:1], y=Y[:1])
    for x in (X[0], X[0].reshape(3, 2, 2), X[0].tolist()):
        for y in (Y[:1], 0, Y[0]):
            assert figures(x=x, y=y) == alone


def test_float64_parameters_take_float32_inputs() -> None:
    surrogate = Surrogate(NETWORK, SPEC, dtype=torch.float64)
    assert figures(parameters=surrogate) == figures(parameters=surrogate, x=X.double())


def test_a_machine_is_given_by_name_path_or_itself(tmp_path: Path) -> None:
    path = Path("hardware_specs/photonic_mrr.yaml")
    copy = tmp_path / "mine.yaml"
    copy.write_text(path.read_text("utf-8"), "utf-8")
    for spec in ("photonic_mrr", copy, str(copy), SPEC.to_tree(), SPEC):
        assert figures(spec=spec) == WANTED


WITH = X.clone()
WITH[3, 7] = float("nan")
INFINITE = X.double()
INFINITE[1, 2] = -float("inf")
SPARSE = torch.eye(5, 12).to_sparse()

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nan": ({"x": WITH}, "x: 1 of 60 values are not finite, the first in sample 3, input 7: nan"),
    "inf": ({"x": INFINITE}, "the first in sample 1, input 2: -inf"),
    "too large": ({"x": X.double() * 1e300}, "are beyond the range of torch.float32"),
    "narrow": ({"x": X[:, :11]}, r"x: has the shape \(5, 11\); expected \(batch, 12\), or images"),
    "image": ({"x": X.reshape(5, 2, 6)[:, :, :5]}, r"x: has the shape \(5, 2, 5\)"),
    "number": ({"x": 1.0}, r"x: has the shape \(\)"),
    "empty": ({"x": X[:0], "y": Y[:0]}, r"x: is empty, of shape \(0, 12\)"),
    "empty list": ({"x": []}, "x: is empty"),
    "complex": ({"x": X.to(torch.complex64)}, r"x: is complex \(torch.complex64\)"),
    "complex array": ({"x": X.numpy() * 1j}, r"x: is complex \(complex64\)"),
    "ragged": ({"x": [[1.0, 2.0], [1.0]]}, "x: got a list that is no array"),
    "ragged tensors": ({"x": [X[0], X[0, :3]]}, r"shapes \(3,\) and \(12,\)"),
    "text": ({"x": "digits"}, "x: got a str; expected an array"),
    "texts": ({"x": [["a"] * 12] * 5}, "x: is an array of <U1 values"),
    "none": ({"x": None}, "x: got None"),
    "objects": ({"x": np.array([[object()] * 12] * 5)}, "x: is an array of object values"),
    "masked": ({"x": np.ma.masked_less(X.numpy(), 0.5)}, "x: is an array with masked values"),
    "sparse": ({"x": SPARSE}, "x: is a tensor without a plain value"),
    "dates": ({"x": np.zeros((5, 12), "M8[s]")}, r"x: is an array of datetime64\[s\] values"),
    "few classes": ({"y": Y[:4]}, "y: has 4 classes for 5 samples"),
    "negative": ({"y": Y - 1}, "y: 2 of 5 classes are out of range, the first of sample 0: -1; "
                               "expected 0 to 2, as the network has 3 outputs"),
    "large": ({"y": Y + 1}, "of sample 2: 3"),
    "huge": ({"y": np.full(5, 2**64 - 1, np.uint64)}, "y: "),
    "float classes": ({"y": Y.float()}, r"y: got fractions \(torch.float32\); expected classes"),
    "float array": ({"y": Y.numpy().astype(float)}, "y: got fractions"),
    "truth": ({"y": Y.bool()}, "y: got truth values"),
    "one-hot": ({"y": nn.functional.one_hot(Y)}, r"one class a sample, \(5,\). Hint: y.argmax"),
    "no class": ({"y": None}, "y: got None"),
    "module": (
        {"parameters": nn.Linear(12, 3)},
        "parameters: got a Linear; expected a ParameterSet or a Surrogate. Hint: train a pnnsim",
    ),
    "file": ({"parameters": "p.safetensors"}, r"Hint: pnnsim.load_parameters\(path\)"),
    "state": ({"parameters": TWIN.state_dict()}, "parameters: got an OrderedDict"),
    "machine": ({"spec": 3}, "spec: got an int; expected a machine's name"),
    "network": ({"spec": NETWORK}, "spec: got a ReLaXNet"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(name: str) -> None:
    arguments, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        figures(**arguments)


def test_an_unknown_machine_is_refused_as_when_it_is_loaded() -> None:
    with pytest.raises(pnnsim.SpecError, match="unknown machine 'photonic_mr'"):
        figures(spec="photonic_mr")


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", -1), ("seed", 0.5), ("seed", True), ("seed", 2**53), ("chips", 0), ("chips", "2"),
     ("chips", float("nan"))],
)  # fmt: skip
def test_counts_and_seeds_are_whole_and_in_range(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name}: got .*; expected a whole number, at least"):
        simulate(SPEC, TWIN, X, Y, **{name: value})


def test_arrivals_are_one_for_each_sample() -> None:
    with pytest.raises(InputError, match="arrivals: are 4 for 5 samples"):
        simulate(SPEC, TWIN, X, Y, arrivals=periodic(4, 1e-6))


TIMING = time_run(Chip.nominal(SPEC, NETWORK), 5)
DOORS: dict[str, Callable[[Any], Any]] = {
    "outputs": lambda x: outputs(TIMING.chip, TWIN.parameter_set(), x, TIMING.accesses),
    "ideal_outputs": lambda x: ideal_outputs(TIMING.chip, TWIN.parameter_set(), x),
    "nominal_outputs": lambda x: nominal_outputs(TIMING.chip, TWIN.parameter_set(), x),
    "ablation": lambda x: ablation(TIMING, TWIN, x, Y, seed=0, chips=1),
    "forward": TWIN,
    "standardize": lambda x: Surrogate(NETWORK, SPEC).standardize(x),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_reads_the_same_forms_and_refuses_the_same(door: str) -> None:
    enter = DOORS[door]
    wanted = enter(X)
    for x in (X.double().numpy(), X.reshape(5, 3, 2, 2), X.tolist()):
        found = enter(x)
        same = torch.equal(found, wanted) if isinstance(wanted, Tensor) else found == wanted
        assert same
    wrong = (X[:, :11], "text", X * 1j, X[:0])
    for x in wrong if door == "forward" else (*wrong, WITH):
        with pytest.raises(InputError, match=r"^x: "):
            enter(x)


def test_accesses_of_another_number_of_samples_are_refused() -> None:
    with pytest.raises(InputError, match="accesses: are those of 5 samples, x has 4"):
        outputs(TIMING.chip, TWIN.parameter_set(), X[:4], TIMING.accesses)


def test_gradients_flow_through_a_surrogate_to_its_inputs() -> None:
    x = X.double().reshape(5, 3, 2, 2).clone().requires_grad_(True)
    TWIN(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.any())


def test_inputs_that_were_made_in_inference_mode_serve_training() -> None:
    with torch.inference_mode():
        x = X * 1.0
    Surrogate(NETWORK, SPEC)(x).sum().backward()


def test_the_arrays_that_were_given_stay_as_they_are() -> None:
    x, y = X.double().numpy().copy(), Y.numpy().copy()
    before = x.copy()
    rows = as_inputs(x, 12, ROW.double())
    rows.zero_()
    as_labels(y, 5, 3).zero_()
    assert np.array_equal(x, before)
    assert np.array_equal(y, Y.numpy())


TYPES = ("?", "i1", "u1", "i2", ">i4", "i8", "u8", "f2", "f4", ">f8", "c8", "M8[s]", "S3", "O")


@settings(max_examples=300)
@given(st.sampled_from(TYPES), st.lists(st.integers(0, 4), max_size=4), st.randoms())
def test_any_array_is_read_or_refused(name: str, shape: list[int], random: Random) -> None:
    kind, size = np.dtype(name), math.prod(shape)
    array = (
        np.full(shape, None)
        if name == "O"
        else np.frombuffer(random.randbytes(size * kind.itemsize), kind).reshape(shape)
    )
    for read in (lambda: as_inputs(array, 4, ROW), lambda: as_labels(array, 4, 3)):
        found, said = None, ""
        try:
            found = read()
        except InputError as error:
            said = str(error)
        if found is None:
            assert said.startswith(("x: ", "y: "))
        else:
            assert bool(torch.isfinite(found).all())
