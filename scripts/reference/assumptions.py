"""Page of all assumed values of the shipped machines."""

from __future__ import annotations

from typing import Any

from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs
from reference.tables import NOTE, row

_ASSUMPTIONS_HEAD = """# What the shipped machines assume

Values for which no publication was found that fits the machine, with the reason for each. Every
other value has its source, or its derivation, in the machine's file.
"""


def assumptions_page() -> str:
    """Return the page of all assumed values of the shipped machines."""
    lines = [NOTE, _ASSUMPTIONS_HEAD]
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
            lines.append(row(cells))
        lines.append("")
    return "\n".join(lines)


def _plain(value: Any) -> str:
    inner = value["value"] if isinstance(value, dict) else value
    return str(inner).lower() if isinstance(inner, bool) else str(inner)
