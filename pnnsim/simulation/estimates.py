"""Time and memory that a run will take on this computer, found before it starts.

One step of training, one forward pass and one programming are measured at small size; everything
else is counted. Figures of the run do not depend on any of it: what is measured is thrown away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.inference.workload_surrogate import WorkloadSurrogate
from pnnsim.mapping.plan import plan_blocks
from pnnsim.networks.protocol import is_stateful

#: Runs that are expected to take longer are announced [s].
LONG = 60.0

#: Samples of the pass that is measured: more for networks that are quick.
_FEW, _MORE, _QUICK_S = 1, 32, 0.05

#: Bytes of a number of the table of accesses, and its columns besides the contents of all banks.
_COLUMN, _COLUMNS = 8, 11

#: Times that drift is looked at in a run, at most; banks are evaluated anew at each.
_WINDOWS = 16


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time and memory of a run, expected.

    Args:
        train_s: Time of the training [s].
        simulate_s: Time of timing, chips and the search for what costs accuracy [s].
        memory: Memory of accesses, weights and values [B], the libraries apart.
    """

    train_s: float
    simulate_s: float
    memory: int

    @property
    def total_s(self) -> float:
        """Return the time of all [s]."""
        return self.train_s + self.simulate_s

    def sentence(self) -> str:
        """Return the estimate for people."""
        return (
            f"expected to take about {_time(self.total_s)} (training {_time(self.train_s)}, "
            f"simulation {_time(self.simulate_s)}) and {self.memory / 2**20:.0f} MiB"
        )


def estimate_run(
    surrogate: Surrogate | WorkloadSurrogate,
    x: Tensor,
    *,
    samples: int,
    steps: int,
    batch: int,
    chips: int,
    passes: int = 1,
) -> Estimate:
    """Return what training and simulation will take.

    Args:
        surrogate: What is to be trained; it is left as it is.
        x: Some of its inputs, a batch or more.
        samples: Samples of the run.
        steps: Steps of the optimizer.
        batch: Examples of each.
        chips: Fabricated chips.
        passes: Evaluations of each chip: one, and one for each non-ideality that is switched off.
    """
    chip = surrogate.chip
    each = _FEW
    forward = _pass(surrogate, x[:each])
    if forward < _QUICK_S and len(x) > each:
        # The first call also pays for what is prepared once.
        each = min(_MORE, len(x))
        forward = _pass(surrogate, x[:each])
    learning = _step(surrogate, x[:each]) if steps else 0.0
    programming = _programming(chip)
    held, written = chip.mapping.matrices, _writes(chip) * samples
    programmed = held + written if written else held * min(samples, _WINDOWS)
    # Ranges, surrogate and software are three passes besides those of chips.
    simulated = (chips * passes + 3) * forward * samples / each
    simulated += chips * passes * programmed * programming
    trained = steps * learning * max(1.0, batch / each)
    return Estimate(trained, simulated, _memory(chip, samples, batch))


@torch.no_grad()
def _pass(surrogate: Surrogate | WorkloadSurrogate, x: Tensor) -> float:
    """Return the time of one forward pass [s]."""
    training = surrogate.training
    surrogate.eval()
    begin = time.perf_counter()
    surrogate(_shaped(surrogate, x))
    passed = time.perf_counter() - begin
    surrogate.train(training)
    return passed


def _step(surrogate: Surrogate | WorkloadSurrogate, x: Tensor) -> float:
    """Return the time of one step of training [s], of the non-idealities that stay the same."""
    training = surrogate.training
    surrogate.eval()
    begin = time.perf_counter()
    with torch.enable_grad():
        outputs = surrogate(_shaped(surrogate, x))
        learned = [each for each in surrogate.parameters() if each.requires_grad]
        torch.autograd.grad(outputs.sum(), learned, allow_unused=True)
    passed = time.perf_counter() - begin
    surrogate.train(training)
    return passed


def _shaped(surrogate: Surrogate | WorkloadSurrogate, x: Tensor) -> Tensor:
    """Return samples as a surrogate reads them: those of a network with a state in one row."""
    return x.unsqueeze(0) if is_stateful(surrogate.network) else x


@torch.no_grad()
def _programming(chip: Chip) -> float:
    """Return the time in which one programming of a fabricated chip is evaluated [s]."""
    one = chip.fabricate(0, 0)
    generator = torch.Generator().manual_seed(0)
    shape = (chip.mapping.outputs, chip.mapping.inputs)
    target = 2.0 * torch.rand(shape, generator=generator) - 1.0
    begin = time.perf_counter()
    one.weight_banks.program(target, one.states[0], one.non_idealities, float("inf"))
    return time.perf_counter() - begin


def _writes(chip: Chip) -> float:
    """Return how many banks are written for one sample, once the run repeats itself."""
    if chip.mapping.resident:
        return 0.0
    plan = plan_blocks(chip.order, chip.mapping, chip.work().policy)
    # Which banks are written may differ from one block to the next.
    writes = [access.write for block in islice(plan, 1, 3) for access in block]
    return sum(writes) / 2 / chip.spec.control.block


def _memory(chip: Chip, samples: int, batch: int) -> int:
    """Return the memory of accesses, banks and values [B]."""
    columns = _COLUMNS + chip.mapping.used
    accesses = samples * len(chip.order) * columns * _COLUMN
    banks = 2 * chip.mapping.matrices * chip.mapping.outputs * chip.mapping.inputs * 4
    workload = chip.network.workload
    values = sum(value.size for value in workload.values) * min(batch, samples) * 8
    return accesses + banks + values


def _time(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
