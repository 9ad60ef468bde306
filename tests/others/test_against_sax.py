"""Rings and a bus of rings beside circuits of SAX, solved as networks of scattering parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.physics import photonic_ring

sax = pytest.importorskip("sax", reason="SAX is not installed: pip install sax")
jax = pytest.importorskip("jax", reason="SAX needs jax")

R, A = 0.98, 0.996
FSR = 9.1e-9


@pytest.fixture(autouse=True)
def _double_precision() -> Any:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def coupler(stays: float = R) -> Any:
    crosses = math.sqrt(1.0 - stays**2)
    return sax.reciprocal(
        {
            ("in0", "out0"): stays,
            ("in0", "out1"): 1j * crosses,
            ("in1", "out0"): 1j * crosses,
            ("in1", "out1"): stays,
        }
    )


def half_ring(phase: Any = 0.0, amplitude: float = A) -> Any:
    return sax.reciprocal({("in0", "out0"): amplitude**0.5 * jax.numpy.exp(0.5j * phase)})


def ring(**settings: Any) -> Any:
    """Return the scattering of an add-drop ring: in0 → out0 through, in0 → drop."""
    circuit, _ = sax.circuit(
        netlist={
            "instances": {"low": "coupler", "up": "coupler", "left": "half", "right": "half"},
            "connections": {
                "low,out1": "right,in0",
                "right,out0": "up,in1",
                "up,out1": "left,in0",
                "left,out0": "low,in1",
            },
            "ports": {"in0": "low,in0", "out0": "low,out0", "drop": "up,out0", "add": "up,in0"},
        },
        models={"coupler": coupler, "half": half_ring},
    )
    return circuit(**settings)


def test_an_add_drop_ring_is_the_same() -> None:
    phase = np.linspace(-math.pi, math.pi, 201)
    scattering = ring(left={"phase": phase}, right={"phase": phase})
    through, drop = photonic_ring.ring_transmission(torch.from_numpy(phase), R, R, A)
    theirs = [np.abs(np.asarray(scattering["in0", port])) ** 2 for port in ("out0", "drop")]
    np.testing.assert_allclose(through.numpy(), theirs[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(drop.numpy(), theirs[1], rtol=1e-9, atol=1e-12)


def test_a_bus_passes_what_a_cascade_of_rings_passes() -> None:
    """Through port of four rings on one bus: a cascade has no interference, as nothing returns."""
    random = np.random.default_rng(1)
    detuning = torch.from_numpy(random.uniform(0.0, 0.3e-9, (1, 4)))
    spacing = FSR / 4
    passed, _ = photonic_ring.bank_transmissions(detuning, spacing, FSR, R, A)
    for channel in range(4):
        whole = 1.0
        for j in range(4):
            offset = (channel - j) * spacing - float(detuning[0, j])
            phase = 2.0 * math.pi / FSR * offset
            scattering = ring(left={"phase": phase}, right={"phase": phase})
            whole *= abs(complex(np.asarray(scattering["in0", "out0"]))) ** 2
        assert float(passed[0, channel]) == pytest.approx(whole, rel=1e-9, abs=0)
