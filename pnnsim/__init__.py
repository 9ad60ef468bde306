"""Simulate photonic and spintronic neural networks: accuracy, latency and energy from one run.

    spec = pnnsim.load_spec("photonic_mrr")
    net = pnnsim.ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
    twin = pnnsim.Surrogate(net, spec)
    result = pnnsim.simulate(spec, twin.parameter_set(), x, y, seed=0)

Public names are loaded when they are first used, so that a command which needs no torch does not
wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnnsim.chip import Chip
    from pnnsim.errors import PnnsimError, SpecError
    from pnnsim.experiment import Experiment, load_experiment
    from pnnsim.network import ReLaXNet
    from pnnsim.networks.from_onnx import from_onnx
    from pnnsim.networks.from_torch import from_torch
    from pnnsim.parameters import ParameterSet, load_parameters
    from pnnsim.registry import register
    from pnnsim.simulator import Result, simulate
    from pnnsim.spec import HardwareSpec, load_spec
    from pnnsim.spec_source import available_specs
    from pnnsim.surrogate import Surrogate
    from pnnsim.trace import Trace

_HOME = {
    "Chip": "chip",
    "Experiment": "experiment",
    "HardwareSpec": "spec",
    "ParameterSet": "parameters",
    "PnnsimError": "errors",
    "ReLaXNet": "network",
    "Result": "simulator",
    "SpecError": "errors",
    "Surrogate": "surrogate",
    "Trace": "trace",
    "available_specs": "spec_source",
    "from_onnx": "networks.from_onnx",
    "from_torch": "networks.from_torch",
    "load_experiment": "experiment",
    "load_parameters": "parameters",
    "load_spec": "spec",
    "register": "registry",
    "simulate": "simulator",
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
