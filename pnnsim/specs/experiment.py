"""Put a machine, a network, a task, a training and a simulation together.

`load_experiment` takes a machine's name or file, or an experiment file that names one; whatever is
not given has a default, and the network takes its inputs and outputs from the task. Like
`pnnsim.specs.hardware` this file computes nothing, and reports all problems of both files at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from pnnsim.common.description import Description
from pnnsim.common.hints import did_you_mean
from pnnsim.common.units import show
from pnnsim.devices.registry import non_idealities, parts
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.document import Document, KeyPath, Tree, raise_problems
from pnnsim.specs.hardware import (
    SCHEMA_VERSION,
    HardwareSpec,
    build_spec,
    check_schema,
    relative,
)
from pnnsim.specs.network_section import check_network, check_widths, shape_defaults
from pnnsim.specs.opened import Opened, open_experiment
from pnnsim.specs.plain_data import Notes, digest, section_tree
from pnnsim.specs.ranges import check_ranges, outside_ranges
from pnnsim.specs.resolve import override
from pnnsim.specs.settings import (
    TEXT_VOCABULARIES,
    SimulationParams,
    TaskParams,
    TrainingParams,
)
from pnnsim.specs.validation import check_section, section_at, unknown_keys

#: Line breaks of Unicode that YAML folds.
_BREAKS = "\x85\u2028\u2029"

#: Blocks of an experiment beside the machine, and what they must be.
BLOCKS: dict[str, type[Description]] = {
    "network": ReLaXNet,
    "task": TaskParams,
    "training": TrainingParams,
    "simulation": SimulationParams,
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """Everything that decides a run's figures.

    Args:
        hardware: The machine.
        network: What it computes.
        task: What is to be learned.
        training: How.
        simulation: What is simulated with the trained weights.
        sources: Source of a value outside the machine, by dotted path, where one was given.
        ranges: Span of such a value, likewise.
        outside: A sentence for each such value outside its span.
    """

    hardware: HardwareSpec
    network: Network
    task: TaskParams = field(default_factory=TaskParams)
    training: TrainingParams = field(default_factory=TrainingParams)
    simulation: SimulationParams = field(default_factory=SimulationParams)
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    ranges: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    outside: tuple[str, ...] = field(default=(), compare=False)

    def blocks(self) -> dict[str, Description]:
        """Return what is not the machine, by name."""
        return {
            "network": cast("Description", self.network),
            "task": self.task,
            "training": self.training,
            "simulation": self.simulation,
        }

    def warnings(self) -> list[str]:
        """Return a sentence for each value outside its published span or without effect."""
        return [*self.hardware.warnings(), *self.own_warnings()]

    def own_warnings(self) -> list[str]:
        """Return the warnings of what is not the machine."""
        return [*self.outside, *self.training.warnings()]

    def sha256(self) -> str:
        """Return the hash of all validated values, the machine's included."""
        blocks = {name: block.model_dump(mode="json") for name, block in self.blocks().items()}
        return digest({"hardware": self.hardware.values(), **blocks})

    def resolved(self) -> str:
        """Return everything as YAML, defaults filled in; it loads back to an equal experiment."""
        tree: dict[str, Any] = {"schema": SCHEMA_VERSION, "hardware": self.hardware.to_tree()}
        for name, block in self.blocks().items():
            tree[name] = section_tree(block, name, Notes(self.sources, self.ranges))
        # PyYAML writes these line breaks as they are and reads them back as others.
        plain = not any(mark in text for text in _texts(tree) for mark in _BREAKS)
        return yaml.dump(
            tree, Dumper=_Dumper, sort_keys=False, allow_unicode=plain, width=10**6, indent=2
        )


def load_experiment(
    source: str | Path | Mapping[str, Any] | Opened,
    overrides: Sequence[tuple[str, str]] = (),
    *,
    network_kind: str | None = None,
    task: str | None = None,
    rule: str | None = None,
    training_seed: int | None = None,
    seed: int | None = None,
    chips: int | None = None,
    samples: int | None = None,
) -> Experiment:
    """Return the experiment that a name, a path or Python data describes.

    Args:
        source: Name or file of a machine, an experiment file (it has the key `hardware`), or a
            mapping like either; or what `open_experiment` has read of one.
        overrides: Pairs of dotted key and text. Keys that begin with network, task, training or
            simulation belong to the experiment, all others to the machine.
        network_kind: `rnn`, `relaxnet` or `dnn`, in place of the file's; rnn and dnn decide the
            number of weight sets themselves.
        task: Name of the task, in place of the file's.
        rule: Learning rule, in place of the file's.
        training_seed: Seed of the training.
        seed: Seed of the simulation.
        chips: Fabricated chips.
        samples: Held-out examples that are run.

    Raises:
        SpecError: With every problem of the experiment and its machine at once.
    """
    texts = source.copy() if isinstance(source, Opened) else open_experiment(source)
    document, machine, prefix = texts.document, texts.machine, texts.prefix
    for key, text in overrides:
        if key.split(".")[0] in BLOCKS:
            _override_block(document, key, text)
        elif machine is not None:
            override(machine, prefix, key, text)
    settings = {
        "task.name": ("--task", task),
        "training.rule": ("--rule", rule),
        "training.seed": ("--training-seed", training_seed),
        "simulation.seed": ("--seed", seed),
        "simulation.chips": ("--chips", chips),
        "simulation.samples": ("--samples", samples),
    }
    for key, (option, value) in settings.items():
        if value is not None:
            _override_block(document, key, str(value), f"{option} {value}")
    if network_kind is not None:
        _set_network_kind(document, network_kind)
    if texts.is_experiment:
        _check_keys(document)
    return _build(document, machine, prefix)


def _override_block(document: Document, key: str, text: str, label: str | None = None) -> None:
    """Set a value outside the machine; such settings need no source."""
    override(document, (), key, text, label)
    document.sources.pop(tuple(key.split(".")), None)


def _set_network_kind(document: Document, kind: str) -> None:
    _override_block(document, "network.kind", kind, f"network '{kind}'")
    network = section_at(document.tree, ("network",))
    if kind in ("rnn", "dnn") and isinstance(network, dict):
        for key in ("weight_sets", "order"):
            network.pop(key, None)
            document.ranges.pop(("network", key), None)
            document.sources.pop(("network", key), None)


def _check_keys(document: Document) -> None:
    check_schema(document, (), required=True)
    unknown_keys(document, (), ("schema", "hardware", *BLOCKS))
    for key, noted in (("group", document.groups), ("drawn", document.chosen)):
        for path in noted:
            if path[0] in BLOCKS:
                what = "is given outside the machine, where nothing is drawn; expected none"
                document.report((*path, key), what, key=True)


def _build(document: Document, machine: Document | None, prefix: KeyPath) -> Experiment:
    hardware = None if machine is None else build_spec(machine, prefix)
    task = check_section(document, ("task",), TaskParams)
    if task is not None:
        _fill_shape(document, task)
    network = check_network(document)
    training = check_section(document, ("training",), TrainingParams)
    simulation = check_section(document, ("simulation",), SimulationParams)
    models = dict(BLOCKS) if network is None else {**BLOCKS, "network": type(network)}
    for name, model in models.items():
        check_ranges(document, (name,), cast("type[Description]", model))
    if task is not None and network is not None:
        _check_shape(document, task, network)
        _check_state(document, task, network, training, simulation)
    if network is not None and training is not None:
        _check_maps(document, network, training)
    if hardware is not None and training is not None:
        _check_non_idealities(document, hardware, training)
    raise_problems([document] if machine in (None, document) else [document, machine])
    assert hardware is not None
    assert network is not None
    assert task is not None
    assert training is not None
    assert simulation is not None
    return Experiment(
        hardware,
        network,
        task,
        training,
        simulation,
        sources=_outside_machine(document.sources),
        ranges=_outside_machine(document.ranges),
        outside=tuple(
            warning
            for name, model in models.items()
            for warning in outside_ranges(document, (name,), cast("type[Description]", model))
        ),
    )


def _outside_machine(by_path: Mapping[KeyPath, Any]) -> dict[str, Any]:
    return relative({path: value for path, value in by_path.items() if path[0] in BLOCKS}, ())


def _fill_shape(document: Document, task: TaskParams) -> None:
    """Let the task decide the network's inputs and outputs where they are not given."""
    assert isinstance(document.tree, dict), "the task has been read from it"
    network: Tree = document.tree.setdefault("network", {})
    if isinstance(network, dict):
        for key, text in shape_defaults(str(network.get("kind", "relaxnet")), task).items():
            network.setdefault(key, text)


def _check_shape(document: Document, task: TaskParams, network: Network) -> None:
    if not isinstance(network, ReLaXNet):
        check_widths(document, task, network)
        return
    found = {"inputs": network.inputs, "outputs": network.outputs}
    for (key, got), size in zip(found.items(), task.shape(), strict=True):
        if got != size:
            what = f"is {got}, but the task '{task.name}' has {size} {key}; expected {size}"
            document.report(("network", key), what, "leave it out: the task decides it")


def _check_state(
    document: Document,
    task: TaskParams,
    network: Network,
    training: TrainingParams | None,
    simulation: SimulationParams | None,
) -> None:
    """Refuse a stateful network for images, and sequences for a network without a state."""
    stateful = isinstance(network, ReLaXNet) and network.stateful
    if stateful and task.name not in TEXT_VOCABULARIES:
        what = f"is true, but the images of '{task.name}' do not follow each other; expected false"
        document.report(("network", "stateful"), what, "a text suits it: task.name=shakespeare")
    if not stateful and training is not None and training.sequence is not None:
        what = f"is {training.sequence}, but network.stateful is false; expected no sequence"
        document.report(("training", "sequence"), what, "network.stateful: true")
    saturated = simulation is None or simulation.arrivals == "saturated"
    if stateful and not saturated:
        what = "is true, but arrivals are not saturated; expected a block to have all its streams"
        document.report(("network", "stateful"), what, "simulation.arrivals: saturated")


def _check_maps(document: Document, network: Network, training: TrainingParams) -> None:
    """Refuse what changes the maps of the front end where a network has none that learn."""
    if isinstance(network, ReLaXNet) and network.digital_maps:
        return
    kind = section_at(document.tree, ("network", "kind"))
    what = f"but a network '{kind if isinstance(kind, str) else 'relaxnet'}' has no digital maps"
    if training.standardize:
        hint = "ranges of lines and converters are fixed on training inputs without it"
        document.report(
            ("training", "standardize"), f"is true, {what} to take means in; expected false", hint
        )
    if training.state_scale != 1.0:
        document.report(
            ("training", "state_scale"),
            f"is {training.state_scale:g}, {what} around one state; expected 1",
        )


def _check_non_idealities(
    document: Document, hardware: HardwareSpec, training: TrainingParams
) -> None:
    """Refuse names of non-idealities that this machine does not have."""
    if training.non_idealities == "all":
        return
    known = [
        name
        for part, params in hardware.sections().items()
        if part in parts()
        for name in non_idealities(part, params.kind)
    ]
    for index, name in enumerate(training.non_idealities):
        if name not in known:
            hint = did_you_mean(name, known)
            what = f"unknown non-ideality {show(name)}"
            what += "" if hint else f"; expected some of {', '.join(known)}"
            document.report(("training", "non_idealities", index), what, hint)


def _texts(tree: Any) -> Iterator[str]:
    """Yield every text of a tree."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for item in tree.values():
            yield from _texts(item)
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from _texts(item)


class _Dumper(yaml.SafeDumper):
    """YAML writer that puts a value with its range and source, and a list, on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out: descriptions have no aliases."""
        return True

    def represent_leaf(self, data: dict[str, Any]) -> yaml.Node:
        """Write `{value: …, source: …}` in flow style, sections in block style."""
        pairs = list(data.items())
        return self.represent_mapping("tag:yaml.org,2002:map", pairs, flow_style="value" in data)

    def represent_flow(self, data: list[Any]) -> yaml.Node:
        """Write lists in flow style."""
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Dumper.add_representer(dict, _Dumper.represent_leaf)
_Dumper.add_representer(list, _Dumper.represent_flow)
