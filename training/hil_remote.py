"""Train through the instrument on a socket, in two processes, and find the same as in one.

The second process is `pnnsim serve`; this one speaks SCPI to it. With the same seed, parameters and
cost of both trainings are equal to the last bit.

    python -m training.hil_remote [--quick] [--visa]

`--visa` goes by way of PyVISA and PyVISA-py.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from pnnsim import ReLaXNet, Surrogate
from pnnsim.hil import Bench, HardwareBackend, RemoteBackend, SimulatedBackend, SocketLink, VisaLink
from pnnsim.learning.rules import Outcome, PhysicsAware, Settings, measure, train
from training.common import load, read_options
from training.figures import write_table
from training.held_out import opened
from training.hil_common import CHIP_SEED, CORNERS, corner, network_of, part, surrogate_of

MACHINE = "photonic_mrr"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe.

    Raises:
        SystemExit: If the two trainings differ.
    """
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--visa", action="store_true", help="use PyVISA in place of a socket")
    own, rest = parser.parse_known_args(arguments)
    options = read_options("hil_remote", __doc__, 1, rest)
    quick = options.quick
    data = load(options, "digits")
    examples = part(data.train, 100 if quick else len(data.train))
    test = part(opened(data).test, 50 if quick else len(data.test))
    spec, network = corner(MACHINE, quick=quick), network_of(data, quick=quick)
    settings = Settings(epochs=1 if quick else 5, batch=50)

    def trained(backend: HardwareBackend) -> tuple[Surrogate, Outcome, float, float]:
        begin = time.perf_counter()
        here, surrogate = Bench(backend), surrogate_of(network, spec, examples.x, 0)
        rule = PhysicsAware()
        outcome = train(rule, here, surrogate, examples, settings)
        share, _ = measure(rule, here, surrogate, test)
        return surrogate, outcome, share, time.perf_counter() - begin

    near = trained(SimulatedBackend(spec, network, seed=CHIP_SEED))
    with _instrument(network, quick=quick) as port:
        link = (
            VisaLink(f"TCPIP::127.0.0.1::{port}::SOCKET")
            if own.visa
            else SocketLink("127.0.0.1", port)
        )
        with RemoteBackend(link) as backend:
            far = trained(backend)
    pairs = zip(near[0].parameters(), far[0].parameters(), strict=True)
    same = all(torch.equal(a, b) for a, b in pairs) and near[1].cost == far[1].cost
    rows = [
        (name, share, outcome.cost.time_s, outcome.cost.energy_j, wall)
        for name, (_, outcome, share, wall) in (("one process", near), ("two processes", far))
    ]
    head = ("where", "accuracy", "bench time [s]", "energy [J]", "this computer [s]")
    print(write_table(options.out, "remote", head, rows))
    print("parameters and costs are equal to the last bit" if same else "the trainings differ")
    if not same:
        raise SystemExit(1)


@contextmanager
def _instrument(network: ReLaXNet, *, quick: bool) -> Iterator[int]:
    """Yield the port of a `pnnsim serve` in a process of its own."""
    settings = [*CORNERS[MACHINE], *((f"network.{name}", str(getattr(network, name))) for name in (
        "inputs", "outputs", "hidden", "weight_sets", "steps",
    ))]  # fmt: skip
    if quick:
        settings += [("weight_banks.rows", "16"), ("weight_banks.cols", "16")]
    command = [
        sys.executable, "-m", "pnnsim", "serve", MACHINE, "--seed", str(CHIP_SEED), "--port", "0",
        *(f"--set={key}={value}" for key, value in settings),
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise SystemExit("pnnsim serve has not started")
        yield int(line.rsplit(":", 1)[1])
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


if __name__ == "__main__":
    main()
