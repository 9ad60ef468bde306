"""The coherent machine as worked by hand: N = 128, two sets of sixteen 32 x 32 tiles, 12 steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pnnsim.inference.chip import Chip
from pnnsim.inference.mvm import BankMvm
from pnnsim.inference.predict import nominal_outputs, outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.parameters import ParameterSet, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.hardware import load_spec
from tests.inference.evaluated import switched
from tests.worked_values import WORKED

#: What the worked machine has otherwise than the shipped one.
BY_HAND = [
    ("encoder.lines", "128"),
    ("encoder.insertion_loss", "0 dB"),
    ("switch.count", "128"),
    ("weight_banks.count", "32"),
    ("weight_banks.lock_power", "0 W"),
    ("weight_banks.lock_time", "0 s"),
    ("control.write_drivers", "32"),
    ("memory.static_power", "0 W"),
    ("memory.energy_per_byte", "0 J"),
    ("readout.energy", "0 J"),
    ("front_end.mac_energy", "0 J"),
    ("front_end.static_power", "0 W"),
]
NETWORK = ReLaXNet(inputs=64, hidden=128, outputs=10, weight_sets=2, steps=12)
#: Hand arithmetic of the reference, worked machine `mzi_photonic`.
T_STEP = 25.279017e-9
STATIC_W = 20.688
DYNAMIC_J = 1547.879424e-9


def chip(*overrides: tuple[str, str]) -> Chip:
    return Chip.nominal(
        load_spec("photonic_mzi", [*WORKED["photonic_mzi"], *BY_HAND, *overrides]), NETWORK
    )


def test_times_of_the_parts() -> None:
    delays = chip().delays()
    parts = {
        "switch": (delays.route_fs, 10.0),
        "converter": (delays.encode[0].duration_fs, 1.0),
        "modulator": (delays.encode[1].duration_fs, 0.079429),
        "fibre and chip": (delays.propagate_fs, 9.793442 + 0.413286),
        "detector": (delays.detect_fs, 0.992860),
        "converter and function": (delays.activate_fs, 3.0),
        "memory": (delays.hold_fs, 0.0),
        "mesh": (delays.mvm_fs, 0.0),
    }
    for name, (found_fs, expected_ns) in parts.items():
        # The reference gives six decimals, twice where two are added.
        assert found_fs / 1e6 == pytest.approx(expected_ns, abs=1.1e-6), name
    step = delays.route_fs + delays.encode_fs + delays.mm_fs + delays.activate_fs + delays.hold_fs
    # 0.5 fs for each of seven parts.
    assert step / 1e15 == pytest.approx(25.279016765708e-9, abs=4e-15)
    assert step / 1e15 == pytest.approx(T_STEP, rel=1e-7, abs=0)


def test_static_power_of_the_parts() -> None:
    static = chip().prices().static_w
    expected = {
        "weight_banks": 16.128,
        "encoder": 0.128 / 0.2,
        "detector": 0.384 + 512 * 0.1e-3 / 0.2,
        "switch": 1.28,
        "environment": 2.0,
    }
    for part, power in expected.items():
        assert static[part] == pytest.approx(power, rel=1e-12, abs=0), part
    assert sum(static.values()) == pytest.approx(STATIC_W, rel=1e-12, abs=0)


@pytest.mark.parametrize("overlap", [True, False])
def test_latency_and_energy_of_a_pass(overlap: bool) -> None:
    """The reference moves the switch before every step, also the first, and has no T_in and T_out.

    A machine starts with its switch at the bank of the first step: one move less. Overlapped, the
    first encoding and the last activation have no move to hide behind.
    """
    c = chip(("control.overlap", "true" if overlap else "false"))
    run = time_run(c, 1)
    delays = c.delays()
    latency = (run.trace.result_fs[0] - run.trace.arrival_fs[0]) / 1e15
    hidden = 4.079429e-9
    reference = 254.395055e-9 if overlap else 303.3482011885e-9
    edge = 10e-9 - hidden if overlap else 10e-9
    edges_fs = delays.input_fs + delays.output_fs
    # 0.5 fs for each of seven parts in each of twelve steps.
    assert latency - edges_fs / 1e15 == pytest.approx(reference - edge, abs=42e-15)

    spec = c.spec
    parameters = ParameterSet(
        NETWORK, **{n: torch.zeros(s, dtype=torch.float64) for n, s in shapes(NETWORK).items()}
    )
    x = torch.zeros((1, 64), dtype=torch.float64)
    energy = simulate(spec, parameters, x, torch.zeros(1, dtype=torch.int64), chips=1).metrics[
        "energy_j"
    ]
    one_move = 128 * 1e-9
    assert energy["dynamic"] == pytest.approx(DYNAMIC_J - one_move, rel=1e-9, abs=0)
    assert energy["total"] == pytest.approx(
        STATIC_W * latency + DYNAMIC_J - one_move, rel=1e-9, abs=0
    )
    # And so the reference's own total, 7.824 uJ serial and 6.811 uJ overlapped.
    golden = 6.811e-6 if overlap else 7.823547010188e-6
    assert STATIC_W * reference + DYNAMIC_J == pytest.approx(golden, rel=1e-4, abs=0)


@pytest.mark.parametrize(
    ("energy", "time", "static", "total"),
    [("30.2194 nJ", "1.22 us", 1602.52, 487.670e-6), ("0 nJ", "2 us", 4.56, 2.931147e-6)],
    ids=["standard heaters", "mechanical"],
)
def test_variants_differ_in_the_power_that_holds_phases(
    energy: str, time: str, static: float, total: float
) -> None:
    c = chip(("weight_banks.switching_energy", energy), ("weight_banks.time_constant", time))
    power = sum(c.prices().static_w.values())
    assert power == pytest.approx(static, rel=1e-5, abs=0)
    assert power * 303.348201e-9 + DYNAMIC_J == pytest.approx(total, rel=1e-5, abs=0)
    warned = [text for text in c.warnings() if "expected at most 100 W" in text]
    assert len(warned) == (static > 100)


def test_writing_one_bank() -> None:
    """6.238 ms, and 50.3 mJ of heat in 32,256 shifters meanwhile."""
    c = chip()
    write = c.delays().write_fs / 1e15
    assert write == pytest.approx(6.238e-3, rel=1e-4, abs=0)
    assert c.weight_banks.static_power() / 2 * write == pytest.approx(50.3e-3, rel=1e-3, abs=0)


def test_signal_budget() -> None:
    """21.47 dB: switch 4, coupling and routing 1.7, four tiles 6.02, 65 columns 9.75."""
    c = chip()
    assert 10 * math.log10(1e-3 / c.unit_input) == pytest.approx(21.47, abs=5e-3)
    assert c.unit_input / 12 == pytest.approx(0.594e-6, rel=2e-3, abs=0)  # <sigma^2> <x^2> = 1 / 12
    tile = float(c.detector.unit_current(c.unit_input / 12))
    assert tile == pytest.approx(15.4e-6, rel=2e-3, abs=0)


def test_the_ideal_machine_is_the_network_in_numpy() -> None:
    """The shipped machine, every non-ideality off: tanh of gain W h + b, twelve times over."""
    network = ReLaXNet(inputs=6, hidden=40, outputs=3, weight_sets=2, steps=5, residual=0.3)
    surrogate = Surrogate(
        network, load_spec("photonic_mzi"), non_idealities=(), dtype=torch.float64, seed=4
    )
    p = surrogate.parameter_set()
    x = torch.rand((7, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = np.maximum(x.numpy() @ p.input_weight.numpy().T + p.input_bias.numpy(), 0.0)
    for t in range(5):
        line = np.clip(h, -1.0, 1.0)
        a = p.gain.numpy()[t % 2] * line @ p.weight.numpy()[t % 2].T + p.bias.numpy()[t % 2]
        h = 0.3 * line + np.tanh(np.clip(a, -4.0, 4.0))
    expected = h @ p.output_weight.numpy().T + p.output_bias.numpy()
    np.testing.assert_allclose(surrogate(x).detach().numpy(), expected, rtol=0, atol=1e-10)


def test_each_non_ideality_of_the_machine_changes_the_answer() -> None:
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=3, steps=3)
    # Two banks for three sets, so that some are rewritten, in one round: ten leave nothing behind.
    banks = [("weight_banks.count", "2"), ("weight_banks.calibration_rounds", "1")]
    # 8 bits would hide the laser's noise.
    depth = [("encoder.bits", "16"), ("nonlinearity.bits", "16")]
    machine = load_spec("photonic_mzi", [*banks, *depth])
    surrogate = Surrogate(network, machine, dtype=torch.float64)
    parameters = surrogate.parameter_set()
    c = Chip.nominal(machine, network).fabricate(5, 0)
    accesses = time_run(c, 9).accesses
    x = torch.rand((9, 6), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    everything = outputs(c, parameters, x, accesses)
    # What a dark modulator leaves of a field is in quadrature, which receivers do not see.
    for name in sorted(c.non_idealities - {"encoder.extinction"}):
        changed = outputs(c, parameters, x, accesses, without=[name])
        assert float((changed - everything).abs().max()) > 0.0, name
    assert float((everything - nominal_outputs(c, parameters, x)).abs().max()) > 0.0


@pytest.mark.parametrize("sample", [0, 1])
def test_light_that_leaks_from_a_mesh_is_as_strong_as_its_own_matrix_leaves_it(sample: int) -> None:
    """A mesh passes W / |W|, so `W_a / |W_a| + eps W_b e^{i p} / |W_b|` reaches the receiver."""
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=2)
    chip = Chip.nominal(load_spec("photonic_mzi"), network).fabricate(3, 0)
    active = frozenset({"switch.leakage"})
    generator = torch.Generator().manual_seed(0)
    weight = 2 * torch.rand((2, 16, 16), generator=generator, dtype=torch.float64) - 1
    weight[1] *= 0.2
    banks = switched(chip, weight, active)
    own, other = (weight[k].numpy() for k in (sample, 1 - sample))
    norms = [np.linalg.norm(matrix, 2) for matrix in (own, other)]
    phases = chip.states[1 - sample]["leak_phases"].numpy()[0, :16]
    leak = chip.switch.leakage(active) * norms[0] / norms[1]
    assert leak > 0.02
    expected = own + leak * other * np.cos(phases)
    met = banks.meet(sample, (0, 1), float("inf"))
    np.testing.assert_allclose(met.seen, expected, rtol=0, atol=1e-12)
    # On the mean over all chips, which is what training sees, nothing leaks.
    nominal = Chip.nominal(load_spec("photonic_mzi"), network)
    seen = switched(nominal, weight, active).meet(sample, (0, 1), float("inf")).seen
    np.testing.assert_allclose(seen, own, rtol=0, atol=1e-12)


def test_what_a_mesh_has_left_of_another_matrix_is_as_strong_as_that_was() -> None:
    # One bank for two matrices, the second a fifth of the first; the slowest phases linger.
    network = ReLaXNet(inputs=6, hidden=16, outputs=3, weight_sets=2, steps=2)
    bank = {"count": "1", "calibration_rounds": "1", "settling_time": "200 us"}
    changes = [(f"weight_banks.{key}", value) for key, value in bank.items()]
    chip = Chip.nominal(load_spec("photonic_mzi", changes), network)
    active = frozenset({"weight_banks.settling"})
    accesses = time_run(chip, 2).accesses
    left = chip.weight_banks.residue(torch.from_numpy(accesses.since_write_s), active)
    assert float(left[1].min()) > 0.01
    generator = torch.Generator().manual_seed(0)
    weight = 2 * torch.rand((2, 16, 16), generator=generator, dtype=torch.float64) - 1
    weight[1] *= 0.2
    line = torch.rand((2, 16), generator=generator, dtype=torch.float64)
    products = BankMvm(switched(chip, weight, active), accesses)
    found = products.receive(line, 1).signal[1].numpy()
    first, second, share = weight[0].numpy(), weight[1].numpy(), float(left[1, 1])
    ratio = np.linalg.norm(second, 2) / np.linalg.norm(first, 2)
    expected = (1 - share) * second + share * ratio * first
    np.testing.assert_allclose(found, expected @ line[1].numpy(), rtol=0, atol=1e-12)
