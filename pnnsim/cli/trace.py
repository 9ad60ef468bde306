"""Command that writes a trace for other tools: trace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pnnsim.cli.options import Exact, Quiet, Settings, Source, overrides, say

#: Samples that are traced where nothing says how many.
_SAMPLES = 20


def add_trace_command(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def trace(
        source: Source,
        out: Annotated[
            Path,
            typer.Option(
                "--out",
                metavar="FILE",
                help="File: .vcd (waveforms for GTKWave), .csv or .parquet (a row for each span).",
            ),
        ],
        samples: Annotated[
            int, typer.Option("--samples", min=1, help="Samples that are traced.")
        ] = _SAMPLES,
        settings: Settings = None,
        exact: Exact = False,
        quiet: Quiet = False,
    ) -> None:
        """Write what each unit does when; trains nothing, as times depend on no weight."""
        from pnnsim.analysis.report.trace_files import check_trace_file, write_trace
        from pnnsim.inference.chip import Chip
        from pnnsim.simulation.timing_pass import time_run
        from pnnsim.specs.experiment import load_experiment
        from pnnsim.timing.arrivals import arrivals_of

        check_trace_file(out)
        experiment = load_experiment(source, overrides(settings))
        chip = Chip.nominal(experiment.hardware, experiment.network)
        arrivals = arrivals_of(experiment.simulation, samples)
        found = time_run(chip, arrivals, exact=exact).trace
        write_trace(out, found)
        if not quiet:
            say(f"{out}: {len(found)} spans of {samples} samples, in femtoseconds")
