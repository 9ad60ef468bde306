"""Time the samples of a run on a machine, and summarize the timing pass without its outputs.

No weights and no inputs here: delays never depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pnnsim.analysis.metrics import layout, metrics_from, setup_of
from pnnsim.errors import ScheduleError
from pnnsim.inference.accesses import AccessTable, accesses_from_trace, held_s
from pnnsim.inference.calibration import CALIBRATED
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import streams_of
from pnnsim.inference.programmings import sharing_errors
from pnnsim.inference.waits import refuse_waits
from pnnsim.mapping.bounds import bottleneck
from pnnsim.mapping.closed_form import closed_form_fs
from pnnsim.mapping.prices import PriceTable
from pnnsim.mapping.work import Work
from pnnsim.timing.ahead import planned
from pnnsim.timing.arrivals import Arrivals
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.run import run_cores, run_fast, run_timing
from pnnsim.timing.self_check import check_run
from pnnsim.timing.trace import Trace

if TYPE_CHECKING:
    from pnnsim.common.progress import Progress

#: Loss of the held state beyond which a warning is due: half a bit of a 4 bit signal.
_FADED = 1 / 32


@dataclass(frozen=True)
class Timing:
    """Result of a timing pass, the same for every chip and every input.

    Args:
        chip: The nominal chip that was timed.
        work: What was timed, with the decision whether banks are written ahead of time.
        run: Trace, as far as it was simulated.
        prices: What actions and time cost.
    """

    chip: Chip
    work: Work
    run: AnyTrace
    prices: PriceTable

    def served(self, requests: Tensor) -> Tensor:
        """Return what belongs to the samples, without the requests that were turned away."""
        if not len(self.run.dropped):
            return requests
        return requests[torch.from_numpy(self.run.served)]

    @cached_property
    def accesses(self) -> AccessTable:
        """Return what each sample met: memory for all samples, made where outputs need it."""
        chip = self.chip
        accesses = accesses_from_trace(
            self.run, chip.order, chip.mapping, chip.setup_age(), block=chip.spec.control.block
        )
        return sharing_errors(accesses, chip.mapping.used)

    @cached_property
    def trace(self) -> Trace:
        """Return every span of the run, a row each: memory for all samples."""
        return self.run.expand()

    @cached_property
    def calibration(self) -> Timing:
        """Return the timing pass of the known inputs that each core computes ahead of the run."""
        return time_run(self.chip, CALIBRATED * self.chip.spec.control.cores)


def time_run(
    chip: Chip,
    samples: int | Arrivals,
    progress: Progress | None = None,
    *,
    exact: bool = False,
) -> Timing:
    """Run the timing pass for some samples.

    Args:
        chip: Any chip of the machine; delays never depend on fabrication.
        samples: Number of samples, which then come as fast as the machine takes them, or when they
            come.
        progress: Display of results as they come; None for silence.
        exact: Simulate every event, also where the run repeats itself.

    Raises:
        ScheduleError: If the work cannot be timed on this machine.
        InvariantError: If the run breaks a rule of the machine, which is a fault of pnnsim.
    """
    streams = streams_of(chip)
    arrivals = Arrivals(samples) if isinstance(samples, int) else samples
    if progress is not None:
        progress.start("simulating events", arrivals.count)
    seen = 0

    def report(done: int, total: int) -> None:
        nonlocal seen
        if progress is not None:
            progress.advance(done - seen)
        seen = done

    if chip.stateful and (not arrivals.saturated or arrivals.count % streams):
        raise ScheduleError(
            f"network.stateful: {arrivals.count} samples come; expected saturated arrivals "
            f"and a multiple of {streams}, control.block times control.cores, so that every stream "
            "goes on in every block"
        )
    work = planned(chip.work())
    run = run_cores(run_timing if exact else run_fast, work, arrivals, report)
    check_run(run, work, arrivals)
    if progress is not None:
        progress.finish()
    timing = Timing(chip, work, run, chip.prices())
    if not chip.memory.patient:
        refuse_waits(chip, timing.accesses)
    return timing


def timing_metrics(timing: Timing) -> dict[str, Any]:
    """Return latency, throughput and energy of the run, what its set-up took, and its layout.

    This is the part of `metrics.json` that needs no weights.

    Args:
        timing: The timing pass.

    Raises:
        ScheduleError: The simulated latency is not the closed form; this is a bug of pnnsim.
    """
    chip = timing.chip
    figures = metrics_from(
        timing.run,
        timing.prices,
        network=chip.network,
        memory_capacity=chip.memory.capacity,
        closed_form_fs=closed_form_fs(timing.work),
    )
    figures["bottleneck"] = bottleneck(timing.work)
    figures["setup"] = setup_of(chip, timing.prices)
    figures["mapping"] = {**layout(chip.mapping), "written_ahead": timing.work.ahead}
    return figures


def faded(timing: Timing) -> list[str]:
    """Return a warning where the memory loses a good part of the state while the banks change."""
    memory = timing.chip.memory
    # Each fold of a step finds what the folds before it have left. Numbers do not fade.
    analog = [not product.digital for product in timing.chip.passage.products]
    begins = np.flatnonzero([product.begins for product in timing.chip.passage.products])
    times = held_s(timing.run, len(analog), block=timing.chip.spec.control.block)
    held = float(np.add.reduceat(times * analog, begins, axis=1).max())
    one = torch.ones(1, 1, dtype=torch.float64)
    kept = float(memory.hold(one, held * one, timing.chip.non_idealities))
    if kept > 1.0 - _FADED:
        return []
    return [
        f"memory: a state is held for up to {held:.3g} s and {kept:.1%} of it is left; accuracy "
        "falls with it. Hint: more banks, so that fewer are rewritten, or a better memory"
    ]
