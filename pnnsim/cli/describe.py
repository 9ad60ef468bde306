"""Commands that read descriptions and train nothing: validate, verify, components, specs, schema.

None of them but `verify` may import torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from pnnsim.cli.exit_codes import OURS, USER
from pnnsim.cli.options import Json, Quiet, print_json, print_line, print_table, say
from pnnsim.errors import SpecError


def add_description_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""

    @app.command()
    def validate(
        files: Annotated[
            list[str], typer.Argument(metavar="FILE…", help="Machines or experiments to check.")
        ],
        quiet: Quiet = False,
    ) -> None:
        """Check descriptions and show every problem with its line and column."""
        from pnnsim.specs.experiment import load_experiment

        bad = False
        for file in files:
            try:
                experiment = load_experiment(file)
            except SpecError as error:
                bad = True
                say(str(error))
                continue
            if not quiet:
                print_line(
                    f"{file}: ok ({experiment.hardware.name}, {experiment.hardware.technology})"
                )
                for warning in experiment.warnings():
                    print_line(f"{file}: warning: {warning}")
        if bad:
            raise typer.Exit(USER)

    @app.command()
    def verify(
        names: Annotated[
            list[str] | None, typer.Argument(metavar="[NAME…]", help="Demonstrations; all of them.")
        ] = None,
        json: Json = False,
        quiet: Quiet = False,
    ) -> None:
        """Compare what is computed with what was published; exit code 1 if anything differs."""
        from pnnsim.testing.published import verify as compare_with_published

        checks = compare_with_published(names or ())
        failed = [check for check in checks if not check.passed]
        if json:
            print_json([check.as_json() for check in checks])
        elif not quiet:
            titles = ("", "demonstration", "figure", "published", "simulated", "tolerance", "basis")
            print_table((*titles, "fitted"), [check.row() for check in checks])
            shown = {check.demonstration.name: check.demonstration for check in checks}
            print()
            print_table(("demonstration", "what was shown", "source"), [
                (known.name, known.title, known.source) for known in shown.values()
            ])  # fmt: skip
            print(f"\n{len(checks) - len(failed)} of {len(checks)} figures pass")
        if failed:
            raise typer.Exit(OURS)

    @app.command()
    def components(
        part: Annotated[
            str | None,
            typer.Argument(
                metavar="[PART[.KIND]]", help="Such as weight_banks or weight_banks.mrr."
            ),
        ] = None,
    ) -> None:
        """List the kinds of parts, or the keys of one kind."""
        from pnnsim.specs.catalog import fields_of_kind, kinds_of_parts

        if part is None or "." not in part:
            print_table(("part", "kind", "what it describes"), kinds_of_parts(part))
        else:
            print_table(("key", "unit", "bounds", "default", "meaning"), fields_of_kind(part))

    @app.command()
    def specs() -> None:
        """List the machines that come with pnnsim."""
        from pnnsim.specs.resolve import available_specs

        print_table(("machine", "summary"), list(available_specs().items()))

    @app.command()
    def schema(
        of: Annotated[
            Literal["any", "machine", "experiment", "study"],
            typer.Argument(help="What is described; any: all of them, told apart by their keys."),
        ] = "any",
    ) -> None:
        """Print the JSON Schema of descriptions, for editors and validators."""
        from pnnsim.explore.study_schema import any_schema, study_schema
        from pnnsim.specs.json_schema import experiment_schema, hardware_schema

        schemas = {
            "any": any_schema,
            "machine": hardware_schema,
            "experiment": experiment_schema,
            "study": study_schema,
        }
        print_json(schemas[of]())
