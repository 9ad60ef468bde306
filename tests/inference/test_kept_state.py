"""A stateful network goes on where the sample before it in its stream has ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pnnsim.errors import InputError, ScheduleError, SpecError, TrainingError
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning import task_examples as data_module
from pnnsim.learning.datasets.text import encode
from pnnsim.learning.examples import Sequences, Windows
from pnnsim.learning.fit import fit, score
from pnnsim.learning.task_examples import load_data
from pnnsim.networks.parameters import ParameterSet
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TaskParams, TrainingParams
from pnnsim.timing.run import run_fast, run_timing
from tests.inference.test_agreement import random_parameters
from tests.timing.drawings import by_hand, drawn
from tests.timing.machines import delay_sets, machine

NETWORK = ReLaXNet(
    inputs=5, hidden=8, outputs=3, weight_sets=2, steps=3, injection="every", stateful=True
)
BLOCK = ("control.block", "3")
#: Doubles through a few dozen products; the largest number is of order 10.
TOLERANCE = 1e-10


def kept(case, simulate=run_timing):
    """Run a machine of the drawings with a stateful network, and check the trace."""
    work = replace(case.work, stateful=True)
    trace = simulate(work, case.samples)
    trace.check(work)
    return trace


def test_the_encoder_waits_until_the_last_state_is_held() -> None:
    # Else sample 1 would be encoded from 21 on, when sample 0 has left the nonlinearity. Its own
    # last state is held, too, for a sample that does not come.
    trace = kept(machine(samples=2, route_fs=2))
    assert drawn(trace) == by_hand("""
        fs                 0---------1---------2---------3---------4--
        front_end          00001111..................................
        encoder            ....00000....00000....11111....11111......
        switch             ..........RR.......RR.......RR............
        weight_banks.path  ......0........0........1........1........
        weight_banks.0     .......0.................1................
        weight_banks.1     ................0.................1.......
        detector           ........00.......00.......11.......11.....
        nonlinearity       ..........00.......00.......11.......11...
        memory             ............0........0........1........1..
        readout            .....................000...............111
    """)


@settings(max_examples=60, deadline=None)
@given(delay_sets(), st.sampled_from([(1, 1), (1, 3), (2, 3), (3, 6)]), st.booleans())
def test_samples_of_one_stream_follow_each_other_as_steps_do(delays, shape, overlap) -> None:
    """The interval is the closed form of a pass without its ends: every change counts, the last
    to the first step of the next sample included."""
    sets, steps = shape
    # With an output map the front end would work for both ends in turns.
    delays = replace(delays, output=delays.output[:1])
    case = machine(delays, sets=sets, steps=steps, banks=sets, overlap=overlap, samples=6)
    results = kept(case).result_fs
    state = sum(stage.duration_fs for stage in delays.encode)
    state += delays.activate_fs + delays.hold_fs
    once = delays.propagate_fs + delays.mvm_fs + delays.detect_fs
    order = [step % sets for step in range(steps)]
    interval = 0
    for here, there in zip(order, order[1:] + order[:1], strict=True):
        move = delays.route_fs if here != there else 0
        interval += once + (max(move, state) if overlap else move + state)
    ends = (sum(stage.duration_fs for stage in end) for end in (delays.input, delays.output))
    if max(ends) <= interval:  # front end and readout keep up
        assert set(np.diff(results)[1:].tolist()) == {interval}
    np.testing.assert_array_equal(kept(case, run_fast).expand().result_fs, results)


@pytest.mark.parametrize("streams", [1, 3])
def test_machine_and_surrogate_equal_numpy(streams: int) -> None:
    spec = load_spec("photonic_mrr", [("control.block", str(streams)), ("memory.capacity", "4")])
    parameters = random_parameters(NETWORK)
    generator = torch.Generator().manual_seed(1)
    length = 4
    x = torch.rand((streams * length, 5), generator=generator, dtype=torch.float64)
    expected = np.empty((len(x), 3))
    for number in range(streams):
        expected[number::streams] = one_stream(parameters, x[number::streams].numpy())
    chip = Chip.nominal(spec, NETWORK)
    found = ideal_outputs(chip, parameters, x).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    # What each sample met on the machine is not what the surrogate's one row says, but makes no
    # difference without non-idealities.
    accesses = time_run(chip, len(x)).accesses
    found = outputs(chip, parameters, x, accesses, without=sorted(chip.non_idealities)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    surrogate = Surrogate(NETWORK, spec, non_idealities=(), dtype=torch.float64)
    surrogate.load_parameter_set(parameters, any_machine=True)
    sequences = x.reshape(length, streams, 5).transpose(0, 1)
    found = surrogate(sequences).detach().transpose(0, 1).reshape(-1, 3).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def one_stream(p: ParameterSet, x: np.ndarray) -> np.ndarray:
    """Write the network out, one sample after the other."""
    weight, gain, bias, h = p.weight.numpy(), p.gain.numpy(), p.bias.numpy(), np.zeros(8)
    rows = []
    for drive in x @ p.input_weight.numpy().T:
        for k in (0, 1, 0):
            a = np.clip(gain[k] * weight[k] @ np.clip(h, 0, 1) + bias[k] + drive, -1, 1)
            h = (1.0 + np.sin(np.pi * a / 2.0)) / 2.0
        rows.append(p.output_weight.numpy() @ h + p.output_bias.numpy())
    return np.array(rows)


def test_the_memory_keeps_the_last_state_for_the_next_sample_of_the_stream() -> None:
    """A state waits through the rest of its block: with droop alone, later answers are lower."""
    spec = load_spec("photonic_mrr", [BLOCK, ("memory.capacity", "4")])
    chip = Chip.nominal(spec, NETWORK)
    accesses = time_run(chip, 9).accesses
    held = accesses.held_s[:, 0]
    assert held[:3].tolist() == [0.0, 0.0, 0.0]
    assert (held[3:] > 0.0).all()
    trace = time_run(chip, 9).trace
    holds = {
        (int(trace.sample[row]), int(trace.step[row])): int(trace.end_fs[row])
        for row in trace.rows("hold")
    }
    departs = {
        (int(trace.sample[row]), int(trace.step[row])): int(trace.start_fs[row])
        for row in trace.rows("propagate")
    }
    for sample in range(3, 9):
        expected = departs[sample, 0] - holds[sample - 3, 2]
        assert held[sample] == pytest.approx(1e-15 * expected, rel=1e-12, abs=0)


def test_only_a_kept_state_tells_letters_that_depend_on_the_one_before() -> None:
    """In aabbaabb… one letter says nothing of the next, so a state that starts anew knows ln 2."""
    ids = torch.tensor([0, 0, 1, 1] * 200)
    windows = Windows(ids, 1, 2)
    losses = {}
    for stateful, examples in {False: windows, True: Sequences(windows, 20)}.items():
        network = ReLaXNet(
            inputs=2, hidden=12, outputs=2, weight_sets=2, steps=2, injection="every",
            stateful=stateful,
        )  # fmt: skip
        surrogate = Surrogate(network, load_spec("photonic_mrr"), seed=1)
        training = TrainingParams(epochs=30, batch=8 if stateful else 160, learning_rate=0.1)
        fit(surrogate, examples, examples, training, select="loss")
        losses[stateful] = score(surrogate, examples)[1]
    assert losses[False] == pytest.approx(np.log(2.0), rel=1e-2, abs=0)
    # The first letter of a sequence leaves two ways open: ln 2 over 20, or 0.035.
    assert losses[True] < 0.1


def test_sequences_cut_a_text_without_overlap() -> None:
    windows = Windows(torch.arange(23) % 7, 2, 7)
    sequences = Sequences(windows, 5)
    assert len(sequences) == 4
    x, y = sequences.take(torch.tensor([3, 1]))
    assert x.shape == (2, 5, 14)
    assert y.tolist() == [[n % 7 for n in range(first + 2, first + 7)] for first in (15, 5)]


def test_streams_take_turns_in_the_samples_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 20 * "".join(map(chr, range(40, 105)))
    monkeypatch.setattr(data_module, "load_text", lambda name, **_: encode(name, "a note", text))
    data = load_data(TaskParams(name="shakespeare", window=1))
    alone, turns = data.samples(13), data.samples(13, streams=4)
    assert len(turns) == 12
    for stream in range(4):
        assert torch.equal(turns.x[stream::4], alone.x[3 * stream : 3 * stream + 3])
    with pytest.raises(TrainingError, match="3 samples for 4 streams in turns"):
        data.samples(3, streams=4)
    with pytest.raises(TrainingError, match=r"training\.sequence: is 5000, but a part"):
        data.in_sequences(5000)
    with pytest.raises(TrainingError, match="the examples of digits do not follow each other"):
        load_data(TaskParams()).in_sequences(None)


@pytest.mark.long
@pytest.mark.parametrize(("cores", "samples"), [("1", 64), ("3", 60)])
def test_a_text_with_a_kept_state_goes_through_training_and_machine(
    cores: str, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 20 * "".join(map(chr, range(40, 105)))
    monkeypatch.setattr(data_module, "load_text", lambda name, **_: encode(name, "a note", text))
    found = run(load_experiment("photonic_mrr", [
        ("task.window", "1"), ("network.hidden", "24"), ("network.steps", "2"),
        ("network.injection", "every"), ("network.stateful", "true"), ("control.block", "2"),
        ("memory.capacity", "2"), ("training.sequence", "13"), ("training.batch", "4"),
        ("training.epochs", "20"), ("training.learning_rate", "0.03"),
        ("simulation.chips", "1"), ("simulation.samples", "65"), ("simulation.band_draws", "0"),
        ("control.cores", cores),
    ], task="shakespeare")).metrics  # fmt: skip
    assert found["task"]["samples"] == samples
    # The letters stand in a row; guessing costs ln 65.
    assert found["loss_nats"]["surrogate"] < 0.5 * np.log(65)


def test_what_cannot_keep_a_state_is_refused(tmp_path: Path) -> None:
    text = "schema: 1\nhardware: photonic_mrr\nnetwork: {stateful: true, injection: every}\n"
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(
        SpecError, match=r"a\.yaml:3:21: network\.stateful: is true, but the images"
    ):
        load_experiment(tmp_path / "a.yaml")
    with pytest.raises(SpecError, match="expected injection every"):
        load_experiment("photonic_mrr", [("network.stateful", "true")], task="shakespeare")
    with pytest.raises(
        SpecError, match=r"training\.sequence: is 8, but network\.stateful is false"
    ):
        load_experiment("photonic_mrr", [("training.sequence", "8")])
    often = [
        ("network.stateful", "true"), ("network.injection", "every"),
        ("simulation.arrivals", "poisson"), ("simulation.rate", "1 MHz"),
    ]  # fmt: skip
    with pytest.raises(SpecError, match="arrivals are not saturated"):
        load_experiment("photonic_mrr", often, task="shakespeare")
    spec = load_spec("photonic_mrr", [BLOCK, ("memory.capacity", "4")])
    with pytest.raises(ScheduleError, match="a multiple of 3"):
        time_run(Chip.nominal(spec, NETWORK), 4)
    with pytest.raises(InputError, match=r"x: .*expected sequences, \(batch, length, 5\)"):
        Surrogate(NETWORK, spec)(torch.zeros(4, 5))
