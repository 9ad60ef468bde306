"""Train on a machine that drifts, and keep it in use, with and without refresh.

Phase-change weights fade from the moment when they are written. A batch that comes late meets older
weights, and so does whoever uses the machine after training. Three ways to live with it: leave the
banks alone, write them again at every check, or learn a little at every check by physics-aware
training, which writes them as well.

    python -m training.hil_drift [--quick] [--machine NAME]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pnnsim import load_spec
from pnnsim.hil import Bench, CostReport, SimulatedBackend
from pnnsim.learning.rules import PhysicsAware, Settings, measure, train
from training.common import load, read_options
from training.figures import picture, write_table
from training.held_out import opened
from training.hil_common import CHIP_SEED, copy_of, network_of, part, surrogate_of

#: Machines, and how much they drift here.
MACHINES: dict[str, tuple[tuple[str, str], ...]] = {
    # As electrical cells do (Nandakumar et al., ICECS, 2019); optical ones do not, as reported.
    "photonic_pcm": (
        ("weight_banks.drift_exponent", "0.05"),
        ("weight_banks.drift_spread", "0.01"),
    ),
    # The upper end of what a controller leaves of the temperature.
    "photonic_mrr": (("weight_banks.temperature_error", "50 mK"),),
}
#: Times after training at which the machine is checked [s]: a second to a year.
CHECKS = (1.0, 60.0, 3600.0, 86400.0, 30 * 86400.0, 365.25 * 86400.0)
WAYS = ("left alone", "written again", "trained on")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--machine", choices=sorted(MACHINES), default="photonic_pcm")
    own, rest = parser.parse_known_args(arguments)
    options = read_options("hil_drift", __doc__, 1, rest)
    quick = options.quick
    data = load(options, "digits")
    examples = part(data.train, 100 if quick else len(data.train))
    test = part(opened(data).test, 50 if quick else len(data.test))
    checks = CHECKS[:2] if quick else CHECKS
    small = [("weight_banks.rows", "16"), ("weight_banks.cols", "16")] if quick else []
    spec = load_spec(own.machine, [*MACHINES[own.machine], *small])
    network = network_of(data, quick=quick)
    settings = Settings(epochs=1 if quick else 15, batch=100)
    again = Settings(epochs=1, batch=100, learning_rate=5e-4)
    rule, rows, curves = PhysicsAware(), [], {}
    first = surrogate_of(network, spec, examples.x, 0)
    for way in WAYS:
        # Each begins with the same training on the same chip.
        bench = Bench(SimulatedBackend(spec, network, seed=CHIP_SEED))
        surrogate = copy_of(first)
        train(rule, bench, surrogate, examples, settings)
        begin = bench.cost
        now, shares = 0.0, []
        for check in checks:
            bench.backend.wait(check - now)
            now = check
            if way == "written again":
                bench.refresh()
                bench.load(surrogate.parameter_set())
            elif way == "trained on":
                bench.refresh()
                train(rule, bench, surrogate, examples, again)
            shares.append(measure(rule, bench, surrogate, test)[0])
        spent = bench.cost + begin * -1
        rows.append((way, *shares, *_spent(spent)))
        curves[way] = shares
        print(f"{way}: " + ", ".join(f"{share:.3f}" for share in shares), flush=True)
    with picture(options.out / "drift.png") as axes:
        for way, shares in curves.items():
            axes.plot(checks, shares, marker="o", label=way)
        axes.set(xlabel="time since training [s]", ylabel="accuracy", xscale="log")
        axes.legend()
    names = [f"{check:.3g} s" for check in checks]
    head = ("way", *names, "writes", "bench time [s]", "energy [J]")
    print(write_table(options.out, "drift", head, rows))


def _spent(cost: CostReport) -> tuple[object, ...]:
    """Return what keeping the machine in use has taken, its checks included."""
    return cost.write.count, cost.time_s, cost.energy_j


if __name__ == "__main__":
    main()
