"""Page of what an experiment's file holds beside its machine."""

from __future__ import annotations

from pnnsim.specs.catalog import fields_of_kind, models_of
from pnnsim.specs.experiment import BLOCKS
from reference.tables import NOTE, first_line, row

_HEAD = """# Experiments and their keys

What stands in an experiment's file beside `hardware`, which names a machine or describes it in
place ([parts and their keys](parts.md)). Every key may be set on the command line, as `--set
training.epochs=80`, and every block may be left out. A default of *derived* means that the value
follows from others. `pnnsim components training` prints the same, and `pnnsim schema experiment`
gives it to editors.
"""


def experiments_page() -> str:
    """Return the page of all blocks and keys."""
    lines = [NOTE, _HEAD]
    for block in BLOCKS:
        lines.append(f"## `{block}`\n")
        for model, kinds in _by_model(block).items():
            named = ", ".join(f"`kind: {kind}`" for kind in kinds if kind)
            title = f"### {named}\n\n" if named else ""
            lines.append(f"{title}{first_line(model)}\n")
            lines += ["| key | value | bounds | default | meaning |", "|---|---|---|---|---|"]
            fields = fields_of_kind(f"{block}.{kinds[0]}".removesuffix("."))
            lines += [row((f"`{key}`", *rest)) for key, *rest in fields]
            lines.append("")
    return "\n".join(lines)


def _by_model(block: str) -> dict[type, list[str]]:
    """Return the kinds of a block by what describes them."""
    found: dict[type, list[str]] = {}
    for kind, model in models_of(block).items():
        found.setdefault(model, []).append(kind)
    return found
