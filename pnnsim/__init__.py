"""Simulate photonic and spintronic neural networks: accuracy, latency and energy from one run.

    spec = pnnsim.load_spec("photonic_mrr")
    net = pnnsim.ReLaXNet(inputs=64, hidden=64, outputs=10, weight_sets=2, steps=12)
    digits = pnnsim.load_dataset("digits")
    surrogate = pnnsim.Surrogate(net, spec)
    pnnsim.fit(surrogate, digits.train, digits.validation, pnnsim.TrainingParams(epochs=40))
    result = pnnsim.simulate(spec, surrogate, digits.test.x, digits.test.y, seed=0)

The names of `__all__` are the public ones; a few packages have public names of their own
(`pnnsim.explore`, `pnnsim.hil`, `pnnsim.learning`, `pnnsim.learning.rules`, `pnnsim.testing`).
Nothing is computed here. A name is loaded when it is first used, and no import stands outside a
function, so that a command which needs no torch does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pnnsim.analysis.bands.band import bands
    from pnnsim.devices.fit.fit_device import fit_device
    from pnnsim.devices.registry import register
    from pnnsim.errors import PnnsimError, SpecError
    from pnnsim.inference.chip import Chip
    from pnnsim.inference.surrogate import Surrogate
    from pnnsim.learning.fit import fit
    from pnnsim.learning.load_dataset import load_dataset
    from pnnsim.learning.task_examples import Data
    from pnnsim.networks.lowering.from_onnx import from_onnx
    from pnnsim.networks.lowering.from_torch import from_torch
    from pnnsim.networks.lrunet import LruNet
    from pnnsim.networks.lrunet_module import LruModule
    from pnnsim.networks.mlp import Mlp
    from pnnsim.networks.parameters import ParameterSet, load_parameters
    from pnnsim.networks.relaxnet import ReLaXNet
    from pnnsim.networks.workload import Workload
    from pnnsim.simulation.experiment_run import compare, run
    from pnnsim.simulation.result import Result
    from pnnsim.simulation.simulate import simulate
    from pnnsim.simulation.timing_pass import time_run, timing_metrics
    from pnnsim.specs.experiment import Experiment, load_experiment
    from pnnsim.specs.hardware import HardwareSpec, load_spec
    from pnnsim.specs.resolve import available_specs
    from pnnsim.specs.settings import TaskParams, TrainingParams
    from pnnsim.timing.trace import Trace

#: Module of each public name, below pnnsim.
_HOME = {
    "Chip": "inference.chip",
    "Data": "learning.task_examples",
    "Experiment": "specs.experiment",
    "HardwareSpec": "specs.hardware",
    "LruModule": "networks.lrunet_module",
    "LruNet": "networks.lrunet",
    "Mlp": "networks.mlp",
    "ParameterSet": "networks.parameters",
    "PnnsimError": "errors",
    "ReLaXNet": "networks.relaxnet",
    "Result": "simulation.result",
    "SpecError": "errors",
    "Surrogate": "inference.surrogate",
    "TaskParams": "specs.settings",
    "Trace": "timing.trace",
    "TrainingParams": "specs.settings",
    "Workload": "networks.workload",
    "available_specs": "specs.resolve",
    "bands": "analysis.bands.band",
    "compare": "simulation.experiment_run",
    "fit": "learning.fit",
    "fit_device": "devices.fit.fit_device",
    "from_onnx": "networks.lowering.from_onnx",
    "from_torch": "networks.lowering.from_torch",
    "load_dataset": "learning.load_dataset",
    "load_experiment": "specs.experiment",
    "load_parameters": "networks.parameters",
    "load_spec": "specs.hardware",
    "register": "devices.registry",
    "run": "simulation.experiment_run",
    "simulate": "simulation.simulate",
    "time_run": "simulation.timing_pass",
    "timing_metrics": "simulation.timing_pass",
}

__all__ = [
    "Chip",
    "Data",
    "Experiment",
    "HardwareSpec",
    "LruModule",
    "LruNet",
    "Mlp",
    "ParameterSet",
    "PnnsimError",
    "ReLaXNet",
    "Result",
    "SpecError",
    "Surrogate",
    "TaskParams",
    "Trace",
    "TrainingParams",
    "Workload",
    "available_specs",
    "bands",
    "compare",
    "fit",
    "fit_device",
    "from_onnx",
    "from_torch",
    "load_dataset",
    "load_experiment",
    "load_parameters",
    "load_spec",
    "register",
    "run",
    "simulate",
    "time_run",
    "timing_metrics",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pnnsim' has no attribute '{name}'")
    return vars(import_module(f"pnnsim.{_HOME[name]}"))[name]


def __dir__() -> list[str]:
    return __all__
