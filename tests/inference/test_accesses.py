"""Values get their ages from the trace."""

from __future__ import annotations

import numpy as np
import pytest

from pnnsim.inference.accesses import UNWRITTEN, AccessTable, held_s, nominal_accesses
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import faded, time_run, timing_metrics
from pnnsim.specs.hardware import load_spec

#: Elapsed times are integer femtoseconds over 1e15: exact to the rounding of a float.
EXACT = 1e-12

TWO_CORES = [("control.cores", "2")]


def timing(network: ReLaXNet, samples: int, **overrides: str):
    spec = load_spec("photonic_mrr", [(key.replace("__", "."), v) for key, v in overrides.items()])
    chip = Chip.nominal(spec, network)
    return chip, time_run(chip, samples)


def test_resident_sets_are_as_old_as_the_set_up_and_grow_older() -> None:
    chip, run = timing(ReLaXNet(weight_sets=2, steps=4), 3)
    accesses = run.accesses
    assert accesses.bank.tolist() == [[0, 1, 0, 1]] * 3
    assert accesses.write.tolist() == [[0, 1, 0, 1]] * 3
    assert (accesses.replaced == UNWRITTEN).all()
    mvm = run.trace.rows("mvm")
    ages = chip.setup_age() + run.trace.start_fs[mvm].reshape(3, 4) / 1e15
    np.testing.assert_allclose(accesses.since_write_s, ages, rtol=EXACT, atol=0)


def test_dwell_is_counted_from_the_start_of_the_last_move() -> None:
    chip, run = timing(ReLaXNet(weight_sets=2, steps=4), 2)
    wait = chip.delays().route_fs / 1e15
    assert np.isinf(run.accesses.dwell_s[0, 0])
    # The switch sets the clock of this machine: light leaves as soon as it rests.
    np.testing.assert_allclose(run.accesses.dwell_s.ravel()[1:], wait, rtol=EXACT, atol=0)
    assert run.accesses.previous_bank.ravel().tolist() == [0, 0, 1, 0, 1, 0, 1, 0]


def test_a_rewritten_bank_knows_what_it_held_and_when_its_write_began() -> None:
    chip, run = timing(ReLaXNet(weight_sets=3, steps=3), 2)
    accesses = run.accesses
    # Banks hold sets 0 and 1; set 2 is needed: Belady overwrites the one needed latest, set 1.
    assert accesses.contents[0].tolist() == [[0, 1], [0, 1], [0, 2]]
    assert accesses.replaced[0, 2] == 1
    assert accesses.since_write_s[0, 2] == pytest.approx(
        (chip.delays().write_fs + chip.delays().propagate_fs) / 1e15,
        rel=EXACT,
        abs=0,
    )
    assert len(np.unique(accesses.write)) == 2 + len(run.trace.rows("write"))


def test_the_memory_holds_the_state_while_the_bank_changes() -> None:
    chip, run = timing(ReLaXNet(weight_sets=2, steps=3), 1)
    d = chip.delays()
    expected = (d.route_fs - d.activate_fs - d.hold_fs) / 1e15
    assert run.accesses.held_s[0, 0] == 0
    np.testing.assert_allclose(run.accesses.held_s[0, 1:], expected, rtol=EXACT, atol=0)


def test_nominal_accesses_are_those_of_the_first_sample_with_everything_settled() -> None:
    for sets in (1, 2, 3, 5):
        network = ReLaXNet(weight_sets=sets, steps=5)
        chip, run = timing(network, 2)
        nominal = nominal_accesses(chip.order, chip.mapping)
        assert nominal.settled
        np.testing.assert_array_equal(nominal.bank[0], run.accesses.bank[0])
        np.testing.assert_array_equal(nominal.contents[0], run.accesses.contents[0])


@pytest.mark.parametrize("sets", [2, 3, 5])
def test_accesses_of_a_run_that_repeats_are_those_of_every_event(sets: int) -> None:
    network = ReLaXNet(weight_sets=sets, steps=5)
    chip = Chip.nominal(load_spec("photonic_mrr"), network)
    fast, exact = time_run(chip, 300), time_run(chip, 300, exact=True)
    assert len(fast.run.base) < len(exact.run)
    for name in AccessTable.__slots__:
        np.testing.assert_array_equal(getattr(fast.accesses, name), getattr(exact.accesses, name))
    assert fast.trace.equals(exact.trace)


def test_figures_of_a_long_run_need_no_table_of_its_samples() -> None:
    chip = Chip.nominal(load_spec("photonic_mrr"), ReLaXNet(weight_sets=3, steps=5))
    run = time_run(chip, 1_000_000)
    assert timing_metrics(run)["samples"] == 1_000_000
    faded(run)
    assert "accesses" not in vars(run)
    short = time_run(chip, 300)
    products = len(chip.order)
    assert held_s(short.run, products).max() == short.accesses.held_s.max()
    two = time_run(Chip.nominal(load_spec("photonic_mrr", TWO_CORES), chip.network), 300)
    assert held_s(two.run, products).max() == two.accesses.held_s.max()


@pytest.mark.parametrize("stateful", [False, True])
def test_programmings_have_their_numbers_though_rows_are_missing_at_the_end(stateful: bool) -> None:
    # Toward the end of a run no later samples are converted, so writes stand in earlier rows than
    # those of the samples a period before. Samples that repeat must not be numbered by such rows.
    network = ReLaXNet(
        inputs=6, hidden=7, outputs=3, weight_sets=3, steps=3, injection="every", stateful=stateful
    )
    changes = [
        ("weight_banks.rows", "16"),
        ("weight_banks.cols", "4"),
        ("control.overlap", "false"),
    ]
    changes += [("weight_banks.count", "5"), ("control.block", "2"), ("memory.capacity", "2")]
    chip = Chip.nominal(load_spec("spintronic_mtj", changes), network)
    fast, exact = time_run(chip, 160), time_run(chip, 160, exact=True)
    assert len(fast.run.base) < len(exact.run)
    np.testing.assert_array_equal(fast.accesses.write, exact.accesses.write)
