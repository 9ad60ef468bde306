"""Strangers get neither the instrument nor the token, and keep nobody else from them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import Any

import pytest

from pnnsim.hil.instrument.connections import Connection, Connections
from pnnsim.hil.instrument.guard import Guard, origin
from pnnsim.hil.instrument.message import block
from pnnsim.hil.instrument.server import Limits
from pnnsim.hil.instrument.session import Instrument, Session
from pnnsim.hil.instrument.status import ScpiError
from tests.hil.instrument_server import (
    HOST,
    Client,
    condition,
    happens,
    machine,
    serving,
    watching,
)

BODY = b"LOOP:WAIT 1\nSYST:ERR?\n"
FIELDS = b"Host: 127.0.0.1:5025\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n\r\n"

FOREIGN = {
    "post": b"POST / HTTP/1.1\r\n" + FIELDS + BODY,
    "get": b"GET /%0aLOOP:WAIT HTTP/1.1\r\n" + FIELDS + BODY,
    "options": b"OPTIONS * HTTP/1.1\r\n" + FIELDS + BODY,
    "other method": b"FORM? / HTTP/1.1\r\n" + FIELDS + BODY,
    "long address": b"POST /" + 9000 * b"x" + b" HTTP/1.1\r\n" + FIELDS + BODY,
    "long other method": b"FORM? /" + 9000 * b"x" + b" HTTP/1.1\r\n" + FIELDS + BODY,
    "fields alone": FIELDS + BODY,
    "field with a dash": b"User-Agent: x\r\n" + BODY,
    "second version": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + BODY,
    "encrypted": b"\x16\x03\x01\x02\x00\x01\n" + BODY,
}


@pytest.mark.parametrize("size", [10**6, 3])
@pytest.mark.parametrize("name", FOREIGN)
def test_what_a_web_page_can_send_is_not_executed(name: str, size: int) -> None:
    backend = machine()
    before = condition(backend)
    with watching(Instrument(backend)) as server, Client(server.port) as page:
        sent = FOREIGN[name]
        with suppress(ConnectionError):
            for place in range(0, len(sent), size):
                page.send(sent[place : place + size])
        with suppress(ConnectionError):
            assert page.line() == b""  # closed without a word
        happens(server.ended)
        with Client(server.port) as client:
            assert client.ask(b"FORM?") == b"REAL,64"
    assert condition(backend) == before


def test_what_a_web_page_sends_ends_a_connection_at_any_time() -> None:
    backend = machine()
    before = condition(backend)
    with serving(Instrument(backend)) as port, Client(port) as client:
        assert client.ask(b"*OPC?") == b"1"
        client.send(b"NONSENSE\nPOST / HTTP/1.1\r\n\r\n" + BODY)
        assert client.line() == b""
    assert condition(backend) == before


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


def test_many_strangers_do_not_shut_clients_out() -> None:
    with watching(Instrument(machine()), token="secret") as server, ExitStack() as stack:
        for _ in range(12):
            stranger = stack.enter_context(Client(server.port))
            assert stranger.ask(b"*IDN?").startswith(b"pnnsim")
        happens(server.ended, 4)  # those who came first have given way
        for _ in range(2):
            client = stack.enter_context(Client(server.port))
            client.send(b'SYST:TOK "secret"\n')
            assert client.error() == 0
        for _ in range(12):
            stranger = stack.enter_context(Client(server.port))
            assert stranger.ask(b"*IDN?").startswith(b"pnnsim")
        assert client.ask(b"*OPC?") == b"1"


def test_clients_with_the_token_are_bounded_as_well() -> None:
    limits = Limits(clients=1)
    with (
        serving(Instrument(machine()), token="secret", limits=limits) as port,
        Client(port) as first,
        Client(port) as second,
    ):
        first.send(b'SYST:TOK "secret"\n')
        assert first.error() == 0
        second.send(b'SYST:TOK "secret"\n*IDN?\n')
        assert second.line() == b""  # closed
        assert first.ask(b"*OPC?") == b"1"


@pytest.mark.parametrize("says", [b"", b"*IDN?\n", b"*IDN?"])
def test_stranger_who_says_no_token_is_shown_out_and_the_owner_is_not(says: bytes) -> None:
    """However much it says otherwise."""
    with (
        watching(Instrument(machine()), token="secret") as server,
        Client(server.port) as client,
    ):
        client.send(b'SYST:TOK "secret"\n')
        assert client.error() == 0
        server.limit(token_s=0.2)
        with Client(server.port) as stranger:
            for _ in range(20_000 if says.endswith(b"\n") else 1):
                with suppress(ConnectionError):
                    stranger.send(says)
                    if stranger.line():
                        continue
                break
            else:
                pytest.fail("the stranger is still there")
        assert client.ask(b"*OPC?") == b"1"


def test_every_token_of_a_stranger_waits_for_its_turn() -> None:
    turns: list[str] = []

    class Watchful(Guard):
        def turn(self, origin: str) -> Any:
            turns.append(origin)
            return super().turn(origin)

    with watching(Instrument(machine()), token="secret") as server:
        server._guard = Watchful()
        with Client(server.port) as client:
            client.send(b'SYST:TOK "a"\n')
            assert client.error() == -203
            client.send(b'*CLS;SYST:TOK "secret"\n')
            assert client.error() == 0
            client.send(b'SYST:TOK "secret"\n')  # has it already
            assert client.error() == 0
    assert turns == [HOST, HOST]


class Hours(asyncio.SelectorEventLoop):
    """Event loop whose clock jumps to the next thing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None = None) -> Any:
            self.now += timeout or 0.0
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


def hours(work: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=Hours) as runner:
        runner.run(work())  # type: ignore[arg-type]


def now() -> float:
    return asyncio.get_running_loop().time()


async def guess(guard: Guard, peer: str, times: int = 1) -> None:
    for _ in range(times):
        with suppress(ScpiError):
            async with guard.turn(peer):
                raise ScpiError(-203)


def test_pauses_after_wrong_tokens_double_up_to_two_seconds() -> None:
    async def work() -> None:
        guard, at = Guard(), []
        for _ in range(8):
            await guess(guard, "a")
            at.append(now())
        pauses = [later - earlier for earlier, later in pairwise(at)]
        assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], abs=1e-9)
        await asyncio.sleep(700.0)
        await guess(guard, "a")
        begin = now()
        await guess(guard, "a")  # what was long ago is forgotten
        assert now() - begin == pytest.approx(0.1, abs=1e-9)

    hours(work)


def test_more_connections_guess_no_faster() -> None:
    async def work() -> None:
        guard = Guard()
        await asyncio.gather(*(guess(guard, "a", 3) for _ in range(8)))
        # 24 guesses: five pauses that double, 18 of two seconds.
        assert now() == pytest.approx(3.1 + 18 * 2.0, abs=1e-9)

    hours(work)


def test_more_addresses_guess_hardly_faster_and_the_right_token_waits_shortly() -> None:
    async def work() -> None:
        guard = Guard()
        await asyncio.gather(*(guess(guard, f"10.0.{n // 250}.{n % 250}") for n in range(2000)))
        assert 0.98 * 1000.0 < now() < 1000.0
        begin = now()
        async with guard.turn("b"):
            assert now() - begin <= 0.5
        async with guard.turn("b"):  # no pause after a right one
            assert now() - begin <= 0.5

    hours(work)


def test_those_who_give_up_leave_no_pauses_behind() -> None:
    async def work() -> None:
        guard = Guard()
        await guess(guard, "a", 10)
        begin = now()
        waiting = [asyncio.ensure_future(guess(guard, "a")) for _ in range(100)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        async with guard.turn("a"):
            assert now() - begin == pytest.approx(2.0, abs=1e-9)

    hours(work)


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::%eth0", "2001:db8:1:2::/64"),
        ("none", "none"),
    ],
)
def test_addresses_that_one_computer_can_take_count_as_one(address: str, wanted: str) -> None:
    assert origin(address) == wanted


def test_strangers_of_the_commonest_origin_give_way() -> None:
    async def work() -> None:
        instrument = Instrument(machine())
        places = Connections(clients=1, strangers=4)

        def connection(origin: str) -> Connection:
            task = asyncio.ensure_future(asyncio.sleep(math.inf))
            return Connection(origin, Session(instrument, "secret"), task, math.inf)

        client, *flood = (connection(name) for name in "bcccc")
        assert all(places.enter(one) for one in (client, *flood[:3]))
        flood[1].session.refusals = 1
        assert places.enter(flood[3])
        await asyncio.sleep(0)
        assert [one.task.cancelled() for one in (client, *flood)] == [
            False, False, True, False, False,
        ]  # fmt: skip
        assert places.enter(connection("c"))
        await asyncio.sleep(0)
        assert flood[0].task.cancelled()
        assert not client.task.done()
        assert places.admit(client)
        assert places.admit(client)
        assert not places.admit(flood[2])
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    hours(work)
