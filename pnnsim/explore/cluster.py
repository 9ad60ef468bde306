"""Workers of a Dask cluster that runs elsewhere, found by the address of its scheduler.

A task whose worker dies is given back by Dask itself, and to us when it has killed several. One
trial runs at a time in each worker process, on one thread, so that a cluster gives the same bits as
this computer where versions and instruction sets are the same.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from pnnsim.errors import BackendError, one_line
from pnnsim.explore.workers import Done, Job

#: Tasks of each thread of the cluster, so that none waits for the next.
_DEPTH = 2

#: Wait for the scheduler [s].
_PATIENCE = 10

_ALONE = threading.Lock()


def run_alone(job: Job, context: Any, argument: Any) -> Any:
    """Return what a task gives; no other runs in this process meanwhile.

    Args:
        job: What the task runs.
        context: Its first argument.
        argument: Its second argument.
    """
    import torch

    with _ALONE:
        torch.set_num_threads(1)
        return job(context, argument)


class ClusterWorkers:
    """Workers of a Dask cluster.

    Args:
        address: Scheduler, such as `tcp://host:8786`.
        job: What a task runs.
        context: First argument of the job.

    Raises:
        BackendError: If the scheduler cannot be reached, or distributed is not installed.
    """

    def __init__(self, address: str, job: Job, context: Any) -> None:
        try:
            self._dask: Any = import_module("distributed")
        except ModuleNotFoundError:
            raise BackendError(
                "cluster: distributed is not installed; expected it. Hint: pip install "
                "'pnnsim[explore]'"
            ) from None
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # told by our errors
        self._address, self._job, self._context = address, job, context
        try:
            self._client = self._dask.Client(address, timeout=_PATIENCE, name="pnnsim")
        except (OSError, ValueError) as error:
            why = one_line(str(error).splitlines()[0] if str(error) else type(error).__name__, 200)
            raise BackendError(
                f"cluster: {address} cannot be reached: {why}; expected the scheduler of a Dask "
                "cluster, such as tcp://host:8786"
            ) from None
        self._futures: dict[Any, Any] = {}

    @property
    def room(self) -> int:
        """Return how many tasks can be submitted; see `Workers`."""
        try:
            workers = self._client.scheduler_info(n_workers=-1).get("workers", {})
        except OSError:
            self._refuse()
        threads = sum(int(about.get("nthreads", 1)) for about in workers.values())
        return max(0, _DEPTH * max(1, threads) - len(self._futures))

    @property
    def busy(self) -> bool:
        """Return whether a task is under way; see `Workers`."""
        return bool(self._futures)

    def submit(self, tag: Any, argument: Any) -> None:
        """Give a task to the cluster; see `Workers`."""
        future = self._client.submit(run_alone, self._job, self._context, argument, pure=False)
        self._futures[future.key] = tag, future

    def collect(self, timeout: float) -> list[Done]:
        """Return what has ended; see `Workers`."""
        if self._client.status != "running":
            self._refuse()
        futures = [future for _, future in self._futures.values()]
        try:
            ended = self._dask.wait(futures, timeout=timeout, return_when="FIRST_COMPLETED").done
        except CancelledError:  # as Dask's own error is
            self._refuse()
        except TimeoutError:
            if self._client.status != "running":
                self._refuse()
            return []
        return [self._done(future) for future in ended]

    def close(self) -> None:
        """Cancel what is under way and leave the cluster; see `Workers`."""
        with suppress(OSError):  # the scheduler is gone, and what it had with it
            self._client.cancel([future for _, future in self._futures.values()], force=True)
        self._client.close(timeout=2)

    def _done(self, future: Any) -> Done:
        tag, _ = self._futures.pop(future.key)
        if future.status == "finished":
            try:
                return Done(tag, future.result())
            except OSError:  # as Dask's closed connection is: the result was not yet here
                self._refuse()
        if future.status in ("cancelled", "lost"):
            self._refuse()
        error = future.exception()
        if isinstance(error, self._dask.scheduler.KilledWorker):
            return Done(tag, None, lost=True)
        raise BackendError(
            f"cluster: a task failed with {type(error).__name__}: {one_line(str(error), 500)}; "
            "expected the same version of pnnsim on the workers"
        )

    def _refuse(self) -> NoReturn:
        raise BackendError(
            f"cluster: the scheduler {self._address} is gone; expected it to stay. Hint: the same "
            "command goes on with the trials that are left"
        )
