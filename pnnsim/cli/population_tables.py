"""Tables and plain data of what many chips, or many loads, make of a machine: yield and load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pnnsim.cli.options import print_line, print_table

if TYPE_CHECKING:
    from pnnsim.explore.chip_yield import ChipYield
    from pnnsim.explore.load_curve import LoadCurve

#: Causes that a table shows.
_CAUSES = 8


def yield_data(result: ChipYield, given: int) -> dict[str, Any]:
    """Return a yield as plain data, with the settings behind those of `--set`.

    Args:
        result: The yield.
        given: How many settings `--set` has given.
    """
    return {
        "set": dict(result.settings[given:]),
        "yield": result.share,
        "interval": list(result.interval),
        "chips": len(result.met),
        "met": sum(result.met),
        "quality": {name: sorted(chip[name] for chip in result.chips) for name in result.chips[0]},
        "causes": [
            {"non_ideality": c.non_ideality, "rescued": c.rescued, "of": c.of}
            for c in result.causes
        ],
    }


def print_yields(results: list[dict[str, Any]], wanted: str) -> None:
    """Print a row for each yield, and what the chips that fail miss.

    Args:
        results: Yields as plain data.
        wanted: Requirement, as it was typed.
    """
    print_line(f"a chip must meet: {wanted}")
    print_table(
        ["set", "yield", "95 % interval", "chips", "accuracy, 5 % to 95 % of chips"],
        [
            [
                ", ".join(f"{key}={text}" for key, text in result["set"].items()),
                f"{result['yield']:.2%}",
                "{:.2%} to {:.2%}".format(*result["interval"]),
                str(result["chips"]),
                _spread(result["quality"]["accuracy"]),
            ]
            for result in results
        ],
    )
    for result in results:
        causes = [cause for cause in result["causes"] if cause["rescued"]][:_CAUSES]
        if causes:
            print_line("")
            print_table(
                ["without", "failing chips that meet it"],
                [[c["non_ideality"], f"{c['rescued']} of {c['of']}"] for c in causes],
            )


def _spread(ordered: list[float]) -> str:
    last = len(ordered) - 1
    return f"{ordered[round(0.05 * last)]:.4f} to {ordered[round(0.95 * last)]:.4f}"


def curve_data(curve: LoadCurve) -> dict[str, Any]:
    """Return a curve as plain data."""
    return {
        "block": curve.block,
        "saturation_per_s": curve.saturation_per_s,
        "ease_per_s": curve.ease_per_s,
        "points": [
            {
                "load": point.share,
                "offered_per_s": point.offered_per_s,
                "served_per_s": point.served_per_s,
                "latency_s": {
                    "p50": point.p50,
                    "p95": point.p95,
                    "p99": point.p99,
                    "p99.9": point.p999,
                },
                "energy_j": point.energy,
                "dropped": point.dropped,
            }
            for point in curve.points
        ],
    }


def print_curves(curves: list[LoadCurve]) -> None:
    """Print a row for each point of each curve, and where each curve saturates."""
    from pnnsim.analysis.report.format import engineering

    print_table(
        ["block", "load", "offered", "p50", "p95", "p99", "p99.9", "energy", "dropped"],
        [
            [
                str(point.block),
                f"{point.share:.2f}",
                engineering(point.offered_per_s, "/s"),
                *(
                    engineering(value, "s")
                    for value in (point.p50, point.p95, point.p99, point.p999)
                ),
                engineering(point.energy, "J"),
                f"{point.dropped:.2%}",
            ]
            for curve in curves
            for point in curve.points
        ],
    )
    for curve in curves:
        print_line(
            f"block {curve.block}: saturates at {engineering(curve.saturation_per_s, '/s')}; p99 "
            f"stays below twice that of the lowest load up to {engineering(curve.ease_per_s, '/s')}"
        )
