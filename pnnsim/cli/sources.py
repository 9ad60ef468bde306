"""Command that says where the values of machines come from, and how much hangs on each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pnnsim.cli.options import print_json, print_line, print_table

if TYPE_CHECKING:
    from pnnsim.analysis.provenance import Shares


def add_sources_command(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def sources(
        machines: Annotated[
            list[str] | None,
            typer.Argument(metavar="[NAME_OR_FILE…]", help="Machines; all that are shipped."),
        ] = None,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON in place of tables.")
        ] = False,
    ) -> None:
        """Show which share of values, energy and latency is published, by law, or assumed."""
        from pnnsim.analysis.provenance import shares
        from pnnsim.specs.experiment import load_experiment
        from pnnsim.specs.resolve import available_specs

        found = {}
        for name in machines or available_specs():
            experiment = load_experiment(name)
            found[experiment.hardware.name] = shares(experiment.hardware, experiment.network)
        if json:
            print_json({name: _as_json(each) for name, each in found.items()})
            return
        _print(found)


def _as_json(found: Shares) -> dict[str, object]:
    return {
        "values": found.values,
        "energy_share": found.energy,
        "latency_share": found.latency,
        "backed": found.backed,
    }


def _print(found: dict[str, Shares]) -> None:
    from pnnsim.specs.provenance import BACKED, CLASSES

    titles = ("machine", "of", *CLASSES, "backed")
    rows = []
    for name, each in found.items():
        cells = {
            "values": [str(each.values[key]) for key in CLASSES],
            "energy": [_percent(each.energy[key]) for key in CLASSES],
            "latency": [_percent(each.latency[key]) for key in CLASSES],
        }
        for of, row in cells.items():
            first = name if of == "values" else ""
            rows.append((first, of, *row, _percent(each.backed[of])))
    totals = {key: sum(each.values[key] for each in found.values()) for key in CLASSES}
    if len(found) > 1:
        rows.append(("all", "values", *(str(totals[key]) for key in CLASSES), ""))
    print_table(titles, rows)
    count, backed = sum(totals.values()), sum(totals[key] for key in BACKED)
    print_line(
        f"{backed} of {count} values ({backed / count:.0%}) are published, derived, fitted, or by "
        f"a law within its data; {totals['chosen']} more are choices of the designer"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share else "-"
