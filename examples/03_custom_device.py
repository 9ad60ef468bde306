"""Put a weight bank and a switch of your own into a shipped machine.

Their descriptions and components are in one file, `custom_device_package/attenuator_devices.py`.

    python examples/03_custom_device.py            about a minute
    python examples/03_custom_device.py --quick
"""

from __future__ import annotations

import argparse

import yaml
from custom_device_package.attenuator_devices import AttenuatorBank, RotarySwitch

import pnnsim
from pnnsim.testing import check_component

BANK = {
    "kind": "attenuators",
    "count": "2",
    "rows": "64",
    "cols": "64",
    "bits": "6",
    "spread": "1 %",
    "write_time": "1 ms",
    "write_energy": "1 nJ",
    "insertion_loss": "3 dB",
}
SWITCH = {
    "kind": "rotary",
    "turn_time": "50 us",
    "time_constant": "5 us",
    "turn_energy": "1 uJ",
    "hold_power": "0 W",
    "insertion_loss": "0.5 dB",
}


def main() -> None:
    """Register, check, and compare with the machine that the parts were put into."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Hardly train, few examples.")
    quick = parser.parse_args().quick

    # From now on the kinds can be named by a description. An installed package needs no such call.
    pnnsim.register("weight_banks", AttenuatorBank)
    pnnsim.register("switch", RotarySwitch)

    # The battery that every kind of pnnsim passes; its error names each law that is broken.
    shipped = yaml.safe_load(pnnsim.load_experiment("photonic_mrr").resolved())["hardware"]
    machine = {**shipped, "name": "attenuators", "weight_banks": BANK, "switch": SWITCH}
    spec = pnnsim.load_spec(machine)
    check_component("weight_banks", "attenuators", spec.weight_banks)
    check_component("switch", "rotary", spec.switch)
    print("both devices keep the laws\n")

    settings = (
        [("training.epochs", "1"), ("simulation.samples", "20"), ("simulation.chips", "1")]
        if quick
        else []
    )
    print(
        pnnsim.compare(
            [
                ("micro-rings", pnnsim.load_experiment("photonic_mrr", settings)),
                ("attenuators", pnnsim.load_experiment(machine, settings)),
            ]
        ).table
    )


if __name__ == "__main__":
    main()
