"""Simulate photonic and spintronic neural networks: accuracy, latency and energy from one run.

    spec = pnnsim.load_spec("photonic_mrr")
    net = pnnsim.ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
    surrogate = pnnsim.Surrogate(net, spec)
    result = pnnsim.simulate(spec, surrogate.parameter_set(), x, y, seed=0)

Public names are loaded when they are first used, so that a command which needs no torch does not
wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnnsim.devices.registry import register
    from pnnsim.errors import PnnsimError, SpecError
    from pnnsim.inference.chip import Chip
    from pnnsim.inference.surrogate import Surrogate
    from pnnsim.networks.from_onnx import from_onnx
    from pnnsim.networks.from_torch import from_torch
    from pnnsim.networks.parameters import ParameterSet, load_parameters
    from pnnsim.networks.relaxnet import ReLaXNet
    from pnnsim.simulation.simulate import Result, simulate
    from pnnsim.specs.experiment import Experiment, load_experiment
    from pnnsim.specs.hardware import HardwareSpec, load_spec
    from pnnsim.specs.resolve import available_specs
    from pnnsim.timing.trace import Trace

_HOME = {
    "Chip": "inference.chip",
    "Experiment": "specs.experiment",
    "HardwareSpec": "specs.hardware",
    "ParameterSet": "networks.parameters",
    "PnnsimError": "errors",
    "ReLaXNet": "networks.relaxnet",
    "Result": "simulation.simulate",
    "SpecError": "errors",
    "Surrogate": "inference.surrogate",
    "Trace": "timing.trace",
    "available_specs": "specs.resolve",
    "from_onnx": "networks.from_onnx",
    "from_torch": "networks.from_torch",
    "load_experiment": "specs.experiment",
    "load_parameters": "networks.parameters",
    "load_spec": "specs.hardware",
    "register": "devices.registry",
    "simulate": "simulation.simulate",
}

__all__ = [
    "Chip",
    "Experiment",
    "HardwareSpec",
    "ParameterSet",
    "PnnsimError",
    "ReLaXNet",
    "Result",
    "SpecError",
    "Surrogate",
    "Trace",
    "available_specs",
    "from_onnx",
    "from_torch",
    "load_experiment",
    "load_parameters",
    "load_spec",
    "register",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pnnsim' has no attribute '{name}'")
    return getattr(import_module(f"pnnsim.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
