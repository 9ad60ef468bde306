"""Commands to begin with: new writes a description to start from, show says what one is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pnnsim.cli.options import (
    Quiet,
    Settings,
    Source,
    overrides,
    print_json,
    print_line,
    print_table,
)
from pnnsim.errors import OutputError

if TYPE_CHECKING:
    from pnnsim.analysis.report.pictures.machine import Part
    from pnnsim.simulation.machine_overview import Overview
    from pnnsim.specs.experiment import Experiment


def add_starting_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command()
    def new(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Description to write.")],
        source: Annotated[
            str, typer.Option("--from", metavar="MACHINE", help="Machine, or file, to start from.")
        ] = "photonic_mrr",
        force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
        quiet: Quiet = False,
    ) -> None:
        """Write a commented description of a machine to start from, and a schema for editors."""
        from json import dumps

        from pnnsim.analysis.report.files import write_pieces
        from pnnsim.specs.json_schema import hardware_schema
        from pnnsim.specs.template import SCHEMA_FILE, named_by, started_from

        if file.suffix not in (".yaml", ".yml"):
            raise OutputError(f"{file}: is no description; expected a name that ends in .yaml")
        if file.exists() and not force:
            raise OutputError(f"{file}: exists; expected a new file. Hint: --force replaces it")
        text = started_from(source, named_by(file))
        schema = file.with_name(SCHEMA_FILE)
        write_pieces(schema, [dumps(hardware_schema(), indent=1, ensure_ascii=False), "\n"])
        write_pieces(file, [text])
        if not quiet:
            print_line(f"{file}: written from {source}; {schema.name} beside it is for editors")
            print_line(f"next: pnnsim validate {file}, pnnsim show {file}, pnnsim run {file}")

    @app.command("show")
    def show_machine(
        source: Source,
        settings: Settings = None,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON in place of a table.")
        ] = False,
    ) -> None:
        """Show what a machine is made of, and what dominates its latency and energy."""
        from pnnsim.specs.experiment import load_experiment

        experiment = load_experiment(source, overrides(settings))

        from pnnsim.simulation.machine_overview import overview_of

        found = overview_of(experiment.hardware, experiment.network)
        if json:
            print_json(_as_json(experiment, found))
        else:
            _print(experiment, found)


def _kind(experiment: Experiment, part: str) -> str:
    """Return the kind of a part; what is no part has none."""
    return str(experiment.hardware.values().get(part, {}).get("kind", ""))


def _as_json(experiment: Experiment, found: Overview) -> dict[str, Any]:
    return {
        "machine": experiment.hardware.name,
        "summary": experiment.hardware.summary,
        "parts": [
            {
                "part": part.name,
                "kind": _kind(experiment, part.name),
                "times_s": dict(part.times),
                "power_w": part.power,
                "share_of_energy": found.energy_share.get(part.name, 0.0),
                "share_of_latency": part.share,
            }
            for part in found.parts
        ],
        "latency_s": found.latency_s,
        "interval_s": found.interval_s,
        "energy_j": found.energy_j,
        "limit": found.limit,
        "values": found.values,
    }


def _print(experiment: Experiment, found: Overview) -> None:
    from pnnsim.analysis.report.format import engineering, percent

    hardware = experiment.hardware
    print_line(f"{hardware.name} ({hardware.technology}): {hardware.summary}")
    print_line("")
    rows = [
        (
            part.name,
            _kind(experiment, part.name),
            _times(part),
            engineering(part.power, "W", 3),
            percent(found.energy_share.get(part.name, 0.0), 1),
            percent(part.share, 1),
        )
        for part in found.parts
    ]
    print_table(("part", "kind", "takes", "mean power", "of energy", "of latency"), rows)
    print_line("")
    banks = hardware.weight_banks
    print_line(f"{banks.count} weight banks of {banks.rows} x {banks.cols}")
    network = experiment.network
    print_line(
        f"with {type(network).__name__} of {network.workload.macs:,} MACs: latency "
        f"{engineering(found.latency_s, 's')} for the first sample, one result every "
        f"{engineering(found.interval_s, 's')}, {engineering(found.energy_j, 'J')} each"
    )
    print_line(found.limit)
    counts = ", ".join(f"{count} {name}" for name, count in found.values.items() if count)
    print_line(f"its values: {counts}")


def _times(part: Part) -> str:
    """Return the longest actions of a part with their times."""
    from pnnsim.analysis.report.format import engineering

    return ", ".join(
        f"{name.replace('_', ' ')} {engineering(time, 's', 3)}" for name, time in part.times[:3]
    )
