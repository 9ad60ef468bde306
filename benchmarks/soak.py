"""Watch the memory of a server under load, and of many short runs in one process: no growth.

    python -m benchmarks.soak --plot docs/images/soak.png     # ten minutes of serve, 1,000 runs

Linux only, as resident memory is read from /proc. The server listens on the loopback; everything
ends by itself, at a count or a time, whichever comes first.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.timing import circumstances, table
from pnnsim import PnnsimError, ReLaXNet, Surrogate, load_spec, simulate
from pnnsim.hil import RemoteBackend, SocketLink

HOST = "127.0.0.1"

#: Machine, network and largest batch of the server; with these sizes its caches fill in a minute.
SERVED = ("photonic_mrr", "network.hidden=16", "weight_banks.rows=16", "weight_banks.cols=16")
LARGEST = 400

#: Machines of the runs, in turn.
MACHINES = ("photonic_mrr", "spintronic_mtj", "photonic_mzi")
NETWORK = ReLaXNet(inputs=8, hidden=8, outputs=4, weight_sets=2, steps=4)
BANK = (("weight_banks.rows", "8"), ("weight_banks.cols", "8"))

#: What is no command, or none that may be given; each ends its connection or is an error.
HOSTILE = (
    b"POST / HTTP/1.1\r\nHost: x\r\n\r\nLOOP:WAIT 1\n",
    b"BANK:WEIG 0,#15abcde\n",
    b"\xff\x00NONSENSE" * 40 + b"\n",
    b"BANK:WEIG 0,#43000half a message",
)


@dataclass(slots=True)
class Record:
    """Resident memory of one process.

    Args:
        name: What it does.
        unit: What is counted.
        counts: Done until each reading.
        megabytes: Readings [MB].
    """

    name: str
    unit: str
    counts: list[int] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def read(self, count: int, process: int) -> None:
        """Read the memory of a process."""
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        self.counts.append(count)
        self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    def parts(self) -> list[float]:
        """Return the medians of five parts of the readings [MB]."""
        readings, size = self.megabytes, len(self.megabytes)
        return [
            statistics.median(readings[k * size // 5 : max((k + 1) * size // 5, k * size // 5 + 1)])
            for k in range(5)
        ]


def main(words: Sequence[str] | None = None) -> None:
    """Do both and show what the memory did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="of serve, at most")
    parser.add_argument("--calls", type=int, default=10**6, help="to serve, at most")
    parser.add_argument("--runs", type=int, default=1000, help="in one process")
    parser.add_argument("--plot", type=Path, help="file to write")
    given = parser.parse_args(words)
    if not Path("/proc/self/statm").exists():
        parser.error("resident memory is read from /proc/PID/statm, which this system has not")
    print(circumstances())
    records = [
        soak("pnnsim serve", "calls", calls(given.seconds, given.calls)),
        soak("simulate", "runs", runs(given.runs)),
    ]
    rows = [
        (r.name, f"{r.counts[-1]:,} {r.unit}", *(f"{mb:.1f}" for mb in r.parts())) for r in records
    ]
    fifths = ("1st fifth", "2nd", "3rd", "4th", "last")
    table("Resident memory, medians of the readings [MB]", ("process", "done", *fifths), rows)
    if given.plot is not None:
        draw(records, given.plot)


def soak(name: str, unit: str, work: Iterator[int]) -> Record:
    """Return the memory of the process whose number is yielded after each piece of work."""
    record = Record(name, unit)
    for count, process in enumerate(work, start=1):
        record.read(count, process)
    return record


def calls(seconds: float, most: int) -> Iterator[int]:
    """Call a server with ever other sizes over ever new connections, some of them hostile."""
    with served() as (process, port):
        end, count = time.monotonic() + seconds, 0
        while count < most and time.monotonic() < end:
            hostile(port, HOSTILE[count % len(HOSTILE)])
            with client(port) as machine:
                network = machine.describe().network
                for _ in range(min(20, most - count)):
                    samples = 1 + 37 * count % LARGEST
                    batch = torch.rand((samples, network.hidden), dtype=torch.float64)
                    weight = 2.0 * torch.rand((network.hidden,) * 2, dtype=torch.float64) - 1.0
                    kinds: tuple[Callable[[], object], ...] = (
                        lambda batch=batch: machine.forward(batch),
                        lambda batch=batch: machine.step(0, batch),
                        lambda weight=weight: machine.write(1, weight),
                        lambda: machine.readback(1),
                        lambda: machine.wait(1e-3),
                    )
                    kinds[count % len(kinds)]()
                    count += 1
                    yield process


@contextmanager
def served() -> Iterator[tuple[int, int]]:
    """Yield the process and the port of a server, which is ended afterwards."""
    settings = [word for setting in SERVED[1:] for word in ("--set", setting)]
    command = [sys.executable, "-m", "pnnsim", "serve", SERVED[0], "--port", "0", *settings]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None, "the output is a pipe"
            yield server.pid, int(server.stdout.readline().rpartition(":")[2])
        finally:
            server.terminate()


@contextmanager
def client(port: int) -> Iterator[RemoteBackend]:
    """Yield the machine behind a port, once whoever owned it has been noticed to be gone."""
    for _ in range(100):
        with suppress(PnnsimError):
            machine = RemoteBackend(SocketLink(HOST, port))
            break
        time.sleep(0.05)
    else:
        raise PnnsimError("the instrument has another owner")
    with machine:
        yield machine


def hostile(port: int, message: bytes) -> None:
    """Send what is no command, and leave."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=10.0) as stranger:
        stranger.sendall(message)


def runs(count: int) -> Iterator[int]:
    """Simulate ever other machines, networks' weights and batches in this process."""
    for number in range(count):
        price = ("weight_banks.settling_time", f"{1 + number} ns")
        spec = load_spec(MACHINES[number % len(MACHINES)], [*BANK, price])
        parameters = Surrogate(NETWORK, spec).parameter_set()
        x = torch.rand((10 + number % 50, NETWORK.inputs))
        y = torch.randint(NETWORK.outputs, (len(x),))
        simulate(spec, parameters, x, y, seed=number, chips=2)
        yield os.getpid()


def draw(records: Sequence[Record], path: Path) -> None:
    """Plot memory against what was done."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    for axes, record in zip(figure.subplots(1, len(records)), records, strict=True):
        axes.plot(record.counts, record.megabytes, linewidth=1.0)
        axes.set_ylim(0.0, 1.15 * max(record.megabytes))
        axes.set_xlabel(record.unit)
        axes.set_ylabel("resident memory [MB]")
        axes.set_title(record.name)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
