"""Mutations of descriptions as data: what a person, a script or a bad copy makes of one.

A mutation says of its result whether it must be refused, or what a value must then be. Units and
bounds are written down here a second time, so that a mistake of the reader is not repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from pnnsim.common.forms import Form, forms_of
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.networks.kinds import KINDS, network_class
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.experiment import BLOCKS
from tests.specs.hostile_texts import HOSTILE, NEVER_A_NUMBER, UNITS, wrong_units

#: Keys of a description, of which a part leads to a value.
Path = tuple[str | int, ...]

#: Levels of a description at which something is changed.
_LEVELS = 50


@dataclass
class Mutated:
    """Description with something changed.

    Args:
        tree: Sections, lists and texts, as YAML gives them.
        refused: Why the description must be refused; empty where it may be accepted.
        value: Section, field and value [SI] that an accepted description must have, if known.
        done: Names of what was changed.
    """

    tree: dict[str, Any]
    refused: str = ""
    value: tuple[str, str, float] | None = None
    done: list[str] = field(default_factory=list)

    def at(self, path: Path) -> Any:
        found: Any = self.tree
        for part in path:
            found = found[part]
        return found

    def put(self, path: Path, value: Any) -> None:
        """Replace what stands at a path; nothing of the original is written to."""
        self.tree = _replaced(self.tree, path, value)
        # An earlier mutation may be undone by a later one: then nothing is certain any more.
        self.refused, self.value = "", None

    def drop(self, path: Path) -> None:
        holder = self.at(path[:-1])
        if isinstance(holder, dict):
            left: Any = {key: item for key, item in holder.items() if key != path[-1]}
        else:
            left = [item for index, item in enumerate(holder) if index != path[-1]]
        self.put(path[:-1], left)


def _replaced(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    changed: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    inner = tree.get(path[0]) if isinstance(tree, dict) else tree[path[0]]
    changed[path[0]] = _replaced(inner, path[1:], value)
    return changed


def paths(tree: Any, path: Path = ()) -> list[Path]:
    """Return every path of a tree but its root, of what is nested without end the first levels."""
    items: Any = ()
    if len(path) == _LEVELS:
        return []
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    found = []
    for key, item in items:
        found.append((*path, key))
        found += paths(item, (*path, key))
    return found


def fields(tree: dict[str, Any]) -> list[tuple[Path, tuple[Form, ...]]]:
    """Return the path of each value of a machine or experiment, and how it may be written."""
    found: list[tuple[Path, tuple[Form, ...]]] = []
    machine = tree.get("hardware", tree)
    prefix: Path = ("hardware",) if "hardware" in tree else ()
    sections = (
        [((*prefix, name), part) for name, part in machine.items()]
        if isinstance(machine, dict)
        else []
    )
    sections += [((name,), tree[name]) for name in BLOCKS if name in tree]
    for path, part in sections:
        model = _model(str(path[-1]), part)
        if model is not None:
            known = [key for key in part if key in model.model_fields and key != "kind"]
            found += [((*path, key), forms_of(model, key)) for key in known]
    return found


def _model(name: str, part: Any) -> type[BaseModel] | None:
    if not isinstance(part, dict):
        return None
    if name == "network":
        kind = str(part.get("kind", "relaxnet"))
        return network_class(kind) if kind in KINDS else None
    if name in BLOCKS:
        return BLOCKS[name]
    plain = {"control": ControlParams, "environment": EnvironmentParams}
    if name in plain:
        return plain[name]
    try:
        return params_class(name, part["kind"]) if name in parts() else None
    except (KeyError, TypeError, ValueError):
        return None


# --- mutations of any place


def lose(case: Mutated, draw: random.Random) -> None:
    case.drop(draw.choice(paths(case.tree)))


def hostile(case: Mutated, draw: random.Random) -> None:
    """Put a text, a number, a list or a section where something else stood."""
    case.put(draw.choice(paths(case.tree)), draw.choice(HOSTILE)(draw))


def swap(case: Mutated, draw: random.Random) -> None:
    """Exchange two values of the description."""
    every = paths(case.tree)
    one, other = draw.choice(every), draw.choice(every)
    if one[: len(other)] == other or other[: len(one)] == one:
        return
    first, second = case.at(one), case.at(other)
    case.put(one, second)
    case.put(other, first)


def misspell(case: Mutated, draw: random.Random) -> None:
    """Spell a key wrong: what nobody reads must be refused."""
    path = draw.choice([path for path in paths(case.tree) if isinstance(path[-1], str)])
    key = str(path[-1])
    at = draw.randrange(len(key))
    wrong = draw.choice(
        (key[:at] + key[at] * 2 + key[at + 1 :], key[:at] + key[at + 1 :], key.upper(), f"{key}s",
         f" {key}", key + "\x1b[31m", key.replace("_", "-"), key.swapcase(), f"{key}\u200b", "")
    )  # fmt: skip
    holder = case.at(path[:-1])
    if wrong in holder:
        return
    # A place of a study or a new key beside a value is looked up elsewhere.
    case.put(path[:-1], {wrong if name == key else name: item for name, item in holder.items()})
    case.refused = f"the key {'.'.join(map(str, path))} is spelt {wrong!a}"


def nest(case: Mutated, draw: random.Random) -> None:
    path = draw.choice(paths(case.tree))
    value = case.at(path)
    for _ in range(draw.choice((1, 2, 40, 900))):
        value = draw.choice(([value], {"value": value}, {"a": value}))
    case.put(path, value)


def other_kind(case: Mutated, draw: random.Random) -> None:
    """Name another kind, known or not."""
    found = [path for path in paths(case.tree) if path[-1] == "kind"]
    if not found:
        return
    path = draw.choice(found)
    family = str(path[-2]) if len(path) > 1 else ""
    names = kinds(family) if family in parts() else ()
    case.put(
        path, draw.choice([*names, "mlp", "onnx", "lrunet", "nothing", "", "../x", "relaxnet"])
    )


# --- mutations of a value whose field is known


def _some_field(case: Mutated, draw: random.Random) -> tuple[Path, Form] | None:
    """Return the path of the text of a numeric value, and how it is written."""
    known = [
        (path, forms[0])
        for path, forms in fields(case.tree)
        if len(forms) == 1 and (forms[0].dimension is not None or forms[0].type in (int, float))
    ]
    if not known:
        return None
    path, form = draw.choice(known)
    value = case.at(path)
    if isinstance(value, dict):
        if "law" in value or "value" not in value:
            return None
        path = (*path, "value")
    return path, form


def no_number(case: Mutated, draw: random.Random) -> None:
    found = _some_field(case, draw)
    if found is not None:
        case.put(found[0], text := draw.choice(NEVER_A_NUMBER)(draw))
        case.refused = f"{'.'.join(map(str, found[0]))} is {text!a:.100}"


def wrong_unit(case: Mutated, draw: random.Random) -> None:
    """Give a value the unit of another dimension, or none."""
    found = _some_field(case, draw)
    if found is None or found[1].dimension is None:
        return
    unit = draw.choice(wrong_units(found[1].dimension))
    case.put(found[0], f"{draw.choice(('1', '2.5', '-3', '1e-3'))} {unit}".strip())
    case.refused = f"{'.'.join(map(str, found[0]))} has the unit {unit!a}"


def other_number(case: Mutated, draw: random.Random) -> None:
    """Write another number in some unit; an accepted one must be that number."""
    found = _some_field(case, draw)
    if found is None:
        return
    path, form = found
    digits = draw.choice(("0", "1", "7", "0.5", "-1", "3e2", "1e-3", "12.5", "1e9", "-0", "1e300"))
    number = float(digits)
    text = digits
    if form.dimension is not None:
        units = UNITS.get(form.dimension)
        if units is None:
            return
        unit = draw.choice(list(units))
        number *= units[unit]
        text = f"{digits}{draw.choice((' ', '', '  '))}{unit}"
    case.put(path, text)
    section, name = path[-3:-1] if path[-1] == "value" else path[-2:]
    bad = [
        limit
        for limit, wrong in (
            ("gt", number <= form.bounds.get("gt", -float("inf"))),
            ("ge", number < form.bounds.get("ge", -float("inf"))),
            ("lt", number >= form.bounds.get("lt", float("inf"))),
            ("le", number > form.bounds.get("le", float("inf"))),
        )
        if limit in form.bounds and wrong
    ]
    if bad or (form.type is int and number != int(number)):
        near = any(
            abs(number - bound) <= 1e-9 * abs(bound) for bound in form.bounds.values() if bound
        )
        case.refused = "" if near else f"{section}.{name} is {text}, beyond {form.bounds}"
    case.value = (str(section), str(name), number)


def beside(case: Mutated, draw: random.Random) -> None:
    """Write something wrong or strange beside a value: its range, group, drawn, source."""
    found = _some_field(case, draw)
    if found is None:
        return
    path = found[0][:-1] if found[0][-1] == "value" else found[0]
    value = case.at(path)
    about = dict(value) if isinstance(value, dict) else {"value": value}
    text = about.get("value")
    bad = True
    match draw.randrange(12):
        case 0:
            about["range"] = [text]
        case 1:
            about["range"] = [text, text, text]
        case 2:
            about["range"] = text
        case 3:
            about["range"] = [[text], [text]]
        case 4:
            about["range"] = [text, draw.choice(NEVER_A_NUMBER)(draw)]
        case 5:
            about["group"] = draw.choice(("a b", "", "ä", "x" * 65, ["a"], {"a": "b"}))
        case 6:
            about["drawn"] = draw.choice(("maybe", "1", "True", "", ["false"], None))
        case 7:
            about.pop("range", None)
            about["drawn"] = "false"
        case 8:
            about.pop("range", None)
            about["group"] = "heaters"
        case 9:
            about["source"] = draw.choice(("", "  ", ["a"], {"a": "b"}))
        case 10:
            about["vlaue"] = text
        case 11:
            bad = False
            about["range"] = [text, text]
            about["group"] = "a"
            about["drawn"] = "true"
    case.put(path, about)
    if bad:
        case.refused = f"{'.'.join(map(str, path))} is {about!a:.300}"


def law(case: Mutated, draw: random.Random) -> None:
    """Let a law give a value, mostly one that the field has not, or change what it is given."""
    places = [path[:-1] for path in paths(case.tree) if path[-1] == "law"]
    if places and draw.random() < 0.7:
        path = draw.choice(places)
        about = dict(case.at(path))
        key = draw.choice([*about, "node", "value", "range", "group", "nothing"])
        if draw.random() < 0.3:
            about.pop(key, None)
        else:
            about[key] = draw.choice(
                ("28 nm", "0 nm", "-1 nm", "1e-300 m", "1e30 m", "dac", "adc", "sram", "link",
                 "cooler", "1 pJ", "nan", "", None, ["28 nm"], {"a": "b"}, ["1 pJ", "2 pJ"],
                 "310 K", "aligned")
            )  # fmt: skip
        case.put(path, about)
        return
    found = _some_field(case, draw)
    if found is not None:
        path = found[0][:-1] if found[0][-1] == "value" else found[0]
        name = draw.choice(("dac", "adc", "sram", "tia_power", "cooler", "no such", "", ["dac"]))
        case.put(path, {"law": name, "node": draw.choice(("28 nm", "7 nm", "1 um", "-1 nm"))})


MUTATIONS: tuple[Callable[[Mutated, random.Random], None], ...] = (
    lose, hostile, swap, misspell, nest, other_kind, no_number, wrong_unit, other_number,
    beside, law,
)  # fmt: skip
