"""Weight banks by the table of a cell: a ring's spectrum, what is read of it, what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.tables.scattering_table import TableError, table_of
from pnnsim.devices.tables.weight_curve import weight_curve_of
from pnnsim.devices.weight_banks.tabulated import TabulatedBank
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec, load_spec

#: Self-coupling, round-trip amplitude, free spectral range [nm], resonance [nm].
R, A, RANGE, RESONANCE = 0.97, 0.995, 18.0, 1549.7
BANK = {
    "kind": "tabulated", "count": "2", "rows": "64", "cols": "64", "channels_per_bus": "32",
    "file": "ring.json", "ports": ["in", "drop", "through"], "wavelength": "1550 nm",
    "tuning_range": "0.3 nm", "usable_range": "98 %", "bits": "10", "tuning_error": "1 pm",
    "write_repeatability": "0.5 %", "insertion_loss": "1 dB", "excess_loss": "1 dB",
    "path_length": "10 mm", "group_index": "4.2", "response_time": "10 ps",
    "time_constant": "10 us", "calibration_rounds": "5", "round_energy": "1 pJ",
    "hold_power": "1 mW", "cell_area": "625 um^2",
}  # fmt: skip


def fields(wavelength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the fields of an add-drop ring at both outputs (Bogaerts et al., 2012)."""
    turn = A * np.exp(2j * np.pi * (wavelength - RESONANCE) / RANGE)
    cross = 1.0 - R * R
    drop = -cross * np.sqrt(turn) / (1.0 - R * R * turn)
    through = R * (1.0 - turn) / (1.0 - R * R * turn)
    return drop, through


def write(folder: Path, name: str = "ring.json", **changed: Any) -> Path:
    """Write the table of a ring beside a machine that takes it, and return the machine's file."""
    axis = np.linspace(1549.0, 1551.0, 2001)
    drop, through = fields(axis)
    entries = {"in@0,drop@0": drop, "in@0,through@0": through}
    table = {k: {"real": v.real.tolist(), "imag": v.imag.tolist()} for k, v in entries.items()}
    (folder / name).write_text(json.dumps({"wavelengths": axis.tolist(), **table}), "utf-8")
    tree = load_spec("photonic_mrr").to_tree()
    tree["weight_banks"] = {**BANK, **changed}
    file = folder / "machine.yaml"
    file.write_text(json.dumps(tree), encoding="utf-8")
    return file


def bank(spec: HardwareSpec) -> TabulatedBank:
    found = Chip.nominal(spec, ReLaXNet(hidden=8, weight_sets=2, steps=2)).weight_banks
    assert isinstance(found, TabulatedBank)
    return found


def test_weights_are_those_of_the_spectrum_of_the_table(tmp_path: Path) -> None:
    """A cell that is tuned to a weight has it in the closed form of the ring as well."""
    spec = load_spec(write(tmp_path))
    p = spec.weight_banks
    curve = np.array(p.weight_curve)
    # The least weight lies where the ring is farthest: tuned by nothing, 0.3 nm off resonance.
    assert p.tuning_span == pytest.approx(0.3e-9, rel=0.02, abs=0)
    tuned = np.linspace(0.0, p.tuning_span, len(curve)) * 1e9
    tuned += 0.3 - tuned[-1]
    drop, through = fields(1550.0 - tuned)
    np.testing.assert_allclose(curve, abs(drop) ** 2 - abs(through) ** 2, rtol=0, atol=2e-4)
    light = abs(drop) ** 2 + abs(through) ** 2
    np.testing.assert_allclose(p.light_curve, light, rtol=0, atol=2e-4)
    part = bank(spec)
    reach = 0.98 * min(curve[-1], -curve[0])
    assert part.transmission == pytest.approx(reach * 10**-0.2 / 64, rel=1e-9, abs=0)
    assert spec.weight_banks.table_sha256 is not None
    again = load_spec(spec.to_tree())
    assert again.sha256() == spec.sha256()


def test_steps_and_errors_of_the_tuning_are_errors_of_the_weight_by_the_slope(
    tmp_path: Path,
) -> None:
    part = bank(load_spec(write(tmp_path, tuning_error="0.01 pm")))
    zero = torch.zeros((8, 8), dtype=torch.float64)
    state = part.fabricate(stream(0, "b", "fabrication"))
    active = frozenset({"weight_banks.tuning_error"})
    off = part.program(zero, state, active, math.inf).weights
    curve = np.array(part.params.weight_curve)
    at = int(np.searchsorted(curve, 0.0))
    slope = (curve[at] - curve[at - 1]) * (len(curve) - 1) / part._scale
    np.testing.assert_allclose(off.numpy(), slope * state["tuning"].numpy(), rtol=1e-6, atol=1e-12)
    target = torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(8, 8)
    held = part.program(target, {}, frozenset({"weight_banks.quantization"}), math.inf).weights
    steepest = np.diff(curve).max() * (len(curve) - 1) / part._scale
    assert 0.0 < float((held - target).abs().max()) <= 0.5 * steepest / (2**10 - 1) * 1.001


def test_times_and_prices_are_keys(tmp_path: Path) -> None:
    part = bank(load_spec(write(tmp_path)))
    assert part.delay_fs("write") == pytest.approx(
        5 * 10e-6 * math.log(2**11) * 1e15, rel=1e-9, abs=0
    )
    assert part.static_power() == pytest.approx(2 * 4096 * 1e-3, rel=1e-12, abs=0)
    assert part.cost("write") == pytest.approx(4096 * 5e-12, rel=1e-12, abs=0)


def test_training_goes_through_a_table(tmp_path: Path) -> None:
    net = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=2)
    surrogate = Surrogate(net, load_spec(write(tmp_path)), seed=0)
    surrogate(torch.rand((4, 6))).square().sum().backward()
    gradients = [p.grad for p in surrogate.parameters() if p.grad is not None]
    assert all(bool(torch.isfinite(g).all()) and bool(g.any()) for g in gradients)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"file": "nothing.json"}, "nothing.json"),
        ({"file": ["ring.json"]}, "is no file; expected one table"),
        ({"ports": ["in", "drop"]}, "has no three ports"),
        ({"ports": ["in", "drop", "add"]}, "has no port 'add'"),
        ({"tuning_range": "3 nm"}, "spans 1.549 um to 1.551 um"),
        ({"tuning_range": "0.05 nm"}, "expected both signs"),
        ({"weight_curve": ["-0.5", "0.5"]}, "given beside weight_curve"),
    ],
)  # fmt: skip
def test_tables_that_make_no_cell_are_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=rf"weight_banks\.file: .*({message})"):
        load_spec(write(tmp_path, **changed))


def test_a_spectrum_that_turns_back_is_refused() -> None:
    """Two dips on the way from the least to the greatest weight."""
    axis = np.linspace(1.549e-6, 1.55e-6, 401)
    rise = np.linspace(0.8, 0.2, 401) + 0.12 * np.sin(np.linspace(0, 20, 401))
    table = table_of(axis, {("a", "b"): np.sqrt(rise) + 0j, ("a", "c"): np.sqrt(0.98 - rise) + 0j})
    with pytest.raises(TableError, match="turns back between"):
        weight_curve_of(table, ("a", "b", "c"), 1.55e-6, 1e-9)


@pytest.mark.parametrize(
    ("curve", "light", "span", "message"),
    [
        (["-0.5", "0.5"], ["1", "1", "1"], "1 nm", "has 2 points and light_curve 3"),
        (["-0.5", "0.5", "0.4"], ["1", "1", "1"], "1 nm", "falls on its way"),
        (["0.1", "0.5"], ["1", "1"], "1 nm", "expected both signs"),
        (["-0.5", "0.5"], ["1", "1"], "0 nm", "tuning_span is 0"),
    ],
)
def test_curves_without_sense_are_refused(
    tmp_path: Path, curve: list[str], light: list[str], span: str, message: str
) -> None:
    tree = load_spec(write(tmp_path)).to_tree()
    given = {"weight_curve": curve, "light_curve": light, "tuning_span": span}
    tree["weight_banks"] = {**tree["weight_banks"], **given}
    with pytest.raises(SpecError, match=message):
        load_spec(tree)
