"""Local processes that run trials, one thread each, so that their number changes no bit.

A worker is an interpreter of its own, started by its module and joined by a socket; no main program
is imported in it. One that dies gives back what it had, and another takes its place.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from pnnsim.errors import BackendError, PnnsimError

#: Tasks of a worker, the one that it works on included, so that it never waits for the next.
_DEPTH = 2

#: Workers that may die over one task.
MOST_ATTEMPTS = 5

#: Workers that may die in a row before any has done anything.
_MOST_DEATHS = 10

#: Function of a context and an argument, found by name in another process.
Job = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What has become of a task.

    Args:
        tag: What the task was submitted under.
        result: What it has given; None where its worker died.
        lost: Whether its worker died.
        begun: Whether it was being worked on when its worker died.
    """

    tag: Any
    result: Any
    lost: bool = False
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Error of a user that a task has met, on its way to who waits for the task.

    Args:
        error: The error.
    """

    error: PnnsimError


class Workers(Protocol):
    """Something that runs tasks and gives their results in any order."""

    @property
    def room(self) -> int:
        """Tasks that can be submitted now."""

    @property
    def busy(self) -> bool:
        """Return whether a task is under way."""

    def submit(self, tag: Any, argument: Any) -> None:
        """Begin a task.

        Args:
            tag: Name under which its result comes back.
            argument: Second argument of the job.
        """

    def collect(self, timeout: float) -> list[Done]:
        """Return what has ended, after a wait [s] at most where nothing has."""

    def close(self) -> None:
        """End all workers; what is under way is dropped."""


@dataclass(slots=True)
class _Worker:
    """One process and what it has been given, oldest first."""

    process: subprocess.Popen[bytes]
    connection: Connection
    tags: list[Any] = field(default_factory=list)


class LocalWorkers:
    """Processes on this computer.

    Args:
        count: How many.
        job: What a task runs.
        context: First argument of the job, sent to each process once.
    """

    def __init__(self, count: int, job: Job, context: Any) -> None:
        if sys.platform == "win32":
            raise BackendError("workers: local processes need POSIX; got Windows. Hint: --cluster")
        self._job, self._context = job, context
        self._deaths = 0
        self._workers = [self._start() for _ in range(count)]

    @property
    def room(self) -> int:
        """Return how many tasks can be submitted; see `Workers`."""
        return sum(max(0, _DEPTH - len(worker.tags)) for worker in self._workers)

    @property
    def busy(self) -> bool:
        """Return whether a task is under way; see `Workers`."""
        return any(worker.tags for worker in self._workers)

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the identifiers of the processes."""
        return tuple(worker.process.pid for worker in self._workers)

    def submit(self, tag: Any, argument: Any) -> None:
        """Give a task to the worker that has fewest; see `Workers`."""
        worker = min(self._workers, key=lambda w: len(w.tags))
        worker.tags.append(tag)
        with suppress(OSError):  # its death is found when its results are collected
            worker.connection.send(argument)

    def collect(self, timeout: float) -> list[Done]:
        """Return what has ended; see `Workers`."""
        found = []
        ready = wait([w.connection for w in self._workers if w.tags], timeout)
        for index, worker in enumerate(self._workers):
            if worker.connection not in ready:
                continue
            try:
                result = worker.connection.recv()
            except (EOFError, OSError):
                found += [
                    Done(tag, None, lost=True, begun=place == 0)
                    for place, tag in enumerate(worker.tags)
                ]
                self._workers[index] = self._replaced(worker)
                continue
            self._deaths = 0
            found.append(Done(worker.tags.pop(0), result))
        return found

    def close(self) -> None:
        """End the processes; see `Workers`."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.wait()

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        paths = [path for path in sys.path if path]
        environment = {
            **os.environ,
            **dict.fromkeys(threads, "1"),
            "PYTHONPATH": os.pathsep.join(paths),
        }
        command = [sys.executable, "-m", "pnnsim.explore.worker", str(theirs.fileno())]
        process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environment,
        )
        theirs.close()
        connection = Connection(ours.detach())
        worker = _Worker(process, connection)
        with suppress(OSError):  # its death is found when its results are collected
            connection.send((self._job, self._context))
        return worker

    def _replaced(self, worker: _Worker) -> _Worker:
        """Return a new worker in the place of one that has died."""
        worker.connection.close()
        code = worker.process.wait()
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            raise BackendError(
                f"workers: {self._deaths} processes have died in a row, the last with exit code "
                f"{code}; expected them to run trials. Hint: fewer workers where memory is short"
            )
        return self._start()


class InlineWorkers:
    """This process itself, one task at a time, on one thread like any worker.

    Args:
        job: What a task runs.
        context: First argument of the job.
    """

    def __init__(self, job: Job, context: Any) -> None:
        self._job, self._context = job, context
        self._tasks: list[tuple[Any, Any]] = []

    @property
    def room(self) -> int:
        """Return how many tasks can be submitted; see `Workers`."""
        return 1 - len(self._tasks)

    @property
    def busy(self) -> bool:
        """Return whether a task waits; see `Workers`."""
        return bool(self._tasks)

    def submit(self, tag: Any, argument: Any) -> None:
        """Take a task in, to be run when it is collected; see `Workers`."""
        self._tasks.append((tag, argument))

    def collect(self, timeout: float) -> list[Done]:
        """Run what waits; see `Workers`."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            found = [Done(tag, self._job(self._context, item)) for tag, item in self._tasks]
        finally:
            torch.set_num_threads(threads)
            self._tasks = []
        return found

    def close(self) -> None:
        """Drop what waits; see `Workers`."""
        self._tasks = []


def serve(connection: Connection) -> None:
    """Run the tasks that come in until the other end is closed.

    Args:
        connection: Gives the job and its context first, then an argument for each task.
    """
    tasks: list[Any] = []
    there = threading.Condition()

    def read() -> None:
        """Take tasks in; end the process, whatever it does, when the other end has closed."""
        while True:
            try:
                task = connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            with there:
                tasks.append(task)
                there.notify()

    job, context = connection.recv()
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=read, daemon=True).start()
    while True:
        with there:
            while not tasks:
                there.wait()
            task = tasks.pop(0)
        try:
            result = job(context, task)
        except PnnsimError as error:
            result = Refused(error)
        connection.send(result)


def run_all(
    workers: Workers, arguments: Sequence[Any], report: Callable[[int], None] | None = None
) -> list[Any]:
    """Return the result of each argument, in their order.

    Args:
        workers: What runs them.
        arguments: One for each task.
        report: Called with the number of further tasks that are done.

    Raises:
        BackendError: If an argument kills its workers.
        PnnsimError: What a task has met.
    """
    results: list[Any] = [None] * len(arguments)
    attempts = [0] * len(arguments)
    waiting = list(range(len(arguments)))[::-1]
    left = len(arguments)
    while left:
        while waiting and workers.room:
            index = waiting.pop()
            if attempts[index] >= MOST_ATTEMPTS:
                raise BackendError(
                    f"workers: task {index} has lost {MOST_ATTEMPTS} workers; expected it to end. "
                    "Hint: fewer workers where memory is short"
                )
            workers.submit(index, arguments[index])
        for done in workers.collect(1.0):
            if done.lost:
                attempts[done.tag] += done.begun
                waiting.append(done.tag)
                continue
            if isinstance(done.result, Refused):
                raise done.result.error
            results[done.tag] = done.result
            left -= 1
            if report is not None:
                report(1)
    return results
