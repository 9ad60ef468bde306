"""What a change of a parameter does, against the closed form and against hand-made costs."""

from __future__ import annotations

import json
import operator
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.analysis.metrics import latencies
from pnnsim.analysis.sensitivity import _neighbors, _parameters, sensitivities
from pnnsim.cli.app import main
from pnnsim.common.forms import forms_of
from pnnsim.inference.chip import Chip
from pnnsim.mapping.placement import rewrites, tiles
from pnnsim.mapping.policies import Belady
from pnnsim.mapping.tiling import map_network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.trace import ACTIONS, NO_CAUSE
from tests.timing.machines import SMALL, machine

NETWORK = ReLaXNet(weight_sets=2, steps=12)


@pytest.fixture(scope="module")
def found():
    spec = load_spec("photonic_mrr")
    return {item.parameter: item for item in sensitivities(spec, NETWORK, samples=8)}


def test_slow_switch_counts_once_for_each_change_of_bank(found):
    # The switch hides T_state: 11 changes in a pass, and between passes each sample waits in front
    # of the loop for those before it. So the mean latency is a sum of whole numbers of T_switch,
    # which grows in proportion to the rise time, and what a rise time does is T_switch / rise time.
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    assert chip.delays().route_fs > chip.delays().state_fs
    per = chip.delays().route_fs * 1e-15 / 3.2e-9
    moves = found["switch.rise_time"].latency / per
    # Delays are rounded to a femtosecond: 1 in 10^6 of a step of 1 %.
    assert moves == pytest.approx(round(moves * 8) / 8, rel=1e-4, abs=0)
    assert moves >= 11


def test_shares_are_derivatives_in_relative_terms(found):
    item = found["readout.conversion_time"]
    share = item.latency_share / item.latency
    other = found["switch.rise_time"]
    # Both are divided by the same latency.
    assert share / 1e-9 == pytest.approx(
        other.latency_share / other.latency / 3.2e-9, rel=1e-9, abs=0
    )


def test_static_power_costs_time_and_nothing_else(found):
    item = found["environment.stabilization_power"]
    assert item.latency == 0.0
    # d E / d P is the time that the machine is on for one inference; a difference of two energies
    # a hundredth apart keeps ten digits.
    run = time_run(Chip.nominal(load_spec("photonic_mrr"), NETWORK), 8)
    assert item.energy == pytest.approx(run.run.makespan_fs * 1e-15 / 8, rel=1e-9, abs=0)


def test_what_does_not_matter_is_left_out(found):
    # Without a rewrite nobody waits for a heater, and dark current is a matter of values.
    assert "weight_banks.time_constant" not in found
    assert "detector.dark_current" not in found
    assert not any(name.startswith("control.") for name in found)
    # Another number of columns would be another lay-out.
    assert "weight_banks.cols" not in found


def test_write_time_matters_where_banks_are_rewritten():
    spec = load_spec("photonic_mrr")
    rewriting = sensitivities(spec, ReLaXNet(weight_sets=3, steps=3), samples=4)
    assert rewriting[0].parameter in (
        "weight_banks.time_constant",
        "weight_banks.calibration_rounds",
    )
    assert rewriting[0].latency_share == pytest.approx(1.0, abs=0.01)


def chain(trace, row):
    """Count the spans that a time is the sum of, back to the first arrival."""
    found = Counter()
    while row != NO_CAUSE:
        found[ACTIONS[trace.action[row]]] += 1
        cause = int(trace.cause[row])
        while cause != NO_CAUSE and trace.start_fs[row] > trace.end_fs[cause]:
            # It departs when the nonlinearity will be free: an activation after the departure
            # before, which is the start of the cause.
            assert ACTIONS[trace.action[cause]] == "hold_symbol"
            assert trace.start_fs[row] == trace.start_fs[cause] + ACTIVATE.activate_fs
            found["activate"] += 1
            row, cause = cause, int(trace.cause[cause])
        row = cause
    return found


#: Delays of which no few add up to the same as others.
ACTIVATE = replace(
    SMALL, propagate_fs=1009, mvm_fs=2003, detect_fs=4001, activate_fs=8009, hold_fs=16001,
    route_fs=33013, write_fs=65003,
)  # fmt: skip
DELAYS = {
    "propagate": "propagate_fs", "mvm": "mvm_fs", "detect": "detect_fs", "hold": "hold_fs",
    "activate": "activate_fs", "route": "route_fs", "write": "write_fs",
}  # fmt: skip


#: A symbol is driven while bank and detector respond to it.
DRIVE = dict.fromkeys(DELAYS, 0) | {"mvm": 1, "detect": 1}


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("plan", [(2, 4, 2), (3, 5, 2), (1, 3, 1)])
@pytest.mark.parametrize("action", DELAYS)
def test_difference_of_latencies_is_the_count_along_the_chain_of_causes(plan, action, block):
    sets, steps, banks = plan
    shape = {"sets": sets, "steps": steps, "banks": banks, "block": block, "samples": 7}
    trace = machine(ACTIVATE, **shape).run()
    counts = []
    for sample in range(7):
        mine = np.flatnonzero(trace.sample == sample)
        # From its arrival on: what came before delayed the arrival as well.
        whole, before = chain(trace, int(mine[-1])), chain(trace, int(trace.cause[mine[0]]))
        driven = DRIVE[action] * (whole["hold_symbol"] - before["hold_symbol"])
        counts.append(whole[action] - before[action] + driven)
    delay = DELAYS[action]

    def latencies(step):
        moved = {delay: getattr(ACTIVATE, delay) + step}
        run = machine(ACTIVATE, **shape, **moved).run()
        return run.result_fs - run.arrival_fs

    # However wide the step, as long as there is no kink on the way.
    for step in (1, 5):
        assert (latencies(step) - latencies(0)).tolist() == [step * count for count in counts]
        assert (latencies(0) - latencies(-step)).tolist() == [step * count for count in counts]


def test_kink_gives_the_slopes_of_both_sides():
    # A switch exactly as slow as what it hides: slower costs in each of 11 changes, faster nothing.
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    state = chip.delays().state_fs
    rise = 3.2e-9 * state / chip.delays().route_fs
    spec = load_spec("photonic_mrr", [("switch.rise_time", f"{rise * 1e15:.6f} fs")])
    assert Chip.nominal(spec, NETWORK).delays().route_fs == pytest.approx(state, abs=1)
    found = {item.parameter: item for item in sensitivities(spec, NETWORK, samples=1)}
    item = found["switch.rise_time"]
    below, above = item.latency_sides
    per = state * 1e-15 / rise
    assert below == pytest.approx(0.0, abs=0.01 * above)
    # Rounded to femtoseconds: 1 in some 10^4 of a step of 1 %.
    assert above == pytest.approx(11 * per, rel=1e-2, abs=0)
    assert item.kink
    assert not found["environment.stabilization_power"].kink


def figures(spec, network, samples):
    run = time_run(Chip.nominal(spec, network), samples)
    energy = EnergyLedger.from_trace(run.run, run.prices).total / samples
    return np.array([latencies(run.run)["mean"], energy])


@pytest.mark.parametrize("coupling", [0.991, 0.991948313, 0.999])
def test_value_near_its_bound_is_moved_on_the_scale_of_its_distance_from_it(coupling):
    # The linewidth of a ring goes with 1 - r: a step of 1 % of r itself would be more than all.
    network = ReLaXNet(weight_sets=2, steps=3)
    spec = load_spec("photonic_mrr", [("weight_banks.self_coupling", str(coupling))])
    item = next(
        found
        for found in sensitivities(spec, network, samples=4)
        if found.parameter == "weight_banks.self_coupling"
    )
    step = 1e-3 * (1 - coupling)
    below, above = (
        figures(
            replace(
                spec,
                weight_banks=spec.weight_banks.model_copy(update={"self_coupling": moved}),
            ),
            network,
            4,
        )
        for moved in (coupling - step, coupling + step)
    )
    shares = (above - below) / (2 * step) * coupling / figures(spec, network, 4)
    # Delays are rounded to a femtosecond, of some 10^5 in which a step changes 100.
    assert item.latency_share == pytest.approx(shares[0], rel=1e-2, abs=1e-6)
    assert item.energy_share == pytest.approx(shares[1], rel=1e-2, abs=1e-6)
    assert item.steady


def test_kink_inside_the_step_is_flagged():
    # The switch is 0.7 % faster than what it hides: it matters from there on, which a whole step
    # reaches and half of it does not.
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    rise = 3.2e-9 * chip.delays().state_fs / chip.delays().route_fs * (1 - 0.007)
    spec = load_spec("photonic_mrr", [("switch.rise_time", f"{rise * 1e15:.6f} fs")])
    found = {item.parameter: item for item in sensitivities(spec, NETWORK, samples=1)}
    assert not found["switch.rise_time"].steady
    assert found["switch.rise_time"].latency == pytest.approx(0.0, abs=1e-9)
    assert found["environment.stabilization_power"].steady


@pytest.mark.parametrize("name", ["photonic_mrr", "photonic_mzi", "spintronic_mtj", "fiber_loop"])
def test_no_step_leaves_the_bounds_of_a_field(name):
    spec = load_spec(name)
    compare = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
    for section, key, value in _parameters(spec):
        bounds = forms_of(type(getattr(spec, section)), key)[0].bounds
        if isinstance(value, int) or value in bounds.values():
            continue
        below, above = _neighbors(spec, section, key, value, 0.5)
        assert below < value < above
        for moved in (below, above):
            assert all(compare[kind](moved, bound) for kind, bound in bounds.items())


def test_tiles_cover_each_matrix_once_and_live_on_different_banks():
    mapping = map_network(hidden=10, weight_sets=2, count=12, rows=4, cols=6)
    placed = tiles((0, 1), mapping)
    assert sorted(tile.bank for tile in placed) == list(range(12))
    for weight_set in (0, 1):
        mine = [tile for tile in placed if tile.weight_set == weight_set]
        cells = [
            (out, into)
            for tile in mine
            for out in range(*tile.outputs)
            for into in range(*tile.inputs)
        ]
        assert sorted(cells) == [(out, into) for out in range(10) for into in range(10)]


def test_set_that_fits_nowhere_is_written_on_the_way():
    mapping = map_network(hidden=4, weight_sets=3, count=2, rows=4, cols=4)
    placed = tiles((0, 1, 2), mapping)
    assert [tile.bank for tile in placed] == [0, 1, None]
    # By hand, contents of the two banks behind each step; * is a write. Block 0 leaves 0 2, and so
    # does block 4: blocks 1 to 4 repeat.
    #   block 1: 0 2 | 1*2 | 1 2     block 3: 2 0 | 2 1*| 2 1
    #   block 2: 1 0*| 1 0 | 2*0     block 4: 0*1 | 0 1 | 0 2*
    writes = rewrites((0, 1, 2), mapping, Belady())
    assert [(w.block, w.step, w.weight_set, w.banks) for w in writes] == [
        (0, 1, 1, (0,)), (1, 0, 0, (1,)), (1, 2, 2, (0,)),
        (2, 1, 1, (1,)), (3, 0, 0, (0,)), (3, 2, 2, (1,)),
    ]  # fmt: skip


def test_map_command_prints_places_and_rewrites(capsys):
    assert main(["map", "photonic_mrr", "--set", "network.weight_sets=3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [tile["bank"] for tile in found["tiles"]] == [0, 1, None]
    assert found["rewrites"]
    assert main(["map", "photonic_mrr"]) == 0
    assert "nothing is rewritten" in capsys.readouterr().out
    assert main(["map", "photonic_mrr", "--set", "network.weight_sets=3"]) == 0
    assert "written on the way" in capsys.readouterr().out


@pytest.mark.slow
def test_sensitivity_command_prints_a_table_and_draws(tmp_path: Path, capsys):
    plot = tmp_path / "tornado.png"
    few = ["--set", "network.steps=2"]
    assert main(["sensitivity", "photonic_mrr", *few, "--plot", str(plot)]) == 0
    assert "switch.rise_time" in capsys.readouterr().out
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert main(["sensitivity", "photonic_mrr", "--plot", str(tmp_path / "no" / "a.png")]) == 2
