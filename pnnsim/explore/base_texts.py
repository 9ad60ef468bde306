"""The base of a study as it was typed: found by name or path, or written out in the study itself.

A study keeps its base whole, so that it can be resolved on another computer and after the file has
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pnnsim.common.forms import Form, forms_of
from pnnsim.devices.registry import params_class, parts
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.document import Document, KeyPath, Tree
from pnnsim.specs.experiment import BLOCKS
from pnnsim.specs.opened import Opened, opened
from pnnsim.specs.resolve import open_document
from pnnsim.specs.validation import section_at


def base_from_tree(study: Document, tree: Tree, folder: Path) -> Opened:
    """Return the base of a study.

    Args:
        study: Study that has been read.
        tree: What stands under its key `base`.
        folder: Folder from which paths count.

    Raises:
        SpecError: If there is no such machine or file, or it is not YAML.
    """
    if isinstance(tree, dict):
        return opened(_section(study, "base"), folder)
    source: str | Path = str(tree)
    if "/" in str(tree) or "\\" in str(tree) or Path(str(tree)).suffix:
        source = folder / str(tree)
    return opened(open_document(source))


def base_tree(base: Opened) -> dict[str, Any]:
    """Return a base as plain data that reads back as the same texts."""
    assert base.machine is not None, "the base of a study has been resolved"
    if base.machine is base.document:
        whole: dict[str, Any] = _wrapped(base.document, base.document.tree, ())
        return whole
    machine: dict[str, Any] = _wrapped(base.machine, base.machine.tree, ())
    if not base.is_experiment:
        return machine
    return {**_wrapped(base.document, base.document.tree, ()), "hardware": machine}


def form_of(
    base: Opened, fixed: Sequence[tuple[str, str]], key: str, kinds: Mapping[str, Sequence[str]]
) -> tuple[Form, ...]:
    """Return the ways in which the value of a key may be written; none for an unknown key.

    Args:
        base: Base of the study.
        fixed: Values that every trial sets.
        key: Dotted key.
        kinds: Kinds among which a study varies, by keys such as `switch.kind`.
    """
    section, _, name = key.partition(".")
    models: list[type[BaseModel] | None] = []
    if section in BLOCKS:
        models = [BLOCKS[section]]
    elif section == "control":
        models = [ControlParams]
    elif section == "environment":
        models = [EnvironmentParams]
    elif section in parts() and base.machine is not None:
        at = f"{section}.kind"
        own = section_at(base.machine.tree, (*base.prefix, section, "kind"))
        names = kinds.get(at) or [dict(fixed).get(at, str(own))]
        models = [params_class(section, kind) for kind in names]
    found = [model for model in models if model is not None and name in model.model_fields]
    return forms_of(found[0], name) if found else ()


def _section(document: Document, key: str) -> Document:
    """Return a section of a description as a description of its own."""
    assert isinstance(document.tree, dict), "it has such a section"

    def below(found: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
        return {path[1:]: value for path, value in found.items() if path[:1] == (key,)}

    return Document(
        document.file,
        tree=document.tree[key],
        keys=below(document.keys),
        values=below(document.values),
        sources=below(document.sources),
        ranges=below(document.ranges),
        groups=below(document.groups),
        chosen=below(document.chosen),
        laws=below(document.laws),
    )


def _wrapped(document: Document, tree: Tree, path: KeyPath) -> Any:
    """Return a tree with each value beside its source and range, as they were typed."""
    if isinstance(tree, dict):
        return {key: _wrapped(document, item, (*path, key)) for key, item in tree.items()}
    source, span = document.sources.get(path), document.ranges.get(path)
    about: dict[str, Any] = {"value": tree}
    if path in document.laws:
        about = {**document.laws[path]}
    elif source is None and span is None:
        return tree
    if span is not None:
        about["range"] = list(span)
    if path in document.groups:
        about["group"] = document.groups[path]
    if path in document.chosen:
        about["drawn"] = False
    if source is not None:
        about["source"] = source
    return about
