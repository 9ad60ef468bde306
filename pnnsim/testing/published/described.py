"""Published figures of the machines that `hardware_specs/published` describes.

Each machine has a file of figures: what was published, with source and tolerance, how it is
computed, and what had to be assumed. A figure that does not agree stays, with the reason under
`differs`; one that agrees although it has a reason fails, as does one that differs without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from typing import Literal

from pnnsim.common.description import Description
from pnnsim.common.units import UnitError, parse_quantity, show
from pnnsim.errors import SpecError
from pnnsim.specs.document import Document
from pnnsim.specs.experiment import Experiment
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.network_section import check_network
from pnnsim.specs.resolve import published_figures
from pnnsim.specs.settings import TrainingParams
from pnnsim.specs.validation import check_section, section_at
from pnnsim.specs.yaml_reader import read_yaml
from pnnsim.testing.published.check import (
    Band,
    Check,
    Demonstration,
    about,
    at_least,
    at_most,
    percent,
    within_factor,
)
from pnnsim.testing.published.measures import MEASURES

#: A tolerance: percent, an absolute width, a factor, or one end alone.
_TOLERANCE = re.compile(r"([0-9.]+) %|\+- ([0-9.]+)|factor ([0-9.]+)|(at least|at most)")


class Figure(Description):
    """Published figure of a machine."""

    measure: Literal[
        "step_time",
        "loop_time",
        "write_time",
        "rate",
        "operation_energy",
        "step_energy",
        "power",
        "electrical_power",
        "signal_to_error",
        "product_bits",
        "loop_error",
        "accuracy_loss",
        "weights",
    ]
    """What is computed, by its name among the measures."""
    published: str
    """What was published, with its unit; its `source:` stands beside it."""
    tolerance: str
    """`10 %`, `+- 0.02` in the unit of the measure, `factor 2`, `at least` or `at most`."""
    basis: Literal["closed form", "simulation"]
    """Whether the figure follows from published values by arithmetic, or parts were simulated."""
    assumed: str
    """What among the inputs was not published and matters to this figure."""
    fitted: str = ""
    """What was taken from this very figure; empty where nothing was."""
    differs: str = ""
    """Why the figure does not agree; empty where it does."""
    changed: tuple[str, ...] = ()
    """Values of the machine for this figure alone, such as `weight_banks.bits=4`."""


def checks(name: str) -> Iterator[Check]:
    """Compare the figures of one machine.

    Args:
        name: Name of the machine.

    Raises:
        SpecError: If the file of figures is not what it must be.
    """
    document = _read(name)
    demonstration = _demonstration(document, name)
    network = check_network(document)
    training = check_section(document, ("training",), TrainingParams)
    figures = {title: _figure(document, title) for title in _titles(document)}
    if document.problems or network is None or training is None:
        raise SpecError(document.problems)
    for title, (figure, published, band) in figures.items():
        changes = [(key, text) for key, _, text in (one.partition("=") for one in figure.changed)]
        experiment = Experiment(load_spec(name, changes), network, training=training)
        measure = MEASURES[figure.measure]
        yield Check(
            demonstration,
            title,
            measure.unit,
            published,
            measure.of(experiment),
            band,
            figure.basis,
            f"{name}; assumed: {figure.assumed}",
            fitted=figure.fitted,
            differs=figure.differs,
            source=document.sources[("figures", title, "published")],
        )


def _read(name: str) -> Document:
    file: Traversable = published_figures()[name]
    return read_yaml(file, f"figures/{name}.yaml")


def _demonstration(document: Document, name: str) -> Demonstration:
    texts = {}
    for key in ("shown", "work", "left_out"):
        text = section_at(document.tree, (key,))
        texts[key] = text if isinstance(text, str) else ""
        if not texts[key]:
            document.report((key,), "is missing; expected a text")
    return Demonstration(name, texts["shown"], texts["work"], texts["left_out"])


def _titles(document: Document) -> list[str]:
    found = section_at(document.tree, ("figures",))
    return list(found) if isinstance(found, dict) else []


def _figure(document: Document, title: str) -> tuple[Figure, float, Band]:
    """Return a figure, its published value, and which values agree with it."""
    path = ("figures", title)
    figure = check_section(document, path, Figure)
    if figure is None or (*path, "published") not in document.sources:
        document.report((*path, "published"), "has no source; expected `source:` beside its value")
        raise SpecError(document.problems)
    try:
        value = parse_quantity(figure.published, MEASURES[figure.measure].dimension)
    except UnitError as error:
        document.report((*path, "published"), str(error))
        raise SpecError(document.problems) from None
    return figure, value, _band(document, (*path, "tolerance"), figure.tolerance, value)


def _band(document: Document, path: tuple[str, ...], text: str, value: float) -> Band:
    match = _TOLERANCE.fullmatch(text)
    if match is None:
        expected = "expected such as `10 %`, `+- 0.02`, `factor 2`, `at least` or `at most`"
        document.report(path, f"{show(text)} is no tolerance; {expected}")
        raise SpecError(document.problems)
    share, room, factor, side = match.groups()
    if share:
        return percent(value, float(share))
    if room:
        return about(value, float(room), f"±{room}")
    if factor:
        return within_factor(value, float(factor))
    return at_least(value) if side == "at least" else at_most(value)
