"""Arrivals of samples at the machine, and the queue in which they wait.

Times are whole femtoseconds, ascending. Nothing is simulated here: the front end takes samples from
the queue when it can (`pnnsim.timing.units.front_end`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import torch

from pnnsim.common.files import FileError, open_regular
from pnnsim.common.rng import stream
from pnnsim.common.times import time_column
from pnnsim.common.units import DIMENSIONS, UnitError, read_quantity, readable_quantity, to_fs
from pnnsim.errors import Problem, ScheduleError, SpecError
from pnnsim.specs.settings import SimulationParams

#: Bytes of a file of times; ten million times have about half of them.
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Times at which the requests of a run come, and the places of the queue.

    A request that comes while the front end is taken waits in the queue, first in first out; where
    as many wait as fit, it is turned away. A place that gets free at the instant of an arrival is
    free for it.

    Args:
        count: Requests.
        times_fs: Time of each, ascending [fs]; None for saturated: each comes at the moment when
            the front end can take it.
        capacity: Requests that can wait; None for any number.
        interval_fs: Constant time between requests [fs]; 0 where there is none. A hint with which
            long runs need not be simulated whole.
    """

    count: int
    times_fs: Sequence[int] | None = None
    capacity: int | None = None
    interval_fs: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ScheduleError(f"simulation: got {self.count} samples; expected at least 1")
        if self.capacity is not None and self.capacity < 1:
            raise ScheduleError(
                f"simulation.queue: got a capacity of {self.capacity}; expected at least 1"
            )
        if self.times_fs is None:
            return
        if len(self.times_fs) != self.count:
            raise ScheduleError(
                f"simulation.arrivals: got {len(self.times_fs)} times for {self.count} requests; "
                "expected one for each"
            )
        # A range ascends by itself, and may be long.
        falls = not isinstance(self.times_fs, range) and any(
            after < time for time, after in pairwise((0, *self.times_fs))
        )
        if falls:
            raise ScheduleError("simulation.arrivals: expected times that never decrease, from 0")

    @property
    def saturated(self) -> bool:
        """Return whether samples come as fast as the machine takes them."""
        return self.times_fs is None

    def first(self, count: int) -> Arrivals:
        """Return the first requests of these, as if no others came."""
        times = None if self.times_fs is None else self.times_fs[:count]
        return Arrivals(count, times, self.capacity, self.interval_fs)

    def deal(self, cores: int, block: int) -> list[Arrivals]:
        """Return the requests of each core that gets any, dealt in turn by so many at a time.

        Args:
            cores: Number of cores.
            block: Requests that a core gets in a row.
        """
        if self.times_fs is None:
            rounds, rest = divmod(self.count, cores * block)
            counts = [rounds * block + min(block, max(0, rest - c * block)) for c in range(cores)]
            return [Arrivals(count, None, self.capacity) for count in counts if count]
        if block == 1:
            return [
                Arrivals(len(times), times, self.capacity, cores * self.interval_fs)
                for times in (self.times_fs[core::cores] for core in range(cores))
                if times
            ]
        times = time_column(self.times_fs)
        core_of = np.arange(self.count) // block % cores
        mine = [times[core_of == core].tolist() for core in range(cores)]
        return [Arrivals(len(found), found, self.capacity) for found in mine if found]


class Queue:
    """Queue in front of a machine: first in, first out, with a bounded number of places.

    Args:
        arrivals: When requests come.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._waiting: deque[int] = deque()
        self._next = 0
        #: Requests that were turned away, by number.
        self.dropped: list[int] = []

    def next(self, now: int) -> int | None:
        """Return when the next sample to be served comes or came [fs]; None if there is none."""
        times = self._arrivals.times_fs
        if times is None:
            return now if self._next < self._arrivals.count else None
        self._admit(now)
        if self._waiting:
            return self._waiting[0]
        return times[self._next] if self._next < len(times) else None

    def take(self, now: int) -> int:
        """Take the sample that is served from now on, and return when it came [fs].

        Saturated samples come when they are taken.
        """
        times = self._arrivals.times_fs
        if times is not None:
            self._admit(now)
            if self._waiting:
                return self._waiting.popleft()
            now = times[self._next]
        self._next += 1
        return now

    def waiting(self, now: int, most: int) -> int:
        """Return how many samples, at most `most`, could follow the one being served at once.

        Args:
            now: Time [fs].
            most: Most samples of a block.
        """
        times = self._arrivals.times_fs
        if times is None:
            return min(most, self._arrivals.count - self._next)
        self._admit(now)
        found = len(self._waiting)
        for time in times[self._next : self._next + most]:
            found += time == now
        # Of those who come at this very moment, no more are sure to be served than find room now.
        capacity = self._arrivals.capacity
        return min(most, found) if capacity is None else min(most, found, capacity)

    def _admit(self, now: int) -> None:
        """Let those who came before a time [fs] in, as far as there is room."""
        times, capacity = self._arrivals.times_fs, self._arrivals.capacity
        assert times is not None, "saturated samples never wait in the queue"
        while self._next < len(times) and times[self._next] < now:
            if capacity is None or len(self._waiting) < capacity:
                self._waiting.append(times[self._next])
            else:
                self.dropped.append(self._next)
            self._next += 1


def arrivals_of(simulation: SimulationParams, count: int) -> Arrivals:
    """Return when so many requests come, as a description says.

    Args:
        simulation: Section of the experiment.
        count: Requests.
    """
    capacity = simulation.queue
    if simulation.interval is not None:
        return periodic(count, simulation.interval, capacity=capacity)
    if simulation.rate is not None:
        return poisson(count, simulation.rate, simulation.seed, capacity=capacity)
    if simulation.times is not None:
        return from_file(Path(simulation.times), count, capacity=capacity)
    return Arrivals(count)


def periodic(count: int, interval: float, *, capacity: int | None = None) -> Arrivals:
    """Return requests at 0, interval, 2 interval, … [s].

    Args:
        count: Requests.
        interval: Time from one to the next [s].
        capacity: Requests that may wait; None for any number.
    """
    if not 1e-15 <= interval <= DIMENSIONS["time"].most:
        raise ScheduleError(
            f"simulation.interval: got {interval} s; expected from 1 fs to "
            f"{readable_quantity(DIMENSIONS['time'].most, 'time')}. "
            "Hint: samples that come as fast "
            "as the machine takes them are `arrivals: saturated`"
        )
    step = to_fs(interval)
    return Arrivals(count, range(0, count * step, step), capacity, step)


def poisson(count: int, rate: float, seed: int, *, capacity: int | None = None) -> Arrivals:
    """Return requests with independent exponential times between them, the first one at 0.

    Args:
        count: Requests.
        rate: Mean number per time [Hz].
        seed: Seed of the stream `arrivals`.
        capacity: Requests that can wait.
    """
    low, high = DIMENSIONS["frequency"].least, DIMENSIONS["frequency"].most
    if not low <= rate <= high:
        raise ScheduleError(
            f"simulation.rate: got {rate} Hz; expected from {readable_quantity(low, 'frequency')} "
            f"to {readable_quantity(high, 'frequency')}"
        )
    generator = stream(seed, "arrivals", "arrival")
    uniform = torch.rand(count - 1, generator=generator, dtype=torch.float64)
    gaps = -np.log1p(-uniform.numpy()) / rate
    # Rounded one by one: a sum of whole numbers does not depend on how it is added up.
    steps = np.rint(gaps * 1e15)
    return Arrivals(count, (0, *accumulate(map(int, steps.tolist()))), capacity)


def from_file(path: Path, count: int, *, capacity: int | None = None) -> Arrivals:
    """Return the requests of a text file: one time with its unit on each line, such as `12.5 ns`.

    Empty lines and lines that begin with `#` say nothing. Times are counted from the first one.

    Raises:
        SpecError: With every line that cannot be read, or where there are too few.
    """
    try:
        with open_regular(path, _MOST_BYTES) as (file, size):
            text = file.read(size).decode("utf-8")
    except (OSError, FileError, UnicodeDecodeError) as error:
        raise SpecError([Problem("", f"cannot be read: {error}", file=str(path))]) from None
    times: list[int] = []
    problems: list[Problem] = []
    for line, content in enumerate(text.splitlines(), start=1):
        entry = content.strip().rstrip(",").rstrip()
        if not entry or entry.startswith("#"):
            continue
        column = len(content) - len(content.lstrip()) + 1
        try:
            time = to_fs(read_quantity(entry, "time"))
        except UnitError as error:
            problems.append(Problem("", str(error), file=str(path), line=line, column=column))
            continue
        if time < 0 or (times and time < times[-1]):
            what = f"{entry} comes before the time above it; expected times in ascending order"
            problems.append(Problem("", what, file=str(path), line=line, column=column))
            continue
        times.append(time)
    if not problems and len(times) < count:
        what = f"has {len(times)} arrivals; expected one for each of the {count} samples"
        hint = f"add times, or ask for {len(times)} samples" if times else "add times"
        problems.append(Problem("", what, hint, file=str(path)))
    if problems:
        raise SpecError(problems)
    return Arrivals(count, tuple(time - times[0] for time in times[:count]), capacity)
