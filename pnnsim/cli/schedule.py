"""Commands that show the schedule of a machine and train nothing: map, sensitivity."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pnnsim.cli.options import Settings, Source, overrides, print_json, print_table

if TYPE_CHECKING:
    from pnnsim.analysis.sensitivity import Sensitivity
    from pnnsim.specs.hardware import HardwareSpec

Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]


def add_schedule_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command("map")
    def show_map(source: Source, settings: Settings = None, json: Json = False) -> None:
        """Show where each tile of each weight set lives, and what is rewritten when."""
        from pnnsim.inference.chip import Chip
        from pnnsim.mapping.placement import rewrites, tiles
        from pnnsim.specs.experiment import load_experiment
        from pnnsim.timing.ahead import planned

        experiment = load_experiment(source, overrides(settings))
        work = planned(Chip.nominal(experiment.hardware, experiment.network).work())
        mapping = work.mapping
        placed = tiles(work.order, mapping)
        writes = rewrites(work.order, mapping, work.policy)
        if json:
            print_json(
                {
                    "tiles": [asdict(t) for t in placed],
                    "rewrites": [asdict(w) for w in writes],
                    "written_ahead": work.ahead,
                }
            )
            return
        print_table(
            ("weight set", "fold", "outputs", "inputs", "bank"),
            [
                (
                    str(tile.weight_set),
                    str(tile.fold),
                    f"{tile.outputs[0]} to {tile.outputs[1] - 1}",
                    f"{tile.inputs[0]} to {tile.inputs[1] - 1}",
                    "written on the way" if tile.bank is None else str(tile.bank),
                )
                for tile in placed
            ],
        )
        if mapping.folds > 1:
            typer.echo(f"each step multiplies {mapping.folds} folds, one after the other")
        if not writes:
            typer.echo("every weight set stays where it is: nothing is rewritten")
            return
        when = "ahead of time" if work.ahead else "when they are needed"
        typer.echo(f"banks are written {when}")
        typer.echo(f"rewritten in each {1 + max(w.block for w in writes)} block(s) of samples:")
        print_table(
            ("block", "before step", "fold", "weight set", "into banks"),
            [
                (*map(str, (w.block, w.step, w.fold, w.weight_set)), " ".join(map(str, w.banks)))
                for w in writes
            ],
        )

    @app.command()
    def sensitivity(
        source: Source,
        settings: Settings = None,
        plot: Annotated[
            Path | None,
            typer.Option("--plot", metavar="FILE", help="Tornado plot: .svg, .pdf, .png."),
        ] = None,
        json: Json = False,
    ) -> None:
        """Show what a change of each parameter does to latency and energy."""
        from pnnsim.analysis.sensitivity import sensitivities
        from pnnsim.specs.experiment import load_experiment

        experiment = load_experiment(source, overrides(settings))
        hardware = experiment.hardware
        found = sensitivities(hardware, experiment.network)
        if plot is not None:
            from pnnsim.analysis.report.tornado import write_tornado

            write_tornado(plot, found, hardware.name)
        if json:
            print_json(
                [{**asdict(item), "parameter_unit": _unit(hardware, item)} for item in found]
            )
            return
        print_table(
            (
                "parameter",
                "value",
                "latency, % for 1 %",
                "energy, % for 1 %",
                "d latency",
                "d energy",
                "kink",
                "half step",
            ),
            [
                (
                    item.parameter,
                    item.value,
                    f"{item.latency_share:+.4f}",
                    f"{item.energy_share:+.4f}",
                    f"{item.latency:+.3e} {_per('s', _unit(hardware, item))}",
                    f"{item.energy:+.3e} {_per('J', _unit(hardware, item))}",
                    "yes" if item.kink else "",
                    "" if item.steady else "differs",
                )
                for item in found
            ],
        )


def _unit(spec: HardwareSpec, item: Sensitivity) -> str:
    """Return the SI unit of a parameter; empty for a plain number.

    Args:
        spec: Machine of the parameter.
        item: Row of the parameter.
    """
    from pnnsim.common.forms import dimension_of
    from pnnsim.common.units import DIMENSIONS

    section, _, key = item.parameter.partition(".")
    dimension = dimension_of(type(spec.sections()[section]), key)
    return "" if dimension is None else DIMENSIONS[dimension].si


def _per(unit: str, other: str) -> str:
    """Return the unit of a derivative, such as `J/(V/s)`."""
    if not other:
        return unit
    return f"{unit}/({other})" if set(other) & set("/· *") else f"{unit}/{other}"
