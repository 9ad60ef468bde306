"""Record what all shipped machines compute, bit by bit, and compare two records.

    python scripts/goldens.py record FILE     times, energies, outputs, trainings: one JSON file
    python scripts/goldens.py compare A B     every entry that differs; exit code 1 if any does
    python scripts/goldens.py timing FILE     times and counts alone: tests/goldens/timing.json

For changes that must not move a number: record before, record after, compare. Arrays stand in the
file as the SHA-256 of their bytes, so records of two processors or two versions of torch differ in
outputs, but never in times and counts. Those are whole numbers, the same on every machine, and
are kept in tests/goldens/timing.json. A change that moves one on purpose writes it anew.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pnnsim.errors import PnnsimError
from pnnsim.hil.bench import Bench
from pnnsim.hil.simulated import SimulatedBackend
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import outputs
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Labelled
from pnnsim.learning.rules import Settings, make_rule, train
from pnnsim.networks.parameters import ParameterSet, shapes
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.experiment_run import run
from pnnsim.simulation.simulate import simulate
from pnnsim.simulation.timing_pass import time_run
from pnnsim.specs.experiment import load_experiment
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.resolve import available_specs

#: Forms of a network that differ in what the schedule or the evaluator has to do.
NETWORKS: dict[str, dict[str, Any]] = {
    "relaxnet": {"weight_sets": 2, "steps": 12},
    "rnn": {"weight_sets": 1, "steps": 7},
    "dnn": {"weight_sets": 5, "steps": 5},
    "uneven": {"weight_sets": 3, "steps": 7, "hidden": 48, "inputs": 20, "outputs": 4},
    "residual": {"weight_sets": 2, "steps": 6, "residual": 0.5},
    "injection": {"weight_sets": 2, "steps": 6, "injection": "every", "residual": 0.25},
    "sequence": {"weight_sets": 3, "steps": 6, "order": "sequence"},
    "list": {"weight_sets": 3, "steps": 5, "order": (2, 0, 0, 1, 2)},
    "folded": {"weight_sets": 2, "steps": 3, "hidden": 72},
}

#: Changes of a machine that exercise the controller.
CONTROLS: dict[str, tuple[tuple[str, str], ...]] = {
    "plain": (),
    "block": (("control.block", "4"), ("memory.capacity", "8")),
    "prefetch": (("control.prefetch", "true"), ("weight_banks.count", "3")),
    "serial": (("control.overlap", "false"),),
    "cores": (("control.cores", "2"),),
}

SAMPLES = 9


def digest(array: Any) -> str:
    """Return the hash of an array's type, shape and bytes."""
    values = np.ascontiguousarray(array)
    head = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.sha256(head + values.tobytes()).hexdigest()[:16]


def flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings and lists with the way to each."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(f"{prefix}/{key}", inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from flat(f"{prefix}/{number}", inner)
    else:
        yield prefix, value


def parameters_of(network: ReLaXNet) -> ParameterSet:
    """Return random parameters of a network, always the same."""
    generator = torch.Generator().manual_seed(0)
    drawn = {
        name: torch.randn(shape, generator=generator, dtype=torch.float64) / 4
        for name, shape in shapes(network).items()
    }
    drawn["weight"] = (4 * drawn["weight"]).clamp(-1, 1)
    drawn["gain"] = 0.2 + 0.05 * drawn["gain"]
    return ParameterSet(network, **drawn)


def inputs_of(network: ReLaXNet, samples: int = SAMPLES) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random inputs and classes, always the same."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand((samples, network.inputs), generator=generator, dtype=torch.float64)
    return x, torch.randint(network.outputs, (samples,), generator=generator)


def machine_entries(machine: str, network_name: str, control: str) -> Iterator[tuple[str, Any]]:
    """Yield trace, metrics and outputs of a network on a machine; a refusal is an entry, too."""
    prefix = f"{machine}/{network_name}/{control}"
    try:
        spec = load_spec(machine, list(CONTROLS[control]))
        network = ReLaXNet(**NETWORKS[network_name])
        parameters, (x, y) = parameters_of(network), inputs_of(network)
        surrogate = Surrogate(network, spec, dtype=torch.float64)
        result = simulate(spec, parameters, x, y, seed=3, chips=1, any_machine=True)
    except PnnsimError as error:
        yield f"{prefix}/refused", type(error).__name__
        return
    trace = result.trace
    order = np.lexsort((trace.cause, trace.sample, trace.unit, trace.action, trace.end_fs))
    yield f"{prefix}/trace/units", [trace.units[unit] for unit in trace.unit[order]][:40]
    for column in ("action", "start_fs", "end_fs", "sample", "bank"):
        yield f"{prefix}/trace/{column}", digest(getattr(trace, column)[order])
    yield f"{prefix}/trace/weight_set", digest(trace.content[order])
    yield f"{prefix}/trace/results", digest(trace.result_fs)
    yield from flat(f"{prefix}/metrics", result.metrics)
    surrogate.load_parameter_set(parameters, any_machine=True)
    if control == "plain":
        yield f"{prefix}/surrogate", digest(surrogate(x).detach())
        chip = Chip.nominal(spec, network).fabricate(3, 0)
        yield f"{prefix}/chip", digest(outputs(chip, parameters, x, result.timing.accesses))


def timing_case(machine: str, network_name: str, control: str) -> dict[str, Any]:
    """Return the times and counts of a network on a machine, all of them whole numbers.

    Args:
        machine: Name of a shipped machine.
        network_name: One of `NETWORKS`.
        control: One of `CONTROLS`.

    Returns:
        Latency of the first sample, makespan and sum of all latencies [fs]; number and summed
        duration [fs] of the spans of each component; hash of starts and ends of all spans, in
        order. A network that the machine refuses has the name of the error instead.
    """
    try:
        spec = load_spec(machine, list(CONTROLS[control]))
        timing = time_run(Chip.nominal(spec, ReLaXNet(**NETWORKS[network_name])), SAMPLES)
    except PnnsimError as error:
        return {"refused": type(error).__name__}
    trace = timing.trace
    parts = np.array(trace.components())[trace.unit]
    order = np.lexsort((trace.start_fs, trace.end_fs))
    lengths = trace.end_fs - trace.start_fs
    return {
        "first_fs": int(trace.result_fs[0] - trace.arrival_fs[0]),
        "makespan_fs": trace.makespan_fs,
        "latencies_fs": int((trace.result_fs - trace.arrival_fs).sum()),
        "spans": {
            str(part): [int((parts == part).sum()), int(lengths[parts == part].sum())]
            for part in np.unique(parts)
        },
        "times": digest(np.stack([trace.start_fs[order], trace.end_fs[order]]).astype("<i8")),
    }


def timing_cases() -> Iterator[tuple[str, str, str]]:
    """Yield machine, network and control of every case of the timing file."""
    for machine in sorted(available_specs()):
        yield from ((machine, network, "plain") for network in NETWORKS)
        yield from ((machine, "dnn", control) for control in CONTROLS if control != "plain")


def training_entries() -> Iterator[tuple[str, Any]]:
    """Yield what two short trainings find, from the description to the metrics."""
    for machine, rule in (("photonic_mrr", "backprop"), ("spintronic_mtj", "hardware_aware")):
        changes = [("training.epochs", "1"), ("training.redraw", "4")]
        if rule == "backprop":
            changes.pop()
        experiment = load_experiment(machine, changes, rule=rule, chips=1, samples=40)
        metrics = {key: value for key, value in run(experiment).metrics.items() if key != "wall_s"}
        yield from flat(f"training/{machine}/{rule}", metrics)


def hil_entries() -> Iterator[tuple[str, Any]]:
    """Yield what one epoch through a simulated bench makes of the parameters."""
    network = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)
    spec = load_spec("photonic_mrr", [("weight_banks.rows", "8"), ("weight_banks.cols", "8")])
    x, y = inputs_of(network, 12)
    data = Labelled(x, y)
    for name in ("physics_aware", "dfa", "spsa", "local"):
        surrogate = Surrogate(network, spec, dtype=torch.float64)
        bench = Bench(SimulatedBackend(spec, network, seed=7), update_time=2e-3)
        settings = Settings(epochs=1, batch=5, learning_rate=1e-3)
        train(make_rule(name), bench, surrogate, data, settings)
        for tensor, value in surrogate.parameter_set().tensors().items():
            yield f"hil/{name}/{tensor}", digest(value)


def lrunet_entries() -> Iterator[tuple[str, Any]]:
    """Yield time, energy and outputs of a small LruNet."""
    from pnnsim import LruModule, LruNet

    network = LruNet(channels=2, side=8, classes=3, stem=8, repetitions=2)
    module = LruModule(network, seed=0).double().eval()
    generator = torch.Generator().manual_seed(2)
    images = torch.rand((4, 2, 8, 8), generator=generator, dtype=torch.float64)
    with torch.no_grad():
        module.classify.bias.fill_(2.0)  # so that the last relu lets numbers of either sign pass
    for machine, banks in (("photonic_mrr", "8"), ("spintronic_mtj", "28")):
        spec = load_spec(machine, [("weight_banks.count", banks)])
        surrogate = Surrogate(module.trained(), spec)
        surrogate.calibrate(images)
        result = simulate(spec, surrogate, images, [0, 1, 2, 0], seed=1, chips=1)
        yield from flat(f"lrunet/{machine}/metrics", result.metrics)
        yield f"lrunet/{machine}/surrogate", digest(surrogate(images).detach())
        chip = surrogate.chip.fabricate(1, 0)
        found = outputs(chip, surrogate.parameter_set(), images, result.timing.accesses)
        yield f"lrunet/{machine}/outputs", digest(found)


def entries() -> Iterator[tuple[str, Any]]:
    """Yield every entry of a record."""
    for machine in sorted(available_specs()):
        for network in NETWORKS:
            yield from machine_entries(machine, network, "plain")
        for control in CONTROLS:
            if control != "plain":
                yield from machine_entries(machine, "dnn", control)
    yield from training_entries()
    yield from hil_entries()
    yield from lrunet_entries()


def main(words: list[str]) -> int:
    """Record or compare, and return the exit code."""
    torch.set_num_threads(1)
    if len(words) == 2 and words[0] == "record":
        found = dict(entries())
        Path(words[1]).write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
        print(f"{len(found)} entries")
        return 0
    if len(words) == 2 and words[0] == "timing":
        cases = {"/".join(case): timing_case(*case) for case in timing_cases()}
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(cases[name])}" for name in cases)
        Path(words[1]).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(f"{len(cases)} cases")
        return 0
    if len(words) == 3 and words[0] == "compare":
        first, second = (json.loads(Path(name).read_text(encoding="utf-8")) for name in words[1:])
        keys = sorted({*first, *second})
        differing = [key for key in keys if first.get(key) != second.get(key)]
        for key in differing:
            print(f"{key}: {first.get(key)} -> {second.get(key)}")
        print(f"{len(differing)} of {len(keys)} entries differ")
        return int(bool(differing))
    print(__doc__)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
