"""Files of tables that a description names: what a part takes from them stands in their place.

A description then holds numbers alone, so that its resolved form repeats a run without the files.
Their hash is part of the description.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pnnsim.common.units import UnitError, read_quantity, readable_quantity, show, show_path
from pnnsim.specs.document import Document, KeyPath, Tree
from pnnsim.specs.validation import section_at

if TYPE_CHECKING:
    from pnnsim.devices.tables.routes import Routes

#: Keys that come out of tables.
_FILLED = ("route_loss", "route_extinction", "table_sha256")
#: Keys that come out of the table of a weight cell.
_CURVE = ("weight_curve", "light_curve", "tuning_span")
#: Tables of one part at most.
_MOST_FILES = 63


def fill_from_tables(document: Document, path: KeyPath) -> None:
    """Replace the tables of a part by what it takes from them, or report why it takes nothing.

    Args:
        document: Description that has been read; problems are added to it.
        path: Section of the part.
    """
    fill_curve(document, path)
    fill_routes(document, path)


def fill_routes(document: Document, path: KeyPath) -> None:
    """Replace the tables of a switch by its routes, or report why they are none.

    Args:
        document: Description that has been read; problems are added to it.
        path: Section of the switch.
    """
    section = section_at(document.tree, path)
    if (
        not isinstance(section, dict)
        or section.get("kind") != "tabulated"
        or "files" not in section
    ):
        return
    at = (*path, "files")
    given = [key for key in _FILLED[:2] if key in section]
    names, ports = _texts(section["files"]), _texts(section.get("ports"))
    band = _band(section)
    if given:
        document.report(at, f"is given beside {' and '.join(given)}; expected one of them")
    elif names is None or not 2 <= len(names) <= _MOST_FILES:
        document.report(at, "is no list of at least two files, one for each route")
    elif band is not None:
        found = _read(document, at, names, ports, band)
        if found is not None:
            _write(document, path, section, names, found)
            return
    # What would come out of the files is missing for that reason, which has been reported.
    for key in _FILLED[:2]:
        section.setdefault(key, None)
        document.refused.add((*path, key))
    for key in ("files", "ports"):
        section.pop(key, None)


def fill_curve(document: Document, path: KeyPath) -> None:
    """Replace the table of a weight cell by its curve, or report why it is none.

    Args:
        document: Description that has been read; problems are added to it.
        path: Section of the weight banks.
    """
    section = section_at(document.tree, path)
    if (
        path[-1] != "weight_banks"
        or not isinstance(section, dict)
        or section.get("kind") != "tabulated"
        or "file" not in section
    ):
        return
    at, name = (*path, "file"), section["file"]
    given = [key for key in _CURVE if key in section]
    if given:
        document.report(at, f"is given beside {' and '.join(given)}; expected one of them")
    elif not isinstance(name, str):
        document.report(at, "is no file; expected one table")
    elif _fill_curve(document, path, section, name):
        return
    for key in _CURVE:
        section.setdefault(key, None)
        document.refused.add((*path, key))
    for key in ("file", "ports"):
        section.pop(key, None)


def _fill_curve(document: Document, path: KeyPath, section: dict[str, Tree], name: str) -> bool:
    """Put curve and hash in the place of the file; False after reporting what is wrong."""
    from pnnsim.devices.tables.read_scattering import read_scattering
    from pnnsim.devices.tables.scattering_table import TableError
    from pnnsim.devices.tables.weight_curve import weight_curve_of

    at = (*path, "file")
    texts = [section.get(key) for key in ("wavelength", "tuning_range")]
    try:
        ends = [read_quantity(text if isinstance(text, str) else "", "length") for text in texts]
    except UnitError:
        return False
    try:
        table, digest = read_scattering(_folder(document.place(at).file) / name)
        curve = weight_curve_of(table, _texts(section.get("ports")), ends[0], ends[1])
    except TableError as error:
        document.report(at, f"{show_path(name)} {error}")
        return False
    place, source = document.place(at), f"table: {show(Path(name).name)[1:-1]}"
    filled: dict[str, Tree] = {
        "weight_curve": [f"{each:.9g}" for each in curve.weight],
        "light_curve": [f"{each:.9g}" for each in curve.light],
        "tuning_span": readable_quantity(curve.span, "length", 9),
        "table_sha256": digest,
    }
    for key, text in filled.items():
        section[key] = text
        document.keys[*path, key] = document.values[*path, key] = place
        document.sources[*path, key] = source
    for key in ("file", "ports"):
        section.pop(key, None)
    return True


def _texts(tree: Tree) -> list[str] | None:
    if isinstance(tree, list) and all(isinstance(each, str) for each in tree):
        return [each for each in tree if isinstance(each, str)]
    return None


def _band(section: dict[str, Tree]) -> tuple[float, float] | None:
    """Return the ends of the band [m]; None where its keys have problems of their own."""
    ends = []
    for key, default in (("wavelength", ""), ("band", "0 nm")):
        text = section.get(key, default)
        try:
            ends.append(read_quantity(text if isinstance(text, str) else "", "length"))
        except UnitError:
            return None
    return ends[0] - ends[1] / 2.0, ends[0] + ends[1] / 2.0


def _read(
    document: Document,
    at: KeyPath,
    names: list[str],
    ports: list[str] | None,
    band: tuple[float, float],
) -> tuple[Routes, str] | None:
    """Return the routes and the hash of all files; None after reporting what is wrong."""
    from pnnsim.devices.tables.read_scattering import read_scattering
    from pnnsim.devices.tables.routes import routes_of
    from pnnsim.devices.tables.scattering_table import TableError

    folder = _folder(document.place(at).file)
    tables, hashes, wrong = [], [], False
    for i, name in enumerate(names):
        try:
            table, digest = read_scattering(folder / name)
        except TableError as error:
            document.report((*at, i), f"{show_path(name)} {error}")
            wrong = True
        else:
            tables.append(table)
            hashes.append(digest)
    if wrong:
        return None
    try:
        routes = routes_of(tables, ports, *band)
    except TableError as error:
        document.report(at, str(error))
        return None
    return routes, hashlib.sha256("".join(hashes).encode()).hexdigest()


def _folder(file: str) -> Path:
    """Return the folder of a description; the current one where it is no file."""
    path = Path(file)
    return path.parent if path.is_file() else Path()


def _write(
    document: Document,
    path: KeyPath,
    section: dict[str, Tree],
    names: list[str],
    found: tuple[Routes, str],
) -> None:
    """Put routes and hash in the place of the files."""
    routes, digest = found
    place = document.place((*path, "files"))
    source = f"table: {', '.join(show(Path(name).name)[1:-1] for name in names)}"
    levels = {"route_loss": routes.loss, "route_extinction": routes.extinction}
    texts: dict[str, Tree] = {
        key: [readable_quantity(each, "ratio_db", 9) for each in level]
        for key, level in levels.items()
    }
    texts["table_sha256"] = digest
    for key, text in texts.items():
        section[key] = text
        document.keys[*path, key] = document.values[*path, key] = place
        document.sources[*path, key] = source
    for key in ("files", "ports"):
        section.pop(key, None)
