"""Run the same machine as recurrent net, as ReLaX-Net and as deep net, and compare.

One bank is used for all steps, two banks are used in turn, or every step has weights of its own,
which must be written on the way. More weights, more accuracy; more writing, more time.

    python examples/02_compare_networks.py            a few minutes
    python examples/02_compare_networks.py --quick
"""

from __future__ import annotations

import argparse

import pnnsim


def main() -> None:
    """Put three experiments into one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Hardly train, few examples.")
    quick = parser.parse_args().quick

    settings = [("network.steps", "6")]
    if quick:
        settings += [
            ("training.epochs", "1"),
            ("simulation.samples", "20"),
            ("simulation.chips", "1"),
        ]
    experiments = [
        (kind, pnnsim.load_experiment("photonic_mrr", settings, network_kind=kind))
        for kind in ("rnn", "relaxnet", "dnn")
    ]
    print(pnnsim.compare(experiments).table)


if __name__ == "__main__":
    main()
