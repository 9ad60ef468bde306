"""Machines whose banks hold less than a matrix multiply it fold by fold, and compute the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pnnsim.cli.app import app
from pnnsim.errors import BackendError, MappingError
from pnnsim.hil.cost_model import CostModel
from pnnsim.inference.accesses import accesses_from_trace
from pnnsim.inference.chip import Chip
from pnnsim.inference.evaluator import LoopState, StepEvaluator
from pnnsim.inference.predict import outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation import timing_pass
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated, switched
from tests.inference.test_agreement import random_inputs, random_parameters
from tests.timing.machines import machine

NETWORK = ReLaXNet(inputs=6, hidden=18, outputs=3, weight_sets=2, steps=3)
MACHINES = (
    "photonic_mrr", "photonic_mzi", "photonic_pcm", "freespace_dmd", "spintronic_mtj",
    "spintronic_sto",
)  # fmt: skip
#: Neither rows nor columns divide 18: 3 x 2 tiles, of which one bank holds one.
SHAPE = [("weight_banks.rows", "8"), ("weight_banks.cols", "10")]
WHOLE, FOLDED = ("weight_banks.count", "12"), ("weight_banks.count", "1")
#: Sums of at most 18 products of numbers near 1, three times over, in float64.
TOLERANCE = 1e-10


def chip_of(name: str, *changes: tuple[str, str], network: ReLaXNet = NETWORK) -> Chip:
    return Chip.nominal(load_spec(name, list(changes)), network)


def answers(chip: Chip, *, active: frozenset[str] = frozenset(), samples: int = 5) -> torch.Tensor:
    parameters, x = random_parameters(chip.network), random_inputs(chip.network, samples)
    return evaluated(chip, parameters, x, time_run(chip, samples).accesses, active)


@pytest.mark.parametrize("count", ["1", "2", "3", "5"])
@pytest.mark.parametrize("name", MACHINES)
def test_an_ideal_machine_computes_the_same_with_fewer_banks(name: str, count: str) -> None:
    whole = chip_of(name, *SHAPE, WHOLE)
    folded = chip_of(name, *SHAPE, ("weight_banks.count", count))
    assert (whole.mapping.folds, folded.mapping.folds) == (1, -(-6 // int(count)))
    np.testing.assert_allclose(answers(folded), answers(whole), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MACHINES)
def test_a_nominal_machine_agrees_with_its_surrogate(name: str) -> None:
    chip = chip_of(name, *SHAPE, FOLDED)
    surrogate = Surrogate(NETWORK, chip.spec, dtype=torch.float64)
    surrogate.load_parameter_set(random_parameters(NETWORK))
    x = random_inputs(NETWORK, 5)
    found = answers(chip, active=chip.deterministic)
    np.testing.assert_allclose(found, surrogate(x).detach(), rtol=0, atol=TOLERANCE)


def test_gradients_reach_every_weight_of_every_fold() -> None:
    spec = load_spec("photonic_mrr", [*SHAPE, FOLDED])
    whole = load_spec("photonic_mrr", [*SHAPE, WHOLE])
    found = []
    for one in (spec, whole):
        surrogate = Surrogate(NETWORK, one, non_idealities=(), dtype=torch.float64)
        surrogate.load_parameter_set(random_parameters(NETWORK))
        surrogate(random_inputs(NETWORK)).square().sum().backward()
        assert surrogate.weight.grad is not None
        found.append(surrogate.weight.grad)
    assert bool((found[0] != 0.0).all())
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MACHINES)
def test_training_on_drawn_chips_reaches_every_weight_of_every_fold(name: str) -> None:
    """A drawn chip holds folds as any chip does, with errors that are those of its banks."""
    chip = chip_of(name, *SHAPE, FOLDED)
    drawn = chip.non_idealities - chip.deterministic
    surrogate = Surrogate(NETWORK, chip.spec, drawn=drawn, dtype=torch.float64)
    surrogate.load_parameter_set(random_parameters(NETWORK))
    x = random_inputs(NETWORK)
    found = surrogate(x)
    found.square().sum().backward()
    assert surrogate.weight.grad is not None
    assert bool((surrogate.weight.grad != 0.0).any(dim=-1).all())
    nominal = surrogate.eval()(x)
    assert 0.0 < float((found - nominal).detach().abs().max()) < 10.0


def one_step(
    chip: Chip,
    weight: torch.Tensor,
    state: torch.Tensor,
    active: frozenset[str],
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Return the whole product of the first step."""
    network = chip.network
    accesses = time_run(chip, len(state)).accesses
    gain, bias = torch.ones(network.weight_sets), torch.zeros(network.weight_sets, network.hidden)
    loop = StepEvaluator(switched(chip, weight, active, generator), gain, bias, accesses)
    return loop._multiply(0, LoopState(state), converted=True)[1]


ONE = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=1, steps=1)


def lines(samples: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand((samples, 16), generator=generator, dtype=torch.float64)


def weights() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return 2 * torch.rand((1, 16, 16), generator=generator, dtype=torch.float64) - 1


def test_a_bank_has_left_what_it_held_of_the_fold_before() -> None:
    # One bank of 8 x 16: outputs 0 to 7, then 8 to 15. Cell (i, j) held W[i, j] before W[8 + i, j].
    chip = chip_of(
        "photonic_mrr", ("weight_banks.rows", "8"), ("weight_banks.cols", "16"), FOLDED,
        ("weight_banks.settling_time", "10 us"), network=ONE,
    )  # fmt: skip
    run = time_run(chip, 4)
    left = chip.weight_banks.residue(
        torch.from_numpy(run.accesses.since_write_s), frozenset({"weight_banks.settling"})
    )
    assert float(left[:, 1].min()) > 0.01
    w, x = weights(), lines()
    found = one_step(chip, w, x, frozenset({"weight_banks.settling"}))
    top, bottom = w[0, :8], w[0, 8:]
    # Before sample 0 the bank was written with the first fold once, and before that with nothing.
    first = x @ top.T + left[:, :1] * (x @ (bottom - top).T)
    second = x @ bottom.T + left[:, 1:] * (x @ (top - bottom).T)
    np.testing.assert_allclose(found[1:, :8], first[1:], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found[:, 8:], second, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("banks", [1, 2])
def test_folds_on_one_bank_share_its_fabrication(banks: int) -> None:
    chip = chip_of(
        "photonic_mrr", ("weight_banks.rows", "8"), ("weight_banks.cols", "16"),
        ("weight_banks.count", str(banks)), ("control.parallel_tiles", "1"),
        ("weight_banks.resonance_error", "5 pm"), network=ONE,
    ).fabricate(seed=1, index=0)  # fmt: skip
    half = weights()[:, :8]
    twice = torch.cat([half, half], dim=1)
    found = one_step(chip, twice, lines(), frozenset({"weight_banks.resonance_error"}))
    apart = float((found[:, :8] - found[:, 8:]).abs().max())
    assert apart == 0.0 if banks == 1 else apart > 0.01


def test_each_fold_brings_the_noise_of_a_detection() -> None:
    # Both machines have 16 rows, so as much light on a detector; one detects twice and adds.
    noise = frozenset({"detector.amplifier_noise"})
    spread = {}
    for cols, count in (("16", "1"), ("8", "1")):
        chip = chip_of(
            "photonic_mrr", ("weight_banks.rows", "16"), ("weight_banks.cols", cols),
            ("weight_banks.count", count), network=ONE,
        )  # fmt: skip
        generator = torch.Generator().manual_seed(0)
        found = one_step(chip, weights(), lines(1).expand(2000, -1), noise, generator)
        spread[chip.mapping.folds] = float((found - found.mean(dim=0)).square().mean())
    # The mean square of 32,000 draws is known to 1 / sqrt(16,000) = 0.8 %; four of these.
    assert spread[2] / spread[1] == pytest.approx(2.0, rel=0.05, abs=0)


def test_a_state_fades_while_it_waits_for_the_next_fold() -> None:
    # Departures at 6, 16, 26 and 36; the state of step 0 is held at 23 (see the drawings).
    case = machine(sets=1, steps=2, banks=1, tile=(2, 4), write_fs=6)
    found = accesses_from_trace(case.run(), case.order, case.mapping, 0.0)
    assert (found.held_s[0] * 1e15).round().tolist() == [0, 10, 3, 10]
    assert found.time_fs[0].tolist() == [6, 16, 26, 36]
    assert found.contents[0, :, 0].tolist() == [0, 1, 0, 1]
    assert found.replaced[0].tolist()[1:] == [0, 1, 0]


def test_droop_takes_its_share_before_every_fold() -> None:
    active = frozenset({"memory.droop"})
    chip = chip_of(
        "photonic_mrr", ("weight_banks.rows", "8"), ("weight_banks.cols", "16"), FOLDED, network=ONE
    )
    w, x = weights(), lines()
    rate = chip.spec.to_tree()["memory"]["droop"]
    assert rate
    held = torch.from_numpy(time_run(chip, 4).accesses.held_s)
    left = chip.memory.hold(torch.ones_like(held), held, active)
    assert bool((left[:, 1] < 1.0).all())
    found = one_step(chip, w, x, active)
    np.testing.assert_allclose(found[:, :8], x @ w[0, :8].T, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found[:, 8:], (left[:, 1:] * x) @ w[0, 8:].T, rtol=0, atol=TOLERANCE)


def test_a_warning_counts_the_waits_before_all_folds_of_a_step() -> None:
    # 16 folds of 0.6 ms each; a state waits for all but the first of them, and for its own step's.
    network = ONE.model_copy(update={"hidden": 64, "steps": 2})
    tiles = [("weight_banks.rows", "16"), ("weight_banks.cols", "16"), FOLDED]
    for droop, warned in (("2 1/s", False), ("5 1/s", True)):
        timing = time_run(
            chip_of("photonic_mrr", *tiles, ("memory.droop", droop), network=network), 4
        )
        step = 16 * timing.chip.write_fs() * 1e-15
        assert math.exp(-float(droop[0]) * step / 16) > 1 - 1 / 32
        [*found] = timing_pass.faded(timing)
        assert bool(found) == warned
    held = float(found[0].split("up to ")[1].split(" s")[0])
    assert held == pytest.approx(step, rel=0.01, abs=0)


def test_all_of_a_state_is_converted_for_an_analog_memory() -> None:
    # 18 values on 10 lines: two conversions of each line, and twice the energy of ten converters.
    chip = chip_of("photonic_mrr", *SHAPE, FOLDED)
    assert (chip.mapping.inputs, chip.mapping.sequential_tiles) == (10, (3, 2))
    encoder = chip.encoder
    assert chip.delays().input[1].duration_fs == 2 * encoder.delay_fs("convert")
    assert chip.prices().dynamic["encoder", "convert"] == 2 * encoder.cost("convert")
    # A digital memory gives every fold its part, which takes a conversion of its own.
    chip = chip_of("photonic_mzi", *SHAPE, FOLDED)
    assert chip.delays().encode[0].duration_fs == chip.encoder.delay_fs("convert")
    assert chip.prices().dynamic["encoder", "convert"] == chip.encoder.cost("convert")


def test_counts_and_latency_of_a_folded_machine() -> None:
    chip = chip_of("photonic_mrr", *SHAPE, ("weight_banks.count", "2"))
    p, x = random_parameters(NETWORK), random_inputs(NETWORK, 4)
    y = torch.zeros(4, dtype=torch.int64)
    found = simulate(chip.spec, p, x, y, chips=1, any_machine=True).metrics
    # Six tiles on two banks: three folds of each of three steps, and every fold is a rewrite.
    assert found["closed_form"]["applies"]
    counts: dict[str, Any] = found["counts"]
    assert counts["encoder.encode"] == counts["detector.detect"] == 4 * 3 * 3
    assert counts["nonlinearity.activate"] == 4 * 3
    assert counts["weight_banks.write"] == 4 * 3 * 3 - 1
    laid = {"tiles": 6, "parallel_tiles": 2, "folds": 3, "banks": 2, "resident": False}
    assert found["mapping"] == {**laid, "written_ahead": False}
    assert any("a matrix has 6 tiles and there are 2 banks" in text for text in found["warnings"])


def test_a_folded_machine_has_fewer_lines_and_detectors() -> None:
    whole, folded = chip_of("photonic_mrr", *SHAPE, WHOLE), chip_of("photonic_mrr", *SHAPE, FOLDED)
    sizes = [
        (c.encoder.size.lines, c.detector.size.detectors, c.memory.size.hidden)
        for c in (whole, folded)
    ]
    assert sizes == [(18, 18, 18), (10, 8, 18)]
    # The price of a write is that of the cells of the banks that hold a fold.
    assert whole.weight_banks.cost("write") == pytest.approx(
        6 * folded.weight_banks.cost("write"), rel=1e-6, abs=0
    )


def test_fabricated_chips_answer_the_same_twice() -> None:
    chip = chip_of("spintronic_mtj", *SHAPE, FOLDED).fabricate(seed=1, index=0)
    p, x = random_parameters(NETWORK), random_inputs(NETWORK, 5)
    accesses = time_run(chip, 5).accesses
    one, two = (outputs(chip, p, x, accesses) for _ in range(2))
    assert torch.equal(one, two)


def test_a_loop_that_gives_a_state_back_once_is_refused() -> None:
    with pytest.raises(MappingError, match=r"memory.kind: .* 6 folds .* got delay_line.*Hint"):
        chip_of("fiber_loop", *SHAPE, FOLDED)


def test_hardware_in_the_loop_asks_for_whole_matrices() -> None:
    wide = ("weight_banks.count", "12"), ("control.parallel_tiles", "1")
    for changes in (wide, (FOLDED,)):
        with pytest.raises(BackendError, match=r"a matrix takes 6 folds.*control\.parallel_tiles"):
            CostModel(chip_of("photonic_mrr", *SHAPE, *changes))


def test_the_map_shows_what_is_written_before_which_fold() -> None:
    shape = [f"{key}={value}" for key, value in (*SHAPE, ("weight_banks.count", "3"))]
    sizes = ["network.hidden=18", "network.steps=2", "network.weight_sets=1"]
    words = [word for pair in (*shape, *sizes) for word in ("--set", pair)]
    result = CliRunner().invoke(app, ["map", "photonic_mrr", *words])
    assert result.exit_code == 0, result.output
    assert "each step multiplies 2 folds, one after the other" in result.output
    lines_of = [line.split() for line in result.output.splitlines()]
    # Inputs 0 to 9 of all outputs lie in banks 0, 1, 2; then inputs 10 to 17 are written there.
    assert ["0", "0", "16", "to", "17", "0", "to", "9", "2"] in lines_of
    assert ["0", "1", "0", "to", "7", "10", "to", "17", "written", "on", "the", "way"] in lines_of
    assert ["0", "0", "1", "0", "0", "1", "2"] in lines_of


def test_the_map_refuses_what_a_run_refuses() -> None:
    shape = [f"{key}={value}" for key, value in (*SHAPE, FOLDED)]
    words = [word for pair in shape for word in ("--set", pair)]
    result = CliRunner().invoke(app, ["map", "fiber_loop", *words])
    assert isinstance(result.exception, MappingError)
    assert "memory.kind" in str(result.exception)
