"""A machine behind a socket is the machine itself: same replies, same costs, same training."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pnnsim.cli.app import main
from pnnsim.errors import BackendError
from pnnsim.hil.backend import HardwareBackend
from pnnsim.hil.bench import Bench
from pnnsim.hil.instrument.message import block
from pnnsim.hil.instrument.session import Instrument
from pnnsim.hil.remote import Link, RemoteBackend, SocketLink, VisaLink
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules import PhysicsAware, Settings, Spsa, train
from tests.hil.hil_machines import NETWORK, drives, examples, spec, weights
from tests.hil.instrument_server import HOST, PATIENCE, machine, serving


def visa(port: int) -> Link:
    pytest.importorskip("pyvisa_py", reason="pip install 'pnnsim[lab]'")
    return VisaLink(f"TCPIP::{HOST}::{port}::SOCKET", patience=PATIENCE)


LINKS: dict[str, Callable[[int], Link]] = {
    "socket": lambda port: SocketLink(HOST, port, patience=PATIENCE),
    "visa": visa,
}


@pytest.mark.parametrize("name", LINKS)
def test_every_call_gives_what_the_machine_itself_gives(name: str) -> None:
    direct = machine()
    with (
        serving(Instrument(machine())) as port,
        RemoteBackend(LINKS[name](port)) as remote,
    ):
        assert remote.describe() == direct.describe()
        calls: list[Callable[[HardwareBackend], tuple[object, ...]]] = [
            lambda b: (b.write(1, weights(seed=4)[0]),),
            lambda b: (b.electronics(torch.full((2,), 0.4), torch.full((2, 8), 0.1)),),
            lambda b: (b.wait(1e-3, updates=3),),
            lambda b: b.readback(0),
            *(
                lambda b, states=states: (
                    (m := b.forward(drives(), states=states)).result,
                    m.states,
                    m.cost,
                )
                for states in (False, True)
            ),
            lambda b: ((m := b.step(1, drives())).result, m.cost),
            lambda b: ((m := b.step(0, drives(), drives(5))).result, m.cost),
        ]
        for call in calls:
            for mine, theirs in zip(call(direct), call(remote), strict=True):
                if isinstance(mine, torch.Tensor):
                    assert isinstance(theirs, torch.Tensor)
                    assert torch.equal(mine, theirs)
                else:
                    assert mine == theirs


def test_pyvisa_users_need_nothing_of_ours() -> None:
    """The session of the documentation: words, blocks out, blocks in, with line feeds in them."""
    pyvisa = pytest.importorskip("pyvisa", reason="pip install 'pnnsim[lab]'")
    pytest.importorskip("pyvisa_py", reason="pip install 'pnnsim[lab]'")
    direct = machine()
    with serving(Instrument(machine())) as port:
        manager = pyvisa.ResourceManager("@py")
        bench = manager.open_resource(f"TCPIP::{HOST}::{port}::SOCKET")
        bench.read_termination = bench.write_termination = "\n"
        bench.timeout = 1e3 * PATIENCE
        assert bench.query("*IDN?").startswith("pnnsim,photonic_mrr,seed7.chip0,")
        assert bench.query("*OPC?") == "1"
        wanted = weights(seed=4)[0]
        wanted[0, 0] = float(np.frombuffer(b"\n" * 8, "<f8")[0])  # eight line feeds
        bench.write_binary_values("BANK:WEIG 0,", wanted.ravel().numpy(), datatype="d")
        assert bench.query("SYST:ERR?") == '0,"No error"'
        direct.write(0, wanted)
        bench.write_binary_values("LOOP:FORW? 0,", drives().ravel().numpy(), datatype="d")
        found = bench.read_binary_values(datatype="d", container=np.array)
        np.testing.assert_array_equal(found.reshape(5, 8), direct.forward(drives()).result)
        bench.write("NONSENSE")
        assert bench.query("*ESR?") == "160"  # power on 128, command error 32
        assert bench.query("SYST:ERR?") == '-113,"Undefined header; NONSENSE"'
        bench.close()
        manager.close()


@pytest.mark.parametrize("make", [PhysicsAware, Spsa])
def test_remote_training_is_the_same_to_the_last_bit(make: type) -> None:
    settings = Settings(epochs=2, batch=5, learning_rate=0.01)

    def trained(backend: HardwareBackend) -> tuple[dict[str, torch.Tensor], object]:
        surrogate = Surrogate(NETWORK, spec(), dtype=torch.float64)
        outcome = train(make(), Bench(backend), surrogate, examples(12), settings)
        return surrogate.parameter_set().tensors(), outcome.cost

    here, cost = trained(SimulatedBackend(spec(), NETWORK, seed=7))
    far = SimulatedBackend(spec(), NETWORK, seed=7)
    with (
        serving(Instrument(far)) as port,
        RemoteBackend(SocketLink(HOST, port, patience=PATIENCE)) as remote,
    ):
        there, remote_cost = trained(remote)
    assert all(torch.equal(here[name], there[name]) for name in here)
    assert cost == remote_cost


def test_refusals_of_the_instrument_are_errors_with_its_words() -> None:
    with (
        serving(Instrument(machine())) as port,
        RemoteBackend(SocketLink(HOST, port, patience=PATIENCE)) as remote,
    ):
        with pytest.raises(BackendError, match=r"BANK:WEIG: the instrument reports -222: .*\[-1"):
            remote.write(0, 2 * weights()[0])
        with pytest.raises(BackendError, match=r"BANK:MEAS\?: the instrument reports -222"):
            remote.readback(5)
        with pytest.raises(BackendError, match=r"LOOP:FORW\?: the instrument reports -222"):
            remote.forward(drives() * torch.nan)
        # It is not confused by them.
        assert remote.forward(drives()).result.shape == (5, 8)


def test_second_client_is_told_that_there_is_a_first() -> None:
    with (
        serving(Instrument(machine())) as port,
        RemoteBackend(SocketLink(HOST, port)),
        pytest.raises(BackendError, match="another client owns the instrument"),
    ):
        RemoteBackend(SocketLink(HOST, port))


def test_token_is_said_and_missed() -> None:
    with serving(Instrument(machine()), token="secret") as port:
        with RemoteBackend(SocketLink(HOST, port), token="secret") as remote:
            assert remote.describe().machine == "photonic_mrr"
        with pytest.raises(BackendError, match="FORM: the instrument reports -203"):
            RemoteBackend(SocketLink(HOST, port))
        with pytest.raises(BackendError, match="SYST:TOK: the instrument reports -203"):
            RemoteBackend(SocketLink(HOST, port), token="wrong")


def test_nobody_there_is_an_error() -> None:
    with serving(Instrument(machine())) as port:
        pass
    with pytest.raises(BackendError, match=f"{HOST}:{port}: cannot connect"):
        SocketLink(HOST, port)


class Babble:
    """Be a link to something that is no instrument."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply

    def write(self, data: bytes) -> None:
        pass

    def read(self, count: int) -> bytes:
        found, self._reply = self._reply[:count], self._reply[count:]
        if len(found) < count:
            raise BackendError("it has closed the connection")
        return found

    def close(self) -> None:
        self._reply = b""


FINE = b'0,"No error"\n'


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"hello\n", "FORM: the instrument reports hello"),
        (FINE + b"hello\n", "the response is not a block"),
        (FINE + b"#0\n", "the response is not a block"),
        (FINE + b"#2xx", "got a block of the length b'xx'"),
        (FINE + b"#9999999999", "got a block of the length"),
        (FINE + b"#13abc!!!", "the response is longer than a block"),
        (FINE + b"#13abc\n1\n", "not a description"),
        (FINE + b"#12{}\n1\n", "description: cannot be read"),
        (FINE + b"1\n" + FINE, "the instrument sent no response"),
        (b"x" * 70000, "the response of the instrument has no end"),
        (b"", "closed the connection"),
    ],
)
def test_what_is_no_instrument_is_an_error(reply: bytes, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        RemoteBackend(Babble(reply))


SMALL = [f"--set={key}={value}" for key, value in (
    ("weight_banks.rows", "8"), ("weight_banks.cols", "8"), ("network.hidden", "8"),
    ("network.steps", "3"), ("network.inputs", "64"),
)]  # fmt: skip

DESCRIPTION = FINE + block(json.dumps(machine().describe().to_data()).encode()) + b"\n1\n"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (block(b"abc") + b"\n1\n", "got 3 bytes of REAL,64; expected 320"),
        (block(bytes(64)) + b"\n1\n", "got 64 bytes of REAL,64; expected 320"),
        (block(bytes(320)) + b"\n1\n1,2,3\n", "expected 12 numbers"),
        (block(bytes(320)) + b"\n1\n" + b"1e999," * 11 + b"1\n", "expected 12 numbers"),
        (block(bytes(320)) + b"\n1\nhello\n", "expected 12 numbers"),
    ],
)
def test_replies_that_make_no_sense_are_errors(reply: bytes, message: str) -> None:
    remote = RemoteBackend(Babble(DESCRIPTION + reply))
    with pytest.raises(BackendError, match=message):
        remote.forward(drives())


@pytest.mark.parametrize("name", LINKS)
def test_link_that_has_failed_asks_no_more(name: str) -> None:
    """A reply that comes late would be taken for that of the next question."""
    with socket.create_server((HOST, 0)) as silent:
        link = LINKS[name](silent.getsockname()[1])
        if isinstance(link, SocketLink):
            link._socket.settimeout(0.05)
        else:
            link._resource.timeout = 50  # type: ignore[attr-defined]
        with pytest.raises(BackendError, match="no response"):
            link.read(1)
        with pytest.raises(BackendError, match="cannot send"):
            link.write(b"*IDN?\n")
        link.close()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "99999"], "port: got 99999; expected a number from 0 to 65535"),
        (["--host", "0.0.0.0"], "host: 0.0.0.0 lets other computers connect"),
        (["--host", "0.0.0.0", "--token", ""], "token: expected ASCII text"),
        (["--state", "."], "cannot read the machine's state"),
        (["--state", "nowhere/state"], "cannot write the machine's state"),
        (["--chip", "-1"], "--chip"),
        (["--set=weight_banks.count=1"], "holds 1 weight sets at once, the network has 2"),
        (["--set=weight_banks.colour=red"], "weight_banks.colour: unknown key"),
    ],
)
def test_command_line_says_at_once_what_cannot_be_served(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["serve", "photonic_mrr", "--port", "0", *SMALL, *words]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


@pytest.mark.slow
def test_command_line_serves_stops_cleanly_and_goes_on(tmp_path: Path) -> None:
    """Two processes, twice: the second server holds what the first was told."""
    command = [
        sys.executable, "-m", "pnnsim", "serve", "photonic_mrr", "--seed", "7", "--port", "0",
        "--state", str(tmp_path / "state"), *SMALL,
    ]  # fmt: skip
    found = []
    for first in (True, False):
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line.startswith("photonic_mrr listens on 127.0.0.1:")
            port = int(line.rsplit(":", 1)[1])
            with RemoteBackend(SocketLink(HOST, port, patience=PATIENCE)) as remote:
                if first:
                    remote.write(0, weights()[0])
                found.append(remote.readback(0)[0])
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) == 0
        finally:
            server.kill()
            server.wait()
            if server.stdout is not None:
                server.stdout.close()
    # One sample's noise apart, a tenth of a weight; at rest all of them would be one number.
    assert float((found[1] - weights()[0]).abs().mean()) < 0.3
    assert float((found[0] - found[1]).abs().mean()) < 0.3
