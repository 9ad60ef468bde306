"""Draw machines whose values are each allowed but extreme together, and see what becomes of them.

By hand, for more of them than the suite runs:

    python -m tests.simulation.extreme_machines 2000
"""

from __future__ import annotations

import math
import random
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import torch

from pnnsim.analysis.energy import power_trace
from pnnsim.common.forms import Form, forms_of
from pnnsim.common.units import DIMENSIONS, format_quantity
from pnnsim.errors import PnnsimError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.simulate import chip_outputs, simulate
from pnnsim.simulation.timing_pass import time_run, timing_metrics
from pnnsim.specs.hardware import HardwareSpec, load_spec
from pnnsim.specs.resolve import available_specs

#: Sections of a description that are parts or conditions of the machine.
SECTIONS = (
    "front_end", "encoder", "switch", "weight_banks", "detector", "nonlinearity", "memory",
    "readout", "environment", "control",
)  # fmt: skip

#: Largest whole number that is drawn, and cells of all banks together.
MOST, CELLS = 2000, 20_000

#: What fixes how much there is to compute.
SMALL_SIZES = {
    "weight_banks.rows": 12, "weight_banks.cols": 12, "weight_banks.devices": 8,
    "control.block": 4, "control.cores": 3, "weight_banks.calibration_rounds": 50,
}  # fmt: skip


@dataclass(frozen=True)
class Extreme:
    """A shipped machine with some of its values redrawn, and a network for it.

    Args:
        name: Name of the shipped machine.
        changes: Key and text of each value that differs from it.
        network: What runs on it.
    """

    name: str
    changes: tuple[tuple[str, str], ...]
    network: ReLaXNet

    def spec(self) -> HardwareSpec:
        return load_spec(self.name, self.changes)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(available_specs()))


@cache
def _shipped(name: str) -> HardwareSpec:
    return load_spec(name)


def draw(seed: int) -> Extreme:
    """Return the machine of a seed."""
    chance = random.Random(seed)
    names = _names()
    name = names[seed % len(names)]
    spec = _shipped(name)
    size = chance.randint(1, 12)
    changes = {"weight_banks.rows": str(size), "weight_banks.cols": str(size)}
    share = chance.choice([0.03, 0.1, 0.3, 1.0])
    for section in SECTIONS:
        part = getattr(spec, section)
        for field in type(part).model_fields:
            key = f"{section}.{field}"
            # What is left out mostly goes with something else that is left out.
            rare = 0.1 if getattr(part, field) is None else 1.0
            if chance.random() > share * rare or field in ("kind", "carrier"):
                continue
            text = _text(chance, key, forms_of(type(part), field))
            if text is not None:
                changes[key] = text
    cells = int(changes["weight_banks.rows"]) * int(changes["weight_banks.cols"])
    if int(changes.get("weight_banks.count", "0")) * cells > CELLS:
        changes["weight_banks.count"] = str(CELLS // cells)
    network = ReLaXNet(
        inputs=5,
        hidden=chance.choice([size, chance.randint(1, 12)]),
        outputs=3,
        weight_sets=(sets := chance.randint(1, 3)),
        steps=chance.randint(sets, 4),
        residual=chance.choice([0.0, 0.0, 0.5]),
        injection=chance.choice(["first", "every"]),
        order="cycle",
    )
    return Extreme(name, tuple(changes.items()), network)


def _text(chance: random.Random, key: str, forms: tuple[Form, ...]) -> str | None:
    """Return a text that a field accepts; None where it has no scale to draw from."""
    form = chance.choice(forms)
    if get_origin(form.type) is Literal:
        return str(chance.choice(get_args(form.type)))
    if form.type is bool:
        return chance.choice(["true", "false"])
    if form.type not in (int, float):
        return None
    dimension = DIMENSIONS[form.dimension] if form.dimension else None
    least, most = (dimension.least, dimension.most) if dimension else (1e-12, 1e12)
    low = form.bounds.get("ge", form.bounds.get("gt", -most))
    high = form.bounds.get("le", form.bounds.get("lt", most))
    high = min(high, most, *([SMALL_SIZES.get(key, MOST)] if form.type is int else []))
    if form.type is int:
        first = max(1.0, low)
        number = round(first * (max(high, first) / first) ** chance.random())
        return str(0 if low <= 0 and chance.random() < 0.2 else number)
    if "ge" in form.bounds and chance.random() < 0.15:
        return _written(low, form)
    if "le" in form.bounds and chance.random() < 0.1:
        return _written(high, form)
    if low < 0 and (high <= 0 or chance.random() < 0.5):
        low, high, sign = max(-high, least), -low, -1.0
    else:
        low, sign = max(low, least), 1.0
    exponent = chance.uniform(math.log(low), math.log(min(high, most)))
    value = sign * math.exp(exponent)
    if "gt" in form.bounds:
        value = max(value, math.nextafter(form.bounds["gt"], math.inf))
    if "lt" in form.bounds:
        value = min(value, math.nextafter(form.bounds["lt"], -math.inf))
    return _written(value, form)


def _written(value: float, form: Form) -> str:
    return format_quantity(value, form.dimension) if form.dimension else repr(float(value))


def examine(case: Extreme) -> str:
    """Run a machine and return nothing, or why it was refused; raise where it is wrong.

    Raises:
        AssertionError: A figure is not finite, energies do not add up, both ways of timing differ,
            or a refusal names no field.
    """
    refused: PnnsimError | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            _run(case)
        except PnnsimError as error:
            refused = error
    if refused is None:
        return ""
    why = str(refused)
    named = any(f"{section}{end}" in why for section in SECTIONS for end in ".:")
    assert named, f"names no field: {why}"
    assert "internal" not in why, why
    return f"{type(refused).__name__}: {why}"


def _run(case: Extreme) -> None:
    spec = case.spec()
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((4, case.network.inputs), generator=generator)
    y = torch.zeros(len(x), dtype=torch.int64)
    surrogate = Surrogate(case.network, spec)
    outputs = surrogate(x)
    assert bool(torch.isfinite(outputs).all()), "outputs of the surrogate are not finite"
    torch.nn.functional.cross_entropy(outputs, y).backward()
    for name, parameter in surrogate.named_parameters():
        assert parameter.grad is None or bool(torch.isfinite(parameter.grad).all()), (
            f"the gradient of {name} is not finite"
        )
    result = simulate(spec, surrogate.parameter_set(), x, y, chips=1)
    _finite(result.metrics, "metrics")
    _reconcile(result.metrics, power_trace(result.timing.run, result.timing.prices).energy())
    chip = result.timing.chip
    answers = chip_outputs(chip.fabricate(0, 0), surrogate.parameter_set(), x, result.timing)
    assert bool(torch.isfinite(answers).all()), "outputs of a chip are not finite"
    fast, exact = (time_run(chip, 48, exact=way) for way in (False, True))
    assert fast.trace.equals(exact.trace), "fast and exact differ"
    one, other = (timing_metrics(found) for found in (fast, exact))
    _finite(one, "metrics")
    assert {**one, "events": 0} == {**other, "events": 0}, "metrics of fast and exact differ"


def _finite(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _finite(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            _finite(item, where)
    elif isinstance(value, float):
        assert math.isfinite(value), f"{where} is {value}"


def _reconcile(metrics: dict[str, Any], integral: float) -> None:
    energy = metrics["energy_j"]
    total = energy["total"]
    sums = [math.fsum(energy[name].values()) for name in ("by_component", "by_action")]
    for found in (*sums, energy["dynamic"] + energy["static"], integral):
        # Sums of some thousand floats, each rounded.
        assert math.isclose(found, total, rel_tol=1e-9, abs_tol=1e-200), f"{found} is not {total}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(first: int, count: int) -> None:
    """Examine machines and print each fault, each that is slow, and how many did what."""
    outcomes: Counter[str] = Counter()
    for seed in range(first, first + count):
        begin = time.process_time()
        try:
            found = examine(draw(seed)).partition(":")[0] or "ran"
        except Exception as error:  # every fault is shown, and the next machine is examined
            frames = traceback.extract_tb(error.__traceback__)
            place = [f for f in frames if "/pnnsim/" in f.filename or "/tests/" in f.filename][-1]
            found = f"FAULT {type(error).__name__} {Path(place.filename).name}:{place.lineno}"
            say(f"{seed} {found} {str(error)[:200]}")
        taken = time.process_time() - begin
        if taken > 3.0:
            say(f"{seed} took {taken:.1f} s")
        outcomes[found] += 1
    for found, number in outcomes.most_common():
        say(f"{number} {found}")


if __name__ == "__main__":
    main(int((*sys.argv, "0")[2]), int(sys.argv[1]))
