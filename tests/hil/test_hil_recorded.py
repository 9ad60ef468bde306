"""A session can be replayed without the machine, and a replay notices every difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pnnsim.errors import BackendError, ParameterError
from pnnsim.hil.backend import Description, HardwareBackend, Measured
from pnnsim.hil.bench import Bench
from pnnsim.hil.recorded import FILE, RecordedBackend, Recorder
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.networks.relaxnet import ReLaXNet
from tests.hil.hil_machines import NETWORK, drives, exact_surrogate, spec, weights


def machine() -> SimulatedBackend:
    return SimulatedBackend(spec(), NETWORK, seed=7)


def session(backend: HardwareBackend) -> list[object]:
    """Use every call once."""
    bench = Bench(backend)
    parameters = exact_surrogate().parameter_set()
    bench.load(parameters)
    bench.updated()
    measured = [backend.forward(drives(), states=True), backend.forward(drives())]
    stepped = [backend.step(1, drives()), backend.step(0, drives(), drives())]
    weight, cost = backend.readback(0)
    found: list[object] = [weight, cost, bench.cost]
    for one in (*measured, *stepped):
        found += [one.result, one.states, one.cost]
    return found


def same(a: object, b: object) -> bool:
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def test_replay_gives_the_same_replies_and_costs(tmp_path: Path) -> None:
    recorder = Recorder(machine(), tmp_path)
    recorded = session(recorder)
    recorder.save()
    with RecordedBackend(tmp_path) as replay:
        replayed = session(replay)
    assert all(same(a, b) for a, b in zip(recorded, replayed, strict=True))


@pytest.fixture
def short(tmp_path: Path) -> Path:
    recorder = Recorder(machine(), tmp_path)
    recorder.write(0, weights()[0])
    recorder.forward(drives())
    recorder.save()
    return tmp_path


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (lambda b: b.forward(drives()), "got 'forward'.*expected 'write'"),
        (lambda b: b.write(1, weights()[0]), "'weight_set': 1.*'weight_set': 0"),
        (lambda b: b.write(0, weights()[1]), "'write' weight: differs by"),
        (lambda b: b.write(0, weights()[0][:2]), r"got the shape \(2, 8\); expected \(8, 8\)"),
        (lambda b: b.write(0, weights()[0] * torch.nan), "differs by nan"),
        (lambda b: b.write(0, weights()[0]), "1 recorded calls were never made.*'forward', call 2"),
    ],
)
def test_anything_unexpected_or_left_over_is_an_error(
    short: Path, calls: Callable[[HardwareBackend], object], message: str
) -> None:
    with pytest.raises(BackendError, match=message), RecordedBackend(short) as replay:
        calls(replay)


def test_call_after_the_end_is_an_error(short: Path) -> None:
    replay = RecordedBackend(short)
    replay.write(0, weights()[0])
    replay.forward(drives())
    with pytest.raises(
        BackendError, match=r"session\.safetensors: call 3: got 'wait'; expected nothing"
    ):
        replay.wait(1.0)


def test_other_rounding_is_no_difference(short: Path) -> None:
    replay = RecordedBackend(short)
    replay.write(0, weights()[0] + 1e-9)
    replay.forward(drives())
    replay.finish()


def test_session_that_is_cut_off_anywhere_is_refused(short: Path) -> None:
    whole = (short / FILE).read_bytes()
    for length in range(0, len(whole), 37):
        (short / FILE).write_bytes(whole[:length])
        with pytest.raises(BackendError, match="cannot read the session"):
            RecordedBackend(short)


def test_reply_that_could_not_be_replayed_is_refused_at_the_call(tmp_path: Path) -> None:
    """A session is saved at its end: what makes it unreadable must be known long before."""
    broken = Broken(lambda m: replace(m, result=m.result * torch.nan))
    recorder = Recorder(broken, tmp_path)  # type: ignore[arg-type]
    recorder.write(0, weights()[0])
    recorder.write(1, weights()[1])
    with pytest.raises(BackendError, match=r"'forward' reply\.result: got values that are not fin"):
        recorder.forward(drives())
    recorder.save()
    replay = RecordedBackend(tmp_path)
    replay.write(0, weights()[0])
    replay.write(1, weights()[1])
    replay.finish()


def test_missing_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot read the session"):
        RecordedBackend(tmp_path / "nowhere")


def test_description_travels_as_plain_data_and_nonsense_is_refused() -> None:
    ordered = ReLaXNet(hidden=8, weight_sets=2, steps=3, order=(0, 1, 1))
    description = Description("a", "b", "c", ordered)
    assert Description.from_data(description.to_data()) == description
    with pytest.raises(BackendError, match="description: cannot be read"):
        Description.from_data({"machine": "a"})


class Counting:
    """Count the writes that reach a machine."""

    def __init__(self) -> None:
        self._machine = machine()
        self.sets: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._machine, name)

    def write(self, weight_set: int, weight: torch.Tensor) -> object:
        self.sets.append(weight_set)
        return self._machine.write(weight_set, weight)


def test_bench_writes_only_what_has_changed() -> None:
    backend = Counting()
    bench = Bench(backend)  # type: ignore[arg-type]
    parameters = exact_surrogate().parameter_set()
    bench.load(parameters)
    bench.load(parameters)
    parameters.gain.mul_(2.0)
    bench.load(parameters)
    assert backend.sets == [0, 1]
    parameters.weight[1] = 0.0
    bench.load(parameters)
    assert backend.sets == [0, 1, 1]
    bench.refresh()
    bench.load(parameters)
    assert backend.sets == [0, 1, 1, 0, 1]


def test_bench_refuses_parameters_of_another_network() -> None:
    other = exact_surrogate(NETWORK.model_copy(update={"inputs": 4})).parameter_set()
    with pytest.raises(ParameterError, match="input_weight has shape"):
        Bench(machine()).load(other)


class Broken(Counting):
    """Give what no machine of this network can."""

    def __init__(self, change: Callable[[Measured], Measured]) -> None:
        super().__init__()
        self._change = change

    def forward(self, drive: torch.Tensor, *, states: bool = False) -> Measured:
        return self._change(self._machine.forward(drive, states=states))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: replace(m, result=m.result * torch.nan), "result: holds values that are not"),
        (lambda m: replace(m, result=m.result[1:]), r"result: got the shape \(4, 8\); expected"),
        (lambda m: replace(m, states=None), "sent no states"),
        (lambda m: replace(m, states=m.states[1:]), "states: got the shape"),
    ],
)
def test_bench_refuses_what_no_machine_can_have_measured(
    change: Callable[[Measured], Measured], message: str
) -> None:
    bench = Bench(Broken(change))  # type: ignore[arg-type]
    parameters = exact_surrogate().parameter_set()
    bench.load(parameters)
    x = torch.rand((5, NETWORK.inputs), generator=torch.Generator().manual_seed(0))
    with pytest.raises(BackendError, match=message):
        bench.run(parameters, x, states=True)


def test_bench_refuses_a_time_that_is_none() -> None:
    with pytest.raises(BackendError, match="update_time: got -1"):
        Bench(machine(), update_time=-1.0)
