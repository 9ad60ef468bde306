"""An experiment as it was typed: read once, resolved with other values as often as wanted.

Reading a file takes as long as checking it, so that a study reads its base once. Nothing is
validated here: that is done by `pnnsim.specs.experiment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pnnsim.errors import SpecError
from pnnsim.specs.document import Document, KeyPath
from pnnsim.specs.resolve import open_document, override
from pnnsim.specs.validation import section_at


@dataclass(frozen=True, slots=True)
class Opened:
    """Texts of an experiment and of its machine.

    Args:
        document: Blocks beside the machine; the machine, too, where the file describes it.
        machine: Description of the machine; None where it cannot be read.
        prefix: Section of `machine` in which it stands.
        is_experiment: Whether a file of an experiment was read; of a machine otherwise.
    """

    document: Document
    machine: Document | None
    prefix: KeyPath
    is_experiment: bool

    def copy(self) -> Opened:
        """Return the same texts, to be changed without a trace in these."""
        document = self.document.copy()
        if self.machine is self.document:
            return Opened(document, document, self.prefix, self.is_experiment)
        machine = None if self.machine is None else self.machine.copy()
        return Opened(document, machine, self.prefix, self.is_experiment)


def open_experiment(source: str | Path | Mapping[str, Any]) -> Opened:
    """Return the texts of an experiment, or of a machine as an experiment of defaults.

    Args:
        source: Name or file of a machine, an experiment file (it has the key `hardware`), or a
            mapping like either.

    Raises:
        SpecError: If there is no such machine or file, or it is not YAML.
    """
    folder = Path() if isinstance(source, Mapping) else None
    return opened(open_document(source), folder)


def opened(document: Document, folder: Path | None = None) -> Opened:
    """Return an experiment whose own texts have been read.

    Args:
        document: Texts of a machine or of an experiment.
        folder: Folder from which the path of a machine counts; that of the file where not given.
    """
    tree = document.tree
    if not (isinstance(tree, dict) and "hardware" in tree):
        return Opened(Document(document.file, tree={}), document, (), is_experiment=False)
    machine, prefix = _open_machine(document, folder)
    _set_values(document, machine, prefix)
    return Opened(document, machine, prefix, is_experiment=True)


def _set_values(document: Document, machine: Document | None, prefix: KeyPath) -> None:
    """Set the values of the machine that an experiment changes, by dotted keys under `set`."""
    assert isinstance(document.tree, dict), "it has the key of the machine"
    given = document.tree.pop("set", None)
    if given is None:
        return
    if not isinstance(given, dict):
        what = "is not a mapping; expected keys of the machine, such as weight_banks.count: 8"
        document.report(("set",), what)
        return
    for key, value in given.items():
        text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else value
        if not isinstance(text, str):
            document.report(("set", key), "is not a value; expected one, or a list")
        elif machine is not None:
            override(machine, prefix, key, text, f"set {key}: {text}")


def _open_machine(document: Document, folder: Path | None) -> tuple[Document | None, KeyPath]:
    """Return the document that describes the machine, and where in it."""
    hardware = section_at(document.tree, ("hardware",))
    if isinstance(hardware, dict):
        return document, ("hardware",)
    if not isinstance(hardware, str):
        what = "is not a machine; expected its name, a path, or the description itself"
        document.report(("hardware",), what)
        return None, ()
    path: str | Path = hardware
    if "/" in hardware or "\\" in hardware or Path(hardware).suffix:
        path = (Path(document.file).parent if folder is None else folder) / hardware
    try:
        return open_document(path), ()
    except SpecError as error:
        for problem in error.problems:
            if problem.line:
                document.problems.append(problem)
            else:
                what = f"{problem.file}: {problem.what}" if problem.file else problem.what
                document.report(("hardware",), what, problem.hint)
        return None, ()
