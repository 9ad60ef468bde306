"""The instrument executes commands, and refuses what it cannot execute without a change."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from pnnsim.errors import BackendError
from pnnsim.hil.instrument.message import block
from pnnsim.hil.instrument.server import Server
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.simulated import SimulatedBackend
from tests.hil.hil_machines import NETWORK, drives, spec, weights
from tests.hil.instrument_server import Client, condition, doubles, machine, serving


@pytest.mark.parametrize(
    ("old", "new"),
    [("BILL?", "COST?"), ("bill:tot?", "COST:TOTal?"), ("BILL:TOTAL?", "COST:TOTal?")],
)
def test_a_command_of_an_earlier_name_is_refused_with_its_name_of_today(old: str, new: str) -> None:
    with serving(Instrument(machine())) as port, Client(port) as client:
        client.send(old.encode() + b"\n")
        error = client.ask(b"SYST:ERR?")
        assert error == f'-113,"Undefined header; {old.upper()}: is {new} now"'.encode()


def test_common_commands_reply_as_the_standard_says() -> None:
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
        numbers = [float(part) for part in client.ask(b"COST?").split(b",")]
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


def test_what_cannot_be_executed_is_an_error_and_changes_nothing() -> None:
    backend = machine()
    before = condition(backend)
    with serving(Instrument(backend)) as port, Client(port) as client:
        for message, number in BAD:
            client.send(message + b"\n")
            assert client.error() == number, message[:30]
            assert client.error() == 0, message[:30]
    assert condition(backend) == before


def test_ten_thousand_damaged_messages_each_get_an_error() -> None:
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
    found = set()
    with serving(Instrument(backend)) as port, Client(port) as client:
        for batch in range(200):
            sent = [damaged() for _ in range(50)]
            # Asked after each, replies in order: no message may swallow its question.
            client.send(b"".join(message + b"SYST:ERR?\n" for message in sent))
            for message in sent:
                number = int(client.line().split(b",")[0])
                assert number < 0, (batch, message[:60])
                found.add(number)
        assert client.error() == 0
        assert client.ask(b"*OPC?") == b"1"
    assert condition(backend) == before
    assert {-113, -161, -223, -102} <= found


def test_reply_beyond_all_memory_is_refused_before_it_is_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pnnsim.hil.instrument.session.REPLY_LIMIT", 1000)
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
