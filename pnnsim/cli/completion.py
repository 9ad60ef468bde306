"""What the shell offers where a machine, a key or a kind is typed."""

from __future__ import annotations


def machines(incomplete: str) -> list[tuple[str, str]]:
    """Return shipped machines whose names begin so, each with its summary."""
    from pnnsim.specs.resolve import available_specs

    return [item for item in available_specs().items() if item[0].startswith(incomplete)]


def settings(incomplete: str) -> list[tuple[str, str]]:
    """Return the keys of machines and experiments that begin so, as `KEY=`, with meanings."""
    from pnnsim.specs.catalog import fields_of_kind, kinds_of_blocks, kinds_of_parts

    found: dict[str, str] = {}
    for section, kind, _ in (*kinds_of_parts(), *kinds_of_blocks()):
        for key, *_, meaning in fields_of_kind(f"{section}.{kind}".removesuffix(".")):
            found.setdefault(f"{section}.{key}=", meaning)
    return [item for item in found.items() if item[0].startswith(incomplete)]


def kinds(incomplete: str) -> list[tuple[str, str]]:
    """Return the parts, and the kinds of parts and blocks, that begin so, each with its summary."""
    from pnnsim.specs.catalog import kinds_of_blocks, kinds_of_parts

    found: dict[str, str] = {}
    for section, kind, summary in (*kinds_of_parts(), *kinds_of_blocks()):
        found.setdefault(section, f"All kinds of {section}." if kind else summary)
        if kind:
            found[f"{section}.{kind}"] = summary
    return [item for item in found.items() if item[0].startswith(incomplete)]
