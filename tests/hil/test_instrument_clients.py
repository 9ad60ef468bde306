"""The instrument survives its clients: crowds, and those that vanish, stall or never read."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from pnnsim.hil.instrument.server import Limits
from pnnsim.hil.instrument.session import Instrument
from tests.hil.hil_machines import drives, weights
from tests.hil.instrument_server import (
    PATIENCE,
    Client,
    condition,
    doubles,
    happens,
    machine,
    serving,
    watching,
)


def test_messages_that_break_off_anywhere_are_given_up_and_the_next_one_is_heard() -> None:
    backend = machine()
    before = condition(backend)
    whole = b"BANK:WEIG 0," + doubles(weights(seed=3)[0]) + b"\n"
    lengths = range(1, len(whole))
    crowd = 128
    with watching(Instrument(backend), limits=Limits(stall_s=0.05, clients=crowd)) as server:
        clients = [Client(server.port) for _ in range(crowd)]
        for first in range(0, len(lengths), crowd):
            some = list(zip(clients, lengths[first : first + crowd], strict=False))
            for client, length in some:
                client.send(whole[:length])
            happens(server.gave_up, len(some))
            for client, length in some:
                assert client.error() == -161, length
                assert client.ask(b"*IDN?").startswith(b"pnnsim")
        for client in clients:
            client.__exit__()
    assert condition(backend) == before


def test_client_killed_in_the_middle_of_a_write_leaves_the_bank_as_it_was() -> None:
    backend = machine()
    before = condition(backend)
    whole = b"BANK:WEIG 0," + doubles(weights(seed=3)[0]) + b"\n"
    with watching(Instrument(backend)) as server:
        for length in (1, 13, 20, 200, len(whole) - 1):
            client = Client(server.port)
            client.send(b"*OPC?\n")
            assert client.line() == b"1"
            client.send(whole[:length])
            client.vanish()
            happens(server.ended)
        with Client(server.port) as last:
            last.send(b"*RST\n")
            assert last.error() == 0
    after = condition(backend)
    assert after[0] == before[0]
    assert after[3:] == before[3:]


def test_one_client_owns_the_instrument_until_it_leaves() -> None:
    with watching(Instrument(machine())) as server, Client(server.port) as first:
        assert first.ask(b"FORM?") == b"REAL,64"
        with Client(server.port) as second:
            assert second.ask(b"*IDN?").startswith(b"pnnsim")
            second.send(b"FORM REAL,32\n")
            reply = second.ask(b"SYST:ERR?")
            assert reply.startswith(b'-221,"Settings conflict; FORM: another client owns')
            first.vanish()
            happens(server.ended)
            second.send(b"FORM REAL,32\n")
            assert second.error() == 0
            assert second.ask(b"FORM?") == b"REAL,32"


def test_client_that_never_reads_is_dropped_and_the_next_one_served() -> None:
    """Ten replies of 0.8 MB are more than the system keeps for it."""
    ask = b"LOOP:FORW? 1," + doubles(drives(3000)) + b"\n"
    with (
        watching(Instrument(machine()), limits=Limits(stall_s=1.0)) as server,
        Client(server.port) as deaf,
    ):
        assert deaf.ask(b"FORM?") == b"REAL,64"  # the instrument is its own now
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        def talk() -> None:
            with suppress(ConnectionError):
                deaf.send(10 * ask)

        talker = threading.Thread(target=talk)
        talker.start()
        happens(server.ended)
        talker.join(PATIENCE)
        with Client(server.port) as next_one:
            next_one.send(b"LOOP:WAIT 0\n")
            assert next_one.error() == 0


def test_crowds_are_turned_away() -> None:
    with watching(Instrument(machine()), limits=Limits(clients=2)) as server:
        with Client(server.port) as first, Client(server.port) as second:
            assert first.ask(b"*OPC?") == b"1"
            assert second.ask(b"*OPC?") == b"1"
            with Client(server.port) as third:
                assert third.line() == b""  # closed
            happens(server.ended)
        happens(server.ended, 2)
        with Client(server.port) as late:
            assert late.ask(b"*OPC?") == b"1"


def test_idlers_are_shown_out() -> None:
    with (
        serving(Instrument(machine()), limits=Limits(idle_s=0.05)) as port,
        Client(port) as client,
    ):
        assert client.line() == b""  # closed
