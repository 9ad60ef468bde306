"""Trained numbers survive their file, and wrong ones are refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnnsim.errors import OutputError, ParameterError
from pnnsim.networks.parameters import ParameterSet, load_parameters, shapes
from pnnsim.networks.relaxnet import ReLaXNet

NETWORK = ReLaXNet(inputs=5, hidden=4, outputs=3, weight_sets=2, steps=3, order=(1, 0, 0))


def numbers(dtype: torch.dtype = torch.float64) -> ParameterSet:
    generator = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.rand(shape, generator=generator, dtype=torch.float64).to(dtype)
        for name, shape in shapes(NETWORK).items()
    }
    return ParameterSet(NETWORK, **drawn, spec_sha256="a" * 64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_file_gives_back_every_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    saved = numbers(dtype)
    saved.save(tmp_path / "p.safetensors")
    loaded = load_parameters(tmp_path / "p.safetensors")
    assert (loaded.network, loaded.spec_sha256) == (NETWORK, "a" * 64)
    for name, value in saved.tensors().items():
        assert torch.equal(value, loaded.tensors()[name])
        assert loaded.tensors()[name].dtype == dtype


def test_the_same_numbers_make_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        numbers().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_foreign_or_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "p.safetensors"
    file.write_bytes(content)
    with pytest.raises(ParameterError, match="cannot read parameters"):
        load_parameters(file)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="cannot read parameters"):
        load_parameters(tmp_path / "nothing")


def test_wrong_shapes_and_values_are_named() -> None:
    wider = NETWORK.model_copy(update={"hidden": 6})
    with pytest.raises(ParameterError, match=r"input_weight has shape \(4, 5\).*\(6, 5\)"):
        numbers().check(wider)
    broken = replace(numbers(), gain=torch.tensor([1.0, float("nan")]))
    with pytest.raises(ParameterError, match="gain holds values that are not finite"):
        broken.check(NETWORK)


def test_another_machine_is_refused_unless_any_will_do() -> None:
    numbers().check_machine("a" * 64, "mine")
    numbers().check_machine("b" * 64, "other", any_machine=True)
    replace(numbers(), spec_sha256="").check_machine("b" * 64, "other")
    with pytest.raises(ParameterError, match=r"machine a{12}, got other \(b{12}\).*any_machine"):
        numbers().check_machine("b" * 64, "other")


def test_a_file_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "a", str(tmp_path)):
        with pytest.raises(OutputError, match="cannot write parameters"):
            numbers().save(path)
