"""What the pictures of a run show, as plain data: `figures.json` of a run folder.

Pages and files for papers are drawn from it and from `metrics.json` alone, so that neither a trace
nor torch is needed to draw a run again. `collect.py` takes it from a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from pnnsim.analysis.report.files import write_pieces
from pnnsim.analysis.report.timeline import Axis, Bar, Timeline
from pnnsim.errors import InputError


@dataclass(frozen=True, slots=True)
class Schedule:
    """Named picture of a schedule.

    Args:
        title: What it shows.
        timeline: Its bars.
    """

    title: str
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans that the page can be zoomed into, as columns, and how busy each lane is all along.

    Args:
        lanes: Names of the lanes, in the order in which a sample meets them.
        labels: What spans do; `label` points into it.
        lane: Lane of each span.
        start_fs: Start of each [fs].
        length_fs: Duration of each [fs].
        sample: Sample served; -1 for none.
        label: What each does.
        kind: `s` work on a sample, `r` move of a switch, `w` write, `d` digital.
        energy_j: Dynamic energy of each [J].
        critical: Numbers of the spans that the first result waited for.
        complete: Stretches of time in which every span is here [fs].
        makespan_fs: Length of the run [fs].
        busy: Percentage of each of equal parts of the run in which a lane works, by lane.
    """

    lanes: tuple[str, ...]
    labels: tuple[str, ...]
    lane: tuple[int, ...]
    start_fs: tuple[int, ...]
    length_fs: tuple[int, ...]
    sample: tuple[int, ...]
    label: tuple[int, ...]
    kind: str
    energy_j: tuple[float, ...]
    critical: tuple[int, ...]
    complete: tuple[tuple[int, int], ...]
    makespan_fs: int
    busy: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Power against time at the beginning of a run.

    Args:
        time_s: Ends of the pieces [s], one more than pieces.
        power_w: Power of each piece [W]; impulses are spread over the piece that follows them.
        standing_w: Power of the machine when it does nothing [W].
        samples: Samples that came to a result in this time.
    """

    time_s: tuple[float, ...]
    power_w: tuple[float, ...]
    standing_w: float
    samples: int


@dataclass(frozen=True, slots=True)
class Latencies:
    """Latency of the samples of a run, in the form that says most.

    Args:
        kind: `same` for all, `order` where it settles with the order of arrival, otherwise a
            `distribution`.
        place: Numbers of samples where it is an order; otherwise the share of samples that take at
            most so long.
        latency_s: Latency at each place [s].
        settled: Sample from which latencies repeat; 0 where they do not settle.
    """

    kind: Literal["same", "order", "distribution"]
    place: tuple[float, ...]
    latency_s: tuple[float, ...]
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Time for which something is taken by each inference: it cannot come faster.

    Args:
        name: Unit of the machine, or `loop` for all from encoder to nonlinearity together.
        time_s: Mean busy time for one inference [s].
    """

    name: str
    time_s: float


@dataclass(frozen=True, slots=True)
class PartTime:
    """Time that one action takes.

    Args:
        component: Part of the machine.
        action: What it does.
        time_s: Mean duration for the first sample [s].
    """

    component: str
    action: str
    time_s: float


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Value of a description with its source.

    Args:
        path: Dotted path of the value.
        kind: Class: published, derived, law, fitted, chosen, extrapolated or assumed.
        source: Where it comes from.
        assumption: Name under which bands draw it; empty where nothing is drawn.
    """

    path: str
    kind: str
    source: str
    assumption: str = ""


@checked(frozen=True, slots=True)
class Record:
    """Everything that the pictures of a run show beside its metrics.

    Args:
        when: Date and time of the run, UTC.
        summary: What the machine is.
        schedules: Pictures of the schedule.
        spans: What can be zoomed into.
        power: Power at the beginning of the run.
        latency: Latencies of all samples.
        loads: What each unit is taken for, the longest first.
        times: What each action of the machine takes.
        sources: Values and their sources.
        confusion: How often each class (row) was taken for each (column), over all chips; empty
            where none was measured.
        drawn: Latency [s], interval [s] and energy [J] of each draw of the band; None for
            infeasible ones.
        versions: Names and versions of the interpreter and of the libraries that computed.
    """

    when: str
    summary: str
    schedules: tuple[Schedule, ...]
    spans: Spans
    power: Power
    latency: Latencies
    loads: tuple[Load, ...]
    times: tuple[PartTime, ...]
    sources: tuple[SourceRow, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    drawn: tuple[tuple[float | None, ...], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


_ADAPTER: TypeAdapter[Record] = TypeAdapter(Record)


def write_record(path: Path, record: Record) -> None:
    """Write the data of the pictures.

    Args:
        path: File to write, usually `figures.json`.
        record: The data.

    Raises:
        OutputError: If the file cannot be written.
    """
    write_pieces(path, [_ADAPTER.dump_json(record).decode(), "\n"])


def read_record(path: Path) -> Record:
    """Return the data of the pictures of a run folder.

    Raises:
        InputError: If the file is missing, or is none that a run has written.
    """
    try:
        return _ADAPTER.validate_json(path.read_bytes(), strict=False)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); expected the folder of a run. "
            "Hint: `pnnsim run resolved.yaml` in an old run folder repeats the run"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path}: {where or 'file'}: {first['msg']}; expected a file that a run has written"
        ) from error


__all__ = ["Axis", "Bar", "Record", "read_record", "write_record"]
