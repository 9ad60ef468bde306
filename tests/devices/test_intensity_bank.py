"""An intensity bank waits for all its words, and both rails share the light of a line."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from pnnsim.common.rng import stream
from pnnsim.devices.component import Size
from pnnsim.devices.weight_banks.intensity import IntensityBank
from pnnsim.devices.weight_banks.intensity_params import IntensityParams

ON = frozenset({"weight_banks.quantization", "weight_banks.gain_spread", "weight_banks.settling"})


def bank(**changed: Any) -> IntensityBank:
    given = {
        "kind": "intensity", "count": "1", "rows": "128", "cols": "64", "bits": "7",
        "gain_spread": "1 %", "cell_loss": "1 dB", "excess_loss": "2 dB", "path_length": "30 mm",
        "group_index": "4.2", "cell_pitch": "100 um", "cells_per_word": "128",
        "word_time": "40 ns", "time_constant": "2 ns", "write_energy": "1 pJ",
        "cell_power": "2 uW",
    }  # fmt: skip
    given.update({key: str(value) for key, value in changed.items()})
    size = Size(64, 128, 64, 128, 10, 1, 1, 1, False, 300.0, "power")
    return IntensityBank(IntensityParams.model_validate(given), size)


def programmed(part: IntensityBank, target: Tensor, state: dict[str, Tensor]) -> Tensor:
    return part.program(target, state, ON, 1.0).weights


@pytest.mark.parametrize(("words", "each"), [(64, 128), (8192, 1), (1, 8192), (82, 100)])
def test_a_write_waits_for_every_word_and_then_for_the_last_cells(words: int, each: int) -> None:
    # 128 x 64 cells; ln 2^8 time constants of 2 ns.
    expected = words * 40e-9 + 8 * math.log(2.0) * 2e-9
    part = bank(cells_per_word=each)
    assert part.delay_fs("write") == pytest.approx(1e15 * expected, rel=0, abs=1.0)


def test_cells_settle_once_their_words_have_come() -> None:
    times = torch.tensor([0.0, 2.56e-6, 2.562e-6, 2.6e-6], dtype=torch.float64)
    left = bank().residue(times, ON)
    expected = [1.0, 1.0, math.exp(-1.0), math.exp(-20.0)]
    torch.testing.assert_close(left.tolist(), expected, rtol=1e-6, atol=1e-15)


def test_weights_have_zero_and_127_levels_at_7_bit() -> None:
    target = torch.linspace(-1.2, 1.2, 5001, dtype=torch.float64).unsqueeze(0)
    codes = programmed(bank(), target, {}).numpy() * 63
    assert {round(code) for code in codes.ravel()} == set(range(-63, 64))
    assert abs(codes - codes.round()).max() < 1e-10


def test_a_cell_errs_by_its_gain() -> None:
    part = bank(bits=16)
    state = part.fabricate(stream(0, "test.intensity", "fabrication"))
    target = torch.full((128, 64), 0.5, dtype=torch.float64)
    spread = float((programmed(part, target, state) / 0.5).std())
    # 8192 draws know a deviation of 1 % to 1 % / sqrt(2 * 8192), five of which are 4e-4.
    assert spread == pytest.approx(0.01, rel=0, abs=4e-4)


def test_light_is_split_over_rows_and_ends_on_one_rail_or_the_other() -> None:
    part = bank()
    assert part.transmission == pytest.approx(10**-0.3 / 128, rel=1e-12, abs=0)
    assert part.absorbed == 1.0


def test_power_and_area_go_with_the_cells_and_energy_with_the_words() -> None:
    part = bank(count=3)
    assert part.static_power() == pytest.approx(3 * 8192 * 2e-6, rel=1e-12, abs=0)
    assert part.area() == pytest.approx(3 * 8192 * 1e-8, rel=1e-12, abs=0)
    assert part.cost("write") == pytest.approx(8192e-12, rel=1e-12, abs=0)
