"""Accuracy, latency and energy of each shipped machine with each physical effect off and on.

    python -m training.effects                        every machine; some minutes each
    python -m training.effects photonic_mzi --quick   one machine, hardly trained

A network is trained for each machine on digits, as the machine is shipped. The same parameters then
run on chips of that machine with one value of its description changed at a time: an effect that is
on is switched off by its own value, and one that the shipped machine does not have is switched on.
So accuracies show what an effect costs a network that was not trained for its absence, and latency
and energy what the hardware that holds it down takes.

`photonic_mzi` has its phases at more levels: as fibre and locks are published, without errors, with
the worst published lock, and without any lock.

Writes `effects.csv` and `effects.txt`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pnnsim import available_specs, fit, load_dataset, load_experiment, load_spec, simulate
from pnnsim.learning import make_surrogate
from training.figures import write_table

FOLDER = Path("runs/effects")
HEAD = ("machine", "change", "chips %", "std", "latency ns", "energy nJ", "set-up nJ", "power mW")

Settings = tuple[tuple[str, str], ...]
SHIPPED = "as shipped"

_QUIET_LASER: Mapping[str, Settings] = {
    "laser intensity noise off": (("encoder.laser_rin", "-200 dB/Hz"),),
}
_SHARP: Mapping[str, Settings] = {
    "finite extinction of modulators off": (("encoder.extinction", "100 dB"),),
}
_NO_LOCK: Settings = (("weight_banks.path_lock", "none"),)
_JUNCTIONS: Mapping[str, Settings] = {
    "amplifiers' voltage noise off": (("detector.voltage_noise", "0 V/Hz^0.5"),),
    "amplifiers' offset off": (("detector.input_offset", "0 V"),),
    "charge of gates off": (("switch.injected_charge", "0 C"),),
    "ratio against bias off": (("weight_banks.half_voltage", "10 V"),),
    "package at 400 K": (("environment.temperature", "400 K"),),
    "references, bias and clock unpaid": (
        ("environment.reference_power", "0 W"),
        ("environment.bias_power", "0 W"),
        ("environment.clock_power", "0 W"),
    ),
}

#: Machine → what is changed → keys and values.
EFFECTS: Mapping[str, Mapping[str, Settings]] = {
    "photonic_mrr": {
        "interference on the bus off": (("weight_banks.bus", "incoherent"),),
        "drift of bus phases off": (("weight_banks.bus_drift", "0 rad"),),
        "gradient of the package off": (("weight_banks.gradient_error", "0 K"),),
        "self-heating off": (("weight_banks.self_heating", "0 nm/mW"),),
        "heat of the other bank, 50 um away": (("weight_banks.bank_spacing", "50 um"),),
        **_SHARP,
        **_QUIET_LASER,
    },
    "photonic_mzi": {
        "phases without errors": (
            ("weight_banks.path_error", "0 rad"),
            ("weight_banks.lock_residual", "0 rad"),
        ),
        "worst published lock, 0.29 rad": (("weight_banks.lock_residual", "0.29 rad"),),
        "no lock, drift of 1 rad": (*_NO_LOCK, ("weight_banks.path_drift", "1 rad")),
        "no lock": _NO_LOCK,
        "linewidth off": (("encoder.laser_linewidth", "0 Hz"),),
        "leak of the switch off": (("switch.crosstalk", "100 dB"),),
        **_SHARP,
        **_QUIET_LASER,
    },
    "photonic_pcm": {
        "drift of cells, exponent 0.005": (("weight_banks.drift_exponent", "0.005"),),
        **_SHARP,
        **_QUIET_LASER,
    },
    "fiber_loop": {
        "drift of cells, exponent 0.005": (("weight_banks.drift_exponent", "0.005"),),
        **_SHARP,
        **_QUIET_LASER,
    },
    "freespace_dmd": {
        "source intensity noise off": (("encoder.intensity_noise", "-200 dB/Hz"),),
    },
    "spintronic_mtj": _JUNCTIONS,
    "spintronic_sto": _JUNCTIONS,
    "electronic_pcm": {
        "programming error off": (("weight_banks.programming_scale", "0"),),
        "drift of cells off": (("weight_banks.drift_scale", "0"),),
        "drift not compensated": (("weight_banks.drift_compensation", "false"),),
        "1/f noise of cells off": (("weight_banks.read_noise_scale", "0"),),
        "one group of cells and an offset": (("weight_banks.signs", "offset"),),
        "amplifiers' offset off": (("detector.input_offset", "0 V"),),
    },
    "digital_reference": {},
}


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one machine under one change.

    Args:
        machine: Name of the machine.
        change: What was changed.
        accuracy: Mean accuracy of the chips, and its deviation.
        latency_s: Latency of the first sample [s].
        energy_j: Energy of one inference [J].
        setup_j: Energy of the set-up [J].
        power_w: Mean power [W].
    """

    machine: str
    change: str
    accuracy: tuple[float, float]
    latency_s: float
    energy_j: float
    setup_j: float
    power_w: float


def study(machine: str, *, quick: bool) -> list[Row]:
    """Return the rows of one machine: as it is shipped, then each change.

    Args:
        machine: Name of the description.
        quick: Whether to train for one epoch, on 20 samples and one chip.
    """
    small = (("training.epochs", "1"), ("simulation.chips", "1"), ("simulation.samples", "20"))
    experiment = load_experiment(machine, small if quick else (("simulation.chips", "5"),))
    data = load_dataset("digits")
    surrogate = make_surrogate(experiment.network, experiment.hardware, experiment.training)
    if experiment.training.standardize:
        surrogate.standardize(data.pixels())
    fit(surrogate, data.train, data.validation, experiment.training)
    parameters, test = surrogate.parameter_set(), data.samples(experiment.simulation.samples)
    rows = []
    for change, settings in {SHIPPED: (), **EFFECTS[machine]}.items():
        metrics = simulate(
            load_spec(machine, settings),
            parameters,
            test.x,
            test.y,
            seed=experiment.simulation.seed,
            chips=experiment.simulation.chips,
            any_machine=True,
        ).metrics
        rows.append(
            Row(
                machine,
                change,
                (metrics["accuracy"]["hardware_mean"], metrics["accuracy"]["hardware_std"]),
                metrics["latency_s"]["first"],
                metrics["energy_j"]["per_inference"],
                metrics["setup"]["energy_j"],
                metrics["power_w"],
            )
        )
    return rows


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return the cells of the table, a line for each row."""
    return [
        (
            row.machine,
            row.change,
            f"{100.0 * row.accuracy[0]:.2f}",
            f"{100.0 * row.accuracy[1]:.2f}",
            f"{1e9 * row.latency_s:.6g}",
            f"{1e9 * row.energy_j:.4g}",
            f"{1e9 * row.setup_j:.4g}",
            f"{1e3 * row.power_w:.4g}",
        )
        for row in rows
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Study the machines of the command line, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.effects", description=__doc__)
    parser.add_argument("machines", nargs="*", help="Machines; all that are shipped by default.")
    parser.add_argument("--quick", action="store_true", help="One epoch, one chip, 20 examples.")
    parser.add_argument("--out", type=Path, default=FOLDER, help=f"Folder; {FOLDER} by default.")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    table = ""
    for machine in options.machines or available_specs():
        rows += study(machine, quick=options.quick)
        # Written after each machine: what is done is kept if a later one is interrupted.
        table = write_table(options.out, "effects", HEAD, cells(rows))
    print(table)


if __name__ == "__main__":
    main()
