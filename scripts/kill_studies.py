"""Kill workers and drivers of a study at random, and check that no trial is lost or counted twice.

    python scripts/kill_studies.py 50 FOLDER

Two drivers work on one study. At random moments a worker or a driver is killed; a driver that is
gone is started again. In the end every trial must be there once, with the figures of a study that
nothing has disturbed.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import yaml

from pnnsim.explore import Study

DRIVERS = 2


def description(trials: int) -> dict[str, object]:
    """Return a study of short trials."""
    return {
        "schema": 1,
        "base": "photonic_mrr",
        "set": {"simulation.samples": "200"},
        "vary": {"switch.rise_time": {"log": ["0.1 ns", "10 us"], "n": trials}},
        "objectives": [{"minimize": "latency_s.first"}, {"minimize": "energy_j.per_inference"}],
    }


def start(file: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start a driver with one worker."""
    command = [sys.executable, "-m", "pnnsim", "sweep", str(file), "--out", str(out), "-q"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers_of(driver: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes that a driver has started, of those that `/proc` lists."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(fields[1]) == driver.pid and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def ended(out: Path) -> int:
    """Return how many trials have ended so far, which may not have begun."""
    file = out / "trials.sqlite"
    if not file.exists():
        return 0
    connection = sqlite3.connect(file)
    try:
        query = "SELECT COUNT(*) FROM pnnsim_trial WHERE state = 'done'"
        return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # before the tables are made
        return 0
    finally:
        connection.close()


def disturb(folder: Path, *, kills: int, trials: int, seed: int = 0) -> Counter[str]:
    """Run a study while its processes are killed, and return what was killed how often.

    Args:
        folder: Where the study and its undisturbed twin are written; must not exist.
        kills: How many processes are killed.
        trials: Trials of the study.
        seed: Seed of the moments and of the choice.

    Raises:
        SystemExit: If a trial is lost, is there twice, or has other figures.
    """
    folder.mkdir(parents=True)
    file, out = folder / "study.yaml", folder / "disturbed"
    file.write_text(yaml.safe_dump(description(trials)), encoding="utf-8")
    source = random.Random(seed)
    drivers = [start(file, out) for _ in range(DRIVERS)]
    killed: Counter[str] = Counter()
    due, most = 1, max(2, trials // kills)
    while any(driver.poll() is None for driver in drivers):
        time.sleep(source.uniform(0.1, 0.5))
        if killed.total() >= kills or ended(out) < due:
            continue
        index = source.randrange(DRIVERS)
        mine = workers_of(drivers[index])
        victim = "driver" if source.random() < 0.4 or not mine else "worker"
        pid = drivers[index].pid if victim == "driver" else source.choice(mine)
        if drivers[index].poll() is None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed[victim] += 1
            print(f"{killed.total()} killed, {ended(out)} trials done", flush=True)
            due = ended(out) + source.randrange(1, most)  # so that work is under way
            if victim == "driver":
                drivers[index].wait()
                drivers[index] = start(file, out)
    while any(driver.wait() for driver in drivers):  # the last kill may have hit both
        drivers = [start(file, out)]
    check(folder, out)
    return killed


def check(folder: Path, out: Path) -> None:
    """Compare a disturbed study with one that nothing has disturbed."""
    whole = Study.open(folder / "study.yaml", out=folder / "whole")
    whole.sweep(workers=0)
    tables = [(path / "trials.csv").read_bytes() for path in (out, whole.folder)]
    counts = Study.open(out).counts()
    if set(counts) != {"done"} or tables[0] != tables[1]:
        raise SystemExit(f"trials were lost or changed: {counts}")


if __name__ == "__main__":
    count, place = int(sys.argv[1]), Path(sys.argv[2])
    print(
        dict(disturb(place, kills=count, trials=5 * count)),
        "killed; nothing lost or counted twice",
    )
