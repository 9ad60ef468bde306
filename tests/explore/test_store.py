"""A trial is run by one process at a time, is never lost and never counted twice."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pnnsim.errors import OutputError, SpecError
from pnnsim.explore.database import Database, open_database
from pnnsim.explore.store import Store
from pnnsim.explore.study_spec import Trial
from pnnsim.explore.trial import Outcome
from tests.explore.studies import wait_for

TRIALS = [Trial(number, (("weight_banks.count", str(number + 2)),)) for number in range(10)]
GOOD = Outcome({"power_w": 1.5}, ("a warning",), "ab", 3, wall_s=0.5)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Yield the address of a PostgreSQL server of this test alone."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server is installed here (initdb, postgres)")
    folder = Path(tempfile.mkdtemp(prefix="pnnsim-postgres-"))  # pytest's own are for one user
    prefix: list[str] = []
    if sys.platform != "win32":
        if os.getuid() == 0:  # the server refuses to run as root
            if shutil.which("setpriv") is None:
                pytest.skip("PostgreSQL does not run as root, and setpriv is missing")
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    home = folder / "data"
    subprocess.run(
        [*prefix, initdb, "-A", "trust", "-U", "pnnsim", str(home)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*prefix, postgres, "-D", str(home), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )

    address = f"postgresql://pnnsim@127.0.0.1:{port}/postgres"

    def listens() -> bool:
        try:
            open_database(address, folder).close()
        except SpecError:
            return False
        return True

    try:
        wait_for(listens, 60)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder)


Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgres"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Yield what opens a further connection to one study."""
    address = request.getfixturevalue("server") if request.param == "postgres" else ""
    opened: list[Database] = []

    def another() -> Store:
        opened.append(open_database(address, tmp_path))
        store = Store(opened[-1], f"study {tmp_path}")
        store.begin("{}", "here")
        return store

    yield another
    for database in opened:
        database.close()


def states(store: Store) -> list[str]:
    return [record.state for record in store.records()]


def test_each_trial_is_claimed_once(connect: Opener) -> None:
    first, second = connect(), connect()
    first.add(TRIALS)
    second.add(TRIALS)
    assert first.entered() == len(TRIALS)
    taken = [first.claim(3), second.claim(4), first.claim(100), second.claim(1)]
    numbers = [[claim.trial.number for claim in claims] for claims in taken]
    assert numbers == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9], []]
    assert taken[0][1].trial == TRIALS[1]


def test_what_is_kept_is_what_was_found(connect: Opener) -> None:
    store = connect()
    store.add(TRIALS[:2])
    first, second = store.claim(2)
    failed = Outcome({}, reason="switch: no light")
    store.finish([(second, "failed", failed), (first, "done", GOOD)])
    one, two = store.records()
    assert (one.trial, one.state, one.outcome) == (TRIALS[0], "done", GOOD)
    assert (two.trial, two.state, two.outcome) == (TRIALS[1], "failed", failed)
    assert store.counts() == {"done": 1, "failed": 1}


def test_an_outcome_counts_only_while_its_claim_stands(connect: Opener) -> None:
    late, other = connect(), connect()
    late.add(TRIALS[:1])
    (claim,) = late.claim(1)
    late.give_back([claim], counted=True)
    (again,) = other.claim(1)
    assert again.attempts == 2
    late.finish([(claim, "done", Outcome({"power_w": 9.0}))])
    assert states(other) == ["running"]
    other.finish([(again, "done", GOOD)])
    late.finish([(claim, "done", Outcome({"power_w": 9.0}))])
    (record,) = other.records()
    assert record.outcome == GOOD


def test_the_claims_of_a_process_that_died_are_given_back_and_no_others(connect: Opener) -> None:
    dead, alive, third = connect(), connect(), connect()
    third.add(TRIALS[:3])
    dead.claim(1)
    alive.claim(1)
    third.revive()
    assert states(third) == ["running", "running", "waiting"]
    dead.database.close()
    third.revive()
    assert states(third) == ["waiting", "running", "waiting"]
    third.revive()
    assert states(third) == ["waiting", "running", "waiting"]
    assert third.claim(1)[0].attempts == 1


def test_a_stage_is_left_once(connect: Opener) -> None:
    first, second = connect(), connect()
    first.add(TRIALS[:3])
    claims = first.claim(3)
    first.finish([(claim, "staged", GOOD) for claim in claims])
    for store in (first, second):
        store.promote([0, 1], 0)
        store.stop([2], 0, "others were better")
    claim, _ = second.claim(2)
    assert (claim.trial.number, claim.stage) == (0, 1)
    first.promote([0, 1], 0)  # late: they are further
    assert states(first) == ["running", "running", "stopped"]
    assert [r.outcome.reason for r in first.records()][2] == "others were better"


def test_a_failed_transaction_leaves_nothing(connect: Opener) -> None:
    store = connect()

    def broken() -> Iterator[Trial]:
        yield TRIALS[0]
        raise KeyError("interrupted")

    with pytest.raises(KeyError):
        store.add(broken())
    assert store.entered() == 0
    store.add(TRIALS)
    assert store.entered() == len(TRIALS)


def test_many_trials_are_read_in_order(connect: Opener) -> None:
    store = connect()
    store.add(Trial(number, ()) for number in range(1203))
    assert [record.trial.number for record in store.records()] == list(range(1203))
    assert [record.trial.number for record in store.records(5, 8)] == [5, 6, 7]


def test_trials_of_other_versions_are_not_mixed(connect: Opener) -> None:
    store = connect()
    with pytest.raises(OutputError, match="expected the same"):
        store.begin("{}", "elsewhere")


def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "owners").write_text("a file in its place", "utf-8")
    with pytest.raises(OutputError, match="writable"):
        open_database("", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE pnnsim_trial SET figures = replace(figures, '1.5', '1.7')", "as it was written"),
        ("UPDATE pnnsim_trial SET figures = '{' WHERE number = 0", "as it was written"),
        ("UPDATE pnnsim_trial SET seed = 4 WHERE number = 0", "as it was written"),
        ("UPDATE pnnsim_trial SET overrides = replace(overrides, '2', '9')", "as it was written"),
        ("UPDATE pnnsim_trial SET state = 'gone' WHERE number = 0", "as it was written"),
        ("UPDATE pnnsim_trial SET attempts = -1 WHERE number = 0", "as it was written"),
        ("DELETE FROM pnnsim_trial WHERE number = 1", "trial 1 is missing"),
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_refused(
    tmp_path: Path, change: str, message: str
) -> None:
    database = open_database("", tmp_path)
    store = Store(database, "one")
    store.begin("{}", "here")
    store.add(TRIALS[:3])
    claims = store.claim(2)
    store.finish([(claim, "done", GOOD) for claim in claims])
    assert states(store) == ["done", "done", "waiting"]
    database.execute(change)
    with pytest.raises(OutputError, match=message):
        list(store.records())
    database.close()


def test_a_damaged_row_is_not_claimed(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    store = Store(database, "one")
    store.begin("{}", "here")
    store.add(TRIALS[:1])
    database.execute("UPDATE pnnsim_trial SET overrides = '[]'")
    with pytest.raises(OutputError, match="not as it was written"):
        store.claim(1)
    assert store.counts() == {"waiting": 1}
    database.close()


def test_an_owner_that_is_no_name_is_dead_and_no_path(tmp_path: Path) -> None:
    (tmp_path / "precious.lock").write_text("", "utf-8")
    database = open_database("", tmp_path)
    store = Store(database, "one")
    store.begin("{}", "here")
    store.add(TRIALS[:1])
    store.claim(1)
    database.execute("UPDATE pnnsim_trial SET owner = '../precious'")
    store.revive()
    assert store.counts() == {"waiting": 1}
    assert (tmp_path / "precious.lock").exists()
    database.close()


def test_a_damaged_database_is_refused_at_once(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    store = Store(database, "one")
    store.begin("{}", "here")
    store.add(TRIALS)
    database.close()
    file = tmp_path / "trials.sqlite"
    raw = bytearray(file.read_bytes())
    at = raw.index(b"weight_banks") - 40  # within the page of the rows
    raw[at : at + 400] = bytes(400)
    file.write_bytes(raw)
    with pytest.raises(OutputError, match="cannot keep trials here"):
        open_database("", tmp_path)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(OutputError, match="regular file"):
        open_database("", tmp_path)
    assert list((tmp_path / "owners").iterdir()) == []


def test_a_database_whose_names_are_no_text_is_refused(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    Store(database, "one").begin("{}", "here")
    database.close()
    file = tmp_path / "trials.sqlite"
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b"CREATE TABLE pnnsim_study", b"CREATE TABLE pnnsim\xdf\x81tudy"))
    with pytest.raises(OutputError, match="cannot keep trials here"):
        open_database("", tmp_path)
