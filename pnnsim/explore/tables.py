"""The trials of a study as a table: a row each, its columns what was set and what was found.

The table holds what the description decides and nothing of how it was computed, so that it is the
same for any number of workers; durations and attempts stand in the store. Files are written in
pieces, so that memory does not grow with trials.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pnnsim.common.forms import Form
from pnnsim.common.units import DIMENSIONS, UnitError, read_quantity
from pnnsim.errors import OutputError
from pnnsim.explore.axes import Axis
from pnnsim.explore.base_texts import form_of
from pnnsim.explore.store import Record, Store
from pnnsim.explore.study_spec import StudySpec

if TYPE_CHECKING:
    import pandas as pd

_HEAD = ("number", "state", "stage")
_TAIL = ("feasible", "seed", "spec_sha256", "reason", "warnings")
_CHUNK = 1000

Value = str | float | int | bool | None


def rows(spec: StudySpec, store: Store, figures: Sequence[str]) -> Iterator[dict[str, Value]]:
    """Yield each trial as a row, numbers of keys and figures in SI.

    Args:
        spec: The study.
        store: Its trials.
        figures: Figures that become columns.
    """
    read = {key: reader(spec, key) for key in set_keys(spec)}
    for record in store.records():
        yield _row(spec, record, read, figures)


def columns(spec: StudySpec, store: Store) -> tuple[str, ...]:
    """Return the figures that any trial has, those that are requested first.

    Args:
        spec: The study.
        store: Its trials.
    """
    found: dict[str, None] = dict.fromkeys(spec.keys)
    for record in store.records():
        found.update(dict.fromkeys(record.outcome.figures))
    return tuple(found)


def set_keys(spec: StudySpec) -> tuple[str, ...]:
    """Return the keys that trials set, in the order of the study."""
    replicas = () if spec.replicas == 1 else ("training.seed",)  # `seed` is the other one
    return (*(axis.key for axis in spec.axes), *replicas)


def feasible(spec: StudySpec, record: Record) -> bool:
    """Return whether a trial has ended well and meets every constraint.

    Args:
        spec: The study.
        record: One of its trials.
    """
    return record.state == "done" and not any(
        constraint.broken(record.outcome.figures) for constraint in spec.constraints
    )


def reader(spec: StudySpec, key: str) -> Callable[[str], Value]:
    """Return what turns a value as typed into a number [SI]; a text where it is none.

    Args:
        spec: The study.
        key: Key that has the value.
    """
    forms = _forms(spec, key)

    def read(text: str) -> Value:
        for form in forms:
            if form.dimension is not None:
                try:
                    return read_quantity(text, form.dimension)
                except UnitError:
                    continue
            if form.type is int and text.lstrip("+-").isdigit():
                return int(text)
            if form.type is float:
                try:
                    return float(text)
                except ValueError:
                    continue
        return text

    return read


def unit_of(spec: StudySpec, key: str) -> str:
    """Return the SI unit of the values of a key; empty for a number or a text.

    Args:
        spec: The study.
        key: Key that has the values.
    """
    names = (form.dimension for form in _forms(spec, key))
    return next((DIMENSIONS[name].si for name in names if name is not None), "")


def _forms(spec: StudySpec, key: str) -> Sequence[Form]:
    """Return the forms that a value of a key may have, whatever the kinds that the study sets."""
    kinds = {
        axis.key: list(axis.texts)
        for axis in spec.axes
        if isinstance(axis, Axis) and axis.key.endswith(".kind")
    }
    return form_of(spec.base, spec.fixed, key, kinds)


def to_frame(spec: StudySpec, store: Store) -> pd.DataFrame:
    """Return the trials as a DataFrame.

    Args:
        spec: The study.
        store: Its trials.
    """
    import pandas as pd

    names = columns(spec, store)
    return pd.DataFrame(list(rows(spec, store, names)), columns=_names(spec, names))


def write_csv(path: Path, spec: StudySpec, store: Store) -> None:
    """Write the trials as comma-separated values.

    Args:
        path: File to write.
        spec: The study.
        store: Its trials.

    Raises:
        OutputError: If it cannot be written.
    """
    figures = columns(spec, store)
    scratch = path.with_name(f".{path.name}.new")
    try:
        with scratch.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _names(spec, figures), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows(spec, store, figures))
        scratch.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the table: {error}") from None


def write_parquet(path: Path, spec: StudySpec, store: Store) -> bool:
    """Write the trials as Parquet; return whether pyarrow is there to do it.

    Args:
        path: File to write.
        spec: The study.
        store: Its trials.

    Raises:
        OutputError: If it cannot be written.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        return False
    figures = columns(spec, store)
    types = _types(spec, store, figures)
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    scratch = path.with_name(f".{path.name}.new")
    try:
        with pq.ParquetWriter(scratch, schema) as writer:
            for part in _parts(rows(spec, store, figures)):
                columns_of = {
                    name: [_as(kind, row.get(name)) for row in part] for name, kind in types.items()
                }
                writer.write_table(pa.table(columns_of, schema=schema))
        scratch.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the table: {error}") from None
    return True


def _names(spec: StudySpec, figures: Sequence[str]) -> list[str]:
    return [*_HEAD, *set_keys(spec), *figures, *_TAIL]


def _row(
    spec: StudySpec,
    record: Record,
    read: dict[str, Callable[[str], Value]],
    figures: Sequence[str],
) -> dict[str, Value]:
    outcome, overrides = record.outcome, dict(record.trial.overrides)
    return {
        "number": record.trial.number,
        "state": record.state,
        "stage": record.stage,
        **{key: of(overrides[key]) for key, of in read.items()},
        **{key: outcome.figures.get(key) for key in figures},
        "feasible": feasible(spec, record),
        "seed": outcome.seed,
        "spec_sha256": outcome.spec_sha256,
        "reason": outcome.reason,
        "warnings": "\n".join(outcome.warnings),
    }


def _types(spec: StudySpec, store: Store, figures: Sequence[str]) -> dict[str, str]:
    """Return the type of each column; a key with any text in it is one of texts."""
    types = {"number": "int64", "state": "string", "stage": "int64"}
    texts = set()
    for row in rows(spec, store, ()):
        texts |= {key for key in set_keys(spec) if isinstance(row[key], str)}
    types |= {key: "string" if key in texts else "float64" for key in set_keys(spec)}
    types |= dict.fromkeys(figures, "float64")
    last = {"feasible": "bool", "seed": "int64"}
    return {**types, **last, **dict.fromkeys(("spec_sha256", "reason", "warnings"), "string")}


def _as(kind: str, value: Any) -> Any:
    if value is None:
        return None
    return {"float64": float, "int64": int, "string": str, "bool": bool}[kind](value)


def _parts(found: Iterator[dict[str, Value]]) -> Iterator[list[dict[str, Value]]]:
    part: list[dict[str, Value]] = []
    for row in found:
        part.append(row)
        if len(part) == _CHUNK:
            yield part
            part = []
    if part:
        yield part
