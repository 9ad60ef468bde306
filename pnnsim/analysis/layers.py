"""Time, energy and use of banks by layer: a layer is a matrix of the workload, by its name.

A matrix that is used more than once is one layer. What belongs to none, such as the input map and
the output map, is an entry without a name, so that each figure adds up to that of the whole run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pnnsim.analysis.energy import EnergyLedger
from pnnsim.common.times import Times, wide_enough
from pnnsim.mapping.actions import ACTIONS, Ints, is_path, numbers
from pnnsim.mapping.prices import PriceTable
from pnnsim.networks.workload import Mvm, Workload
from pnnsim.timing.multicore import AnyTrace
from pnnsim.timing.trace import Trace

_FS_PER_S = 10**15


def layers(
    run: AnyTrace, prices: PriceTable, ledger: EnergyLedger, workload: Workload
) -> list[dict[str, Any]]:
    """Return what each layer takes, in the order of the matrices, and last what belongs to none.

    * `latency_s`: how long the first sample is in the layer. It enters a step when the encoder
      takes it there, and leaves it when it enters the next one, or its last value is there. Sums to
      the latency of the first sample.
    * `energy_j`: energy of one inference: of the actions of its steps, of the digital work behind
      each of them, and of writes of its weights; and a share of the static energy, in proportion to
      `latency_s`. Sums to the energy of one inference.
    * `utilization`: time for which banks work on it, writes included, over makespan and banks. Sums
      to that of the weight banks.

    Args:
        run: The run.
        prices: Prices of its actions.
        ledger: Its energy.
        workload: What was computed.

    Returns:
        One dictionary of `name`, `latency_s`, `energy_j` and `utilization` for each layer; the name
        is None for what belongs to none.
    """
    names = [matrix.name for matrix in workload.matrices]
    used = [step.matrix for step in workload.steps if isinstance(step, Mvm)]
    spent_fs = _latencies_fs(run.base, used, len(names))
    of_row = _layer_of_rows(run.base, used, len(names))
    dynamic = _energies(run, prices, of_row, len(names))
    busy = _bank_shares(run, of_row, len(names))
    whole_fs = sum(spent_fs)
    static = ledger.static
    return [
        {
            "name": name,
            "latency_s": time / _FS_PER_S,
            "energy_j": (energy + (static * (time / whole_fs) if whole_fs else 0.0)) / run.samples,
            "utilization": share,
        }
        for name, time, energy, share in zip([*names, None], spent_fs, dynamic, busy, strict=True)
    ]


def _layer_of_rows(trace: Trace, used: list[int], count: int) -> Ints:
    """Return the layer of each span, shape `(n_span,)`; their number where there is none.

    A write, a move and a refresh belong to the matrix that the bank holds then.

    Args:
        trace: The trace.
        used: Matrix of each step.
        count: Number of layers.
    """
    of_step = np.array([*used, count], dtype=np.int64)
    layer = of_step[trace.step]
    prepares = trace.sample < 0
    prepares |= np.isin(trace.action, numbers("write", "route", "refresh"))
    held = np.where(trace.weight_set < 0, count, trace.weight_set)
    return np.where(prepares, held, layer).astype(np.int64)


def _latencies_fs(trace: Trace, used: list[int], count: int) -> list[int]:
    """Return how long the first sample is in each layer, and last in none [fs]."""
    mine = np.flatnonzero((trace.sample == 0) & (trace.step >= 0))
    encoder = np.array([name == "encoder" for name in trace.components()])
    taken = mine[encoder[trace.unit[mine]]]
    enters = np.full(len(used) + 1, trace.end_fs[mine].max(), dtype=trace.start_fs.dtype)
    np.minimum.at(enters, trace.step[taken], trace.start_fs[taken])
    ends = mine[np.isin(trace.action[mine], numbers("activate", "digitize", "compute"))]
    enters[-1] = trace.end_fs[ends[-1]]
    spent = [0] * (count + 1)
    for matrix, time in zip(used, np.diff(enters).tolist(), strict=True):
        spent[matrix] += time
    spent[count] = int(trace.result_fs[0]) - int(trace.arrival_fs[0]) - sum(spent)
    return spent


def _energies(run: AnyTrace, prices: PriceTable, of_row: Ints, count: int) -> list[float]:
    """Return the energy of the actions of each layer, and last of none [J]."""
    base = run.base
    happened = wide_enough(base.amount, float(base.amount.astype(np.float64) @ run.row_counts()))
    happened = happened * run.row_counts()
    components = sorted(set(base.components()))
    part = np.array([components.index(name) for name in base.components()])
    shape = count + 1, len(components), len(ACTIONS)
    number = np.zeros(math.prod(shape), dtype=happened.dtype)
    cells = (of_row * shape[1] + part[base.unit]) * shape[2] + base.action
    np.add.at(number, cells, happened)
    table = number.reshape(shape)
    return [
        math.fsum(
            int(table[layer, name, action])
            * prices.dynamic.get((components[name], ACTIONS[action]), 0.0)
            for name, action in np.argwhere(table[layer])
        )
        for layer in range(count + 1)
    ]


def _bank_shares(run: AnyTrace, of_row: Ints, count: int) -> list[float]:
    """Return for which share of the makespan banks work on each layer, and last on none."""
    base = run.base
    banks = np.array(
        [
            name == "weight_banks" and not is_path(unit)
            for name, unit in zip(base.components(), base.units, strict=True)
        ]
    )
    rows = np.flatnonzero(banks[base.unit])
    lengths: Times = base.end_fs[rows] - base.start_fs[rows]
    times = run.row_counts()[rows]
    most = float(lengths.astype(np.float64) @ times)
    busy = wide_enough(np.zeros(count + 1, dtype=np.int64), most)
    np.add.at(busy, of_row[rows], wide_enough(lengths, most) * times)
    return [int(time) / (run.makespan_fs * int(banks.sum())) for time in busy]
