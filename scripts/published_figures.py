"""Write what the described machines of others give beside what was published about them.

python scripts/published_figures.py         write docs/reference/published-machines.md
python scripts/published_figures.py FILE    write another file
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pnnsim.specs.resolve import published_figures
from pnnsim.testing.published import verify
from pnnsim.testing.published.check import Check

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "published-machines.md"
_HEAD = """<!-- Written by scripts/published_figures.py; edit descriptions and figures instead. -->

# Published machines

Machines that others have demonstrated, described from their works in `hardware_specs/published/`,
and what the descriptions give beside what was published. Each description was committed before
its file of figures; nothing in it was chosen so as to meet a figure, and where a value was taken
from one, the class is *fitted*. `pnnsim verify` prints the same; a figure that differs without a
reason, or that agrees in spite of one, is a failure there.

Classes: *closed form*, arithmetic on published values; *simulation*, parts or the machine were
simulated; *fitted*, something was taken from this very figure, so that it proves consistency alone.

{count} figures of {machines} machines: {agree} agree within their tolerance, {fitted} of them
fitted, and {differ} differ.
"""


def page(checks: Sequence[Check]) -> Iterator[str]:
    """Yield the lines of the page.

    Args:
        checks: Comparisons, machine by machine.
    """
    agree = [one for one in checks if one.passed]
    names = list(dict.fromkeys(one.demonstration.name for one in checks))
    yield _HEAD.format(
        count=len(checks), machines=len(names), agree=len(agree),
        fitted=sum(one.kind == "fitted" for one in agree), differ=len(checks) - len(agree),
    )  # fmt: skip
    for name in names:
        yield from _machine([one for one in checks if one.demonstration.name == name])


def _machine(checks: Sequence[Check]) -> Iterator[str]:
    known = checks[0].demonstration
    yield f"## `{known.name}`\n"
    yield f"{known.title}. {known.source}.\n"
    yield f"Left out: {known.left_out}.\n"
    yield "| figure | published | pnnsim | ratio | tolerance | class | |"
    yield "|---|---|---|---|---|---|---|"
    for one in checks:
        _, _, figure, published, simulated, ratio, tolerance, kind = one.row()
        cells = (figure, published, simulated, ratio, tolerance, kind, one.status)
        yield f"| {' | '.join(cells)} |"
    yield ""
    for one in checks:
        yield f"- **{one.quantity}**: {_notes(one)}"
    yield ""


def _notes(one: Check) -> str:
    given = one.inputs.partition("assumed: ")[2]
    notes = [f"published: {one.source}", f"assumed: {given}"]
    notes += [f"fitted: {one.fitted}"] if one.fitted else []
    notes += [f"differs: {one.differs}"] if one.differs else []
    return "; ".join(notes) + "."


def main(arguments: Sequence[str]) -> int:
    """Write the page.

    Args:
        arguments: File to write; the page of the documentation where there is none.
    """
    found: Iterable[Check] = verify(published_figures())
    file = Path(arguments[0]) if arguments else PAGE
    file.write_text("\n".join(page(list(found))).rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
