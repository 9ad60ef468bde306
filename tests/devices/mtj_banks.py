"""Banks of magnetic tunnel junctions for tests."""

from __future__ import annotations

import math

import torch

from pnnsim.common.rng import stream
from pnnsim.devices.base import Active, State
from pnnsim.devices.weight_banks.mtj_crossbar import MtjCrossbar
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

NONE: frozenset[str] = frozenset()


G_P, G_AP = 1e-6, 1e-6 / 2.2


ENCODINGS = [("binary", 1), ("ternary", 1), ("thermometer", 8), ("area", 3), ("series", 4)]


STT = {
    "write_torque": "stt",
    "overdrive": "2",
    "damping": "0.01",
    "anisotropy_field": "0.292 T",
    "write_pulse": "10 ns",
}


def bank(hidden: int = 64, **values: object) -> MtjCrossbar:
    pairs = [(f"weight_banks.{key}", str(value)) for key, value in values.items()]
    pairs.append(("encoder.lines", "128"))
    found = Chip.nominal(
        load_spec("spintronic_mtj", [*WORKED["spintronic_mtj"], *pairs]), ReLaXNet(hidden=hidden)
    ).weight_banks
    assert isinstance(found, MtjCrossbar)
    return found


def stt_bank(**values: object) -> MtjCrossbar:
    """Return a bank that is written through its barriers, its error rate from the macrospin."""
    b = bank()
    changes = {"write_error_rate": None, "write_torque": "stt", "overdrive": 2.0, "damping": 0.01}
    changes |= {"anisotropy_field": 0.292, "write_pulse": 10e-9, **values}
    return MtjCrossbar(b.params.model_copy(update=changes), b.size)


def seen(b: MtjCrossbar, target: torch.Tensor, state: State, *names: str) -> torch.Tensor:
    return b.program(target, state, on(*names), math.inf).weights


def on(*names: str) -> Active:
    return {f"weight_banks.{name}" for name in names}


def random_weights(n: int = 64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand((n, n), generator=generator, dtype=torch.float64) - 1


def full(value: float, n: int = 64) -> torch.Tensor:
    return torch.full((n, n), value, dtype=torch.float64)


def fabricated(b: MtjCrossbar, seed: int = 0) -> State:
    return b.fabricate(stream(seed, "chip0", "fabrication"))
