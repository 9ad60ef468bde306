"""The instrument survives its clients: strangers, crowds, garbage, and those that vanish."""

from __future__ import annotations

import json
import random
import socket
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from pnnsim.errors import BackendError
from pnnsim.hil.instrument.message import block
from pnnsim.hil.instrument.server import Limits, Server
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.simulated import SimulatedBackend
from tests.hil.hil_machines import NETWORK, drives, spec, weights
from tests.hil.instrument_server import PATIENCE, Client, machine, serving


def doubles(values: torch.Tensor) -> bytes:
    return block(values.numpy().astype("<f8").tobytes())


def condition(backend: SimulatedBackend) -> list[object]:
    """Return all of a machine's state that a command could change, as plain values."""
    now = backend.condition
    banks = [
        (bank.number, bank.began_fs, None if bank.weight is None else bank.weight.tolist())
        for bank in now.banks
    ]
    return [banks, now.gain.tolist(), now.bias.tolist(), now.clock_fs, now.writes]


def test_common_commands_answer_as_the_standard_says() -> None:
    with serving(Instrument(machine())) as port, Client(port) as client:
        maker, name, serial, version = client.ask(b"*IDN?").split(b",")
        assert (maker, name, serial) == (b"pnnsim", b"photonic_mrr", b"seed7.chip0")
        assert version
        assert client.ask(b"*ESR?") == b"128"
        assert client.ask(b"*OPC?;*TST?;SYST:VERS?") == b"1;0;1999.0"
        assert client.error() == 0
        client.send(b"NO:SUCH 1\n*OPC\n*WAI\n")
        assert client.ask(b"*ESE 32;*SRE 32;*ESE?;*SRE?") == b"32;32"
        assert client.ask(b"*STB?") == b"100"
        assert client.ask(b"SYSTem:ERRor:COUNt?") == b"1"
        assert client.ask(b":syst:err:next?") == b'-113,"Undefined header; NO:SUCH"'
        assert client.ask(b"*ESR?") == b"33"
        client.send(b"NO\n*CLS\n")
        assert client.error() == 0
        assert client.ask(b"FORM:BORD?;FORM?") == b"SWAP;REAL,64"


def test_machine_is_used_through_blocks_of_both_sizes() -> None:
    direct = machine()
    with serving(Instrument(machine())) as port, Client(port) as client:
        client.send(b"SYST:DESC?\n")
        assert client.file.read(2) == b"#3"
        described = json.loads(client.file.read(int(client.file.read(3))))
        assert described["network"]["hidden"] == 8
        assert client.line() == b""
        client.send(b"LOOP:FORW? 1," + doubles(drives()) + b"\n")
        expected = direct.forward(drives(), states=True)
        assert client.file.read(6) == b"#41280"
        found = np.frombuffer(client.file.read(1280), "<f8").reshape(4, 5, 8)
        np.testing.assert_array_equal(found[0], expected.result)
        assert expected.states is not None
        np.testing.assert_array_equal(found[1:], expected.states)
        assert client.line() == b""
        numbers = [float(part) for part in client.ask(b"BILL?").split(b",")]
        assert tuple(numbers) == expected.cost.numbers()

        client.send(b"FORM REAL,32\nLOOP:STEP? 1," + block(b"\0\0\0\x3f" * 8) + b"\n")
        step = direct.step(1, torch.full((1, 8), 0.5))
        assert client.file.read(4) == b"#232"
        np.testing.assert_array_equal(
            np.frombuffer(client.file.read(32), "<f4"), step.result[0].numpy().astype("f4")
        )
        assert client.line() == b""
        assert client.error() == 0


def test_reset_leaves_the_banks() -> None:
    backend = machine()
    with serving(Instrument(backend)) as port, Client(port) as client:
        client.send(b"FORM REAL,32\n*RST\n")
        assert client.ask(b"FORM?") == b"REAL,64"
    assert backend.condition.gain.tolist() == [1.0, 1.0]
    assert backend.condition.banks[0].weight is not None
    assert torch.equal(backend.condition.banks[0].weight, weights()[0])


BAD = [
    (b"BANK:WEIG", -109),
    (b"BANK:WEIG 0," + block(b"12345678"), -161),
    (b"BANK:WEIG 0," + block(b""), -161),
    (b"BANK:WEIG 0,1.5", -104),
    (b"BANK:WEIG 2," + doubles(weights()[0]), -222),
    (b"BANK:WEIG 0.5," + doubles(weights()[0]), -222),
    (b"BANK:WEIG 1e999," + doubles(weights()[0]), -222),
    (b"BANK:WEIG 0," + doubles(2 * weights()[0]), -222),
    (b"BANK:WEIG 0," + doubles(torch.nan * weights()[0]), -222),
    (b"BANK:WEIG 0," + doubles(weights()[0]) + b",3", -108),
    (b"ELEC " + doubles(torch.ones(2)), -109),
    (b"ELEC " + doubles(torch.ones(2)) + b"," + doubles(torch.ones(3)), -161),
    (b"LOOP:FORW? 2," + doubles(drives()), -222),
    (b"LOOP:FORW? 0," + block(b""), -161),
    (b"LOOP:FORW? 0," + block(b"1234567"), -161),
    (b"LOOP:WAIT -1", -222),
    (b"LOOP:WAIT 1e999", -104),
    (b"LOOP:WAIT 1e300", -222),
    (b"LOOP:WAIT 1,-1", -222),
    (b"LOOP:WAIT soon", -104),
    (b"FORM REAL,48", -222),
    (b"FORM ASC,8", -104),
    (b"STAT:SAVE", -221),
    (b"SYST:TOK 3", -104),
    (b"BANK:MEAS? 7", -222),
    (b"\xff\xfe\x00", -102),
    (b"NONSENSE?", -113),
]


def test_what_cannot_be_obeyed_is_an_error_and_changes_nothing() -> None:
    backend = machine()
    before = condition(backend)
    with serving(Instrument(backend)) as port, Client(port) as client:
        for message, number in BAD:
            client.send(message + b"\n")
            assert client.error() == number, message[:30]
            assert client.error() == 0, message[:30]
    assert condition(backend) == before


def test_ten_thousand_damaged_messages_are_each_answered_by_an_error() -> None:
    """Good messages are broken in one place, at random but the same each time.

    A message that is cut off within a block takes what follows for the block; so these wait until
    they are given up, in the next test.
    """
    draw = random.Random(5)
    good = [
        b"BANK:WEIG 0," + doubles(weights()[0]),
        b"ELEC " + doubles(torch.ones(2)) + b"," + doubles(torch.ones(2, 8)),
        b"LOOP:FORW? 1," + doubles(drives(1)),
        b"LOOP:STEP? 1," + doubles(drives(1)),
        b"LOOP:WAIT 1e3,2",
        b"FORM REAL,32",
        b"STAT:SAVE",
    ]
    #: What a damaged number of digits or length makes of what follows is settled by a line feed.
    end = b"\n"

    def damaged() -> bytes:
        message = draw.choice(good)
        kind = draw.randrange(6)
        head = message.find(b" ") if b" " in message else len(message)
        if kind == 0:  # another header
            place = draw.randrange(head)
            return message[:place] + b"Q" + message[place:head] + b"\n"
        if kind == 1 and b"#" in message:  # a block that is no multiple of its numbers
            first = message.index(b"#")
            return message[:first] + block(bytes(draw.randrange(256) for _ in range(13))) + end
        if kind == 2 and b"#" in message:  # a length that is none
            first = message.index(b"#") + 1
            return message[:first] + bytes([draw.choice(b'0xyz-#;," ')]) + b"\n"
        if kind == 3 and b"#" in message:  # a length beyond all limits
            first = message.index(b"#")
            return message[:first] + b"#9" + str(draw.randrange(10**8, 10**9)).encode() + b"\n"
        if kind == 4 and message != b"LOOP:WAIT 1e3,2":  # cut off ahead of what a block holds
            first = message.find(b"#") + 2 if b"#" in message else len(message)
            return message[: draw.randrange(1, first)] + b"\n"
        # garbage, of any bytes but those that could end or open something
        body = bytes(
            draw.choice(b"\x00\x01\x80\xff@$%&(){}~") for _ in range(draw.randrange(1, 40))
        )
        return body + b"\n"

    backend = machine()
    before = condition(backend)
    begin, found = time.monotonic(), set()
    with serving(Instrument(backend)) as port, Client(port) as client:
        for batch in range(200):
            sent = [damaged() for _ in range(50)]
            # Asked after each, answered in order: no message may swallow its question.
            client.send(b"".join(message + b"SYST:ERR?\n" for message in sent))
            for message in sent:
                number = int(client.line().split(b",")[0])
                assert number < 0, (batch, message[:60])
                found.add(number)
        assert client.error() == 0
        assert client.ask(b"*OPC?") == b"1"
    assert condition(backend) == before
    assert {-113, -161, -223, -102} <= found
    assert time.monotonic() - begin < 10 * PATIENCE


def test_messages_that_break_off_anywhere_are_given_up_and_the_next_one_is_heard() -> None:
    backend = machine()
    before = condition(backend)
    whole = b"BANK:WEIG 0," + doubles(weights(seed=3)[0]) + b"\n"
    lengths = range(1, len(whole))
    crowd = 128
    with serving(Instrument(backend), limits=Limits(stall_s=0.05, clients=crowd)) as port:
        clients = [Client(port) for _ in range(crowd)]
        for first in range(0, len(lengths), crowd):
            some = list(zip(clients, lengths[first : first + crowd], strict=False))
            for client, length in some:
                client.send(whole[:length])
            time.sleep(0.5)  # ten times as long as the server waits
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
    with serving(Instrument(backend)) as port:
        for length in (1, 13, 20, 200, len(whole) - 1):
            client = Client(port)
            client.send(b"*OPC?\n")
            assert client.line() == b"1"
            client.send(whole[:length])
            client.vanish()
        with Client(port) as last:
            deadline = time.monotonic() + PATIENCE
            while last.ask(b"SYST:ERR?") and time.monotonic() < deadline:
                last.send(b"*RST\n")
                if last.error() == 0:
                    break
            assert time.monotonic() < deadline
    after = condition(backend)
    assert after[0] == before[0]
    assert after[3:] == before[3:]


def test_one_client_owns_the_instrument_until_it_leaves() -> None:
    with serving(Instrument(machine())) as port, Client(port) as first:
        assert first.ask(b"FORM?") == b"REAL,64"
        with Client(port) as second:
            assert second.ask(b"*IDN?").startswith(b"pnnsim")
            second.send(b"FORM REAL,32\n")
            answer = second.ask(b"SYST:ERR?")
            assert answer.startswith(b'-221,"Settings conflict; FORM: another client owns')
            first.vanish()
            deadline = time.monotonic() + PATIENCE
            while True:
                second.send(b"FORM REAL,32\n")
                if second.error() == 0:
                    break
                assert time.monotonic() < deadline
            assert second.ask(b"FORM?") == b"REAL,32"


def test_client_that_never_reads_is_dropped_and_the_next_one_served() -> None:
    """Ten answers of 0.8 MB are more than the system keeps for it."""
    ask = b"LOOP:FORW? 1," + doubles(drives(3000)) + b"\n"
    with (
        serving(Instrument(machine()), limits=Limits(stall_s=0.2)) as port,
        Client(port) as deaf,
    ):
        assert deaf.ask(b"FORM?") == b"REAL,64"  # the instrument is its own now
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.socket.setblocking(False)
        waiting = bytearray(10 * ask)
        with Client(port) as next_one:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                if waiting:
                    with suppress(BlockingIOError, ConnectionError):
                        del waiting[: deaf.socket.send(waiting)]
                next_one.send(b"LOOP:WAIT 0\n")
                if not next_one.error():
                    break
            assert time.monotonic() < deadline


def test_crowds_are_turned_away_and_idlers_are_shown_out() -> None:
    limits = Limits(clients=2, idle_s=0.3)
    with serving(Instrument(machine()), limits=limits) as port:
        with Client(port) as first, Client(port) as second, Client(port) as third:
            assert first.ask(b"*OPC?") == b"1"
            assert second.ask(b"*OPC?") == b"1"
            assert third.line() == b""  # closed
            assert first.line() == b""  # after the time of idlers
        with Client(port) as late:
            assert late.ask(b"*OPC?") == b"1"


def test_token_comes_first_and_is_not_to_be_guessed() -> None:
    with serving(Instrument(machine()), token="secret") as port:
        with Client(port) as client:
            assert client.ask(b"*IDN?").startswith(b"pnnsim")
            client.send(b"LOOP:WAIT 1\n")
            assert client.error() == -203
            client.send(b"LOOP:FORW? 0," + block(bytes(5000)) + b"\n")
            assert client.error() == -223
            client.send(b'SYST:TOK "wrong"\n')
            assert client.error() == -203
            client.send(b'SYST:TOK "secret"\n')
            assert client.error() == 0
            client.send(b"LOOP:FORW? 0," + block(bytes(5000)) + b"\n")
            assert client.error() == -161  # of the wrong length, but heard
        with Client(port) as guesser:
            guesser.send(b'SYST:TOK "a"\nSYST:TOK "b"\nSYST:TOK "c"\n*OPC?\n')
            assert guesser.line() == b""  # closed after the third


def test_stranger_without_the_token_keeps_nobody_from_owning_the_instrument() -> None:
    with serving(Instrument(machine()), token="secret") as port, Client(port) as stranger:
        assert stranger.ask(b"*IDN?").startswith(b"pnnsim")
        with Client(port) as client:
            client.send(b'SYST:TOK "secret"\nLOOP:WAIT 1\n')
            assert client.error() == 0


def test_stranger_who_says_no_token_is_shown_out_and_the_owner_is_not() -> None:
    limits = Limits(stall_s=0.2)
    with (
        serving(Instrument(machine()), token="secret", limits=limits) as port,
        Client(port) as client,
        Client(port) as stranger,
    ):
        client.send(b'SYST:TOK "secret"\n')
        assert client.error() == 0
        assert stranger.line() == b""  # closed
        assert client.ask(b"*OPC?") == b"1"


def test_answer_beyond_all_memory_is_refused_before_it_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pnnsim.hil.instrument.session.ANSWER_LIMIT", 1000)
    backend = machine()
    before = condition(backend)
    with serving(Instrument(backend)) as port, Client(port) as client:
        # 5 samples of 8 numbers of 8 bytes, once and three times more.
        client.send(b"LOOP:FORW? 1," + doubles(drives()) + b"\n")
        assert client.error() == -223
    assert condition(backend) == before


def test_ports_that_do_not_exist_are_refused() -> None:
    for port in (-1, 65536):
        with pytest.raises(BackendError, match=f"port: got {port}; expected a number from 0"):
            Server(Instrument(machine()), port=port)


def test_other_computers_need_a_token() -> None:
    with pytest.raises(BackendError, match=r"host: 0\.0\.0\.0 lets other computers connect"):
        Server(Instrument(machine()), host="0.0.0.0")
    with pytest.raises(BackendError, match="token: expected ASCII text"):
        Server(Instrument(machine()), token='a"b')
    for host in ("localhost", "127.0.0.2", "::1"):
        Server(Instrument(machine()), host=host)


def test_port_that_is_taken_is_an_error() -> None:
    with serving(Instrument(machine())) as port:
        taken = Server(Instrument(machine()), port=port)
        with pytest.raises(BackendError, match=f"cannot listen on 127.0.0.1:{port}"):
            taken.run(lambda _: None)


def test_clean_stop_keeps_the_state(tmp_path: Path) -> None:
    file = tmp_path / "state"
    backend = machine()
    with serving(Instrument(backend, lambda: backend.save(file))) as port, Client(port) as client:
        client.send(b"STAT:SAVE\n")
        assert client.error() == 0
        assert file.exists()
        client.send(b"BANK:WEIG 1," + doubles(weights(seed=9)[0]) + b"\n")
        assert client.error() == 0
    resumed = SimulatedBackend(spec(), NETWORK, seed=7)
    resumed.restore(file)
    assert condition(resumed) == condition(backend)
