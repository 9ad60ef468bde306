"""Command that presents a simulated machine as an instrument on a socket: serve."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pnnsim.cli.options import Settings, Source, overrides


def add_serve(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command()
    def serve(
        source: Source,
        settings: Settings = None,
        seed: Annotated[int, typer.Option("--seed", help="Seed of the chip.")] = 0,
        chip: Annotated[
            int, typer.Option("--chip", min=0, help="Number of the chip of this seed.")
        ] = 0,
        host: Annotated[
            str, typer.Option("--host", help="Address; others than this computer need --token.")
        ] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", help="Port; 0 for any that is free.")] = 5025,
        token: Annotated[
            str | None,
            typer.Option(
                "--token", envvar="PNNSIM_TOKEN", help="Secret that clients must send first."
            ),
        ] = None,
        state: Annotated[
            Path | None,
            typer.Option("--state", help="File that keeps the machine's state at a clean stop."),
        ] = None,
    ) -> None:
        """Present a fabricated chip as an instrument: SCPI over TCP, until it is interrupted."""
        from pnnsim.hil.instrument.server import Server
        from pnnsim.hil.instrument.session import Instrument
        from pnnsim.hil.simulated import SimulatedBackend
        from pnnsim.specs.experiment import load_experiment

        experiment = load_experiment(source, overrides(settings))
        backend = SimulatedBackend(experiment.hardware, experiment.network, seed=seed, index=chip)
        if state is not None and state.exists():
            backend.restore(state)
        save = None if state is None else (lambda: backend.save(state))
        if save is not None:
            save()  # a place that cannot be written is known before anything is trained
        server = Server(Instrument(backend, save), host=host, port=port, token=token)

        def ready(found: int) -> None:
            typer.echo(f"{experiment.hardware.name} listens on {host}:{found}")
            sys.stdout.flush()  # a reader behind a pipe waits for this line
            if sys.stderr.isatty():
                typer.echo("stop with Ctrl-C", err=True)

        server.run(ready, signals=os.name == "posix")
