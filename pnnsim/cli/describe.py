"""Commands that read descriptions and train nothing: validate, verify, components, specs, schema.

None of them but `verify` may import torch.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from pnnsim.cli import completion
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
        """Compare what is computed with what was published; exit code 1 if a figure is missed.

        A figure that is known to differ has its reason beside it, and counts as no failure.
        """
        from pnnsim.testing.published import verify as compare_with_published

        checks = compare_with_published(names or ())
        failed = [check for check in checks if not check.expected]
        differing = [check for check in checks if check.differs]
        if json:
            print_json([check.as_json() for check in checks])
        elif not quiet:
            titles = ("", "demonstration", "figure", "published", "simulated", "ratio", "tolerance")
            print_table((*titles, "class"), [check.row() for check in checks])
            print()
            print_table(("demonstration", "figure", "computed from", "fitted"), [
                (check.demonstration.name, check.quantity, check.inputs, check.fitted or "nothing")
                for check in checks
            ])  # fmt: skip
            if differing:
                print()
                print_table(("demonstration", "what differs", "why"), [
                    (check.demonstration.name, check.quantity, check.differs)
                    for check in differing
                ])  # fmt: skip
            shown = {check.demonstration.name: check.demonstration for check in checks}
            print()
            print_table(("demonstration", "what was shown", "source", "left out"), [
                (known.name, known.title, known.source, known.left_out) for known in shown.values()
            ])  # fmt: skip
            agree = sum(check.passed and check.expected for check in checks)
            text = f"\n{agree} of {len(checks)} figures agree"
            known = sum(check.expected and not check.passed for check in checks)
            print(f"{text}; {known} differ, for the reasons above" if known else text)
        if failed:
            raise typer.Exit(OURS)

    @app.command()
    def components(
        part: Annotated[
            str | None,
            typer.Argument(
                metavar="[PART[.KIND]]",
                help="Such as weight_banks, weight_banks.mrr, network.mlp or training.",
                autocompletion=completion.kinds,
            ),
        ] = None,
    ) -> None:
        """List the kinds of parts and blocks, or the keys of one, with shipped values."""
        from pnnsim.specs.catalog import fields_of_kind, kinds_of_blocks, kinds_of_parts
        from pnnsim.specs.experiment import BLOCKS
        from pnnsim.specs.shipped_values import shipped_values

        if part is None:
            print_table(("part", "kind", "what it describes"), kinds_of_parts())
            print()
            print_table(("block", "kind", "what it describes"), kinds_of_blocks())
        elif "." not in part and (part == "network" or part not in BLOCKS):
            print_table(("part", "kind", "what it describes"), kinds_of_parts(part))
        elif part.partition(".")[0] in BLOCKS:
            print_table(("key", "unit", "bounds", "default", "meaning"), fields_of_kind(part))
        else:
            rows, shipped = fields_of_kind(part), shipped_values(part)
            titles = ("key", "unit", "bounds", "default", "shipped", "meaning")
            print_table(titles, [(*row[:4], shipped.get(row[0], ""), row[4]) for row in rows])

    @app.command()
    def specs() -> None:
        """List the machines that come with pnnsim, and published ones described in its terms."""
        from pnnsim.specs.resolve import available_specs, published_specs

        print_table(("machine", "summary"), list(available_specs().items()))
        print()
        print_table(("published machine", "summary"), list(published_specs().items()))

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
