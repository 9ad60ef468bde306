"""A study in its folder: run it, go on with it, and read what it has found.

DIR/study.yaml        the study with its base written out, from which it can be repeated
DIR/trials.sqlite     every trial, unless a server has them
DIR/trials.csv        the table; trials.parquet, too, where pyarrow is installed
DIR/study.html        the page for people
DIR/parameters/       trained parameters, by the hash of what they depend on
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pnnsim.common.html_table import html_table
from pnnsim.common.json_text import canonical
from pnnsim.errors import InputError, OutputError, SpecError, one_line
from pnnsim.explore.database import check_storage, open_database
from pnnsim.explore.store import Record, Store
from pnnsim.explore.study_file import load_study
from pnnsim.explore.study_spec import StudySpec

if TYPE_CHECKING:
    import pandas as pd

    from pnnsim.common.progress import Progress
    from pnnsim.explore.drive import Schedule

_FILE = "study.yaml"


@dataclass(frozen=True)
class Study:
    """A study and the folder that keeps it.

    Args:
        spec: Its description.
        folder: Its folder, which is made when it is first run.
    """

    spec: StudySpec
    folder: Path

    def __repr__(self) -> str:
        """Return name, folder and number of keys that it varies."""
        return f"Study({self.spec.name}, {len(self.spec.axes)} keys, {self.folder})"

    def _repr_html_(self) -> str:
        """Return what is varied and how the trials stand, as a notebook shows them."""
        rows = [(axis.key, "varied") for axis in self.spec.axes]
        rows += [(goal.key, "largest" if goal.maximize else "smallest wanted")
                 for goal in self.spec.objectives]  # fmt: skip
        if self.spec.storage or (self.folder / "trials.sqlite").exists():
            rows += [(f"trials {state}", str(count)) for state, count in self.counts().items()]
        return html_table(f"Study of {self.spec.name} in {self.folder}", (), rows)

    @staticmethod
    def open(
        source: str | Path | Mapping[str, Any],
        *,
        out: Path | str | None = None,
        storage: str | None = None,
    ) -> Study:
        """Return a study, which may have run in part; nothing is written.

        Args:
            source: File of its description, its folder, or the description as Python data.
            out: Its folder; where not given that of a `study.yaml` written by a study, or one in
                `runs` named after machine and content.
            storage: Address of a PostgreSQL server that keeps its trials, in place of the file's.

        Raises:
            SpecError: With every problem of the description at once, or if the server cannot be
                reached.
            OutputError: If the folder holds something else.
        """
        if not isinstance(source, Mapping) and Path(source).is_dir():
            out, source = Path(source), Path(source) / _FILE
        spec = load_study(source)
        if storage is not None:
            spec = replace(spec, storage=storage, tree={**spec.tree, "storage": storage})
        folder = _folder(spec, source) if out is None else Path(out)
        _check_folder(folder, spec)
        check_storage(spec.storage)
        return Study(spec, folder)

    def sweep(
        self,
        *,
        workers: int = 1,
        cluster: str | None = None,
        data_dir: Path | None = None,
        offline: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Run what is left of the grid, and write tables and page.

        Args:
            workers: Processes on this computer, or 0 for this process; no figure depends on it.
            cluster: Address of a Dask scheduler, such as `tcp://host:8786`, in their place.
            data_dir: Where data sets are looked for first.
            offline: Never download a data set.
            progress: Display of the trials; None for silence.

        Raises:
            InputError: If the study has spans without points.
            BackendError: If the workers or the cluster are gone.
            OutputError: If the folder or the database cannot be written.
        """
        from pnnsim.explore.axes import Span
        from pnnsim.explore.drive import Sweep

        spans = [axis.key for axis in self.spec.axes if isinstance(axis, Span)]
        if spans and self.spec.latin_hypercube is None:
            raise InputError(
                f"vary.{spans[0]}: is a span without points; expected n beside it, "
                "latin_hypercube, or a search"
            )
        self._run(Sweep(self.spec), workers, cluster, data_dir, offline, progress)

    def search(
        self,
        *,
        workers: int = 1,
        cluster: str | None = None,
        data_dir: Path | None = None,
        offline: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Run what is left of the search, and write tables and page; see `sweep`.

        Args:
            workers: Processes on this computer, or 0 for this process; no figure depends on it.
            cluster: Address of a Dask scheduler in their place.
            data_dir: Where data sets are looked for first.
            offline: Never download a data set.
            progress: Display of the trials; None for silence.

        Raises:
            InputError: If the study has no objectives or no number of trials.
        """
        from pnnsim.explore.search import Search

        schedule = Search.of(self.spec)
        self._run(schedule, workers, cluster, data_dir, offline, progress)

    def counts(self) -> dict[str, int]:
        """Return the number of trials in each state."""
        with self.store() as store:
            return store.counts()

    def to_frame(self) -> pd.DataFrame:
        """Return every trial as a row: what was set and what was found, SI."""
        from pnnsim.explore.tables import to_frame

        with self.store() as store:
            return to_frame(self.spec, store)

    def front(self) -> list[Record]:
        """Return the trials that meet every constraint and that no other dominates."""
        from pnnsim.explore.results import front_of

        with self.store() as store:
            return front_of(self.spec, store)

    def write(self) -> None:
        """Write tables and page of what has been found so far.

        Raises:
            OutputError: If a file cannot be written.
        """
        from pnnsim.explore.study_html import write_study_html
        from pnnsim.explore.tables import write_csv, write_parquet

        with self.store() as store:
            write_csv(self.folder / "trials.csv", self.spec, store)
            write_parquet(self.folder / "trials.parquet", self.spec, store)
            write_study_html(self.folder / "study.html", self.spec, store)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Yield the trials, with a connection of their own.

        Raises:
            OutputError: If the study has not been run yet, or its trials cannot be read.
        """
        if not (self.folder / _FILE).exists():
            raise OutputError(f"{self.folder}: holds no study yet; expected one that has been run")
        database = open_database(self.spec.storage, self.folder)
        try:
            yield Store(database, self.spec.identity)
        finally:
            database.close()

    def _run(
        self,
        schedule: Schedule,
        workers: int,
        cluster: str | None,
        data_dir: Path | None,
        offline: bool,
        progress: Progress | None,
    ) -> None:
        from pnnsim.explore.drive import drive, run_task
        from pnnsim.explore.trained import environment
        from pnnsim.explore.trial import TrialContext
        from pnnsim.explore.workers import InlineWorkers, LocalWorkers, Workers

        if workers < 0:
            raise InputError(f"workers: got {workers}; expected 0, for this process, or more")
        self._make_folder()
        if self.spec.trains:
            _fetch(self.spec, data_dir, offline)
        context = TrialContext.of(self.spec, cache=self.folder / "parameters", data_dir=data_dir)
        with self.store() as store:
            one_thread = {**environment(), "threads": "1"}
            store.begin(self.spec.text(), canonical(one_thread))
            pool: Workers
            if cluster is not None:
                from pnnsim.explore.cluster import ClusterWorkers

                pool = ClusterWorkers(cluster, run_task, context)
            elif workers:
                pool = LocalWorkers(workers, run_task, context)
            else:
                pool = InlineWorkers(run_task, context)
            try:
                drive(store, schedule, pool, progress)
            finally:
                pool.close()
        self.write()

    def _make_folder(self) -> None:
        """Make the folder with the study in it."""
        from pnnsim.common.files import replace_file

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / _FILE).exists():
                text = yaml.safe_dump(
                    json.loads(json.dumps(self.spec.tree)), sort_keys=False, allow_unicode=True
                )
                replace_file(self.folder / _FILE, text.encode("utf-8"))
        except OSError as error:
            why = error.strerror or str(error)
            raise OutputError(f"{self.folder}: cannot write the study: {why}") from None


def _fetch(spec: StudySpec, data_dir: Path | None, offline: bool) -> None:
    """Download what the base's task needs, as workers never do."""
    from pnnsim.learning.task_examples import load_data
    from pnnsim.specs.experiment import load_experiment

    task = load_experiment(spec.base, spec.fixed).task
    load_data(task, data_dir=data_dir, offline=offline)


def _folder(spec: StudySpec, source: str | Path | Mapping[str, Any]) -> Path:
    if not isinstance(source, Mapping) and Path(source).name == _FILE:
        return Path(source).parent
    return Path("runs") / f"study-{spec.name}-{spec.identity[:8]}"


def _check_folder(folder: Path, spec: StudySpec) -> None:
    """Refuse a folder that holds something else than this study."""
    shown = one_line(str(folder))
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise OutputError(f"{shown}: is a file; expected a folder for the study")
        if not (folder / _FILE).exists():
            if any(folder.iterdir()):
                raise OutputError(
                    f"{shown}: holds other files; expected a new folder, or one of this study"
                )
            return
        found = load_study(folder / _FILE)
    except SpecError:
        found = None
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{shown}: cannot be read: {error.strerror or error}") from None
    if found is None or found.identity != spec.identity:
        raise OutputError(
            f"{shown}: holds another study; expected a new folder, or that of this study. "
            "Hint: choose another name"
        )
