"""Write the pages of the documentation that follow from the code and the shipped machines.

python scripts/make_reference.py            write docs/reference/parts.md, docs/reference/laws.md
                                            and docs/assumptions.md
python scripts/make_reference.py --check    say which are out of date; exit code 1 if any is
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pnnsim.common.units import DIMENSIONS, readable_quantity
from pnnsim.devices.laws import Input, Law, laws_of
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import BUILTIN, component_class, params_class
from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts
from pnnsim.specs.control import EnvironmentParams
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs

DOCS = Path(__file__).parent.parent / "docs"

_NOTE = "<!-- Written by scripts/make_reference.py; edit docstrings and machines instead. -->\n"

_PARTS_HEAD = """# Parts, kinds and their keys

What stands under each part of a machine's description. A kind is chosen by `kind`; a value is text
with a unit. *Unit* is the one in which the library holds a value; any unit of the same dimension
may be written. A default of *derived* means that the value follows from others where it is left
out. `pnnsim components PART.KIND` prints the same.

Beside a field's own bounds, every value has those of its dimension: 0, or a magnitude that is
supported. They lie far beyond any device. Runs have no bound: times are whole femtoseconds, exact
over days and years as over nanoseconds.
"""

_LAWS_HEAD = """# Laws

What may stand in the place of a value as `law:`. *Scatter* is the span, as factors on the law, in
which four of five published parts lie; beyond the *span* of its data a law is extrapolated, with a
warning. Inputs with a place are read from the description; the others are parameters that stand
beside `law:`, as may `factor`, for a part that is better or worse than usual. How laws are used,
and how published points lie around them: [How to price a machine by laws](../how-to/laws.md).
"""

_ASSUMPTIONS_HEAD = """# What the shipped machines assume

Values for which no publication was found that fits the machine, with the reason for each. Every
other value has its source, or its derivation, in the machine's file.
"""


def parts_page() -> str:
    """Return the page of all parts, kinds and keys."""
    lines = [_NOTE, _PARTS_HEAD, "| value | from | to |", "|---|---|---|"]
    for name, dimension in DIMENSIONS.items():
        ends = (readable_quantity(end, name) for end in (dimension.least, dimension.most))
        lines.append(f"| {dimension.name.partition(' ')[2]} | {' | '.join(ends)} |")
    lines.append("")
    last = ""
    for part, kind, _ in kinds_of_parts():
        if part not in BUILTIN or kind in BUILTIN[part]:
            if part != last:
                lines.append(f"## `{part}`\n")
            last = part
            lines.extend(_kind(part, kind))
    return "\n".join(lines)


def _kind(part: str, kind: str) -> list[str]:
    lines = [f"### `{part}: {{kind: {kind}}}`\n"]
    if part in BUILTIN:
        component = component_class(part, kind)
        lines.append(f"{_first_sentence(component.Params)} {_first_sentence(component)}\n")
        known = [
            f"`{name}`" + (" (seen by training)" if name in component.deterministic else "")
            for name in component.non_idealities
        ]
        lines.append(f"Non-idealities: {', '.join(known) if known else 'none'}.\n")
    rows = fields_of_kind(f"{part}.{kind}")
    lines += ["| key | unit | bounds | default | meaning |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(map(_cell, (f"`{row[0]}`", *row[1:]))) + " |" for row in rows]
    return [*lines, ""]


def laws_page() -> str:
    """Return the page of all laws, with the fields that they give."""
    lines = [_NOTE, _LAWS_HEAD]
    for law, places in _laws().values():
        lines += [f"## `{law.name}`\n", f"`{law.formula}`\n"]
        low, high = law.scatter
        lines.append(f"Points: {law.points}. Scatter: {low:g} to {high:g}. Source: {law.source}.\n")
        lines += ["| gives | input | from | default | span of data |", "|---|---|---|---|---|"]
        for place, inputs in places:
            for item in law.inputs:
                where = inputs.get(item.name, "beside `law:`")
                cells = (
                    f"`{place}`", f"`{item.name}`: {item.meaning}",
                    where if isinstance(where, str) else " + ".join(where),
                    "" if item.default is None else _amount(item.default, item), _span(item),
                )  # fmt: skip
                lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        lines.append("")
    return "\n".join(lines)


def _laws() -> dict[str, tuple[Law, list[tuple[str, Mapping[str, Any]]]]]:
    """Return every law with the fields that it gives and where their inputs are."""
    models: dict[str, type[Params]] = {"environment": EnvironmentParams}
    for part, kinds in BUILTIN.items():
        for kind in kinds:
            model = params_class(part, kind)
            assert model is not None, "a kind that is built in has a description"
            models[f"{part}.{kind}"] = model
    found: dict[str, tuple[Law, list[tuple[str, Mapping[str, Any]]]]] = {}
    for owner, model in models.items():
        for key in model.model_fields:
            for name, marker in laws_of(model, key).items():
                places = found.setdefault(name, (marker.law, []))[1]
                places.append((f"{owner}: {key}", marker.inputs))
    return dict(sorted(found.items()))


def _amount(value: float | str, item: Input) -> str:
    if isinstance(value, str) or item.dimension is None:
        return str(value) if isinstance(value, str) else f"{value:g}"
    return readable_quantity(value, item.dimension)


def _span(item: Input) -> str:
    if item.choices:
        return " or ".join(item.choices)
    if not math.isfinite(item.low):
        return ""
    return f"{_amount(item.low, item)} to {_amount(item.high, item)}"


def assumptions_page() -> str:
    """Return the page of all assumed values of the shipped machines."""
    lines = [_NOTE, _ASSUMPTIONS_HEAD]
    for name, summary in available_specs().items():
        spec = load_spec(name)
        tree = spec.to_tree()
        assumed = {path: why for path, why in spec.sources.items() if why.startswith("assumed")}
        total = sum(not path.endswith(".kind") for path in spec.sources)
        lines += [f"## `{name}`\n", f"{summary}. {len(assumed)} of {total} values are assumed.\n"]
        lines += ["| value | assumed | published span | why |", "|---|---|---|---|"]
        for path, why in sorted(assumed.items()):
            part, _, key = path.partition(".")
            span = " to ".join(map(str, spec.ranges.get(path, ())))
            reason = why.removeprefix("assumed").lstrip(": ")
            cells = (f"`{path}`", _plain(tree[part][key]), span, reason)
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        lines.append("")
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Return the content of every generated page."""
    return {
        DOCS / "reference" / "parts.md": parts_page(),
        DOCS / "reference" / "laws.md": laws_page(),
        DOCS / "assumptions.md": assumptions_page(),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them with what is there; return an exit code."""
    stale = [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path}: out of date; run python scripts/make_reference.py\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
    return 0


def _plain(value: Any) -> str:
    inner = value["value"] if isinstance(value, dict) else value
    return str(inner).lower() if isinstance(inner, bool) else str(inner)


def _first_sentence(documented: type) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
