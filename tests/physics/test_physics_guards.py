"""Every device equation refuses a value outside its domain, by name, instead of giving NaN."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pnnsim.physics.photonic_decomposition import decompose
from pnnsim.physics.photonic_thermal import apply_crosstalk, cancel_crosstalk

#: Equation -> arguments that divide, or stand under a root or in a logarithm.
POSITIVE = {
    "dynamics.time_constant_from_bandwidth": ["bandwidth"],
    "dynamics.power_law_drift": ["reference_time"],
    "electronic.survey_converter_energy": ["sample_rate"],
    "electronic.charge_injection": ["feedback_capacitance"],
    "phase_change.flicker_deviation": ["read_time"],
    "photonic_activation.modulator_phase": ["v_pi"],
    "photonic_activation.electro_optic_gain": ["v_pi"],
    "photonic_activation.absorber_transmission": ["saturation_power"],
    "photonic_calibration.heater_positions": ["column_pitch", "mode_pitch"],
    "photonic_detection.common_mode_gain": ["rejection"],
    "photonic_detection.sampling_variance": ["capacitance"],
    "photonic_detection.effective_bits": ["full_scale", "sigma"],
    "photonic_mesh.mesh_positions": ["column_pitch", "mode_pitch"],
    "photonic_modulation.ring_power": ["swing"],
    "photonic_ring_bus.coherent_bank_transmissions": ["fsr"],
    "photonic_ring_bus.ways_between": ["fsr"],
    "photonic_ring.free_spectral_range": ["group_index", "circumference"],
    "photonic_ring.bank_transmissions": ["fsr"],
    "photonic_switch.mirror_load_time": ["clock"],
    "photonic_thermal.shifter_power": ["time_constant"],
    "photonic_thermal.crosstalk_matrix": ["decay_length"],
    "photonic_thermal.spread_heat": ["pitch", "decay_length"],
    "photonic_thermal.weight_error": ["linewidth"],
    "spintronic.tmr_ratio": ["half_voltage", "temperature"],
    "spintronic.energy_barrier": ["thickness", "temperature"],
    "spintronic.thermal_stability": ["temperature"],
    "spintronic.oscillator_amplitude": ["threshold"],
    "spintronic.thermal_oscillator_amplitude": ["threshold", "thermal"],
    "spintronic.p_bit_probability": ["scale"],
    "spintronic_encoding.series_levels": ["tmr"],
    "spintronic_encoding.differential_weight": ["swing"],
}

#: Equation -> arguments that are shares of something.
FRACTION = {
    "dynamics.two_time_constant_residue": ["slow_fraction"],
    "photonic_activation.electro_optic_gain": ["tap_fraction"],
    "photonic_modulation.modulated_power": ["floor"],
    "photonic_modulation.blurred_mask": ["leak"],
    "photonic_switch.tree_transmission": ["cell_transmission"],
    "photonic_switch.tree_leak": ["cell_leak"],
    "photonic_switch.gate_transmission": ["splitter"],
}

#: A plain value of each type of argument. What is none of these is not looked at by a guard.
PLAIN: dict[str, Any] = {"float": 0.5, "int": 2, "Tensor": torch.full((2, 2), 0.5)}


def call(equation: str, argument: str, value: float) -> object:
    """Call an equation with plain values and one of another size."""
    module, name = equation.split(".")
    function: Callable[..., object] = getattr(
        importlib.import_module(f"pnnsim.physics.{module}"), name
    )
    given = {
        each.name: PLAIN.get(str(each.annotation))
        for each in inspect.signature(function).parameters.values()
    }
    assert argument in given
    kind = type(given[argument])
    return function(**given | {argument: kind(value) if kind is int else value})


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize(
    ("equation", "argument"), [(name, each) for name, some in POSITIVE.items() for each in some]
)
def test_what_must_be_positive_is_refused_at_zero_and_below(
    equation: str, argument: str, value: float
) -> None:
    where = equation.split(".")[1]
    with pytest.raises(ValueError, match=rf"^{where}: {argument}, got .*; expected a number above"):
        call(equation, argument, value)


@pytest.mark.parametrize("value", [-0.01, 1.01])
@pytest.mark.parametrize(
    ("equation", "argument"), [(name, each) for name, some in FRACTION.items() for each in some]
)
def test_what_must_be_a_share_is_refused_outside_zero_to_one(
    equation: str, argument: str, value: float
) -> None:
    where = equation.split(".")[1]
    with pytest.raises(ValueError, match=rf"^{where}: {argument}, got .*; expected a number from"):
        call(equation, argument, value)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 2, 3)])
def test_what_must_be_square_is_refused_in_any_other_shape(shape: tuple[int, ...]) -> None:
    other, vector = torch.ones(shape), torch.ones(3)
    for where, refused in (
        ("decompose: shape of unitary", lambda: decompose(other, "rectangular")),
        ("apply_crosstalk: shape of matrix", lambda: apply_crosstalk(vector, other)),
        ("cancel_crosstalk: shape of matrix", lambda: cancel_crosstalk(vector, other)),
    ):
        with pytest.raises(ValueError, match=rf"^{where}, got .*; expected `\(…, n, n\)`"):
            refused()
