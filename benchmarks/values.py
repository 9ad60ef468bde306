"""Measure how fast samples are evaluated, beside plain torch and beside the timing pass.

    python -m benchmarks.values            # a few minutes
    python -m benchmarks.values --small    # sizes for a check that it works, seconds

The machine is `photonic_mrr` with a bank for each weight set, and the value pass is that of one
fabricated chip with every non-ideality. The plain forward has the same shapes: the same input and
output map, and for each step a product and a relu, all samples at once. Ratios within one run are
what counts. Passes take turns and the shortest of each counts, processor time where there is one
thread, so that other work on the computer matters least. The chip was calibrated before: that
happens once for a set of weights, whatever the number of chips, and has a column of its own.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor

from benchmarks.timing import table
from pnnsim import Chip, ParameterSet, ReLaXNet, Surrogate, load_spec, time_run
from pnnsim.inference.predict import outputs
from pnnsim.simulation.timing_pass import Timing

SETS = 4
#: Most that the value pass may take over the plain one, and the whole over the value pass.
LIMITS = {"values / plain": 5.0, "whole / values": 3.0}


@dataclass(frozen=True)
class Case:
    """Hold one network on one machine with its inputs."""

    chip: Chip
    parameters: ParameterSet
    x: Tensor

    @staticmethod
    def make(samples: int, inputs: int, dtype: torch.dtype, hidden: int = 64) -> Case:
        """Return an untrained network of 12 steps, its weight sets resident on tiles of 64 x 64."""
        network = ReLaXNet(inputs=inputs, hidden=hidden, outputs=10, weight_sets=SETS, steps=12)
        banks = SETS * (-(-hidden // 64)) ** 2
        spec = load_spec("photonic_mrr", [("weight_banks.count", str(banks))])
        parameters = Surrogate(network, spec, dtype=dtype).parameter_set()
        generator = torch.Generator().manual_seed(0)
        x = torch.rand((samples, inputs), generator=generator, dtype=dtype)
        return Case(Chip.nominal(spec, network).fabricate(seed=0, index=0), parameters, x)

    @torch.no_grad()
    def plain(self) -> Tensor:
        """Return what a network without a machine computes."""
        p = self.parameters
        state = torch.relu(self.x @ p.input_weight.T + p.input_bias)
        for k in self.chip.network.weight_set_order():
            state = torch.relu(state @ p.weight[k].T)
        return state @ p.output_weight.T + p.output_bias

    def timing(self) -> Timing:
        """Run the timing pass."""
        return time_run(self.chip, len(self.x))

    def values(self, timing: Timing) -> Tensor:
        """Run the value pass."""
        return outputs(self.chip, self.parameters, self.x, timing.accesses)

    def calibration(self) -> None:
        """Program every bank of a chip that has not been calibrated."""
        new = Chip.nominal(self.chip.spec, self.chip.network).fabricate(seed=0, index=0)
        for bank, target in enumerate(self.parameters.weight):
            new.weight_banks.program(target, new.states[bank], new.non_idealities, float("inf"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables for one thread, and the first for as many as torch takes by itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    small = parser.parse_args(arguments).small
    print(
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, "
        f"{os.cpu_count()} CPUs, Python {platform.python_version()}, pnnsim {version('pnnsim')}, "
        f"torch {torch.__version__}\n"
    )
    samples, rounds = (200, 1) if small else (26_032, 7)
    threads = torch.get_num_threads()
    for count in sorted({1, threads}):
        torch.set_num_threads(count)
        against_plain(samples, rounds)
    torch.set_num_threads(1)
    sizes = (100, 200) if small else (1_000, 4_000, 16_000, 64_000)
    scaling([(samples, 64) for samples in sizes], rounds)
    scaling([(sizes[1], hidden) for hidden in ((16, 80) if small else (16, 64, 128, 256))], rounds)
    torch.set_num_threads(threads)


def against_plain(samples: int, rounds: int) -> None:
    """Compare plain forward, value pass and timing pass of one network."""
    rows = []
    for inputs, dtype in ((64, torch.float32), (64, torch.float64), (3072, torch.float32)):
        case = Case.make(samples, inputs, dtype)
        timing = case.timing()
        found = in_turns(
            {
                "plain": case.plain,
                "timing": case.timing,
                "values": lambda case=case, timing=timing: case.values(timing),
                "calibration": case.calibration,
            },
            rounds,
        )
        whole = (found["timing"] + found["values"]) / found["values"]
        rows.append(
            (inputs, str(dtype).removeprefix("torch."),
             *(f"{1e3 * found[name]:.0f}" for name in found),
             f"{found['values'] / found['plain']:.1f}", f"{whole:.2f}")
        )  # fmt: skip
    limits = ", ".join(f"{name} at most {limit:g}" for name, limit in LIMITS.items())
    table(
        f"{samples} samples, N = 64, 12 steps, {torch.get_num_threads()} thread(s); {limits}",
        ("inputs", "dtype", "plain ms", "timing ms", "values ms", "calibration ms",
         *LIMITS), rows,
    )  # fmt: skip


def scaling(sizes: Sequence[tuple[int, int]], rounds: int) -> None:
    """Time plain forward, timing and value pass against the number of samples, or of lines."""
    rows = []
    for samples, hidden in sizes:
        case = Case.make(samples, 64, torch.float32, hidden)
        timing = case.timing()
        found = in_turns(
            {
                "plain": case.plain,
                "timing": case.timing,
                "values": lambda case=case, timing=timing: case.values(timing),
            },
            rounds,
        )
        each = f"{1e6 * found['values'] / samples:.1f}"
        times = (f"{1e3 * seconds:.1f}" for seconds in found.values())
        rows.append((samples, hidden, *times, each, f"{found['values'] / found['plain']:.1f}"))
    table("Scaling, 64 inputs, float32, 1 thread",
          ("samples", "N", "plain ms", "timing ms", "values ms", "values us per sample",
           "values / plain"), rows)  # fmt: skip


def in_turns(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each piece of work [s]."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, do in work.items():
            begin = clock()
            do()
            times[name].append(clock() - begin)
    return {name: min(found) for name, found in times.items()}


if __name__ == "__main__":
    main()
