"""Command that shows what the ranges of a machine make of its figures: bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pnnsim.cli.options import (
    DataDir,
    Json,
    Offline,
    Quiet,
    Seed,
    Settings,
    Source,
    overrides,
    print_json,
    print_line,
    print_table,
    progress_bar,
)

if TYPE_CHECKING:
    from pnnsim.analysis.bands.band import Band

#: Figures of a band: key, name and unit.
_FIGURES = (
    ("latency_s", "latency, first", "s"),
    ("interval_s", "interval", "s"),
    ("energy_j", "energy of an inference", "J"),
)


def add_bands(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def bands(
        source: Source,
        settings: Settings = None,
        draws: Annotated[
            int, typer.Option("--draws", min=1, help="Descriptions that are drawn.")
        ] = 256,
        seed: Seed = None,
        accuracy: Annotated[
            bool,
            typer.Option("--accuracy", help="Train, and evaluate a chip of each draw as well."),
        ] = False,
        data_dir: DataDir = None,
        offline: Offline = False,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Show what the stated ranges make of latency and energy, and what to measure first."""
        from pnnsim.specs.experiment import load_experiment

        experiment = load_experiment(source, overrides(settings), seed=seed)

        from pnnsim.analysis.bands.band import bands as band_of

        with progress_bar(quiet) as progress:
            band = band_of(
                experiment.hardware,
                experiment.network,
                draws=draws,
                seed=experiment.simulation.seed,
                progress=progress,
            )
            metrics: dict[str, Any] = {"band": band.as_metrics()}
            if accuracy:
                from pnnsim.simulation.band_accuracy import accuracy_band

                found = accuracy_band(
                    experiment, band, data_dir=data_dir, offline=offline, progress=progress
                )
                metrics["accuracy"] = {"band": found.as_metrics()}
                metrics["band"]["hangs_on"] += [item.as_metrics() for item in found.hangs_on]
        if json:
            print_json(metrics)
        elif not quiet:
            _print(band, metrics)


def _print(band: Band, metrics: dict[str, Any]) -> None:
    """Print a band as tables."""
    from pnnsim.analysis.report.format import engineering, percent

    found = metrics["band"]
    if not found["assumptions"]:
        print_line("no value of the machine has a range to draw from, so that it has no band")
        return
    rows = [
        (name, *(engineering(found[key][end], unit) for end in ("value", "p5", "p50", "p95")))
        for key, name, unit in _FIGURES
        if found[key] is not None
    ]
    accuracy = (metrics.get("accuracy") or {}).get("band")
    if accuracy:
        rows.append(("accuracy of a chip", "", *(percent(accuracy[end]) for end in accuracy)))
    print_table(("figure", "value", "5 %", "median", "95 %"), rows)
    print_line(
        f"{found['draws']} draws from {found['assumptions']} assumptions, "
        f"{found['infeasible']} of them infeasible; {found['samples']} samples each, "
        f"seed {found['seed']}"
    )
    print_line("")
    print_table(
        ("figure", "hangs on", "share of variance", "5 to 95 %", "range"),
        [
            (
                item["figure"],
                item["key"],
                percent(item["share"], 1),
                f"{percent(item['low'], 1)} to {percent(item['high'], 1)}",
                band.ranges.get(item["key"], ""),
            )
            for item in found["hangs_on"]
        ],
    )
