"""The network of an experiment: its kind, what the task decides of it, and whether both fit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pnnsim.common.description import Description
from pnnsim.common.hints import did_you_mean
from pnnsim.common.units import show
from pnnsim.errors import WorkloadError
from pnnsim.networks.kinds import FILE_KINDS, KINDS, network_class
from pnnsim.networks.layer_settings import LayeredNetwork, LayerSettings
from pnnsim.networks.protocol import Network, input_width, output_width
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.document import Document, KeyPath, Tree
from pnnsim.specs.settings import TaskParams
from pnnsim.specs.validation import check_section, section_at

if TYPE_CHECKING:
    from pnnsim.networks.file_network import FileNetwork

#: Values of the hidden layer of an `mlp` that names no sizes.
_HIDDEN = 100


def check_network(document: Document) -> Network | None:
    """Return the network of an experiment, or None after reporting what is wrong with it."""
    tree = section_at(document.tree, ("network",))
    kind = tree.get("kind", "relaxnet") if isinstance(tree, dict) else "relaxnet"
    model: type[Description] = ReLaXNet
    if isinstance(kind, str):
        if kind not in KINDS:
            what = f"unknown kind {show(kind)}; expected one of {', '.join(KINDS)}"
            document.report(("network", "kind"), what, did_you_mean(kind, KINDS))
            return None
        model = network_class(kind)
    layered = issubclass(model, LayeredNetwork)
    found = check_section(document, ("network",), model, ("layers",) if layered else ())
    if isinstance(found, LayeredNetwork):
        return _with_layers(document, found, from_file=kind in FILE_KINDS)
    return cast("Network | None", found)


def _with_layers(document: Document, network: LayeredNetwork, *, from_file: bool) -> Network | None:
    """Return a network with the settings of its layers, or None after reporting a fault."""
    layers = _layers(document)
    if layers is None:
        return None
    plain = _opened(document, cast("FileNetwork", network)) if from_file else network
    if plain is None or not layers:
        return cast("Network | None", plain)
    found = cast("Network", plain.model_copy(update={"layers": layers}))
    try:
        found.workload  # noqa: B018
    except WorkloadError as error:
        document.report(("network", "layers"), str(error))
        return None
    return found


def _layers(document: Document) -> dict[str, LayerSettings] | None:
    """Return the settings of layers by name; None after reporting what is wrong with one."""
    path: KeyPath = ("network", "layers")
    tree = section_at(document.tree, path)
    if not isinstance(tree, dict):
        document.report(path, "is not a mapping; expected layers by name")
        return None
    found: dict[str, LayerSettings] = {}
    for at in _named(tree, path):
        settings = check_section(document, at, LayerSettings)
        if settings is None:
            return None
        name = ".".join(map(str, at[len(path) :]))
        # A name with a dot may stand whole in the file, and as levels in a key that is set.
        before = found.get(name, LayerSettings())
        found[name] = before.model_copy(update=settings.model_dump(exclude_unset=True))
    return found


def _named(tree: Tree, path: KeyPath) -> list[KeyPath]:
    """Return the paths of the settings of single layers: a dot of a name may be a level."""
    if not isinstance(tree, dict) or not all(isinstance(each, dict) for each in tree.values()):
        return [path]
    return [found for key, each in tree.items() for found in _named(each, (*path, key))]


def shape_defaults(kind: str, task: TaskParams) -> dict[str, Tree]:
    """Return what a task decides of a network where it is not given, as text.

    Args:
        kind: Kind of the network.
        task: The task.
    """
    inputs, outputs = task.shape()
    if kind == "mlp":
        return {"sizes": [str(inputs), str(_HIDDEN), str(outputs)]}
    if kind == "lrunet":
        channels = 3 if math.isqrt(inputs // 3) ** 2 * 3 == inputs else 1
        side = math.isqrt(inputs // channels)
        return {"channels": str(channels), "side": str(side), "classes": str(outputs)}
    if kind in FILE_KINDS:
        return {}
    return {"inputs": str(inputs), "outputs": str(outputs)}


def check_widths(document: Document, task: TaskParams, network: Network) -> None:
    """Report a network that does not read the samples of a task, or give its classes.

    Args:
        document: The experiment.
        task: Its task.
        network: Its network.
    """
    widths = (input_width(network), output_width(network))
    for got, size, what in zip(widths, task.shape(), ("reads", "gives"), strict=True):
        if got != size:
            document.report(
                ("network",),
                f"{what} {got} numbers a sample, but the task '{task.name}' has {size}; expected "
                f"{size}",
            )


def _opened(document: Document, network: FileNetwork) -> FileNetwork | None:
    """Return a network in a file whose path is whole, or None after reporting what is wrong."""
    path = Path(network.file)
    if not path.is_absolute() and document.file:
        path = Path(document.file).parent / path
    opened = network.model_copy(update={"file": str(path)})
    try:
        opened.workload  # noqa: B018
    except WorkloadError as error:
        document.report(("network", "file"), str(error))
        return None
    return opened
