"""The worked spintronic machine: 128 neurons, two banks of sixteen sub-arrays of 128 x 128.

Figures are hand arithmetic on the parameters below [ns, pJ]. The hand arithmetic charges a switch
and a hold in every step, edges included; a machine starts with its switch on the first bank and
does not hold the last state, so both are added where totals are compared.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.common.units import from_fs
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import nominal_outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import evaluated
from tests.inference.test_agreement import random_inputs, random_parameters
from tests.worked_values import WORKED

WIDE = [
    ("encoder.lines", "128"),
    ("weight_banks.rows", "128"),
    ("weight_banks.cols", "128"),
    ("weight_banks.mean_square", "33.333333333333333 %"),
]
NETWORK = ReLaXNet(hidden=128, weight_sets=2, steps=12)

#: 0.5 switch + 1 drive + 0.02 wires + 7.722246 amplifier + 1 activation + 0.5 hold.
T_STEP = 10.742246
#: What the front end and the gates' leakage add to the machine of the hand arithmetic [W].
EXTRA_W = 5e-3 + 4096 * 1e-9


def machine(name: str = "spintronic_mtj", *overrides: tuple[str, str]) -> Chip:
    return Chip.nominal(load_spec(name, [*WORKED[name], *WIDE, *overrides]), NETWORK)


STO = ("nonlinearity.settling_time", "1940.8121055678 ns")


def maps_ns(c: Chip) -> float:
    return sum(c.front_end.delay_fs(action) for action in ("map_input", "map_output")) / 1e6


def reference_energy(c: Chip, t_pass: float) -> float:
    """Price a pass of the hand arithmetic: twelve of everything, one conversion each way."""
    prices = c.prices()
    static = math.fsum(prices.static_w.values()) - EXTRA_W
    counts = {
        ("encoder", "convert"): 1, ("encoder", "encode"): 12, ("switch", "route"): 12,
        ("weight_banks", "mvm"): 12, ("nonlinearity", "activate"): 12, ("memory", "hold"): 12,
        ("readout", "convert"): 1,
    }  # fmt: skip
    return static * t_pass + math.fsum(n * prices.dynamic[key] for key, n in counts.items())


def test_parts_take_the_times_of_the_worked_machine() -> None:
    d = machine().delays()
    assert d.route_fs == 500_000
    assert d.encode_fs == 1_000_000
    assert d.mvm_fs == 20_000
    assert d.detect_fs / 1e6 == pytest.approx(7.722246, abs=1e-6)
    assert d.activate_fs == 1_000_000
    assert d.hold_fs == 500_000
    assert d.route_fs + d.encode_fs + d.mm_fs + d.activate_fs + d.hold_fs == pytest.approx(
        T_STEP * 1e6, abs=1
    )


def test_latency_one_after_the_other_is_that_of_the_worked_machine() -> None:
    c = machine("spintronic_mtj", ("control.overlap", "false"))
    trace = time_run(c, 1).trace
    latency = (trace.result_fs[0] - trace.arrival_fs[0]) / 1e6
    assert latency + 0.5 + 0.5 - maps_ns(c) == pytest.approx(148.9069520641, abs=1e-4)


def test_overlapped_latency_is_that_of_the_worked_machine() -> None:
    """The switch hides behind activation, hold and drive; only the last hold is missing."""
    c = machine()
    trace = time_run(c, 1).trace
    latency = (trace.result_fs[0] - trace.arrival_fs[0]) / 1e6
    assert latency + 0.5 - maps_ns(c) == pytest.approx(142.906952, abs=1e-4)


def test_standing_power_and_prices_are_those_of_the_worked_machine() -> None:
    prices = machine().prices()
    assert sum(prices.static_w.values()) == pytest.approx(17.8e-3 + EXTRA_W, rel=1e-12, abs=0)
    picojoules = {
        ("encoder", "convert"): 128.0,
        ("encoder", "encode"): 153.6 / 12,
        ("switch", "route"): 245.76 / 12,
        ("weight_banks", "mvm"): 19.680808,
        ("nonlinearity", "activate"): 153.6 / 12,
        ("memory", "hold"): 76.8 / 12,
        ("readout", "convert"): 144.8155,
    }
    for key, price in picojoules.items():
        assert prices.dynamic[key] == pytest.approx(price * 1e-12, rel=1e-6, abs=0), key


def test_a_pass_costs_what_the_worked_machine_costs() -> None:
    """3.789288912917 nJ, 19.27 fJ a multiply-accumulate; femtoseconds are rounded: 1e-6."""
    energy = reference_energy(machine(), 148.9069520641e-9)
    assert energy == pytest.approx(3.789288912917e-9, rel=1e-6, abs=0)
    assert energy / (12 * 128**2) == pytest.approx(19.273e-15, rel=1e-4, abs=0)


def test_writing_one_bank_takes_and_costs_what_the_worked_machine_says() -> None:
    banks = machine().weight_banks
    assert from_fs(banks.delay_fs("write")) == pytest.approx(1.28e-6, rel=1e-12, abs=0)
    assert banks.cost("write") == pytest.approx(262_144 * 0.1e-12, rel=1e-12, abs=0)


def test_the_oscillator_variant_sets_the_clock() -> None:
    """T_step 1950.554352 ns, T_pass 23.426652 us, E_pass 717.994 nJ."""
    c = machine("spintronic_sto", STO, ("control.overlap", "false"))
    trace = time_run(c, 1).trace
    latency = (trace.result_fs[0] - trace.arrival_fs[0]) / 1e6
    assert latency + 0.5 + 0.5 - maps_ns(c) == pytest.approx(12 * 1950.554352 + 20, abs=1e-4)
    assert reference_energy(c, 23.426652e-6) == pytest.approx(717.994e-9, rel=1e-6, abs=0)


@pytest.mark.parametrize("name", ["spintronic_mtj", "spintronic_sto"])
def test_nominal_simulator_equals_the_surrogate(name: str) -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=6)
    spec = load_spec(name)
    parameters, x = random_parameters(network), random_inputs(network)
    surrogate = Surrogate(network, spec, dtype=torch.float64)
    surrogate.load_parameter_set(parameters)
    chip = Chip.nominal(spec, network)
    simulated = evaluated(chip, parameters, x, time_run(chip, len(x)).accesses, chip.deterministic)
    np.testing.assert_allclose(simulated.numpy(), surrogate(x).detach().numpy(), rtol=0, atol=1e-10)
    assert np.abs(simulated.numpy()).max() > 0.01


def test_ideal_machine_is_the_network_in_plain_arithmetic() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=6)
    spec = load_spec("spintronic_mtj")
    p, x = random_parameters(network), random_inputs(network)
    chip = Chip.nominal(spec, network).fabricate(seed=1, index=0)
    got = evaluated(chip, p, x, time_run(chip, len(x)).accesses)
    h = np.maximum(x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    for t in range(6):
        line = np.clip(h, -1.0, 1.0)
        h = np.tanh(
            p.gain[t % 2].numpy() * line @ p.weight[t % 2].numpy().T + p.bias[t % 2].numpy()
        )
    expected = h @ p.output_weight.numpy().T + p.output_bias.numpy()
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=1e-10)
    assert not np.allclose(nominal_outputs(chip, p, x).numpy(), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("field", ["reference_power", "bias_power", "clock_power"])
def test_each_power_of_the_periphery_is_drawn_all_the_time(field: str) -> None:
    """3 mW more for as long as a sample takes; the time stays."""
    shipped = machine()
    key = f"environment.{field}"
    before = getattr(shipped.spec.environment, field)
    more = machine("spintronic_mtj", (key, f"{before + 3e-3} W"))
    powers = [c.prices().static_w["environment"] for c in (shipped, more)]
    assert powers[0] == pytest.approx(5e-3, rel=1e-12, abs=0)
    assert powers[1] - powers[0] == pytest.approx(3e-3, rel=1e-9, abs=0)
    energies = [timing_metrics(time_run(c, 10))["energy_j"]["total"] for c in (shipped, more)]
    makespan = time_run(shipped, 10).run.makespan_fs * 1e-15
    assert energies[1] - energies[0] == pytest.approx(3e-3 * makespan, rel=1e-6, abs=0)
