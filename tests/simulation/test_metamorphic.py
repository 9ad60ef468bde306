"""What must follow when a machine or its work is changed in a known way, for every machine.

Nothing is compared with a number: each test runs a machine twice, and says how the second run must
come out of the first.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from pnnsim.analysis.metrics import metrics_from
from pnnsim.inference.chip import Chip
from pnnsim.inference.predict import ideal_outputs
from pnnsim.mapping.delays import Delays
from pnnsim.mapping.prices import PriceTable
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.simulation.timing_pass import Timing, time_run
from pnnsim.specs.hardware import load_spec
from pnnsim.timing.arrivals import Arrivals, periodic
from pnnsim.timing.run import run_cores, run_fast, run_timing
from tests.inference.evaluated import evaluated
from tests.inference.test_agreement import random_inputs, random_parameters

SPECS = Path(__file__).parents[2] / "hardware_specs"
MACHINES = sorted(path.stem for path in SPECS.glob("*.yaml"))
#: Float64 sums in another order, of numbers of either size; relative alone.
ROUNDING = 1e-12
WAVES = 30


def network(**changes: Any) -> ReLaXNet:
    return ReLaXNet(**{"inputs": 6, "outputs": 3, "weight_sets": 2, "steps": 5, **changes})


@cache
def chip(machine: str, *changes: tuple[str, str]) -> Chip:
    return Chip.nominal(load_spec(machine, list(changes)), network())


def figures(timing: Timing, prices: PriceTable) -> dict[str, Any]:
    """Return the figures of a run at some prices."""
    return metrics_from(
        timing.run,
        prices,
        network=timing.chip.network,
        memory_capacity=timing.chip.memory.capacity,
        closed_form_fs=None,
    )


def longer(delays: Delays, factor: int) -> Delays:
    """Return delays of which every one is longer by a factor."""
    changed: dict[str, Any] = {}
    for name in Delays.__slots__:
        value = getattr(delays, name)
        if isinstance(value, int):
            changed[name] = factor * value
        else:
            changed[name] = tuple(replace(s, duration_fs=factor * s.duration_fs) for s in value)
    return Delays(**changed)


@pytest.mark.parametrize(
    ("run", "factor"),
    [pytest.param(run_timing, 2, id="exact"), pytest.param(run_fast, 7, id="fast")],
)
@pytest.mark.parametrize(("sets", "saturated"), [(2, True), (2, False), (3, True)])
@pytest.mark.parametrize("machine", MACHINES)
def test_delays_that_all_grow_alike_stretch_the_run(
    machine: str, sets: int, saturated: bool, factor: int, run: Any
) -> None:
    """Three sets on two banks are rewritten all the time."""
    work = Chip.nominal(load_spec(machine), network(weight_sets=sets)).work()
    slow = replace(work, delays=longer(work.delays, factor))
    pace = work.delays.mm_fs + work.delays.encode_fs
    came, late = Arrivals(WAVES), Arrivals(WAVES)
    if not saturated:
        came, late = (periodic(WAVES, k * pace * 1e-15) for k in (1, factor))
    first = run_cores(run, work, came, None).expand()
    second = run_cores(run, slow, late, None).expand()
    assert second.makespan_fs == factor * first.makespan_fs
    stretched = replace(
        first,
        start_fs=factor * first.start_fs,
        end_fs=factor * first.end_fs,
        arrival_fs=factor * first.arrival_fs,
        result_fs=factor * first.result_fs,
    )
    assert second.equals(stretched)


@pytest.mark.parametrize("machine", MACHINES)
def test_prices_that_all_grow_alike_multiply_every_energy_and_nothing_else(machine: str) -> None:
    timing = time_run(chip(machine), WAVES)
    plain = timing.prices
    dearer = replace(
        plain,
        dynamic={action: 3.7 * price for action, price in plain.dynamic.items()},
        static_w={part: 3.7 * power for part, power in plain.static_w.items()},
    )
    one, other = flat(figures(timing, plain)), flat(figures(timing, dearer))
    assert one.keys() == other.keys()
    grown = set()
    for key, value in one.items():
        factor = 1.0
        if re.search(r"energy|_j$|power_w|_w\.|^edp", key):
            factor = 3.7
        if "per_w" in key or "per_j" in key:
            factor = 1 / 3.7
        if isinstance(value, float) and factor != 1.0:
            grown.add(key)
            assert other[key] == pytest.approx(factor * value, rel=ROUNDING, abs=0), key
        else:
            assert other[key] == value, key
    assert any(key.startswith("energy_j") for key in grown)


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of a tree of figures by their dotted paths."""
    if isinstance(tree, dict):
        return {k: v for name, sub in tree.items() for k, v in flat(sub, f"{path}{name}.").items()}
    if isinstance(tree, list | tuple):
        return flat(dict(enumerate(tree)), path)
    return {path.rstrip("."): tree}


@pytest.mark.parametrize("machine", MACHINES)
def test_samples_in_another_order_have_their_outputs_in_that_order(machine: str) -> None:
    """A fabricated chip, nothing settled: each sample takes along what it met."""
    made = chip(machine).fabricate(3, 0)
    p, x = random_parameters(network()), random_inputs(network(), WAVES)
    accesses = time_run(made, WAVES).accesses
    order = torch.randperm(WAVES, generator=torch.Generator().manual_seed(0))
    active = made.non_idealities
    plain = evaluated(made, p, x, accesses, active)
    mixed = evaluated(made, p, x[order], accesses.select(order.numpy()), active)
    assert float(plain.std(dim=0).min()) > 1e-6
    # Samples that met the same are one matrix product, whose sums come in another order.
    np.testing.assert_allclose(mixed.numpy(), plain[order].numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_bank_that_nobody_needs_changes_only_what_switches_and_holds(machine: str) -> None:
    plain = chip(machine)
    more = plain.spec.weight_banks.count + plain.mapping.tiles
    spare = chip(machine, ("weight_banks.count", str(more)))
    assert (spare.mapping.used, spare.mapping.logical) == (2, plain.mapping.logical + 1)
    grown = {"switch", "weight_banks", "environment"}  # the cooler carries the heat of all banks
    for part, power in plain.prices().static_w.items():
        more_power = spare.prices().static_w[part]
        assert more_power >= power if part in grown else more_power == power, part
    for (part, action), price in plain.prices().dynamic.items():
        if part not in grown:
            assert spare.prices().dynamic[part, action] == price, (part, action)
    # A deeper switch loses light, but takes no longer; what is computed is the same.
    one, other = time_run(plain, WAVES), time_run(spare, WAVES)
    assert one.trace.equals(other.trace)
    p, x = random_parameters(network()), random_inputs(network(), WAVES)
    np.testing.assert_array_equal(ideal_outputs(plain, p, x), ideal_outputs(spare, p, x))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_part_that_is_on_and_does_nothing_costs_its_power_for_the_run(machine: str) -> None:
    timing = time_run(chip(machine), WAVES)
    power = timing.prices.static_w["environment"] + 1.0
    idle = replace(timing.prices, static_w={**timing.prices.static_w, "idle": power})
    one, other = (figures(timing, p)["energy_j"] for p in (timing.prices, idle))
    spent = power * timing.run.makespan_fs * 1e-15
    assert other["static_by_component"].pop("idle") == pytest.approx(spent, rel=ROUNDING, abs=0)
    assert other["dynamic"] == one["dynamic"]
    assert other["static_by_component"] == one["static_by_component"]
    assert other["static"] - one["static"] == pytest.approx(spent, rel=1e-9, abs=0)


PREFIXES = ["f", "p", "n", "u", "m", "", "k", "M", "G", "T"]
UNITS = ["Hz", "s", "m", "J", "W", "V", "A", "F", "Ohm", "ohm", "C"]
QUANTITY = re.compile(rf"^(-?[\d.]+(?:e-?\d+)?) ([{''.join(PREFIXES)}]?)({'|'.join(UNITS)})$")


def rewritten(value: Any, shift: int) -> Any:
    """Return a quantity with the prefix some places further; all else as it is."""
    if isinstance(value, dict):
        notes = {"range", "group", "drawn", "source"}
        return {k: rewritten(v, shift) for k, v in value.items() if k not in notes}
    found = QUANTITY.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    number, prefix, unit = found.groups()
    place = PREFIXES.index(prefix) + shift
    if not 0 <= place < len(PREFIXES):
        return value
    return f"{Decimal(number) * Decimal(1000) ** -shift:f} {PREFIXES[place]}{unit}"


def leaves(tree: Any) -> list[Any]:
    return list(flat(tree).values())


@pytest.mark.parametrize("shift", [-1, 2])
@pytest.mark.parametrize("machine", MACHINES)
def test_units_written_otherwise_describe_the_same_machine(machine: str, shift: int) -> None:
    tree = yaml.safe_load((SPECS / f"{machine}.yaml").read_text("utf-8"))
    other = rewritten(tree, shift)
    changed = sum(a != b for a, b in zip(leaves(rewritten(tree, 0)), leaves(other), strict=True))
    assert changed >= 15
    one, two = chip(machine), Chip.nominal(load_spec(other), network())
    assert one.delays() == two.delays()
    assert one.setup_age() == pytest.approx(two.setup_age(), rel=1e-15, abs=0)
    for name in ("dynamic", "static_w"):
        plain, same = getattr(one.prices(), name), getattr(two.prices(), name)
        assert plain.keys() == same.keys()
        for key, price in plain.items():
            # A few units in the last place: decimal prefixes are no powers of two.
            assert same[key] == pytest.approx(price, rel=2e-15, abs=0), key
    assert two.unit_input == pytest.approx(one.unit_input, rel=1e-14, abs=0)
