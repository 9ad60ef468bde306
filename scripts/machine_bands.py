"""Write what each shipped machine's figures hang on, and how often one machine beats another.

python scripts/machine_bands.py                   write docs/reference/machine-bands.md, README
python scripts/machine_bands.py --draws 32 FILE   with fewer draws, to another file alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pnnsim.analysis.bands.band import DRAWS, Band, bands
from pnnsim.analysis.bands.pairs import pairings
from pnnsim.analysis.bands.replay import FIGURES
from pnnsim.analysis.report.format import engineering
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.resolve import available_specs

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "machine-bands.md"
README = ROOT / "README.md"
#: What stands around the table of the README.
MARKS = ("<!-- machines, by scripts/machine_bands.py -->\n", "<!-- end of machines -->\n")
#: The machine that stands in every comparison.
_REFERENCE = "digital_reference"
NETWORK = ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
#: Assumptions that are named for each figure.
_NAMED = 5
_FIGURES = {
    "latency_s": ("Latency of the first sample", "s"),
    "energy_j": ("Energy of an inference", "J"),
}
_HEAD = """<!-- Written by scripts/machine_bands.py; edit machines instead. -->

# Shipped machines: bands, and machine against machine

Latency of the first sample and energy of one inference (ReLaX-Net 64-64-10, two weight sets, twelve
steps, 64 samples as fast as the machine takes them; the set-up is not included), as the description
gives them and as its stated ranges make them: {draws} draws, seed 0. `pnnsim bands NAME` prints one
machine, and [how to read bands](../how-to/bands.md) says how they are drawn. A share is that of the
variance which the assumption explains by itself.
"""
_PAIRS = """
## Machine against machine: {what}

Share of the paired draws in which the machine of the row has less than that of the column. What two
machines assume alike is drawn alike for both.
"""


def page(found: dict[str, Band]) -> Iterator[str]:
    """Yield the lines of the page.

    Args:
        found: Band of each machine, with equal draws.
    """
    yield _HEAD.format(draws=next(iter(found.values())).draws)
    for figure, (what, unit) in _FIGURES.items():
        yield f"## {what}\n"
        yield "| machine | value | 5 % | median | 95 % | hangs on |"
        yield "|---|---|---|---|---|---|"
        for name, band in found.items():
            yield f"| `{name}` | {' | '.join(_row(band, figure, unit))} |"
        yield ""
    for figure, (what, _) in _FIGURES.items():
        yield _PAIRS.format(what=what.lower())
        yield from _matrix(found, figure)


def _row(band: Band, figure: str, unit: str) -> list[str]:
    ends = band.percentiles(figure) or {}
    value = float(band.values[FIGURES.index(figure)])
    shares = [share for share in band.hangs_on if share.figure == figure][:_NAMED]
    named = ", ".join(f"`{one.key}` {one.share:.0%}" for one in shares)
    numbers = [value, *(ends[key] for key in ("p5", "p50", "p95"))]
    return [*(engineering(number, unit) for number in numbers), named]


def summary(found: dict[str, Band]) -> Iterator[str]:
    """Yield the lines of the table for the README.

    Args:
        found: Band of each machine, with equal draws.
    """
    less = f"less energy than `{_REFERENCE}`"
    yield f"| machine | latency | 5 to 95 % | energy | 5 to 95 % | energy hangs on | {less} |"
    yield "|---|---|---|---|---|---|---|"
    wins = _wins(found, "energy_j")
    names = list(found)
    for row, (name, band) in enumerate(found.items()):
        latency, *times, _ = _row(band, "latency_s", "s")
        energy, *energies, named = _row(band, "energy_j", "J")
        against = "" if name == _REFERENCE else f"{wins[row, names.index(_REFERENCE)]:.0%}"
        cells = (latency, _ends(times), energy, _ends(energies), named, against)
        yield f"| `{name}` | {' | '.join(cells)} |"


def _ends(numbers: Sequence[str]) -> str:
    return f"{numbers[0]} to {numbers[-1]}"


def _wins(found: dict[str, Band], figure: str) -> dict[tuple[int, int], float]:
    """Return the share of draws in which one machine has less than another, by their numbers."""
    return {
        pair: share
        for each in pairings(list(found.values()))
        for pair, share in (
            ((each.first, each.second), each.first_wins[figure]),
            ((each.second, each.first), each.second_wins[figure]),
        )
    }


def _matrix(found: dict[str, Band], figure: str) -> Iterator[str]:
    names = list(found)
    wins = _wins(found, figure)
    yield "| less than | " + " | ".join(f"`{name}`" for name in names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for row, name in enumerate(names):
        cells = (f"{wins[row, at]:.0%}" if row != at else "" for at in range(len(names)))
        yield f"| `{name}` | {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Write the page.

    Args:
        arguments: Words of the command line.
    """
    parser = argparse.ArgumentParser(description="write bands of the shipped machines")
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    parser.add_argument("--draws", type=int, default=DRAWS)
    options = parser.parse_args(arguments)
    found = {name: bands(name, NETWORK, draws=options.draws) for name in available_specs()}
    options.file.write_text("\n".join(page(found)).rstrip() + "\n", encoding="utf-8")
    if options.file == PAGE:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(MARKS[0])
        _, after = rest.split(MARKS[1])
        table = "\n".join(summary(found)) + "\n"
        README.write_text(before + MARKS[0] + table + MARKS[1] + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
