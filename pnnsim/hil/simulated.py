"""A machine in the loop that is simulated: one fabricated chip, with a spread that no model has.

The chip keeps its clock, its banks and its noise streams between calls, so it drifts as one machine
on a bench does. Values come from the one evaluator, times and energies from the cost model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pnnsim.common.recent_results import Kept
from pnnsim.common.rng import stream
from pnnsim.common.times import seconds
from pnnsim.common.units import from_fs, to_fs
from pnnsim.errors import BackendError
from pnnsim.hil.backend import Description, Measured, checked, checked_set
from pnnsim.hil.bench_banks import BenchBanks
from pnnsim.hil.chip_state import Bank, Condition, load_condition, save_condition
from pnnsim.hil.cost_model import KEPT_ROWS, CostModel
from pnnsim.hil.cost_report import CostReport
from pnnsim.inference.accesses import (
    AccessTable,
    accesses_from_trace,
    nominal_accesses,
)
from pnnsim.inference.chip import Chip
from pnnsim.inference.drift import DRIFT_STEP
from pnnsim.inference.evaluator import LoopState, StepEvaluator
from pnnsim.inference.switched_banks import NoiseContext, SwitchedBanks
from pnnsim.networks.protocol import Network
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec
from pnnsim.timing.trace import Trace

#: Three hundred years [s]; a clock in femtoseconds that runs for longer leaves the floats.
_LONGEST_WAIT = 1e10


class SimulatedBackend:
    """One fabricated chip of a machine.

    Args:
        spec: Description of the machine.
        network: What it computes.
        seed: Seed of the chip.
        index: Number of the chip among those of its seed.
        without: Names of non-idealities to switch off.

    Raises:
        MappingError: If the network does not fit the machine.
        BackendError: If its weight sets do not all have a bank of their own, or it has several
            cores, or a non-ideality is unknown, or the network is stateful.
    """

    def __init__(
        self,
        spec: HardwareSpec,
        network: Network,
        *,
        seed: int = 0,
        index: int = 0,
        without: Sequence[str] = (),
    ) -> None:
        if not isinstance(network, ReLaXNet) or not network.digital_maps:
            raise BackendError(
                f"network: got {type(network).__name__}; expected a ReLaXNet between digital "
                "maps, as a bench carries one state from step to step"
            )
        if network.stateful:
            raise BackendError(
                "network.stateful: is true; expected false, as a bench carries each batch of "
                "samples from its own beginning"
            )
        self.chip = chip = Chip.nominal(spec, network).fabricate(seed, index)
        unknown = sorted(frozenset(without) - chip.non_idealities)
        if unknown:
            raise BackendError(
                f"unknown non-idealities {', '.join(unknown)}; this machine has "
                f"{', '.join(sorted(chip.non_idealities))}"
            )
        self.cost_model = CostModel(chip)
        self._active = chip.non_idealities - frozenset(without)
        drift = [
            stream(seed, f"{chip.name}.weight_banks.{index}.environment", "read")
            for index in range(network.weight_sets)
        ]
        self.condition = Condition(
            clock_fs=0,
            settled_fs=0,
            advanced_fs=0,
            writes=0,
            selected=network.weight_set_order()[0],
            gain=torch.ones(network.weight_sets, dtype=torch.float64),
            bias=torch.zeros((network.weight_sets, network.hidden), dtype=torch.float64),
            banks=[
                Bank(environment=chip.weight_banks.environment(None, 0.0, generator))
                for generator in drift
            ],
            noise=stream(seed, f"{chip.name}.detector", "read"),
            drift=drift,
        )
        self._accesses: Kept[AccessTable] = Kept(
            KEPT_ROWS, size=lambda accesses: accesses.bank.size
        )
        self._banks = BenchBanks(chip, self.condition, self._active)

    @property
    def network(self) -> ReLaXNet:
        """Return what the machine computes."""
        return self.chip.relaxnet

    def describe(self) -> Description:
        """Return what the machine is."""
        spec, chip = self.chip.spec, self.chip
        return Description(spec.name, spec.sha256(), f"seed{chip.seed}.{chip.name}", chip.relaxnet)

    def write(self, weight_set: int, weight: Tensor) -> CostReport:
        """Program one weight set; see `HardwareBackend`."""
        network = self.network
        number = checked_set(weight_set, network)
        wanted = checked("weight", weight, network.hidden, network.hidden)
        if float(wanted.abs().max()) > 1.0:
            raise BackendError(
                f"weight: got {float(wanted.abs().max()):.6g} as the largest magnitude; expected "
                "weights in [-1, 1]"
            )
        condition, bank = self.condition, self.condition.banks[number]
        # What has drifted until now is what the programming measures.
        self._drift()
        bank.before, bank.weight = bank.weight, wanted.clone()
        bank.number, bank.began_fs = condition.writes, condition.clock_fs
        bank.corrected = bank.environment
        condition.writes += 1
        self._banks.rewritten(number)
        cost = self._charge(self.cost_model.write())
        condition.settled_fs = condition.clock_fs + to_fs(self.chip.weight_banks.setup_wait())
        return cost

    def electronics(self, gain: Tensor, bias: Tensor) -> None:
        """Set gains and biases; see `HardwareBackend`."""
        network = self.network
        found = checked("gain", gain, network.weight_sets)
        self.condition.bias = checked("bias", bias, network.weight_sets, network.hidden).clone()
        self.condition.gain = found.clone()

    def forward(self, drive: Tensor, *, states: bool = False) -> Measured:
        """Carry samples through all steps; see `HardwareBackend`."""
        drive = checked("drive", drive, -1, self.network.hidden)
        order = self.network.weight_set_order()
        cost = self._ready(order[0])
        passage = self.cost_model.forward(len(drive), states=states)
        accesses = self._now(self._accesses_of(passage.trace, len(drive), states))
        loop = self._loop(accesses)
        seen = []
        with torch.no_grad():
            carry = loop.begin(drive)
            for step in range(self.network.steps):
                carry = loop.step(step, carry, drive)
                if states:
                    seen.append(loop.result(carry))
            result = seen[-1] if states else loop.result(carry)
        self.condition.selected = order[-1]
        return Measured(
            result, torch.stack(seen) if states else None, cost + self._charge(passage.cost)
        )

    def step(self, weight_set: int, state: Tensor, drive: Tensor | None = None) -> Measured:
        """Carry samples through one weight set; see `HardwareBackend`."""
        number = checked_set(weight_set, self.network)
        state = checked("state", state, -1, self.network.hidden)
        given = torch.zeros_like(state) if drive is None else drive
        given = checked("drive", given, len(state), self.network.hidden)
        cost = self._ready(number)
        result, _ = self._single(number, state, given)
        return Measured(result, None, cost + self._charge(self.cost_model.step(len(state)).cost))

    def readback(self, weight_set: int) -> tuple[Tensor, CostReport]:
        """Measure weights line by line at the detector; see `HardwareBackend`.

        The readout converts what the detector captures, over the range of weights.
        """
        number = checked_set(weight_set, self.network)
        cost = self._ready(number)
        lines = torch.eye(self.network.hidden, dtype=torch.float64)
        _, reached = self._single(number, lines, torch.zeros_like(lines))
        assert reached.captured is not None, "a step captures"
        found = self.chip.readout.read(reached.captured, (-1.0, 1.0), self._active)
        cost = cost + self._charge(self.cost_model.step(len(lines)).cost)
        return found.T.contiguous(), cost

    def wait(self, time_s: float, *, updates: int = 0) -> CostReport:
        """Move the clock on; see `HardwareBackend`."""
        if not 0.0 <= time_s <= _LONGEST_WAIT:
            raise BackendError(f"wait: got {time_s} s; expected a time from 0 to {_LONGEST_WAIT:g}")
        return self._charge(self.cost_model.host(time_s, updates=updates))

    def save(self, path: Path) -> None:
        """Write all that has happened to the machine, so that `restore` goes on from there.

        Raises:
            OutputError: If the file cannot be written.
        """
        save_condition(path, self.condition, self.describe().to_data())

    def restore(self, path: Path) -> None:
        """Go on from what `save` has written for the same machine.

        Raises:
            BackendError: If the file is damaged, or belongs to another machine.
        """
        load_condition(path, self.condition, self.describe().to_data())
        self._banks.forget()

    def _charge(self, cost: CostReport) -> CostReport:
        """Let the time of a call pass."""
        self.condition.clock_fs += to_fs(cost.time_s)
        return cost

    def _ready(self, bank: int) -> CostReport:
        """Wait until banks have settled and the switch rests on the bank of the first step."""
        condition, cost = self.condition, CostReport()
        if condition.clock_fs < condition.settled_fs:
            left = from_fs(condition.settled_fs - condition.clock_fs)
            cost = cost + self._charge(self.cost_model.settle(left))
        if condition.selected != bank:
            cost = cost + self._charge(self.cost_model.route())
            condition.selected = bank
        self._drift()
        return cost

    def _drift(self) -> None:
        """Advance what drifts, once enough time has passed."""
        condition, banks = self.condition, self.chip.weight_banks
        elapsed = from_fs(condition.clock_fs - condition.advanced_fs)
        if elapsed < DRIFT_STEP * banks.correlation_time():
            return
        for bank, generator in zip(condition.banks, condition.drift, strict=True):
            bank.environment = banks.environment(bank.environment, elapsed, generator)
        condition.advanced_fs = condition.clock_fs
        self._banks.forget()

    def _loop(self, accesses: AccessTable) -> StepEvaluator:
        """Return the steps of samples that meet the machine as it is."""
        banks = SwitchedBanks(self._banks, NoiseContext(self._active, self.condition.noise))
        return StepEvaluator(banks, self.condition.gain, self.condition.bias, accesses)

    def _accesses_of(self, trace: Trace, samples: int, states: bool) -> AccessTable:
        return self._accesses.get(
            (samples, states),
            lambda: accesses_from_trace(trace, self.chip.order, self.chip.mapping, 0.0),
        )

    def _now(self, accesses: AccessTable) -> AccessTable:
        """Return accesses with what the banks hold at this moment and since when."""
        banks = self.condition.banks
        ages = [
            from_fs(self.condition.clock_fs - bank.began_fs)
            if bank.weight is not None
            else math.inf
            for bank in banks
        ]
        numbers = np.array([bank.number for bank in banks], np.int64)
        since = seconds(accesses.time_fs) + np.array(ages)[accesses.bank]
        return replace(
            accesses,
            contents=np.broadcast_to(self._banks.contents, accesses.contents.shape),
            replaced=self._banks.replaced[accesses.bank],
            write=numbers[accesses.bank],
            since_write_s=since,
        )

    def _single(self, weight_set: int, state: Tensor, drive: Tensor) -> tuple[Tensor, LoopState]:
        """Return the result and the state of one step through one bank, where the switch rests."""
        loop = self._loop(
            self._now(nominal_accesses(self.chip.order, self.chip.mapping, self.chip.policy))
        )
        step = self.network.weight_set_order().index(weight_set)
        with torch.no_grad():
            reached = loop.single(step, state, drive)
            return loop.result(reached), reached
