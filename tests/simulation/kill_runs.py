"""Kill runs at random moments and check after each that nothing is lost: `test_run_folder.py`.

Half of the processes killed do whole runs, the other half only replace the folder, as often as
they can, so that many are hit between two steps of an exchange. The parent computes nothing with
torch, so that its children can be forked.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pnnsim.networks.parameters import load_parameters
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.run_folder import claim
from pnnsim.specs.experiment import load_experiment

SMALL = [
    ("network.hidden", "16"),
    ("network.steps", "3"),
    ("training.epochs", "1"),
    ("simulation.samples", "20"),
    ("simulation.chips", "1"),
    ("simulation.band_draws", "4"),
]
FILES = {
    ".pnnsim-run", "figures.json", "metrics.json", "parameters.safetensors", "report.html",
    "resolved.yaml", "run.png", "trace.json",
}  # fmt: skip


def whole_runs(out: Path) -> None:
    experiment = load_experiment("photonic_mrr", SMALL)
    while True:
        run(experiment, out=out, force=True)


def exchanges(out: Path) -> None:
    files = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix}

    def fill(folder: Path) -> None:
        for name, content in files.items():
            (folder / name).write_bytes(content)

    while True:
        with claim(out, force=True) as target:
            target.publish(fill)


def child(work: Callable[[Path], None], out: Path) -> int:
    pid = os.fork()
    if pid == 0:
        work(out)
    return pid


def check(out: Path) -> None:
    """Refuse a run folder that is not whole."""
    assert {path.name for path in out.iterdir()} == FILES
    json.loads((out / "metrics.json").read_text())
    json.loads((out / "trace.json").read_text())
    assert (out / "report.html").read_text().rstrip().endswith("</html>")
    load_experiment(out / "resolved.yaml")
    load_parameters(out / "parameters.safetensors")


def main(folder: Path, kills: int) -> None:
    out = folder / "a"
    pid = os.fork()
    if pid == 0:
        begin = time.monotonic()
        run(load_experiment("photonic_mrr", SMALL), out=out)
        (folder / "seconds").write_text(str(time.monotonic() - begin))
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    seconds = float((folder / "seconds").read_text())
    (folder / "seconds").unlink()
    draw, gone, hit = random.Random(11), 0, 0
    for number in range(kills):
        work, longest = (whole_runs, 2.0 * seconds) if number % 2 else (exchanges, 0.2)
        pid = child(work, out)
        time.sleep(draw.uniform(0.0, longest))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "the work ended by itself"
        gone += not out.exists()
        hit += len(list(folder.iterdir())) > out.exists()
        if out.exists():
            check(out)
        with claim(folder / "b"):
            pass  # what the next run does first
        check(out)
        left = [str(path.relative_to(folder)) for path in folder.rglob("*")]
        assert sorted(left) == sorted(["a", *(f"a/{name}" for name in FILES)])
    counts = {"kills": kills, "workspaces_left": hit, "between_renames": gone}
    (folder / "counts.json").write_text(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
