"""Read the description of a study, and report all that is wrong with it at once.

    schema: 1
    base: photonic_mrr                       # a machine, an experiment, or the description itself
    set: {network.steps: 24}                 # the same in every trial
    vary: {weight_banks.count: [2, 3, 4], switch.rise_time: {log: ["0.1 ns", "10 us"], n: 9}}
    latin_hypercube: 50                      # points over the spans that have no n
    replicas: 3                              # each with seeds of its own
    objectives: [{maximize: accuracy.hardware_mean}, {minimize: energy_j.per_inference}]
    constraints: ["latency_s.first <= 1 us"]
    require: "accuracy >= 0.9"               # what a chip must meet to count for `yield`
    figures: [power_w]                       # further columns
    trials: 200                              # search only, like what follows
    search: {sampler: tpe, generation: 16, keep: 0.5, epochs: [5]}

Nothing runs here, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from pnnsim.common.units import show
from pnnsim.errors import SpecError
from pnnsim.explore.axes import Span
from pnnsim.explore.base_texts import base_from_tree, base_tree
from pnnsim.explore.figures import YIELD, dimensions, needs_training
from pnnsim.explore.requirements import (
    Requirement,
    RequirementError,
    parse_requirement,
    unknown_figure,
)
from pnnsim.explore.study_spec import Objective, Pairs, SearchSettings, StudySpec
from pnnsim.explore.vary import check_fixed, read_vary
from pnnsim.specs.document import Document, KeyPath, Tree, raise_problems
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import check_schema
from pnnsim.specs.opened import Opened
from pnnsim.specs.resolve import open_document
from pnnsim.specs.validation import unknown_keys

KEYS = (
    "schema", "base", "set", "vary", "latin_hypercube", "replicas", "seed", "objectives",
    "constraints", "require", "figures", "trials", "search", "storage",
)  # fmt: skip
MOST_REPLICAS = 100_000
MOST_TRIALS = 1_000_000

#: How a search may propose trials.
SAMPLERS = ("tpe", "nsga2")

_SEARCH = ("sampler", "generation", "keep", "epochs")

#: Samples of a trial in which nothing is trained, where no number is given.
TIMING_SAMPLES = "100"

#: Dimensions that the figures of a single chip have beside those of the run.
_CHIP = {"accuracy": "fraction", "loss_nats": ""}


def load_study(source: str | Path | Mapping[str, Any]) -> StudySpec:
    """Return the study that a file or Python data describes.

    Args:
        source: Path of a file, or a mapping with the same keys.

    Raises:
        SpecError: With every problem at once.
    """
    document = open_document(source if isinstance(source, Mapping) else Path(source))
    if not isinstance(document.tree, dict):
        document.report((), "is not a study; expected keys such as base and vary")
        raise_problems([document])
    folder = Path() if isinstance(source, Mapping) else Path(document.file).parent
    return _Reader(document, folder).study()


class _Reader:
    """Study that is being read; problems are added to its document."""

    def __init__(self, document: Document, folder: Path) -> None:
        assert isinstance(document.tree, dict), "checked by load_study"
        self.document = document
        self.tree: dict[str, Tree] = document.tree
        self.folder = folder
        self.known = dimensions()

    def study(self) -> StudySpec:
        """Return the study.

        Raises:
            SpecError: With every problem at once.
        """
        check_schema(self.document, (), required=True)
        unknown_keys(self.document, (), KEYS)
        base = self._base()
        seed = self._whole(("seed",), 0, least=0)
        fixed = self._fixed()
        if base is not None:
            check_fixed(self.document, base, fixed)
        axes = read_vary(self.document, base, fixed, seed)
        spans = [axis for axis in axes if isinstance(axis, Span)]
        points = self._whole(("latin_hypercube",), 0, least=1) or None
        if points is not None and not spans:
            what = "is given, but 'vary' has no span; expected one such as {log: [1, 10]}"
            self.document.report(("latin_hypercube",), what)
        objectives = self._objectives()
        constraints = self._requirements("constraints", self.known)
        require = self._require()
        if require is None and any(YIELD in item.keys for item in constraints):
            self._needs_require()
        if require is None and any(item.key == YIELD for item in objectives):
            self._needs_require()
        figures = self._figures()
        search = self._search()
        replicas = self._whole(("replicas",), 1, least=1, most=MOST_REPLICAS)
        if replicas > 1 and search is not None:
            what = "is given beside 'trials'; expected one of them"
            self.document.report(("replicas",), what, "simulation.chips gives a search its chips")
        storage = self.tree.get("storage", "")
        if not isinstance(storage, str):
            self.document.report(("storage",), "is not text; expected such as postgresql://host/db")
            storage = ""
        raise_problems([self.document])
        assert base is not None, "a study without problems has a base"
        found = StudySpec(
            name=load_experiment(base).hardware.name,
            base=base,
            tree={},
            fixed=fixed,
            axes=axes,
            latin_hypercube=points,
            replicas=replicas,
            seed=seed,
            objectives=objectives,
            constraints=constraints,
            require=require,
            figures=figures,
            search=search,
            storage=storage,
        )
        return self._completed(found)

    def _completed(self, found: StudySpec) -> StudySpec:
        """Return the study with its samples stated and its own description beside it."""
        fixed = found.fixed
        keys = {key for key, _ in fixed} | {axis.key for axis in found.axes}
        stated = load_experiment(found.base).simulation.samples is not None
        if not (found.trains or stated or "simulation.samples" in keys):
            fixed = (*fixed, ("simulation.samples", TIMING_SAMPLES))
        tree = {
            "schema": 1,
            "base": base_tree(found.base),
            **{key: self.tree[key] for key in KEYS if key in self.tree and key not in _OWN},
        }
        if fixed:
            tree["set"] = dict(fixed)
        return replace(found, fixed=fixed, tree=tree)

    def _base(self) -> Opened | None:
        """Return the base, which must be an experiment as it is."""
        if self.tree.get("base") is None:
            what = "is missing; expected a machine or an experiment, by its name or path"
            self.document.report(("base",), what, key=True)
            return None
        try:
            base = base_from_tree(self.document, self.tree["base"], self.folder)
            load_experiment(base)
        except SpecError as error:
            for problem in error.problems:
                if problem.line:
                    self.document.problems.append(problem)
                else:
                    where = f"{problem.where}: " if problem.where else ""
                    self.document.report(("base",), f"{where}{problem.what}", problem.hint)
            return None
        return base

    def _fixed(self) -> Pairs:
        section = self.tree.get("set")
        if section is None:
            return ()
        if not isinstance(section, dict):
            self.document.report(("set",), "is not a section; expected keys with their values")
            return ()
        pairs = []
        for key, value in section.items():
            if isinstance(value, list):
                value = f"[{', '.join(map(str, value))}]"
            if not isinstance(value, str):
                self.document.report(("set", key), "is not a value; expected text or a number")
                continue
            pairs.append((key, value))
        return tuple(pairs)

    def _objectives(self) -> tuple[Objective, ...]:
        found: list[Objective] = []
        for index, entry in enumerate(self._list("objectives")):
            path: KeyPath = ("objectives", index)
            if not isinstance(entry, dict) or len(entry) != 1:
                self.document.report(path, "expected such as {minimize: latency_s.first}")
                continue
            ((way, key),) = entry.items()
            if way not in ("minimize", "maximize"):
                what = f"unknown key {show(way)}; expected minimize or maximize"
                self.document.report((*path, way), what, key=True)
            elif not isinstance(key, str) or key not in self.known:
                self.document.report((*path, way), unknown_figure(str(key), self.known))
            elif key in [objective.key for objective in found]:
                self.document.report((*path, way), f"{key} is repeated; expected it once")
            else:
                found.append(Objective(key, way == "maximize"))
        return tuple(found)

    def _requirements(self, name: str, known: Mapping[str, str]) -> tuple[Requirement, ...]:
        found = []
        for index, entry in enumerate(self._list(name)):
            requirement = self._requirement((name, index), entry, known)
            if requirement is not None:
                found.append(requirement)
        return tuple(found)

    def _requirement(
        self, path: KeyPath, entry: Tree, known: Mapping[str, str]
    ) -> Requirement | None:
        try:
            if not isinstance(entry, str):
                raise RequirementError("is not text; expected such as 'latency_s.first <= 1 us'")
            return parse_requirement(entry, known)
        except RequirementError as error:
            self.document.report(path, str(error))
            return None

    def _require(self) -> Requirement | None:
        if self.tree.get("require") is None:
            return None
        return self._requirement(("require",), self.tree["require"], chip_dimensions())

    def _needs_require(self) -> None:
        what = "'yield' is asked for, but 'require' is missing; expected what a chip must meet"
        self.document.report(("require",), what, 'require: "accuracy >= 0.9"', key=True)

    def _figures(self) -> tuple[str, ...]:
        found = []
        for index, key in enumerate(self._list("figures")):
            if isinstance(key, str) and key in self.known:
                found.append(key)
            else:
                self.document.report(("figures", index), unknown_figure(str(key), self.known))
        return tuple(found)

    def _search(self) -> SearchSettings | None:
        section = self.tree.get("search")
        if section is not None and not isinstance(section, dict):
            self.document.report(("search",), "is not a section; expected keys such as sampler")
            return None
        tree = section or {}
        unknown_keys(self.document, ("search",), _SEARCH)
        sampler = tree.get("sampler", "tpe")
        if sampler not in SAMPLERS:
            what = f"got {show(str(sampler))}; expected {' or '.join(SAMPLERS)}"
            self.document.report(("search", "sampler"), what)
        generation = self._whole(("search", "generation"), 16, least=1, most=10_000)
        epochs = []
        entry = tree.get("epochs", [])
        for text in entry if isinstance(entry, list) else [entry]:
            if not (isinstance(text, str) and text.isascii() and text.isdigit() and int(text[:9])):
                what = "expected a list of whole numbers, each above the one before it"
                self.document.report(("search", "epochs"), what)
                return None
            epochs.append(int(text[:9]))
        if any(later <= sooner for sooner, later in pairwise(epochs)):
            self.document.report(("search", "epochs"), "expected numbers that ascend")
        keep = self._share(("search", "keep"), tree.get("keep"))
        if "trials" not in self.tree:
            return None
        trials = self._whole(("trials",), 1, least=1, most=MOST_TRIALS)
        name: Any = sampler
        return SearchSettings(trials, name, generation, keep, tuple(epochs))

    def _share(self, path: KeyPath, text: Tree) -> float:
        if text is None:
            return 0.5
        try:
            value = float(text) if isinstance(text, str) else 0.0
        except ValueError:
            value = 0.0
        if not 0.0 < value <= 1.0:
            self.document.report(path, f"got {show(str(text))}; expected more than 0, at most 1")
            return 0.5
        return value

    def _list(self, name: str) -> list[Tree]:
        entry = self.tree.get(name)
        if entry is None:
            return []
        if not isinstance(entry, list):
            self.document.report((name,), "is not a list; expected one")
            return []
        return entry

    def _whole(self, path: KeyPath, default: int, *, least: int, most: int = 10**9) -> int:
        tree: Tree = self.tree
        for part in path:
            if not isinstance(tree, dict) or part not in tree:
                return default
            tree = tree[str(part)]
        digits = isinstance(tree, str) and tree.isascii() and tree.isdigit() and len(tree) < 18
        if digits and least <= int(str(tree)) <= most:
            return int(str(tree))
        got = "has no value" if tree is None else f"got {show(str(tree))}"
        self.document.report(path, f"{got}; expected a whole number from {least} to {most}")
        return default


#: Keys of a description that are written by other means than copying.
_OWN = ("schema", "base", "set")


def chip_dimensions() -> dict[str, str]:
    """Return the dimension of every figure that a requirement on a chip may compare."""
    run = {key: value for key, value in dimensions().items() if not needs_training(key)}
    return {**_CHIP, **run}
