"""Workloads as JSON: one text for each workload, and a reader that refuses what is none.

Only types and names of keys are checked here; whether the parts agree is for `checks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pnnsim.common.files import open_regular, replace_file
from pnnsim.common.json_text import FormatError, parse_json
from pnnsim.errors import OutputError, WorkloadError
from pnnsim.networks.operator_constants import is_whole, shown
from pnnsim.networks.operators import OPERATORS
from pnnsim.networks.parts import Carried, Constant, Digital, Gather, Matrix, Mvm, Shape, Value

#: Changes when an older reader would misread a newer text.
VERSION = 1

#: Most bytes of a text; the workload of 10^5 steps takes 20 MB.
LIMIT = 256 * 2**20

#: Lists and mappings within each other: workload, steps, one step, its gather, the kernel.
_DEPTH = 5

_KEY = "pnnsim_workload"


def text(
    values: Sequence[Value],
    matrices: Sequence[Matrix],
    steps: Sequence[Mvm | Digital],
    output: int,
    carried: Sequence[Carried],
    shapes: Mapping[str, Shape],
) -> str:
    """Return the text of a workload, keys sorted, settings at their default left out.

    Args:
        values: Input, and what each step makes.
        matrices: Stationary operands.
        steps: Work.
        output: Number of the value that is given.
        carried: Values that start the next sample.
        shapes: Shape of each parameter.
    """
    plain = {
        _KEY: VERSION,
        "values": [
            {"shape": value.shape}
            if value.dtype == "float"
            else {"shape": value.shape, "dtype": value.dtype}
            for value in values
        ],
        "matrices": [_plain_matrix(matrix) for matrix in matrices],
        "steps": [_plain(step) for step in steps],
        "output": output,
        "carried": [
            {"source": c.source, "target": c.target, "initial": float(c.initial)} for c in carried
        ],
        "shapes": shapes,
    }
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain_matrix(matrix: Matrix) -> dict[str, Any]:
    """Return a matrix as a mapping, what every matrix has by default left out."""
    found = asdict(matrix)
    if matrix.bits is None:
        del found["bits"]
    if matrix.scaling == "row":
        del found["scaling"]
    return found


def _plain(step: Mvm | Digital) -> dict[str, Any]:
    """Return a step as mappings and lists."""
    found: dict[str, Any]
    if isinstance(step, Digital):
        found = {"digital": step.operator, "sources": step.sources}
        optional = {
            "constants": _constants(step),
            "parameters": step.parameters,
            "operations": step.operations,
            "bytes": step.bytes,
        }
        return found | {key: value for key, value in optional.items() if value}
    found = {"mvm": step.matrix, "source": step.source}
    if step.gather is not None:
        found["gather"] = asdict(step.gather)
    if step.residual is not None:
        found["residual"] = [step.residual[0], float(step.residual[1])]
    if step.barrier:
        found["barrier"] = True
    optional = {
        "bias": step.bias,
        "gain": step.gain,
        "activation": step.activation,
        "inject": step.inject,
    }
    return found | {key: value for key, value in optional.items() if value is not None}


def _constants(step: Digital) -> dict[str, Constant]:
    """Return the settings of a step in their type: 2 and 2.0 are one number and one text."""
    known = OPERATORS[step.operator].constants
    return {name: known[name].read(name, value) for name, value in step.constants}


_GATHER = ("kernel", "stride", "padding", "dilation")


def parts(given: str | bytes, name: str) -> dict[str, Any]:
    """Return the fields of the workload of a text.

    Args:
        given: The text.
        name: Name of the file, for messages.

    Raises:
        WorkloadError: If it is no text of a workload.
    """
    if len(given) > LIMIT:
        raise WorkloadError(f"{name}: has {len(given)} bytes; expected at most {LIMIT}")
    try:
        data = parse_json(given if isinstance(given, str) else given.decode("utf-8"), _DEPTH)
    except UnicodeDecodeError:
        raise WorkloadError(
            f"{name}: cannot read a workload: got bytes that are no UTF-8; expected a file "
            "written by pnnsim"
        ) from None
    except FormatError as error:
        raise WorkloadError(f"{name}: cannot read a workload: {error}") from None
    try:
        return _fields(data)
    except WorkloadError as error:
        raise WorkloadError(f"{name}: {error}") from None


def _fields(data: object) -> dict[str, Any]:
    """Return the fields of a workload from what JSON holds."""
    if not isinstance(data, dict) or not is_whole(data.get(_KEY)):
        raise WorkloadError(f"holds no workload; expected a mapping with {_KEY}: {VERSION}")
    if data[_KEY] != VERSION:
        raise WorkloadError(
            f"{_KEY} is {shown(data[_KEY])}; expected {VERSION}. Hint: it was written by another "
            "version of pnnsim"
        )
    keys = {_KEY, "values", "matrices", "steps", "output", "carried", "shapes"}
    _check_keys("workload", data, keys, keys)
    return {
        "values": _each(data, "values", _value),
        "matrices": _each(data, "matrices", _matrix),
        "steps": _each(data, "steps", _step),
        "output": data["output"],
        "carried": _each(data, "carried", _carried),
        "shapes": {key: _tuple(shape) for key, shape in _mapping(data["shapes"]).items()},
    }


def _value(data: dict[str, Any]) -> Value:
    _check_keys("value", data, {"shape"}, {"shape", "dtype"})
    return Value(_tuple(data["shape"]), data.get("dtype", "float"))


def _matrix(data: dict[str, Any]) -> Matrix:
    keys = {"name", "outputs", "inputs", "groups"}
    _check_keys("matrix", data, keys, keys | {"bits", "scaling"})
    return Matrix(**data)


def _carried(data: dict[str, Any]) -> Carried:
    keys = {"source", "target", "initial"}
    _check_keys("carried", data, keys, keys)
    return Carried(**data)


def _step(data: dict[str, Any]) -> Mvm | Digital:
    """Return one step."""
    if "digital" in data:
        optional = {"constants", "parameters", "operations", "bytes"}
        needed = {"digital", "sources"}
        _check_keys("digital step", data, needed, needed | optional)
        constants = _mapping(data.get("constants", {}))
        return Digital(
            _text(data["digital"]),
            _tuple(data["sources"]),
            tuple(sorted((key, _constant(value)) for key, value in constants.items())),
            _tuple(data.get("parameters", [])),
            data.get("operations", 0),
            data.get("bytes", 0),
        )
    optional = {"gather", "bias", "gain", "activation", "inject", "residual", "barrier"}
    _check_keys("step", data, {"mvm", "source"}, {"mvm", "source"} | optional)
    gather = residual = None
    if "gather" in data:
        shape = _mapping(data["gather"])
        _check_keys("gather", shape, set(_GATHER), set(_GATHER))
        gather = Gather(**{key: _tuple(shape[key]) for key in _GATHER})
    if "residual" in data:
        residual = _tuple(data["residual"])
        if len(residual) != 2:
            raise WorkloadError(f"residual is {shown(residual)}; expected a value and a factor")
    return Mvm(
        data["mvm"],
        data["source"],
        gather,
        bias=_optional_text(data, "bias"),
        gain=_optional_text(data, "gain"),
        activation=_optional_text(data, "activation"),
        inject=data.get("inject"),
        residual=residual,
        barrier=data.get("barrier", False),
    )


def _each(data: dict[str, Any], key: str, read: Callable[[dict[str, Any]], Any]) -> tuple[Any, ...]:
    """Return every entry of a list, read one by one."""
    entries = data[key]
    if not isinstance(entries, list):
        raise WorkloadError(f"{key}: is {shown(entries)}; expected a list")
    found = []
    for number, entry in enumerate(entries):
        try:
            found.append(read(_mapping(entry)))
        except WorkloadError as error:
            raise WorkloadError(f"{key}[{number}]: {error}") from None
    return tuple(found)


def _mapping(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise WorkloadError(f"is {shown(data)}; expected a mapping")
    return data


def _tuple(data: object) -> tuple[Any, ...]:
    """Return what a list holds."""
    if not isinstance(data, list):
        raise WorkloadError(f"is {shown(data)}; expected a list")
    return tuple(data)


def _constant(data: object) -> Constant:
    """Return a setting of an operator."""
    if isinstance(data, list):
        return _tuple(data)
    if not isinstance(data, int | float | str):
        raise WorkloadError(f"constant is {shown(data)}; expected a number, a text or a list")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise WorkloadError(f"is {shown(data)}; expected a name")
    return data


def _optional_text(data: dict[str, Any], key: str) -> str | None:
    return _text(data[key]) if key in data else None


def _check_keys(what: str, data: dict[str, Any], needed: set[str], known: set[str]) -> None:
    """Refuse a mapping with keys that are missing or unknown."""
    missing, unknown = needed - set(data), set(data) - known
    if missing:
        raise WorkloadError(f"{what}: {min(missing)} is missing; expected {sorted(needed)}")
    if unknown:
        raise WorkloadError(
            f"{what}: unknown key {shown(min(unknown))}; expected some of {sorted(known)}"
        )


def read(path: Path) -> bytes:
    """Return the bytes of a file, if they are not too many.

    Raises:
        WorkloadError: If the file cannot be read or is too large.
    """
    try:
        with open_regular(path, LIMIT) as (file, size):
            return file.read(size)
    except (OSError, ValueError) as error:
        raise WorkloadError(
            f"{path}: cannot read a workload: {error}; expected a file written by pnnsim"
        ) from error


def write(path: Path, content: str) -> None:
    """Write a text whole or not at all.

    Args:
        path: The file.
        content: The text.

    Raises:
        OutputError: If the file cannot be written.
    """
    try:
        replace_file(path, content.encode("utf-8"))
    except OSError as error:
        raise OutputError(f"{path}: cannot write the workload: {error}") from error
