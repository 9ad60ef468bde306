"""Show where a slow switch is worth having: latency, throughput and energy against the block.

    python -m benchmarks.blocks [--small]

First table: the same network on machines with a fast and with a slow switch, for blocks of 1 to
512 samples (memory enlarged to hold them; everything else as described). Second table: time from
result to result of photonic_mrr with its own and with a slow switch, for growing blocks, in closed
form beside simulated points. Third table: its switch is made slower and slower; the block at which
it is as fast as with its own switch and blocks of 1, in closed form and simulated.

A step of a block of B samples takes T_step(B) = (B - 1) s + T_MM + T_switch where the move hides
the processing of the first state; s is the time between two departures, the larger of
T_encode + T_drive and T_nonlinearity. A sample takes L_T T_step(B) / B, and per sample and step a
slow switch is as fast as a fast one at

    B* = (T_MM + T_slow - s) / (T_MM + T_fast - s).

The simulated time is a little longer where the front end is slower than s: it keeps one sample
ready and no more, so that in step 0 the samples of a block follow each other at T_in.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from benchmarks.timing import circumstances, table
from pnnsim import Chip, ReLaXNet, load_spec, time_run, timing_metrics
from pnnsim.mapping.delays import Delays
from pnnsim.timing.run import run_fast

MACHINES = ("photonic_mrr", "spintronic_mtj", "freespace_dmd")
BLOCKS = (1, 8, 64, 512)
GROWING = (1, 2, 5, 10, 20, 50, 100)
#: A slow switch [s]; that of photonic_mrr takes 9 ns.
SLOW = 100e-9
NETWORK = ReLaXNet(weight_sets=2, steps=12)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    small = parser.parse_args().small
    print(circumstances())
    machines = MACHINES[:1] if small else MACHINES
    blocks = BLOCKS[:2] if small else BLOCKS
    rows = [measured(machine, block) for machine in machines for block in blocks]
    table(
        "Blocks: 12 steps, two weight sets that stay, samples without a gap",
        ("machine", "block", "mean latency s", "samples/s", "J per inference"),
        rows,
    )
    table(
        f"photonic_mrr, time per sample with its own switch and with one of {SLOW:.0e} s",
        ("block", "own: closed form s", "own: simulated s", "slow: closed s", "slow: simulated s"),
        [points(block) for block in ((1, 4) if small else GROWING)],
    )
    slower = (20e-9,) if small else (20e-9, 100e-9, 1e-6)
    table(
        "photonic_mrr with a slower switch: block at which it is as fast as with its own",
        ("T_switch s", "B* closed form", "B simulated"),
        [break_even(time) for time in slower],
    )


def measured(machine: str, block: int) -> tuple[str, ...]:
    """Return a row: what blocks of one size make of a machine."""
    changes = [("control.block", str(block))]
    chip = Chip.nominal(load_spec(machine), NETWORK)
    if chip.memory.capacity < block:
        changes.append(("memory.capacity", str(block)))
    chip = Chip.nominal(load_spec(machine, changes), NETWORK)
    found = timing_metrics(time_run(chip, 64 * block))
    return (
        machine, str(block), f"{found['latency_s']['mean']:.3e}",
        f"{found['throughput_per_s']:.3e}", f"{found['energy_j']['per_inference']:.3e}",
    )  # fmt: skip


def points(block: int) -> tuple[str, ...]:
    """Return a row: time per sample for blocks of one size, with its own and with a slow switch."""
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    own = chip.delays()
    row = [str(block)]
    for delays in (own, replace(own, route_fs=round(SLOW * 1e15))):
        row += [
            f"{closed_form(delays, block) * 1e-15:.3e}",
            f"{per_sample(chip, delays, block) * 1e-15:.3e}",
        ]
    return tuple(row)


def spacing(delays: Delays) -> int:
    """Return the time between two departures of a block [fs]."""
    return max(delays.encode_fs + delays.hold_symbol_fs, delays.activate_fs)


def closed_form(delays: Delays, block: int) -> float:
    """Return the time per sample of blocks whose switch hides the state's processing [fs]."""
    step = (block - 1) * spacing(delays) + delays.mm_fs + delays.route_fs
    return NETWORK.steps * step / block


def break_even(slow: float) -> tuple[str, ...]:
    """Return a row: the block at which a switch this slow [s] breaks even."""
    chip = Chip.nominal(load_spec("photonic_mrr"), NETWORK)
    fast = chip.delays()
    late = replace(fast, route_fs=round(slow * 1e15))
    gap = spacing(fast)
    closed = (late.mm_fs + late.route_fs - gap) / (fast.mm_fs + fast.route_fs - gap)
    wanted = per_sample(chip, fast, 1)
    low, high = 1, 4 * round(closed) + 4
    while low < high:  # the smallest block that is at least as fast
        middle = (low + high) // 2
        low, high = (
            (low, middle) if per_sample(chip, late, middle) <= wanted else (middle + 1, high)
        )
    return f"{slow:.0e}", f"{closed:.1f}", str(low)


def per_sample(chip: Chip, delays: Delays, block: int) -> float:
    """Return the time from one result to the next in steady use [fs]."""
    control = chip.spec.control.model_copy(update={"block": block})
    work = replace(chip.work(), delays=delays, control=control, memory_capacity=block)
    trace = run_fast(work, 16 * block)
    results = trace.expand().result_fs
    return float(results[-1] - results[-1 - 8 * block]) / (8 * block)


if __name__ == "__main__":
    main()
