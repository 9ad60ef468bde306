"""Train a network for a machine, run it on fabricated chips, and see accuracy, time and energy.

python examples/01_quickstart.py            about a minute
python examples/01_quickstart.py --quick    a few seconds, to see that it runs
"""

from __future__ import annotations

import argparse

import pnnsim


def main() -> None:
    """Train, simulate and report, one step after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Hardly train.")
    quick = parser.parse_args().quick

    # What computes, what is computed, and on which data.
    spec = pnnsim.load_spec("photonic_mrr")
    network = pnnsim.ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
    digits = pnnsim.load_dataset("digits")

    # The surrogate is an ordinary torch module; `fit` is one loop that trains it.
    surrogate = pnnsim.Surrogate(network, spec)
    training = pnnsim.TrainingParams(epochs=1 if quick else 40)
    pnnsim.fit(surrogate, digits.train, digits.validation, training)

    # The simulator runs the same physics with fabrication, noise, drift and real times.
    test = digits.samples(None)
    result = pnnsim.simulate(spec, surrogate, test.x, test.y, seed=0, chips=3)

    metrics = result.metrics
    accuracy, energy = metrics["accuracy"], metrics["energy_j"]
    print(f"accuracy   {accuracy['surrogate']:.1%} of the surrogate")
    print(f"           {accuracy['hardware_mean']:.1%} on {len(accuracy['chips'])} chips")
    print(f"latency    {metrics['latency_s']['first'] * 1e9:.1f} ns for the first sample")
    print(f"energy     {energy['per_inference'] * 1e9:.0f} nJ for one inference")
    largest = max(energy["by_component"], key=energy["by_component"].get)
    print(f"           {energy['by_component'][largest] / energy['total']:.0%} of it: {largest}")


if __name__ == "__main__":
    main()
