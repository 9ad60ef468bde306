"""Find a description by name or path, and change single values of it (`--set`).

The machines that come with pnnsim are found by name: the shipped ones, and those that others have
published, which stand in a folder of their own. Anything with a slash or a suffix is a path.
Nothing is validated here: that is done by `pnnsim.specs.hardware`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pnnsim.common.hints import did_you_mean
from pnnsim.common.units import show
from pnnsim.errors import Problem, SpecError
from pnnsim.specs.document import (
    USER_SOURCE,
    Document,
    KeyPath,
    Position,
    Tree,
    from_data,
    problem_at,
)
from pnnsim.specs.validation import section_at
from pnnsim.specs.yaml_reader import parse_yaml, read_text, read_yaml

#: Folder of the machines that others have demonstrated, below that of the shipped ones.
_PUBLISHED = "published"
#: Folder below it of what was published about each.
_FIGURES = "figures"


def available_specs() -> dict[str, str]:
    """Return the name and the summary of every shipped machine, sorted by name."""
    return _summaries(spec_folder())


def published_specs() -> dict[str, str]:
    """Return the name and the summary of every machine that others have demonstrated, sorted."""
    return _summaries(spec_folder() / _PUBLISHED)


def published_figures() -> dict[str, Traversable]:
    """Return the file of published figures of each machine that has one, sorted by name."""
    folder = spec_folder() / _PUBLISHED / _FIGURES
    return {name: folder / f"{name}.yaml" for name in _names(folder)}


def _summaries(folder: Traversable) -> dict[str, str]:
    found = {}
    for name in _names(folder):
        tree = read_yaml(folder / f"{name}.yaml").tree
        summary = tree.get("summary") if isinstance(tree, dict) else None
        found[name] = summary if isinstance(summary, str) else ""
    return found


def open_document(source: str | Path | Mapping[str, Any]) -> Document:
    """Return a description by name, path or data, read and not yet validated.

    Raises:
        SpecError: If there is no such machine or file, or it is not YAML.
    """
    return from_data(source) if isinstance(source, Mapping) else read_yaml(_located(source))


def source_text(source: str) -> str:
    """Return the text of a description by name or path, as it stands in its file.

    Raises:
        SpecError: If there is no such machine or file, or it is not text.
    """
    return read_text(_located(source), source)


def _located(source: str | Path) -> Path | Traversable:
    """Return the file of a description by name or path.

    Raises:
        SpecError: If there is no such machine; whether a path is a file is found when it is read.
    """
    if isinstance(source, Path) or _is_path(source):
        path = Path(source)
        shipped = isinstance(source, str) and path.stem in _known_names()
        if shipped and not path.exists():
            hint = f"'{path.stem}' without path and suffix is a machine that comes with pnnsim"
            raise SpecError([Problem("", "no such file", hint, str(path))])
        return path
    folder = spec_folder()
    if source in _names(folder / _PUBLISHED):
        return folder / _PUBLISHED / f"{source}.yaml"
    names = _names(folder)
    if source not in names:
        what = f"unknown machine {show(source)}; expected one of {', '.join(names)}, or a file"
        raise SpecError([Problem("", what, did_you_mean(source, _known_names()))])
    return folder / f"{source}.yaml"


def override(
    document: Document, prefix: KeyPath, key: str, text: str, label: str | None = None
) -> None:
    """Set one value of a description as if it stood in the file.

    Args:
        document: Description to change.
        prefix: Path of the section that `key` starts from.
        key: Dotted path such as `weight_banks.count`.
        text: Value as it would be typed; `[…]` is a list.
        label: What the user typed, for messages; `--set key=text` where it is not given.
    """
    place = Position(label or f"--set {key}={show(text)[1:-1]}")
    path = (*prefix, *key.split("."))
    if not all(key.split(".")):
        document.problems.append(
            problem_at(place, (), "is not a key; expected such as weight_banks.count=8")
        )
        return
    if _set_law(document, path, text, place):
        return
    value: Tree = text
    if text.lstrip().startswith("["):
        try:
            value = parse_yaml(text, place.file).tree
        except SpecError as error:
            what = f"is not a list: {error.problems[0].what}"
            document.problems.append(problem_at(place, path, what))
            return
    holder = document.tree
    for depth, part in enumerate(path[:-1]):
        if not isinstance(holder, dict) or not isinstance(part, str):
            break
        at = path[: depth + 1]
        if holder.get(part) is None:
            holder[part] = {}
            document.keys[at] = document.values[at] = place
        holder = holder[part]
    if not isinstance(holder, dict):
        what = "is inside something that is a value, not a section"
        document.problems.append(problem_at(place, path, what))
        return
    holder[str(path[-1])] = value
    document.keys[path] = document.values[path] = place
    document.sources[path] = USER_SOURCE
    document.refused.discard(path)
    document.laws.pop(path, None)
    _forget_shown(document)


def _set_law(document: Document, path: KeyPath, text: str, place: Position) -> bool:
    """Set a law, or what stands beside one; return whether the path was such.

    Args:
        document: Description to change.
        path: The key, such as `("encoder", "dac_energy", "node")`.
        text: Value as it would be typed.
        place: Where it was typed.
    """
    field = path[:-1]
    if field not in document.laws and path[-1] != "law":
        return False
    if path[-1] == "law":
        holder = section_at(document.tree, field[:-1])
        if not isinstance(holder, dict) or isinstance(holder.get(str(field[-1])), dict):
            return False
        holder[str(field[-1])] = None
        document.laws[field] = {}
        document.ranges.pop(field, None)
        document.values[field] = place
        document.sources.pop(field, None)
    document.laws[field][str(path[-1])] = text
    document.keys[path] = document.values[path] = place
    _forget_shown(document)
    return True


def _forget_shown(document: Document) -> None:
    """Drop the values that are shown beside laws: the laws are evaluated anew."""
    for given in document.laws.values():
        given.pop("value", None)


def _is_path(source: str) -> bool:
    """Return whether a text is a path: by its looks, or as no machine but a file has that name."""
    if "/" in source or "\\" in source or Path(source).suffix:
        return True
    try:
        return source not in _known_names() and source != "" and Path(source).exists()
    except (OSError, ValueError):  # such as a name that is too long for a file
        return False


def spec_folder() -> Traversable:
    """Return the folder of shipped machines: in the wheel, or beside the package in a checkout."""
    shipped = files("pnnsim") / "hardware_specs"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "hardware_specs"


def _known_names() -> list[str]:
    """Return the names of shipped machines, and after them those of published ones."""
    return [*_names(spec_folder()), *_names(spec_folder() / _PUBLISHED)]


def _names(folder: Traversable) -> list[str]:
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))
