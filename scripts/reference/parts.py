"""Page of all parts, kinds and keys."""

from __future__ import annotations

from pnnsim.common.units import DIMENSIONS, readable_quantity
from pnnsim.devices.builtin_kinds import BUILTIN
from pnnsim.devices.registry import component_class
from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts
from reference.tables import NOTE, first_line, row

_PARTS_HEAD = """# Parts, kinds and their keys

What stands under each part of a machine's description. A kind is chosen by `kind`; a value is text
with a unit. *Unit* is the one in which the library holds a value; any unit of the same dimension
may be written. A default of *derived* means that the value follows from others where it is left
out. `pnnsim components PART.KIND` prints the same.

Beside a field's own bounds, every value has those of its dimension: 0, or a magnitude that is
supported. They lie far beyond any device. Runs have no bound: times are whole femtoseconds, exact
over days and years as over nanoseconds.
"""


def parts_page() -> str:
    """Return the page of all parts, kinds and keys."""
    lines = [NOTE, _PARTS_HEAD, "| value | from | to |", "|---|---|---|"]
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
        lines.append(f"{first_line(component.Params)} {first_line(component)}\n")
        known = [
            f"`{name}`" + (" (seen by training)" if name in component.deterministic else "")
            for name in component.non_idealities
        ]
        lines.append(f"Non-idealities: {', '.join(known) if known else 'none'}.\n")
    rows = fields_of_kind(f"{part}.{kind}")
    lines += ["| key | unit | bounds | default | meaning |", "|---|---|---|---|---|"]
    lines += [row((f"`{key}`", *rest)) for key, *rest in rows]
    return [*lines, ""]
