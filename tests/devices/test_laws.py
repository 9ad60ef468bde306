"""Laws: published points lie around them, limits and scaling are those of physics, order of use."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from pnnsim.common.units import power_ratio
from pnnsim.devices.cooler_law import COOLER, ideal_performance
from pnnsim.devices.cooler_law import POINTS as PRACTICE
from pnnsim.devices.detectors.tia_laws import POINTS as AMPLIFIERS
from pnnsim.devices.detectors.tia_laws import TIA_ENERGY, TIA_NOISE, TIA_POWER
from pnnsim.devices.encoders.dac_law import DAC
from pnnsim.devices.encoders.dac_law import POINTS as DACS
from pnnsim.devices.laws import (
    ENOUGH_POINTS,
    Evaluation,
    Input,
    Law,
    LawEvaluationError,
    LawUse,
    by_law,
    laws_of,
)
from pnnsim.devices.memories.sram_law import POINTS as MEMORIES
from pnnsim.devices.memories.sram_law import SRAM_ENERGY, SRAM_LEAKAGE
from pnnsim.devices.quantities import Params
from pnnsim.devices.readouts.adc_law import ADC, ENOB, conversion_energy
from pnnsim.devices.readouts.link_law import LINK
from pnnsim.devices.readouts.link_law import POINTS as LINKS
from pnnsim.devices.weight_banks.ring_law import HEATERS, RING_TRIM, largest_of
from pnnsim.devices.weight_banks.ring_law import POINTS as TRIMS

LAWS = (
    ADC, ENOB, DAC, TIA_POWER, TIA_NOISE, TIA_ENERGY, RING_TRIM, COOLER, SRAM_ENERGY, SRAM_LEAKAGE,
    LINK,
)  # fmt: skip

#: Ring of the shipped machine: linewidth, free spectral range, channels, extent, thermal shift.
RING: dict[str, Any] = {
    "linewidth": 0.1e-9, "spectral_range": 18.2e-9, "channels": 32.0, "span": 1.6e-3,
    "thermal_shift": 75e-12, "efficiency": 0.36e-6, "walk": 1e-9, "headroom": 0.0,
    "policy": "aligned",
}  # fmt: skip
TIA: dict[str, float] = {"noise": 6.5e-12, "capacitance": 50e-15, "node": 28e-9}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_has_points_a_source_a_scatter_and_a_span(law: Law) -> None:
    assert law.points >= ENOUGH_POINTS
    assert len(law.source) > 20
    low, high = law.scatter
    assert 0.0 < low < 1.0 < high
    for item in law.inputs:
        assert item.low <= item.high
        if isinstance(item.default, float):
            assert item.within_span(item.default)


def _within(law: Law, published: float, expected: float) -> bool:
    low, high = law.scatter
    return low * expected <= published <= high * expected


def test_four_of_five_published_amplifiers_lie_around_the_law_of_power() -> None:
    found = [
        _within(TIA_POWER, p.power, TIA_POWER.function(p.bandwidth, 20e-12, 50e-15, p.node))
        for p in AMPLIFIERS
    ]
    assert sum(found) >= 0.8 * len(found), found
    logs = [
        math.log10(p.power / TIA_POWER.function(p.bandwidth, 20e-12, 50e-15, p.node))
        for p in AMPLIFIERS
    ]
    # 0.35 decades; the law is not biased against its points.
    assert np.std(logs) == pytest.approx(0.35, abs=0.03)
    assert abs(np.mean(logs)) < 0.1


def test_published_amplifiers_lie_around_the_law_of_noise() -> None:
    quiet = [(p.noise, TIA_NOISE.function(p.bandwidth)) for p in AMPLIFIERS if p.noise]
    assert sum(_within(TIA_NOISE, noise, law) for noise, law in quiet) >= 0.75 * len(quiet)


def test_an_amplifier_that_must_be_quieter_on_more_capacitance_takes_more_power() -> None:
    usual = TIA_POWER.function(5e9, **TIA)
    speed = (2e-3 + 0.96e-12 * 5e9) * 1.0
    # Transconductance for 6.5 pA/Hz^0.5 on 50 fF at 5 GHz, by hand: 0.485 mS at 10 per volt.
    assert usual - speed == pytest.approx(4.84e-5, rel=0.02, abs=0)
    extra = [TIA_POWER.function(5e9, n, c, 28e-9) - speed for n, c in ((3.25e-12, 50e-15),
             (6.5e-12, 100e-15))]  # fmt: skip
    assert extra == pytest.approx([4 * (usual - speed)] * 2, rel=1e-9, abs=0)


def test_an_amplifier_that_is_switched_off_pays_for_waking_and_settling() -> None:
    power = TIA_POWER.function(5e9, **TIA)
    wait = 2 * math.log(2.0**9) / (2 * math.pi * 5e9)
    assert TIA_ENERGY.function(5e9, bits=8.0, **TIA) == pytest.approx(
        power * wait, rel=1e-12, abs=0
    )


def test_the_law_of_adcs_meets_worked_points_of_the_survey() -> None:
    # Medians of the survey by class (ENOB, rate, node), from the survey's file.
    for enob, rate, node, energy in (
        (7.0, 1e9, 28e-9, 2.3e-12),
        (7.0, 10e9, 28e-9, 6.3e-12),
        (5.5, 0.1e9, 28e-9, 1.2e-12),
        (11.0, 1e6, 65e-9, 57e-12),
    ):
        assert _within(ADC, energy, conversion_energy(enob, rate, node)), (enob, rate)
    assert ADC.function(7.0, 1e9, 28e-9) * 2**7 == pytest.approx(
        conversion_energy(7.0, 1e9, 28e-9), rel=1e-12, abs=0
    )


def test_the_law_of_dacs_meets_single_parts_of_the_survey() -> None:
    # These are the best of their kinds; four of seven lie within the span of four in five parts.
    found = [_within(DAC, p.energy, DAC.function(p.bits, p.rate, p.node)) for p in DACS]
    assert sum(found) >= 4, found
    # The energy is nearly flat in resolution, not twice as much for each bit.
    assert DAC.function(9.0, 1e9, 28e-9) / DAC.function(8.0, 1e9, 28e-9) == pytest.approx(
        10**0.137, rel=1e-9, abs=0
    )


@pytest.mark.parametrize(("law", "usual", "name", "falls"), [
    (ADC, {"enob": 7.0, "rate": 1e9, "node": 28e-9}, "rate", False),
    (ADC, {"enob": 7.0, "rate": 1e9, "node": 28e-9}, "node", False),
    (DAC, {"bits": 8.0, "rate": 1e9, "node": 28e-9}, "bits", False),
    (DAC, {"bits": 8.0, "rate": 1e9, "node": 28e-9}, "rate", False),
    (TIA_POWER, {"bandwidth": 5e9, **TIA}, "bandwidth", False),
    (TIA_POWER, {"bandwidth": 5e9, **TIA}, "noise", True),
    (TIA_NOISE, {"bandwidth": 5e9}, "bandwidth", False),
    (RING_TRIM, RING, "channels", False),
    (RING_TRIM, RING, "span", False),
    (RING_TRIM, {**RING, "headroom": 1.0}, "headroom", False),
    (RING_TRIM, RING, "efficiency", True),
    (COOLER, {"heat": 1.0, "temperature": 300.0, "hot_side": 320.0}, "heat", False),
    (SRAM_ENERGY, {"capacity": 1024.0, "node": 22e-9}, "capacity", False),
    (SRAM_LEAKAGE, {"node": 22e-9}, "node", False),
    (ENOB, {"bits": 8.0}, "bits", False),
    (LINK, {"bits": 8.0, "reach": "board"}, "bits", False),
])  # fmt: skip
def test_a_price_moves_one_way_with_each_input(
    law: Law, usual: dict[str, Any], name: str, falls: bool
) -> None:
    steps = [law.function(**{**usual, name: factor * usual[name]}) for factor in (1.0, 1.5, 2.0)]
    ordered = sorted(steps, reverse=falls)
    assert steps == ordered
    assert len(set(steps)) == 3


def test_the_median_of_the_survey_is_the_law_of_adcs() -> None:
    survey = Path(__file__).parents[2] / "docs" / "data" / "adc_survey.csv"
    with survey.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    assert len(rows) == ADC.points
    logs = [
        math.log10(
            float(row["energy_j"])
            / conversion_energy(float(row["enob"]), float(row["rate_hz"]), float(row["node_m"]))
        )
        for row in rows
    ]
    assert abs(np.median(logs)) < 0.02
    low, high = np.quantile(logs, [0.1, 0.9])
    np.testing.assert_allclose(10 ** np.array([low, high]), ADC.scatter, rtol=0.05, atol=0)


def test_a_conversion_costs_more_with_every_effective_bit() -> None:
    energies = [conversion_energy(bits, 1e9, 28e-9) for bits in range(3, 13)]
    ratios = np.diff(np.log2(energies))
    # Walden's factor of 2 a bit.
    np.testing.assert_allclose(ratios, math.log2(10**0.314), rtol=1e-9, atol=0)
    assert 0.9 < ratios[0] < 1.1


def test_the_mean_trim_is_that_of_fabricated_rings() -> None:
    generator = np.random.default_rng(7)
    for spread in (0.2e-9, 0.4e-9, 0.8e-9):
        drawn = spread * generator.standard_normal((20000, 32))
        wanted = (drawn.max(axis=1, keepdims=True) - drawn).mean()
        found = RING_TRIM.function(**{**RING, "linewidth": 0.0, "span": 1e-2, "walk": spread})
        # Mean of 20000 chips: 0.4 % of the spread; Blom's formula is good to 0.5 %.
        assert found * 0.36e-6 == pytest.approx(wanted, rel=0.01, abs=0)


def test_a_ring_without_a_plan_is_moved_half_a_spectral_range() -> None:
    fixed = RING_TRIM.function(**{**RING, "policy": "fixed_channel", "linewidth": 0.0})
    assert fixed == pytest.approx(9.1e-9 / 0.36e-6, rel=1e-12, abs=0)  # 25 mW
    shifted = RING_TRIM.function(**{**RING, "policy": "any_channel", "linewidth": 0.0})
    aligned = RING_TRIM.function(**{**RING, "linewidth": 0.0})
    assert shifted - aligned == pytest.approx(0.5 * 18.2e-9 / 32 / 0.36e-6, rel=1e-9, abs=0)
    assert largest_of(1.0) == 0.0


def test_published_trim_powers_lie_between_the_best_and_the_worst_heater() -> None:
    efficiencies = [heater.efficiency for heater in HEATERS]
    best, worst = (
        RING_TRIM.function(**{**RING, "efficiency": e})
        for e in (max(efficiencies), min(efficiencies))
    )
    low, high = RING_TRIM.scatter
    assert all(low * best <= ring.power <= high * worst for ring in TRIMS)


def test_a_cooler_meets_product_practice_and_no_single_stage_reaches_every_sink() -> None:
    assert ideal_performance(300.0, 320.0) == pytest.approx(1.654, rel=1e-3, abs=0)
    # Products pump over 25 to 50 K: what they reach lies between the law at both ends.
    worst, best = (1.0 / COOLER.function(1.0, 300.0, hot) for hot in (350.0, 325.0))
    low, high = COOLER.scatter
    for product in PRACTICE:
        assert worst * low <= product.low < product.high <= best * high, product
    at_40 = COOLER.function(1.0, 300.0, 340.0)
    assert all(_within(COOLER, 1.0 / reached, at_40) for reached in (0.3, 0.5))
    assert COOLER.function(5.0, 320.0, 320.0) == 0.0
    assert COOLER.function(0.0, 300.0, 320.0) == 0.0
    with pytest.raises(ValueError, match="expected a nearer heat sink"):
        COOLER.function(1.0, 250.0, 350.0)


def test_published_memories_and_links_lie_around_their_laws() -> None:
    for memory in MEMORIES:
        assert _within(
            SRAM_ENERGY, memory.energy, SRAM_ENERGY.function(memory.capacity, memory.node)
        )
    for link in LINKS:
        assert _within(LINK, link.energy, LINK.function(1.0, link.reach)), link


def _double(of: float) -> float:
    return 2.0 * of


DOUBLE = Law(
    "double", "2 x", "a test of these laws only", 9, (0.5, 2.0), (Input("of", "x"),), _double
)


class ChainParams(Params):
    """Values of which each is twice the next one."""

    kind: Literal["chain"] = "chain"
    a: Annotated[float, by_law(DOUBLE, of="b")] = 1.0
    b: Annotated[float, by_law(DOUBLE, of="half_c")] = 1.0
    c: Annotated[float, by_law(DOUBLE, of="other.a")] = 1.0

    @property
    def half_c(self) -> float:
        """Return half of c, by way of a method."""
        return self.part_of_c(2)

    def part_of_c(self, count: int) -> float:
        """Return a part of c."""
        return self.c / count


def _use(key: str, factor: float = 1.0) -> LawUse:
    return LawUse(laws_of(ChainParams, key)["double"], {"factor": factor}, {})


def test_laws_are_evaluated_in_the_order_in_which_they_need_each_other() -> None:
    sections = {"one": ChainParams(c=8.0), "other": ChainParams(a=3.0)}
    uses = {("one", key): _use(key) for key in "abc"}
    evaluation = Evaluation(sections, uses)
    # c = 2 other.a = 6, b = 2 c/2 = 6, a = 2 b = 12, asked for in any order.
    assert [evaluation.value("one", key) for key in "abc"] == [12.0, 6.0, 6.0]
    uses["one", "b"] = _use("b", factor=3.0)
    assert Evaluation(sections, uses).value("one", "a") == 36.0
    assert Evaluation(sections, uses, {"double": 2.0}).value("one", "c") == 12.0
    assert evaluation.arguments("one", "a") == {"of": 6.0, "factor": 1.0}


def test_a_law_that_needs_its_own_value_is_named_with_the_way_round() -> None:
    sections = {"one": ChainParams(), "other": ChainParams()}
    uses = {(name, key): _use(key) for name in sections for key in "abc"}
    with pytest.raises(LawEvaluationError, match=r"other\.a -> other\.b -> other\.c -> other\.a"):
        Evaluation(sections, uses).value("one", "a")


def test_heat_of_the_shipped_kinds_is_what_stands_on_the_chip() -> None:
    from pnnsim.specs.hardware import load_spec

    rings = load_spec("photonic_mrr")
    banks: Any = rings.weight_banks
    assert banks.package_heat == pytest.approx(2 * 64 * 64 * banks.hold_power, rel=1e-12, abs=0)
    assert rings.encoder.package_heat == pytest.approx(64 * (0.24e-3 + 1e-3), rel=1e-12, abs=0)
    mesh: Any = load_spec("photonic_mzi").weight_banks
    # Two meshes of 496 cells with two shifters each, 32 attenuators; 0.25 mW a shifter.
    assert mesh.shifters == 2 * 2 * 496 + 32
    assert mesh.package_heat == pytest.approx(8 * 2016 * 0.25e-3, rel=1e-9, abs=0)
    loop: Any = load_spec("fiber_loop").encoder
    assert loop.package_heat == pytest.approx(64 * 10e-3 * power_ratio(-3.0), rel=1e-12, abs=0)


def test_reading_the_weights_of_a_map_is_priced_by_the_size_of_their_memory() -> None:
    from pnnsim.inference.chip import Chip
    from pnnsim.networks.relaxnet import ReLaXNet
    from pnnsim.specs.hardware import load_spec

    def energy(*changes: tuple[str, str]) -> float:
        chip = Chip.nominal(load_spec("spintronic_mtj", changes), ReLaXNet(inputs=64, hidden=64))
        return chip.front_end.cost("map_input")

    free = energy(("front_end.weight_energy", "0 J"))
    usual = energy()
    # 4096 weights of 0.356 pJ: 8 KiB at 28 nm.
    assert usual - free == pytest.approx(
        4096 * SRAM_ENERGY.function(8192.0, 28e-9), rel=1e-9, abs=0
    )
    assert usual - free == pytest.approx(1.46e-9, rel=0.01, abs=0)
    larger = energy(("front_end.weight_memory", "81920")) - free
    assert larger == pytest.approx(10**0.51 * (usual - free), rel=1e-9, abs=0)
