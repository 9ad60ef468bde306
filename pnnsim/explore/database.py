"""One connection to the database of a study: SQLite in its folder, or PostgreSQL by address.

Statements are the same for both; what differs is how a transaction locks, and how the death of
another process is known. An owner is a process that works on studies: it holds a lock for as long
as it lives, a file in the folder or an advisory lock of the server, which no other can take.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pnnsim.errors import OutputError, Problem, SpecError

if sys.platform != "win32":
    import fcntl

#: Time for which a statement waits for other processes, and a server for a connection [s].
_PATIENCE = 60.0
_CONNECT = 10
_PAUSE = 0.05

#: Codes of SQLite for a file or a table that another connection has locked.
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

#: Faults of a database file; a message of SQLite that quotes damaged names is no text in UTF-8.
_FAULTS = (sqlite3.Error, UnicodeDecodeError)

#: Lock of the server under which statements that belong together run.
_SERVER_LOCK = 0x706E6E73

#: Names that `Database` gives to owners.
_OWNER = re.compile(r"[0-9a-f]{15}")

Row = tuple[Any, ...]


class Database(ABC):
    """Connection to a database, under the name of one owner of claims."""

    def __init__(self) -> None:
        #: Name under which this process claims trials; 15 hexadecimal digits.
        self.owner = secrets.token_hex(8)[:15]

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement and return its rows, if it has any.

        Args:
            statement: SQL with `?` for each value.
            values: The values.

        Raises:
            OutputError: If the database fails.
        """

    @abstractmethod
    def transaction(self) -> Any:
        """Return a context in which statements take effect together, or not at all."""

    @abstractmethod
    def is_alive(self, owner: str) -> bool:
        """Return whether the process that has a name still runs."""

    @abstractmethod
    def close(self) -> None:
        """Give everything up."""


def is_owner(name: object) -> bool:
    """Return whether something is the name of an owner; it is a part of a path."""
    return isinstance(name, str) and _OWNER.fullmatch(name) is not None


class SqliteDatabase(Database):
    """SQLite file, with the locks of its owners in a folder beside it.

    Args:
        file: The file; made where it is not there.
        owners: Folder of the locks.
    """

    def __init__(self, file: Path, owners: Path) -> None:
        super().__init__()
        self._owners = owners
        self._lock: int | None = None
        try:
            if os.path.lexists(file) and not file.is_file():
                raise OSError("something else than a regular file is there")
            owners.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            try:
                self._keep_a_log()
                self._check()
                self._hold()
            except BaseException:
                self._connection.close()
                raise
        except (OSError, *_FAULTS) as error:
            raise OutputError(
                f"{file}: cannot keep trials here: got '{' '.join(str(error).split())}'; expected "
                "a file of a study in a folder that is writable"
            ) from None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement; see `Database`."""
        try:
            return self._connection.execute(statement, tuple(values)).fetchall()
        except _FAULTS as error:
            raise _failed("SQLite", error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Yield with the file locked; see `Database`."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def is_alive(self, owner: str) -> bool:
        """Return whether the lock of an owner is held; see `Database`."""
        if owner == self.owner or sys.platform == "win32":
            return True
        try:
            descriptor = os.open(self._owners / f"{owner}.lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            with suppress(FileNotFoundError):
                (self._owners / f"{owner}.lock").unlink()
            return False
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file and give up the lock; see `Database`."""
        self._connection.close()
        with suppress(FileNotFoundError):
            (self._owners / f"{self.owner}.lock").unlink()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _keep_a_log(self) -> None:
        """Let readers and a writer work at once; several processes may do this at the same time."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:  # SQLite itself does not wait here
                if error.sqlite_errorcode not in _LOCKED or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def _check(self) -> None:
        """Refuse a file whose pages or indices contradict each other."""
        ((found,), *_) = self._connection.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            raise sqlite3.DatabaseError(f"damaged pages: {found}")

    def _hold(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._lock = os.open(self._owners / f"{self.owner}.lock", flags, 0o600)
        if sys.platform != "win32":
            fcntl.flock(self._lock, fcntl.LOCK_EX)


class PostgresDatabase(Database):
    """Connection to a PostgreSQL server.

    Args:
        address: Such as `postgresql://user@host/database`.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        import psycopg

        self._errors = psycopg.Error
        try:
            self._connection = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT)
        except psycopg.Error as error:
            shown = _shown(address)
            what = f"cannot be reached: {' '.join(str(error).split())}"
            hint = "the address is such as postgresql://user@host:5432/database"
            raise SpecError([Problem("storage", f"{shown} {what}", hint)]) from None
        self.execute("SELECT pg_advisory_lock(?)", (int(self.owner, 16),))

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement; see `Database`."""
        text: Any = statement.replace("?", "%s")
        try:
            cursor = self._connection.execute(text, tuple(values))
            return cursor.fetchall() if cursor.description is not None else []
        except self._errors as error:
            raise _failed("PostgreSQL", error) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Yield with the studies of the server locked; see `Database`."""
        try:
            with self._connection.transaction():
                self.execute("SELECT pg_advisory_xact_lock(?)", (_SERVER_LOCK,))
                yield
        except self._errors as error:
            raise _failed("PostgreSQL", error) from None

    def is_alive(self, owner: str) -> bool:
        """Return whether the lock of an owner is held; see `Database`."""
        if owner == self.owner:
            return True
        key = (int(owner, 16),)
        ((free,),) = self.execute("SELECT pg_try_advisory_lock(?)", key)
        if free:
            self.execute("SELECT pg_advisory_unlock(?)", key)
        return not free

    def close(self) -> None:
        """Close the connection, which gives up its locks; see `Database`."""
        self._connection.close()


def open_database(storage: str, folder: Path) -> Database:
    """Return a connection to the database of a study.

    Args:
        storage: Address of a server; empty for a file in the folder.
        folder: Folder of the study.

    Raises:
        SpecError: If the address is none, or the server cannot be reached.
        OutputError: If the folder takes no file.
    """
    if not storage:
        return SqliteDatabase(folder / "trials.sqlite", folder / "owners")
    return PostgresDatabase(storage)


def check_storage(storage: str) -> None:
    """Refuse the address of a database that cannot be reached, before anything is written.

    Raises:
        SpecError: If the address is none, or the server cannot be reached.
    """
    if not storage:
        return
    try:
        scheme = urlsplit(storage).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("postgresql", "postgres"):
        what = f"'{_shown(storage)}' is no address of a database"
        hint = "postgresql://user@host/database; without one, a file in the folder of the study"
        raise SpecError([Problem("storage", what, hint)])
    try:
        PostgresDatabase(storage).close()
    except ModuleNotFoundError:
        what = "is a PostgreSQL server, but psycopg is not installed; expected it"
        raise SpecError([Problem("storage", what, "pip install 'pnnsim[postgres]'")]) from None


def _shown(address: str) -> str:
    """Return an address without its password."""
    head, at, tail = address.rpartition("@")
    if not at:
        return address
    scheme, slashes, user = head.partition("//")
    return f"{scheme}{slashes}{user.partition(':')[0]}@{tail}"


def _failed(name: str, error: Exception) -> OutputError:
    return OutputError(
        f"storage: {name} failed: got '{' '.join(str(error).split())}'; expected a database that "
        "stays reachable. Hint: the same command goes on from what has been stored"
    )
