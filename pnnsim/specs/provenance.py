"""Where the values of a description come from: published, derived, by a law, or assumed.

The class of a value follows from its source text, which begins with `derived:`, `fit:`, `chosen:`
or `assumed:`; any other text is a publication. A choice of the designer, such as how many banks
there are, is no claim about a device.
"""

from __future__ import annotations

from typing import Literal, get_args

from pnnsim.devices.laws import ENOUGH_POINTS
from pnnsim.specs.document import USER_SOURCE
from pnnsim.specs.hardware import DEFAULT_SOURCE, HardwareSpec

Provenance = Literal["published", "derived", "law", "fitted", "chosen", "extrapolated", "assumed"]

#: Classes of values, from the surest.
CLASSES: tuple[Provenance, ...] = get_args(Provenance)

#: Classes with evidence behind the value; a choice is no claim, and an assumption has none.
BACKED: tuple[Provenance, ...] = ("published", "derived", "law", "fitted")

#: First word of a source text, and the class that it stands for.
_WORDS: dict[str, Provenance] = {
    "assumed": "assumed", "derived": "derived", "fit": "fitted", "chosen": "chosen",
}  # fmt: skip


def provenance(spec: HardwareSpec, path: str) -> Provenance:
    """Return the class of a value.

    A law counts as one where enough published points are behind it, and within their span.

    Args:
        spec: Machine.
        path: Dotted path of the value.
    """
    use = spec.laws.get(path)
    if use is not None:
        if use.law.outside_span(use.arguments):
            return "extrapolated"
        return use.law.basis if use.law.points >= ENOUGH_POINTS else "assumed"
    source = spec.sources.get(path, DEFAULT_SOURCE)
    if source in (DEFAULT_SOURCE, USER_SOURCE):
        return "chosen"
    return _WORDS.get(source.partition(":")[0].strip(), "published")


def value_counts(spec: HardwareSpec) -> dict[Provenance, int]:
    """Return how many of the values that a description gives are of each class."""
    given = [path for path, source in spec.sources.items() if source != DEFAULT_SOURCE]
    classes = [provenance(spec, path) for path in given]
    return {name: classes.count(name) for name in CLASSES}
