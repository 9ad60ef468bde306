"""Turn the description of a machine into validated, frozen data.

`load_spec` reads a shipped machine by name, a file by path, or Python data, and raises one
`SpecError` with every problem of it, each with file, line and column. Nothing here imports torch
and nothing computes: a description says what a machine is, a chip is built from it elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from pnnsim.common.description import Description
from pnnsim.common.hints import did_you_mean
from pnnsim.common.units import show
from pnnsim.devices.family_params import (
    DetectorParams,
    EncoderParams,
    FrontEndParams,
    MemoryParams,
    NonlinearityParams,
    ReadoutParams,
    SwitchParams,
    WeightBankParams,
)
from pnnsim.devices.laws import LawUse
from pnnsim.devices.quantities import Params
from pnnsim.devices.registry import kinds, params_class, parts
from pnnsim.specs.compatibility import check_fit
from pnnsim.specs.control import ControlParams, EnvironmentParams
from pnnsim.specs.document import Document, KeyPath, dotted, leaves, raise_problems
from pnnsim.specs.laws import Uses, law_warnings, read_laws, settle_laws
from pnnsim.specs.parts_table import parts_table
from pnnsim.specs.plain_data import Notes, digest, section_tree
from pnnsim.specs.ranges import check_ranges, check_values_in_ranges, outside_ranges
from pnnsim.specs.resolve import available_specs, open_document, override
from pnnsim.specs.tables import fill_from_tables
from pnnsim.specs.validation import check_section, section_at

__all__ = ["HardwareSpec", "available_specs", "load_spec"]

SCHEMA_VERSION = 1
DEFAULT_SOURCE = "default of pnnsim"

Technology = Literal["photonic", "spintronic", "freespace", "electronic", "hybrid"]


def _name(text: str) -> str:
    """Refuse what a file system could read otherwise: the name is a part of folder names."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        why = f"{show(text)} is not a name; expected letters, digits, '-' and '_', at most 64"
        raise PydanticCustomError("name", "{why}", {"why": why})
    return text


def _sentence(text: str) -> str:
    if not (text.strip() and text.isprintable() and len(text) <= 500):
        why = f"{show(text)} is not a sentence; expected one line of at most 500 characters"
        raise PydanticCustomError("sentence", "{why}", {"why": why})
    return text


class Header(Description):
    """Head of a description: which machine it is of."""

    name: Annotated[str, AfterValidator(_name)]
    """Name of the machine: letters, digits, `-` and `_`."""
    summary: Annotated[str, AfterValidator(_sentence)]
    """One sentence about the machine."""
    technology: Technology
    """What carries the signals."""


@dataclass(frozen=True, slots=True)
class HardwareSpec:
    """Description of one machine, validated.

    Args:
        name: Name of the machine.
        summary: One sentence about it.
        technology: What carries the signals.
        front_end: Digital engine of the input and output maps.
        encoder: What puts the state onto lines.
        switch: What selects the weight bank.
        weight_banks: What holds the weights.
        detector: What turns a bank's output into an electrical signal.
        nonlinearity: What applies f.
        memory: What holds the state between steps.
        readout: What hands the result to the host.
        environment: The package.
        control: The order of work.
        sources: Literature or reason of each value, by dotted path.
        ranges: Published or plausible span of a value as typed, by dotted path.
        groups: Name that ties the span of a value to others, by dotted path.
        chosen: Values whose span nothing is drawn from, by dotted path.
        laws: Law that gives a value, by dotted path.
        outside: A sentence for each value outside its span, or contradicting its law.
    """

    name: str
    summary: str
    technology: Technology
    front_end: FrontEndParams
    encoder: EncoderParams
    switch: SwitchParams
    weight_banks: WeightBankParams
    detector: DetectorParams
    nonlinearity: NonlinearityParams
    memory: MemoryParams
    readout: ReadoutParams
    environment: EnvironmentParams
    control: ControlParams
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    groups: Mapping[str, str] = field(default_factory=dict, hash=False)
    chosen: Mapping[str, bool] = field(default_factory=dict, hash=False)
    laws: Mapping[str, LawUse] = field(default_factory=dict, hash=False)
    outside: tuple[str, ...] = field(default=(), compare=False)

    def sections(self) -> dict[str, Params]:
        """Return every part, then environment and control, by name."""
        return {
            "front_end": self.front_end,
            "encoder": self.encoder,
            "switch": self.switch,
            "weight_banks": self.weight_banks,
            "detector": self.detector,
            "nonlinearity": self.nonlinearity,
            "memory": self.memory,
            "readout": self.readout,
            "environment": self.environment,
            "control": self.control,
        }

    def warnings(self) -> list[str]:
        """Return a sentence for each value outside its published span, or contradicting its law."""
        return list(self.outside)

    def __repr__(self) -> str:
        """Return name, technology and hash: the values themselves are in `to_tree`."""
        return f"HardwareSpec({self.name}, {self.technology}, {self.sha256()[:12]})"

    def _repr_html_(self) -> str:
        """Return the parts of the machine and their kinds, as a notebook shows them."""
        return parts_table(f"{self.name}: {self.summary}", self.values())

    def values(self) -> dict[str, Any]:
        """Return the validated values as plain data, without name, summary and sources."""
        sections = {name: part.model_dump(mode="json") for name, part in self.sections().items()}
        return {"schema": SCHEMA_VERSION, "technology": self.technology, **sections}

    def sha256(self) -> str:
        """Return the hash of `values`: it changes when the machine does, not its comments."""
        return digest(self.values())

    def unsourced(self) -> list[str]:
        """Return the paths of values, kinds left out, that have no source."""
        return [
            f"{section}.{key}"
            for section, part in self.sections().items()
            for key, value in part.model_dump().items()
            if key != "kind" and value is not None and f"{section}.{key}" not in self.sources
        ]

    def to_tree(self) -> dict[str, Any]:
        """Return the description as a tree that `load_spec` reads back to an equal spec."""
        head = {"name": self.name, "summary": self.summary, "technology": self.technology}
        notes = Notes(self.sources, self.ranges, self.groups, self.chosen, self.laws)
        body = {name: section_tree(part, name, notes) for name, part in self.sections().items()}
        return {"schema": SCHEMA_VERSION, **head, **body}


def load_spec(
    source: str | Path | Mapping[str, Any], overrides: Sequence[tuple[str, str]] = ()
) -> HardwareSpec:
    """Return the machine that a name, a path or Python data describes.

    Args:
        source: Name of a shipped machine (no slash, no suffix), path of a YAML file, or a mapping
            with the same keys as such a file.
        overrides: Pairs of dotted key and text, such as `("weight_banks.count", "8")`; they are
            checked like the file itself.

    Raises:
        SpecError: With every problem of the description at once.
    """
    document = open_document(source)
    for key, text in overrides:
        override(document, (), key, text)
    spec = build_spec(document, ())
    raise_problems([document])
    assert spec is not None, "a description without problems gives a machine"
    return spec


def build_spec(document: Document, prefix: KeyPath) -> HardwareSpec | None:
    """Return the machine described at `prefix`; None after reporting what is wrong.

    Args:
        document: Description that has been read; problems are added to it.
        prefix: Where in it the machine stands.
    """
    before = len(document.problems)
    tree = section_at(document.tree, prefix)
    if not isinstance(tree, dict):
        document.report(prefix, "is not a description; expected keys such as name and encoder")
        return None
    check_schema(document, prefix, required=not prefix)
    names = (*parts(), "environment", "control")
    header = check_section(document, prefix, Header, others=("schema", *names))
    found: dict[str, Any] = {}
    models: dict[str, type[Params]] = {}
    uses: Uses = {}
    for name in names:
        model = _section_model(document, (*prefix, name))
        if model is not None:
            models[name] = model
            fill_from_tables(document, (*prefix, name))
            found[name] = check_section(document, (*prefix, name), model)
            check_ranges(document, (*prefix, name), model)
            uses.update(read_laws(document, (*prefix, name), model))
    if header is None or any(found.get(name) is None for name in names):
        return None
    if len(document.problems) > before:
        return None
    found, laws = settle_laws(document, prefix, found, uses)
    if len(document.problems) > before:
        return None
    for name in names:
        check_values_in_ranges(document, (*prefix, name), models[name])
    outside = [
        warning
        for name in names
        for warning in outside_ranges(document, (*prefix, name), models[name], prefix)
    ]
    spec = HardwareSpec(
        name=header.name,
        summary=header.summary,
        technology=header.technology,
        **found,
        sources=_sources(document, prefix, found, laws),
        ranges=relative(document.ranges, prefix),
        groups=relative(document.groups, prefix),
        chosen=relative(document.chosen, prefix),
        laws=laws,
        outside=(*outside, *law_warnings(document, prefix, found, laws)),
    )
    check_fit(document, prefix, spec)
    return spec if len(document.problems) == before else None


def check_schema(document: Document, prefix: KeyPath, *, required: bool) -> None:
    """Report a `schema` that this version cannot read.

    Args:
        document: Description that has been read; problems are added to it.
        prefix: Section with the key `schema`.
        required: Whether the key must be there.
    """
    tree = section_at(document.tree, prefix)
    if not isinstance(tree, dict) or ("schema" not in tree and not required):
        return
    at = (*prefix, "schema")
    if "schema" not in tree:
        document.report(at, f"is missing; expected 'schema: {SCHEMA_VERSION}'", key=True)
    elif tree["schema"] != str(SCHEMA_VERSION):
        got = f"got {show(tree['schema'])}" if isinstance(tree["schema"], str) else "has no value"
        document.report(at, f"{got}; expected {SCHEMA_VERSION}, the version that is read here")


def relative(by_path: Mapping[KeyPath, Any], prefix: KeyPath) -> dict[str, Any]:
    """Return what belongs to the paths below a prefix, by dotted path.

    Args:
        by_path: Anything, by path.
        prefix: Section to stay in.
    """
    length = len(prefix)
    return {
        dotted(path[length:]): value
        for path, value in by_path.items()
        if path[:length] == prefix and len(path) > length + 1
    }


def _section_model(document: Document, path: KeyPath) -> type[Params] | None:
    """Return the model of a section; None after reporting why there is none."""
    name = str(path[-1])
    holder = section_at(document.tree, path[:-1])
    present = isinstance(holder, dict) and name in holder
    if not present and name != "control":
        what = "this part is missing; expected a section"
        what += " with the key 'kind'" if name in parts() else ""
        document.report(path, what, key=True)
        return None
    if name == "environment":
        return EnvironmentParams
    if name == "control":
        return ControlParams
    section = section_at(document.tree, path)
    at = (*path, "kind")
    if not isinstance(section, dict):
        if path not in document.refused:
            got = "has no value" if section is None else "is not a section"
            document.report(path, f"{got}; expected keys, 'kind' first")
        return None
    if at in document.refused:
        return None
    kind = section.get("kind")
    model = params_class(name, kind) if isinstance(kind, str) else None
    if model is None:
        known = kinds(name)  # only now, as installed packages are looked through for more kinds
        choice = " or ".join(f"'{kind}'" for kind in known)
        got = f"unknown kind {show(kind)}" if isinstance(kind, str) else "is not a name"
        got = got if "kind" in section else "is missing"
        hint = did_you_mean(kind, known) if isinstance(kind, str) else ""
        document.report(at, f"{got}; expected {choice}", hint, key="kind" not in section)
    return model


def _sources(
    document: Document,
    prefix: KeyPath,
    found: Mapping[str, Params],
    laws: Mapping[str, LawUse],
) -> dict[str, str]:
    """Return the source of each value: as given, of its law, or pnnsim's default."""
    sources: dict[str, str] = relative(document.sources, prefix)
    for path, use in laws.items():
        sources[path] = f"law: {use.law.source}" + (f"; {use.note}" if use.note else "")
    given = {dotted(path[len(prefix) :]) for path, _ in leaves(document.tree)}
    for section, params in found.items():
        for key, value in params.model_dump().items():
            path = f"{section}.{key}"
            if key != "kind" and value is not None and path not in given:
                sources.setdefault(path, DEFAULT_SOURCE)
    for section in found:
        sources.pop(f"{section}.kind", None)
    return sources
