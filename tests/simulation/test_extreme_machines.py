"""Values that are each allowed but extreme together: a machine runs, or names what forbids it."""

from __future__ import annotations

from functools import cache

import pytest

from pnnsim.errors import MappingError, ScheduleError
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.run import run_timing
from tests.simulation.extreme_machines import draw, examine

#: The first machines, and those of faults that were: heaters that cannot be told apart, heat that
#: reaches far, a column that is not contiguous, noise beyond float32.
_SEEDS = (*range(57), 192, 199, 772, 817, 1103)


@cache
def outcome(seed: int) -> str:
    return examine(draw(seed))


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_machine_of_extreme_values_runs_or_names_the_field(seed: int) -> None:
    outcome(seed)


def test_enough_of_the_machines_run_to_say_anything() -> None:
    assert sum(not outcome(seed) for seed in _SEEDS) > len(_SEEDS) // 3


def test_losses_that_leave_nothing_of_the_light_name_the_part() -> None:
    spec = load_spec("fiber_loop", [("memory.loss", "100 dB/m")])
    with pytest.raises(
        MappingError, match=r"^memory.delay_line: lets .* expected at least 1e-20 W"
    ):
        Chip.nominal(spec, ReLaXNet(weight_sets=1, steps=2))


def test_an_activation_that_ignores_the_signal_is_not_trained() -> None:
    spec = load_spec("spintronic_sto", [("nonlinearity.drive_current", "1 aA")])
    with pytest.raises(
        MappingError, match=r"^nonlinearity\..*: has a slope of .* expects one from"
    ):
        Surrogate(ReLaXNet(weight_sets=1, steps=2), spec)


def test_refreshes_without_end_are_refused_before_they_begin() -> None:
    changes = [("control.refresh_interval", "1 s"), ("readout.conversion_time", "10000000 s")]
    chip = Chip.nominal(load_spec("photonic_mrr", changes), ReLaXNet(weight_sets=1, steps=2))
    with pytest.raises(ScheduleError, match=r"control.refresh_interval: got 1 s; .* 1000000 times"):
        run_timing(chip.work(), 3)
