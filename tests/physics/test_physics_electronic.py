"""Energies of conversion and of switching."""

from __future__ import annotations

import math

import pytest

from pnnsim.physics import electronic
from pnnsim.physics import photonic_detection as det


def test_converter_golden_energies() -> None:
    # 25 fJ/step at 7 and 5.5 and 11 effective bits; 14 fJ a code at 8 bits.
    assert electronic.converter_energy(25e-15, 7) == pytest.approx(3.2e-12, rel=1e-6, abs=0)
    assert electronic.converter_energy(25e-15, 5.5) == pytest.approx(1.131371e-12, rel=1e-6, abs=0)
    assert electronic.converter_energy(25e-15, 11) == pytest.approx(51.2e-12, rel=1e-6, abs=0)
    assert electronic.converter_energy(14e-15, 8) == pytest.approx(3.584e-12, rel=1e-6, abs=0)


def test_survey_regression() -> None:
    # 10**-11.324 = 4.74 pJ at 1 GHz and 7 bits; a bit more doubles it, a decade of rate adds 83 %.
    base = electronic.survey_converter_energy(1e9, 7)
    assert base == pytest.approx(4.742e-12, rel=1e-3, abs=0)
    assert electronic.survey_converter_energy(1e9, 8) / base == pytest.approx(2.0, rel=0.02, abs=0)
    assert electronic.survey_converter_energy(1e10, 7) / base == pytest.approx(
        10**0.262, rel=1e-6, abs=0
    )


def test_a_published_converter_lies_within_the_scatter_of_the_survey() -> None:
    # 8 b, 10 GS/s, 14 nm: 1.48 pJ and 16.5 fJ/step at 5 GHz Nyquist rate (ISSCC 2022).
    enob = math.log2(1.48e-12 / 16.5e-15)
    ratio = 1.48e-12 / electronic.survey_converter_energy(5e9, enob)
    assert abs(math.log10(ratio)) < 1.0


def test_quantization_snr() -> None:
    assert electronic.quantization_snr(8) == pytest.approx(6.02 * 8 + 1.76, abs=0.01)


def test_capacitor_and_charge() -> None:
    # 20 pF at 10 V: 2 nJ from the supply; 0.5 fF of overlap at 1 V on 10 fF: 50 mV.
    assert electronic.capacitor_energy(20e-12, 10.0) == pytest.approx(2e-9, rel=1e-6, abs=0)
    assert electronic.charge_injection(0.5e-15, 1.0, 10e-15) == pytest.approx(
        50e-3, rel=1e-6, abs=0
    )


def test_thermal_noise_of_the_sampling_capacitor_sets_its_size() -> None:
    # Eight bits over 0.5 V need kT/C below the quantizer's own noise.
    step = 0.5 / 256
    capacitance = 1.380649e-23 * 300 / (step**2 / 12)
    assert det.sampling_variance(capacitance, 300.0) == pytest.approx(step**2 / 12, rel=1e-6, abs=0)
