"""The cost of one epoch of every rule, with paper and pencil from the numbers of the description.

No time or price is taken from the library here: all come from photonic_mrr.yaml, with
banks of 8 x 8 and a switch of 0.1 ns, which is too fast for states to be read behind its back.
"""

from __future__ import annotations

import math

import pytest
import torch

from pnnsim.hil.bench import Bench
from pnnsim.hil.cost_model import CostModel
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.chip import Chip
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules import RULES, Settings, dry_run, make_rule, train
from pnnsim.specs.hardware import HardwareSpec
from tests.hil import hil_machines
from tests.hil.hil_machines import NETWORK, examples
from tests.worked_values import WORKED

FAST = ("switch.rise_time", "0.1 ns")


def spec(*overrides: tuple[str, str]) -> HardwareSpec:
    return hil_machines.spec(*WORKED["photonic_mrr"], *overrides)


UPDATE = 2e-3

#: A first-order part waits for half of the least of 8 bits: ln 2^9 time constants.
DEPTH = 9 * math.log(2)

# Times of what a sample meets [s].
MAP = 1e-9  # 48 or 24 products, 4096 in a cycle of 1 GHz
CONVERT = 1e-9  # of the encoder at 1 GHz, and of the readout
ENCODE = DEPTH / (2 * math.pi * 20e9)
FLIGHT = 20e-3 * 4.2 / 299792458
ROUND = 2 * math.pi * 5e-6  # of a ring [m]
AMPLITUDE = 10 ** (-3.0 / 20 * ROUND / 1e-2)  # 3 dB/cm
BOTH = 0.991948313**2 * AMPLITUDE
WIDTH = 1550e-9**2 * (1 - BOTH) / (math.pi * 4.2 * ROUND * math.sqrt(BOTH))
RING = DEPTH / (2 * math.pi * 299792458 * WIDTH / 1550e-9**2)
DETECT = DEPTH / (2 * math.pi * 5e9)
ACTIVATE = DEPTH / (2 * math.pi * 20e9)
HOLD = 0.1e-9
SWITCH = 0.1e-9 / 2.197 * DEPTH  # from 10 to 90 % in 2.197 time constants
STATE = ACTIVATE + HOLD + ENCODE
MULTIPLY = FLIGHT + RING + DETECT

# Times of what is done to a bank [s].
WRITE = 10 * 10e-6 * DEPTH  # ten rounds of set, settle and measure
SETTLE = 2e-3 * math.log(0.05 * 2**9)  # 5 % of the heat is slow

# Prices [J]: six inputs, eight lines, three outputs, three steps.
MAPS = (6 * 8 + 8 * 3) * 0.077e-12
LINES = 8 * 3.584e-12 + 3 * 8 * 50e-15  # converted once, sent in every step
MOVES = 2 * 2 * 10e-12  # two switches, twice
ACTIVATIONS = 3 * 8 * 50e-15
HELD = 2 * 8 * 0.1e-12  # from step to step
READ = 8 * 25e-15 * 2**7  # a state
PROGRAM = 64 * 10 * 3.584e-12
#: Front end, lines with their lasers, switches, heaters of both banks, detectors, drivers, cooler.
POWER = 5e-3 + 8 * (1e-3 + 1e-3 / 0.2) + 2 * 15e-3 + 2 * 64e-3 + 8 * 3e-3 + 8 * 0.5e-3 + 2.0
#: Parts that draw power only while they work, and what they draw then: eight lines each.
GATED = (("control.gating", "[detector, readout]"), ("readout.static_power", "1 mW"))
DETECTORS = 8 * 3e-3
READOUTS = 8 * 1e-3
LINES_W = 8 * (1e-3 + 1e-3 / 0.2)

#: Passes of each of three updates, samples of each over the examples of the batch, whether states
#: are read, and weight sets written before each pass.
COUNTS = {
    "deploy": (0, 0, False, 0),
    "hardware_aware": (0, 0, False, 0),
    "physics_aware": (1, 1, True, 2),
    "dfa": (1, 1, True, 2),
    "augmented_dfa": (1, 1, True, 2),
    "spsa": (2, 1, False, 2),
    "mgd": (2, 1, False, 2),
    "local": (1, 2, True, 2),
}


def loop_time(change: float) -> float:
    """Return the time of one sample from its first encoding to its last activation."""
    return ENCODE + 3 * MULTIPLY + 2 * change + ACTIVATE


@pytest.mark.parametrize("states", [False, True])
def test_gated_lines_are_on_while_they_keep_what_waits_for_the_switch(states: bool) -> None:
    """A symbol waits for the switch, but less where its state is read in the meantime."""
    machine = spec(FAST, ("control.gating", "[encoder]"))
    cost = CostModel(Chip.nominal(machine, NETWORK)).forward(1, states=states).cost
    state = STATE + CONVERT if states else STATE
    waits = max(SWITCH - state, 0.0)
    on = CONVERT + 3 * (ENCODE + RING + DETECT) + 2 * waits
    lines = LINES_W * on
    energy = sum(cost.energy_j for cost in cost.costs()) - (POWER - LINES_W) * cost.time_s
    dynamic = MAPS + LINES + MOVES + ACTIVATIONS + HELD + READ + (2 * READ if states else 0.0)
    assert (waits > 0) is not states
    assert energy - dynamic == pytest.approx(lines, rel=1e-5, abs=0)


@pytest.mark.parametrize("gating", [(), GATED], ids=["always on", "gated"])
@pytest.mark.parametrize("name", RULES)
def test_cost_of_one_epoch_is_counts_times_prices(
    name: str, gating: tuple[tuple[str, str], ...]
) -> None:
    """Twelve examples in batches of 5, 5 and 2; the machine takes one sample after the other."""
    passes, factor, states, sets = COUNTS[name]
    settings = Settings(epochs=1, batch=5, learning_rate=1e-3)
    machine = spec(FAST, *gating)
    backend = SimulatedBackend(machine, NETWORK, seed=7)
    surrogate = Surrogate(NETWORK, machine, dtype=torch.float64)
    bench = Bench(backend, update_time=UPDATE)
    cost = train(make_rule(name), bench, surrogate, examples(12), settings).cost
    told = dry_run(
        make_rule(name), machine, NETWORK, examples=12, settings=settings, update_time=UPDATE
    )

    calls, samples = 3 * passes, 12 * passes * factor
    writes = calls * sets + 2  # and the last weights of all
    change = max(SWITCH, STATE)
    plain = calls * (MAP + CONVERT + CONVERT + MAP) + samples * loop_time(change)
    slower = 2 * (max(SWITCH, STATE + CONVERT) - change) if states else 0.0
    assert not states or slower > 1e-9
    standing = POWER - DETECTORS if gating else POWER
    a_sample = MAPS + LINES + MOVES + ACTIVATIONS + HELD + READ
    a_state = READ
    if gating:
        a_sample += 3 * DETECTORS * DETECT + READOUTS * CONVERT
        a_state += READOUTS * CONVERT

    for found in (cost, told):
        assert found.forward.count == samples
        assert found.write.count == writes
        assert found.read.count == (2 * samples if states else 0)
        assert found.host.count == 3
        # Each of the fifteen delays of a sample is rounded to a femtosecond, of 3 ns.
        assert found.forward.time_s == pytest.approx(plain, rel=5e-6, abs=0)
        assert found.write.time_s == pytest.approx(writes * WRITE + calls * SETTLE, rel=1e-9, abs=0)
        assert found.read.time_s == pytest.approx(samples * slower, rel=5e-6, abs=0)
        assert found.host.time_s == pytest.approx(3 * UPDATE, rel=1e-12, abs=0)

        # Less the standing power; energies are sums of exact prices.
        assert found.forward.energy_j - standing * found.forward.time_s == pytest.approx(
            samples * a_sample, rel=1e-6, abs=0
        )
        assert found.write.energy_j - standing * found.write.time_s == pytest.approx(
            writes * PROGRAM, rel=1e-6, abs=0
        )
        assert found.read.energy_j - standing * found.read.time_s == pytest.approx(
            (2 * samples if states else 0) * a_state, rel=1e-6, abs=0
        )
        assert found.host.energy_j == pytest.approx(standing * 3 * UPDATE, rel=1e-12, abs=0)
        assert found.time_s == pytest.approx(
            plain + writes * WRITE + calls * SETTLE + samples * slower + 3 * UPDATE, rel=1e-8, abs=0
        )
        shares = [found.time_share(kind) for kind in ("forward", "write", "read", "host")]
        assert sum(shares) == pytest.approx(1.0, rel=1e-12, abs=0)
