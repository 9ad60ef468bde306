"""Time and energy of an image on a machine, and the accuracy of its chips."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from pnnsim.analysis.critical_path import critical_path
from pnnsim.analysis.energy import EnergyLedger, counts
from pnnsim.analysis.metrics import energy, latencies, setup_of, utilization
from pnnsim.common.units import from_fs
from pnnsim.inference.inputs import as_inputs, as_labels, as_whole
from pnnsim.inference.predict import share_correct
from pnnsim.lrunet.loaded import Loaded
from pnnsim.lrunet.machine import Machine
from pnnsim.lrunet.values import outputs
from pnnsim.timing.trace import Trace


def timing_metrics(machine: Machine, trace: Trace | None = None) -> dict[str, Any]:
    """Return the figures of a run, with the keys of the documentation.

    One image, or several that access the tiles together, are in the machine at a time, so the
    interval is the makespan over their number. Energy per multiply-accumulate divides the whole
    energy by all of them. `writes` are the banks written for one image, in the long run.

    Args:
        machine: Machine and work.
        trace: Of `machine.trace()`; simulated where not given.
    """
    chip, network = machine.chip, machine.program.network
    trace = machine.trace() if trace is None else trace
    prices = machine.prices()
    ledger = EnergyLedger.from_trace(trace, prices)
    makespan = from_fs(trace.makespan_fs)
    interval, per_inference = makespan / machine.images, ledger.total / machine.images
    macs = network.macs_per_inference()
    return {
        "latency_s": latencies(trace),
        "makespan_s": makespan,
        "interval_s": interval,
        "throughput_per_s": 1.0 / interval,
        "energy_j": energy(ledger, per_inference),
        "power_w": ledger.total / makespan,
        "energy_per_mac_j": per_inference / macs["total"],
        "tops_per_w": 2 * macs["total"] / per_inference / 1e12 if per_inference else None,
        "setup": setup_of(chip, prices),
        "writes": machine.writes / machine.images,
        "tiles": machine.program.tile_count,
        "parameters": network.parameter_counts(),
        "macs_per_inference": macs,
        "area_m2": chip.areas(),
        "utilization": utilization(trace, memory_capacity=chip.memory.capacity),
        "critical_path": critical_path(trace),
        "counts": {f"{part}.{action}": n for (part, action), n in counts(trace).items()},
        "events": {"spans": len(trace), "simulated": len(trace), "extended": 0},
        "warnings": [
            *chip.spec.warnings(),
            *(text for part in chip.components.values() for text in part.warnings()),
        ],
    }


def accuracy(
    loaded: Loaded, x: Tensor, y: Tensor, *, seed: int = 0, chips: int = 3
) -> dict[str, Any]:
    """Return the share of images that are right: in arithmetic, and on fabricated chips.

    Args:
        loaded: The network on the machine.
        x: Images, shape `(batch, pixels)` or `(batch, channels, side, side)`.
        y: Classes, shape `(batch,)`.
        seed: Seed of the chips.
        chips: Number of chips.

    Raises:
        InputError: If images or classes do not fit the network.
    """
    chip, network = loaded.machine.chip, loaded.machine.program.network
    seed, chips = as_whole(seed, "seed", 0), as_whole(chips, "chips", 1)
    x = as_inputs(x, network.channels * network.side**2, loaded.images)
    y = as_labels(y, len(x), network.classes)
    nominal = share_correct(outputs(loaded, chip, x, noise=False), y)
    found = [
        share_correct(outputs(loaded, chip.fabricate(seed, index), x), y) for index in range(chips)
    ]
    return {
        "surrogate": nominal,
        "hardware_mean": float(np.mean(found)),
        "hardware_std": float(np.std(found, ddof=1)) if chips > 1 else 0.0,
        "chips": found,
    }
