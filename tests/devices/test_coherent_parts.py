"""The other parts of the coherent machine: fields, their switches, homodyne, numbers as state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import constants

from pnnsim.common.rng import stream
from pnnsim.devices.base import Received, Size
from pnnsim.devices.detectors.balanced_photodiode import BalancedPhotodiode
from pnnsim.devices.encoders.modulator import MachZehnderEncoder
from pnnsim.devices.memories.sram import Sram
from pnnsim.devices.nonlinearities.digital import DigitalActivation
from pnnsim.devices.switches.switch_tree import ElectroOpticSwitch, PlztSwitch, ThermoOpticSwitch
from pnnsim.devices.switches.switch_tree_params import ThermoOpticSwitchParams
from pnnsim.errors import SpecError
from pnnsim.inference.chip import Chip
from pnnsim.inference.light_noise import draw_intensity
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.physics import photonic_detection
from pnnsim.specs.hardware import load_spec
from tests.worked_values import WORKED

NONE: frozenset[str] = frozenset()


def chip(*overrides: tuple[str, str], **network: object) -> Chip:
    return Chip.nominal(
        load_spec("photonic_mzi", [*WORKED["photonic_mzi"], *overrides]), ReLaXNet(**network)
    )


def size(**values: Any) -> Size:
    whole = {"inputs": 64, "outputs": 10, "banks": 2, "tiles_out": 1, "tiles_in": 2}
    whole |= {"hidden": 64, "lines": 64, "detectors": 64}
    rest = {"analog_state": False, "temperature": 300.0, "carrier": "field"}
    return Size(**{**whole, **rest, **values})


# encoder


def test_a_field_carries_a_sign_and_a_power_does_not() -> None:
    params = load_spec("photonic_mzi").encoder
    state = torch.tensor([[-1.4, -0.5, 0.0, 0.3, 2.0]], dtype=torch.float64)
    field = MachZehnderEncoder(params, size())
    assert field.encode(state, converted=False, active=NONE).tolist() == [[-1, -0.5, 0, 0.3, 1]]
    power = MachZehnderEncoder(params.model_copy(update={"carrier": "power"}), size())
    assert power.encode(state, converted=True, active=NONE).tolist() == [[0, 0, 0, 0.3, 1]]
    stepped = field.encode(state, converted=True, active={"encoder.quantization"})
    np.testing.assert_allclose(
        stepped.numpy()[0], np.array([-127, -64, 0, 38, 127]) / 127, rtol=1e-7, atol=0
    )
    assert field.full_scale == pytest.approx(1e-3 * 10**-0.12, rel=1e-12, abs=0)
    assert field.intensity_noise == pytest.approx(1e-15, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("carrier", "laser", "one"),
    [
        ("field", None, True),
        ("field", "shared", True),
        ("power", None, False),
        ("power", "separate", False),
        ("power", "shared", True),
    ],
)
def test_lines_of_one_laser_are_noisy_together(carrier: str, laser: str | None, one: bool) -> None:
    params = load_spec("photonic_mzi").encoder
    encoder = MachZehnderEncoder(
        params.model_copy(update={"carrier": carrier, "laser": laser}), size()
    )
    assert encoder.one_source is one
    line = torch.ones((500, 64), dtype=torch.float64)
    drawn = draw_intensity(line, encoder, 1e9, stream(0, "detector", "read"))
    assert drawn is not None
    assert drawn.shape == (500, 1 if one else 64)
    deviation = math.sqrt(1e-15 * 1e9)
    bound = 5 * deviation * math.sqrt(0.5 / drawn.numel())
    assert float(drawn.std()) == pytest.approx(deviation, abs=bound)
    assert draw_intensity(line, encoder, 0.0, stream(0, "detector", "read")) is None
    assert draw_intensity(line, encoder, 1e9, None) is None


def test_fields_of_several_lasers_are_refused() -> None:
    with pytest.raises(SpecError, match="fields of separate lasers, which do not interfere"):
        load_spec("photonic_mzi", [("encoder.laser", "separate")])


# switches


def test_leaks_of_fields_are_the_roots_of_leaks_of_powers() -> None:
    """25 dB: 0.3 % of the power, 5.6 % of the field (hand calculation of the reference)."""
    params = load_spec("photonic_mzi").switch
    on = {"switch.leakage"}
    assert PlztSwitch(params, size()).leakage(on) == pytest.approx(0.0562, abs=1e-4)
    assert PlztSwitch(params, size(carrier="power")).leakage(on) == pytest.approx(
        10**-2.5, rel=1e-6, abs=0
    )
    assert PlztSwitch(params, size(banks=4)).leakage(on) == pytest.approx(
        (2 * 10**-2.5) ** 0.5, rel=1e-6, abs=0
    )
    assert PlztSwitch(params, size()).leakage(NONE) == 0.0


def test_much_leak_of_fields_is_warned_of() -> None:
    params = load_spec("photonic_mzi").switch
    (text,) = PlztSwitch(params, size()).warnings()
    assert text.startswith("switch.crosstalk: 25 dB add 5.6% of the field of each unselected bank")
    assert PlztSwitch(params, size(carrier="power")).warnings() == ()
    better = params.model_copy(update={"crosstalk": 40.0})
    assert PlztSwitch(better, size()).warnings() == ()
    assert PlztSwitch(params, size(banks=1)).warnings() == ()


def thermo_optic(**values: Any) -> ThermoOpticSwitchParams:
    texts = {
        "kind": "thermo_optic",
        "count": 64,
        "bits": 8,
        "insertion_loss": "0.5 dB",
        "crosstalk": "25 dB",
        "toggle_energy": "3.584 pJ",
        "static_power": "12 mW",
        "time_constant": "10 us",
    }
    return ThermoOpticSwitchParams.model_validate({**texts, **values})


@pytest.mark.parametrize("carrier", ["power", "field"])
def test_an_interferometer_settles_faster_than_its_phase(carrier: str) -> None:
    """The wrong port has sin^2(pi x / 2) of the power where x of the phase is left."""
    switch = ThermoOpticSwitch(thermo_optic(), size(carrier=carrier))
    dwell = torch.tensor([0.0, 1e-5, 5e-5, math.inf], dtype=torch.float64)
    field = np.sin(np.pi / 2 * np.exp(-dwell.numpy() / 1e-5))
    expected = field if carrier == "field" else field**2
    left = switch.residue(dwell, {"switch.settling"}).numpy()
    np.testing.assert_allclose(left, expected, rtol=1e-12, atol=0)
    assert float(switch.residue(dwell, NONE).abs().max()) == 0.0
    assert switch.delay_fs("route") == round(1e-5 * math.log(2**9) * 1e15)
    given = ThermoOpticSwitch(thermo_optic(settling_time="20 us"), size(carrier=carrier))
    assert given.delay_fs("route") == 20 * 10**9


def test_a_stated_wait_leaves_half_a_bit_of_the_phase() -> None:
    switch = PlztSwitch(load_spec("photonic_mzi").switch, size())
    left = switch.residue(torch.tensor([20e-9], dtype=torch.float64), {"switch.settling"})
    assert float(left) == pytest.approx(math.sin(math.pi / 2 / 512), rel=1e-9, abs=0)
    assert switch.delay_fs("route") == 20_000_000


def test_a_carrier_switch_leaves_the_root_of_its_power_in_a_field() -> None:
    params = load_spec("photonic_mrr").switch
    dwell = torch.tensor([2e-9], dtype=torch.float64)
    on = {"switch.settling"}
    power = ElectroOpticSwitch(params, size(carrier="power")).residue(dwell, on)
    field = ElectroOpticSwitch(params, size()).residue(dwell, on)
    assert float(field) == pytest.approx(float(power) ** 0.5, rel=1e-12, abs=0)


def test_trees_cost_what_their_switches_cost() -> None:
    for banks, depth, cells in ((1, 0, 0), (2, 1, 1), (5, 3, 4)):
        switch = ThermoOpticSwitch(thermo_optic(), size(banks=banks))
        assert switch.cost("route") == pytest.approx(64 * depth * 3.584e-12, rel=1e-12, abs=0)
        assert switch.static_power() == pytest.approx(64 * cells * 12e-3, rel=1e-12, abs=0)
        assert switch.transmission == pytest.approx(10 ** (-0.05 * depth), rel=1e-12, abs=0)


# homodyne detection


def test_both_photodiodes_of_a_homodyne_receiver_share_all_light() -> None:
    field = torch.tensor([-1e-3, 0.0, 2e-3], dtype=torch.float64)
    plus, minus = photonic_detection.homodyne_powers(field, 1e-4)
    torch.testing.assert_close(plus + minus, field**2 + 1e-4, rtol=1e-12, atol=0)
    current = photonic_detection.homodyne_current(field**2, 1e-4, 0.0, 1.0)
    torch.testing.assert_close(plus - minus, field.sign() * current, rtol=1e-12, atol=0)


def receiver(**values: Any) -> BalancedPhotodiode:
    params = load_spec("photonic_mzi", WORKED["photonic_mzi"]).detector
    return BalancedPhotodiode(params.model_copy(update=values), size())


def received(unit_input: float, signal: float = 0.0, batch: int = 400) -> Received:
    ones = torch.ones((batch, 64), dtype=torch.float64)
    return Received(
        signal=signal * ones,
        total=0.0 * ones[:, :1],
        unit_input=unit_input,
    )


def test_homodyne_current_of_the_worked_machine() -> None:
    """0.594 uW at a tile's port and 0.1 mW of local oscillator: 15.4 uA (hand calculation)."""
    assert float(receiver().unit_current(0.594e-6)) == pytest.approx(15.4e-6, rel=2e-3, abs=0)
    assert float(receiver().unit_current(torch.tensor(0.0))) == 0.0


@pytest.mark.parametrize("signal", [0.0, 3.0])
@pytest.mark.parametrize("source", ["shot_noise", "amplifier_noise"])
def test_noise_of_each_source_has_the_textbook_variance(source: str, signal: float) -> None:
    """Two tiles, so two pairs on one amplifier; the noise bandwidth is pi/2 times 1 GHz."""
    unit = 0.2e-6
    detector = receiver()
    generator = torch.Generator().manual_seed(3)
    drawn = detector.detect(received(unit, signal), generator, {f"detector.{source}"})
    scale = 2 * math.sqrt(1e-4 * unit)
    band = math.pi / 2 * 1e9
    light = 2 * 1e-4 + unit * signal**2 / 2  # two pairs share the field
    expected = {
        "shot_noise": 2 * constants.e * (light + 4 * 10e-9) * band,
        "amplifier_noise": 6.4e-12**2 * band,
    }[source]
    # 5 sigma of a variance from n draws: 5 sqrt(2 / n).
    n = drawn.numel()
    assert float(drawn.var()) * scale**2 == pytest.approx(expected, rel=5 * math.sqrt(2 / n), abs=0)
    assert float(drawn.mean()) == pytest.approx(signal, abs=5 * float(drawn.std()) / math.sqrt(n))


def test_noise_budget_of_the_worked_machine() -> None:
    """Shot 0.358 uA of four pairs and amplifier 0.202 uA in 1 GHz; here in pi/2 GHz."""
    detector = BalancedPhotodiode(
        load_spec("photonic_mzi", WORKED["photonic_mzi"]).detector, size(tiles_in=4)
    )
    unit = 1e-9
    for source, figure in (("shot_noise", 0.358e-6), ("amplifier_noise", 0.202e-6)):
        generator = torch.Generator().manual_seed(1)
        drawn = detector.detect(received(unit), generator, {f"detector.{source}"})
        current = float(drawn.std() * detector.unit_current(unit)) / math.sqrt(math.pi / 2)
        # 5 sigma of a standard deviation, and three digits of the reference.
        tolerance = 5 / math.sqrt(2 * drawn.numel()) + 2e-3
        assert current == pytest.approx(figure, rel=tolerance, abs=0)


def test_a_strong_local_oscillator_saturates_the_pair() -> None:
    on = {"detector.saturation"}
    # Small signals see the slope 1 / (1 + P / P_sat)^2 at half of the local oscillator.
    small = receiver().detect(received(1e-9, 1.0, 1), None, on)
    assert float(small[0, 0]) == pytest.approx((1 + 0.05e-3 / 5e-3) ** -2, rel=1e-4, abs=0)
    exact = receiver().detect(received(1e-9, 1.0, 1), None, NONE)
    assert float(exact[0, 0]) == 1.0
    never = receiver(saturation_power=1e9).detect(received(1e-6, 2.0, 1), None, on)
    assert float(never[0, 0]) == pytest.approx(2.0, rel=1e-9, abs=0)


def test_gradient_of_a_saturated_receiver_matches_finite_differences() -> None:
    detector = receiver(saturation_power=0.2e-3)

    def detect(signal: torch.Tensor) -> torch.Tensor:
        fresh = Received(signal, 0.0 * signal[:, :1], 1e-6)
        return detector.detect(fresh, None, {"detector.saturation"})

    signal = torch.linspace(-2, 2, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(detect, signal)


def test_every_pair_has_its_local_oscillator() -> None:
    assert receiver().static_power() == pytest.approx(
        64 * 3e-3 + 128 * 0.1e-3 / 0.2, rel=1e-12, abs=0
    )
    without = load_spec("photonic_mrr", WORKED["photonic_mrr"]).detector
    assert BalancedPhotodiode(without, size()).static_power() == pytest.approx(
        64 * 3e-3, rel=1e-6, abs=0
    )


# numbers as state


@pytest.mark.parametrize(
    ("function", "f", "span"),
    [
        ("tanh", np.tanh, (-math.tanh(4), math.tanh(4))),
        ("relu", lambda a: np.maximum(a, 0), (0.0, 4.0)),
        ("clipped_relu", lambda a: np.clip(a, 0, 1), (0.0, 1.0)),
        ("linear", lambda a: np.clip(a, -1, 1), (-1.0, 1.0)),
        (
            "sigmoid",
            lambda a: 1 / (1 + np.exp(-a)),
            (1 / (1 + math.exp(4)), 1 / (1 + math.exp(-4))),
        ),
    ],
)
def test_a_table_is_the_function_within_the_range_of_its_converter(
    function: str, f: Any, span: tuple[float, float]
) -> None:
    activation = chip(("nonlinearity.function", function)).nonlinearity
    a = torch.linspace(-6, 6, 41, dtype=torch.float64)
    made = activation.activate(a, None, None, NONE).numpy()
    np.testing.assert_allclose(made, f(np.clip(a.numpy(), -4, 4)), atol=1e-15, rtol=0)
    assert activation.range == pytest.approx(span, rel=1e-12, abs=0)
    # An odd count of levels, zero among them: 254 steps over the range, and f is at most 1 steep.
    on = {"nonlinearity.quantization"}
    stepped = activation.activate(a, None, None, on).numpy()
    assert np.abs(stepped - made).max() <= 4 / 254 + 1e-12
    assert np.abs(stepped - made).max() > 0.0


def test_conversion_and_function_take_their_time_and_energy() -> None:
    c = chip()
    assert isinstance(c.nonlinearity, DigitalActivation)
    assert c.delays().activate_fs == 3_000_000
    assert c.nonlinearity.cost("activate") == pytest.approx(
        64 * (3.2e-12 + 0.5e-12), rel=1e-12, abs=0
    )
    assert chip(("nonlinearity.static_power", "1 mW")).nonlinearity.static_power() == 64e-3


def test_words_are_written_and_read_and_do_not_fade() -> None:
    c = chip(("memory.word_bytes", "2"), ("memory.hold_time", "1 ns"))
    assert isinstance(c.memory, Sram)
    assert c.memory.cost("hold") == pytest.approx(64 * 2 * 2 * 0.1e-12, rel=1e-12, abs=0)
    assert c.memory.static_power() == pytest.approx(64 * 2 * 16 * 1e-9, rel=1e-12, abs=0)
    assert c.memory.capacity == 16
    assert c.delays().hold_fs == 1_000_000
    state = torch.tensor([[0.3]], dtype=torch.float64)
    assert torch.equal(c.memory.hold(state, 1e9 * state, c.non_idealities), state)


def test_a_state_that_is_a_number_is_handed_over_as_it_is() -> None:
    readout = chip().readout
    state = torch.tensor([[0.123456789]], dtype=torch.float64)
    assert torch.equal(readout.read(state, (-1.0, 1.0), {"readout.quantization"}), state)
    assert readout.delay_fs("convert") == 1_000_000
    assert readout.cost("convert") == pytest.approx(64 * 0.1e-12, rel=1e-12, abs=0)


def test_a_digital_state_is_converted_in_every_step() -> None:
    delays = chip().delays()
    assert [stage.action for stage in delays.encode] == ["convert", "encode"]
    assert [stage.action for stage in delays.input] == ["map_input"]


@pytest.mark.parametrize("kind", ["front_end", "encoder", "switch", "nonlinearity", "memory"])
def test_actions_that_a_part_does_not_know_are_errors(kind: str) -> None:
    component = chip().components[kind]
    for view in (component.delay_fs, component.cost):
        with pytest.raises(KeyError):
            view("write")


# parts that do not fit


def problem(name: str, *overrides: tuple[str, str]) -> str:
    with pytest.raises(SpecError) as error:
        load_spec(name, list(overrides))
    return str(error.value)


def test_a_power_for_a_bank_of_fields_is_refused() -> None:
    text = problem("photonic_mzi", ("encoder.carrier", "power"))
    assert (
        "encoder.carrier: 'mzm' sends optical power; expected an optical field for weight_banks of "
        "kind 'mzi_mesh'" in text
    )


def machine(**parts: str) -> dict[str, Any]:
    """Return the coherent machine with whole parts of the ring machine."""
    tree = load_spec("photonic_mzi").to_tree()
    for part, name in parts.items():
        tree[part] = load_spec(name).to_tree()[part]
    return tree


def refused(tree: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as error:
        load_spec(tree)
    return str(error.value)


def test_a_receiver_of_powers_behind_a_bank_of_fields_is_refused() -> None:
    text = refused(machine(detector="photonic_mrr", encoder="photonic_mrr"))
    assert "encoder.kind: 'mrm' sends optical power; expected an optical field" in text
    assert (
        "detector.kind: 'balanced_photodiode' takes optical power as described here; expected an "
        "optical field for weight_banks of kind 'mzi_mesh'" in text
    )


def test_a_local_oscillator_without_its_laser_is_refused() -> None:
    tree = machine()
    del tree["detector"]["local_oscillator_efficiency"]
    assert "got one of local_oscillator_power and local_oscillator_efficiency" in refused(tree)


def test_lines_of_fields_without_a_switch_each_are_refused() -> None:
    text = problem("photonic_mzi", ("switch.count", "63"))
    assert "switch.count: 63 switch tree(s) for 64 lines; expected one for each line" in text


def test_analog_values_and_numbers_do_not_mix_without_a_converter() -> None:
    text = refused(machine(memory="photonic_mrr"))
    assert "memory.kind: 'sample_hold' keeps analog values; expected a memory of numbers" in text
    text = refused(machine(nonlinearity="photonic_mrr"))
    assert "memory.kind: 'sram' keeps numbers; expected a memory of analog values" in text
    assert "readout.kind: 'register' reads numbers; expected a converter such as 'adc'" in text


def test_lines_of_a_comb_have_a_part_of_their_noise_in_common() -> None:
    """Correlation of two lines is the common part; the noise of each stays what it was."""
    line = torch.ones((20_000, 4), dtype=torch.float64)
    for common in (0.0, 0.3, 1.0):
        spec = load_spec(
            "photonic_mrr",
            [("encoder.laser_rin", "-120 dB/Hz"), ("encoder.laser_common", str(common))],
        )
        encoder = Chip.nominal(spec, ReLaXNet()).encoder
        drawn = draw_intensity(line, encoder, 1e9, stream(0, "comb", "read"))
        assert drawn is not None
        found = torch.cov(drawn.T) / (1e-12 * 1e9)
        wanted = torch.full((4, 4), common).fill_diagonal_(1.0)
        assert torch.allclose(found, wanted.double(), rtol=0.0, atol=5 * math.sqrt(2 / 20_000))
    with pytest.raises(SpecError, match="laser_common of one shared laser"):
        load_spec("photonic_mzi", [("encoder.laser_common", "0.5")])
