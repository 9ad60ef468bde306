"""Long commands keep neither other clients waiting nor the machine busy without a bound."""

from __future__ import annotations

import threading

import pytest
import torch

from pnnsim.errors import ScheduleError
from pnnsim.hil.backend import Measured
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.simulated import SimulatedBackend
from tests.hil.hil_machines import NETWORK, drives, spec, weights
from tests.hil.instrument_server import (
    PATIENCE,
    Client,
    condition,
    doubles,
    machine,
    serving,
    watching,
)

FORWARD = b"LOOP:FORW? 0," + doubles(drives(1)) + b"\n"


class Slow(SimulatedBackend):
    """Machine that computes until it may go on."""

    def __init__(self) -> None:
        super().__init__(spec(), NETWORK, seed=7)
        self.begun, self.go = threading.Event(), threading.Event()

    def forward(self, drive: torch.Tensor, *, states: bool = False) -> Measured:
        self.begun.set()
        assert self.go.wait(PATIENCE)
        return super().forward(drive, states=states)


def slow() -> Slow:
    backend = Slow()
    for number, weight in enumerate(weights()):
        backend.write(number, weight)
    return backend


def test_others_are_served_while_the_machine_computes() -> None:
    backend = slow()
    with serving(Instrument(backend)) as port, Client(port) as owner:
        owner.send(FORWARD + b"*OPC?\n")
        assert backend.begun.wait(PATIENCE)
        with Client(port) as other:
            assert other.ask(b"*IDN?").startswith(b"pnnsim")
            assert other.ask(b"*OPC?;*STB?") == b"1;0"
            other.send(b"FORM REAL,32\n")
            assert other.error() == -221
        backend.go.set()
        assert owner.file.read(4 + 64 + 3).endswith(b"\n1\n")


def test_stop_lets_the_machine_finish_and_then_keeps_its_state() -> None:
    backend, saved = slow(), []
    with (
        watching(Instrument(backend, lambda: saved.append(condition(backend)))) as server,
        Client(server.port) as owner,
    ):
        before = condition(backend)
        owner.send(FORWARD)
        assert backend.begun.wait(PATIENCE)
        server.stop()
        assert owner.line() == b""
        assert not saved
        backend.go.set()
    assert len(saved) == 1
    assert saved[0] == condition(backend)
    assert saved[0] != before


def test_work_beyond_the_bound_is_refused_before_it_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Passes of 20 samples through a step of 8 lines.
    monkeypatch.setattr("pnnsim.hil.instrument.session.WORK_LIMIT", 20 * (64 + 2**16))
    backend = machine()
    with serving(Instrument(backend)) as port, Client(port) as client:
        before = condition(backend)
        for message in (
            b"LOOP:FORW? 0," + doubles(drives(7)),
            b"LOOP:FORW? 1," + doubles(drives(4)),
            b"LOOP:STEP? 0," + doubles(drives(21)),
        ):
            client.send(message + b"\n")
            assert client.error() == -223
        assert condition(backend) == before
        for message in (
            b"LOOP:FORW? 0," + doubles(drives(6)),
            b"LOOP:STEP? 0," + doubles(drives(20)),
            b"BANK:MEAS? 0",
        ):
            client.send(message + b"\n")
            assert client.file.read(1) == b"#"
            client.file.read(int(client.file.read(int(client.file.read(1)))) + 1)
        assert client.error() == 0
        # Many that are allowed would take as long as one that is not.
        client.send(b"BANK:MEAS? 0;BANK:MEAS? 1;BANK:MEAS? 0\n")
        assert client.file.read(5 + 512 + 1 + 5 + 512 + 1)[-1:] == b"\n"
        assert client.error() == -223


def test_one_bank_and_one_sample_are_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pnnsim.hil.instrument.session.WORK_LIMIT", 0)
    with serving(Instrument(machine())) as port, Client(port) as client:
        client.send(b"BANK:WEIG 0," + doubles(weights()[0]) + b"\n")
        assert client.error() == 0
        for message in (b"BANK:MEAS? 0\n", b"LOOP:FORW? 1," + doubles(drives(1)) + b"\n"):
            client.send(message)
            assert client.file.read(1) == b"#"
            client.file.read(int(client.file.read(int(client.file.read(1)))) + 1)
        assert client.error() == 0


def test_what_the_timing_refuses_is_an_error_and_no_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = machine()

    def refuse(*_: object, **__: object) -> Measured:
        raise ScheduleError("memory: too small")

    monkeypatch.setattr(backend, "forward", refuse)
    with serving(Instrument(backend)) as port, Client(port) as client:
        client.send(FORWARD)
        assert client.ask(b"SYST:ERR?") == b'-222,"Data out of range; memory: too small"'
