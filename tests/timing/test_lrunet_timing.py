"""An LruNet on the banks of a machine: how often tiles are met and written, and what waits."""

from __future__ import annotations

from functools import cache

import pytest

from pnnsim.inference.chip import Chip
from pnnsim.networks.lrunet import LruNet
from pnnsim.networks.workload import Mvm
from pnnsim.simulation.timing_pass import Timing, time_run, timing_metrics
from pnnsim.specs.hardware import load_spec

NETWORK = LruNet(channels=1, side=8, stem=8, repetitions=3)

#: Published network, and the tiles of each convolution on banks of 64 x 64 by hand.
PUBLISHED = LruNet(classes=70)
TILES = {
    "stem": 1,  # 27 lines
    "stage1.depthwise": 10,  # 7 channels of 9 taps a tile
    "stage1.pointwise": 2,  # 4 groups of 16 lines
    "stage3.pointwise": 8,  # a group fills 64 lines
    "stage4.depthwise": 74,  # 512 channels, 7 a tile
    "stage4.pointwise": 16,  # two tiles a group
    "head.reduce": 8,  # a group of 64 lines, 32 outputs
    "head.classify": 8,  # 4 by 2
}


@cache
def timed(
    name: str,
    banks: int,
    changes: tuple[tuple[str, str], ...] = (),
    *,
    images: int = 1,
    shared: bool = True,
) -> Timing:
    """Return the timing pass of some images."""
    spec = load_spec(name, [("weight_banks.count", str(banks)), *changes])
    network = NETWORK.model_copy(update={"shared": shared})
    return time_run(Chip.nominal(spec, network), images, exact=True)


def writes(name: str, banks: int, *, shared: bool = True) -> int:
    """Return the banks that are written for an image that follows another."""
    one, two = (timed(name, banks, images=n, shared=shared) for n in (1, 2))
    return len(two.trace.rows("write")) - len(one.trace.rows("write"))


def test_tiles_are_those_counted_by_hand() -> None:
    chip = Chip.nominal(load_spec("photonic_pcm", [("weight_banks.count", "2")]), PUBLISHED)
    names = [conv.name for conv in PUBLISHED.convolutions()]
    found = {name: len(chip.mapping.folds_of(number)) for number, name in enumerate(names)}
    assert {name: found[name] for name in TILES} == TILES
    assert len(chip.mapping.contents) == sum(found.values())
    assert chip.mapping.most_tiles == max(found.values()) == TILES["stage4.depthwise"]
    # More banks would not multiply a matrix of groups at once.
    assert not any("one after the other" in text for text in chip.warnings(chip.work()))


def test_every_vector_meets_every_tile_of_its_convolution_once() -> None:
    timing = timed("photonic_mrr", 8, images=2)
    trace, workload = timing.trace, timing.chip.network.workload
    uses = [number for number, step in enumerate(workload.steps) if isinstance(step, Mvm)]
    patches = [workload.vectors(number) for number in uses]
    products = timing.work.products
    assert [p.vectors for p in products] == [patches[p.step] for p in products]
    # Each row of the trace is the whole train of the vectors of an image.
    rows = trace.rows("mvm")
    for image in (0, 1):
        mine = rows[trace.sample[rows] == image]
        assert trace.step[mine].tolist() == [p.step for p in products]
        assert trace.content[mine].tolist() == [p.content for p in products]


CASES: list[tuple[str, int, tuple[tuple[str, str], ...]]] = [
    ("photonic_mrr", 2, ()),
    ("photonic_mrr", 8, (("control.overlap", "false"),)),
    ("spintronic_mtj", 12, ()),
    ("photonic_pcm", 30, (("readout.conversion_time", "30 ns"),)),
    ("photonic_mzi", 50, ()),
    ("freespace_dmd", 5, ()),
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("name", "banks", "changes"), CASES)
def test_an_image_takes_the_time_of_the_closed_form(
    name: str, banks: int, changes: tuple[tuple[str, str], ...], shared: bool
) -> None:
    figures = timing_metrics(timed(name, banks, changes, shared=shared))
    assert figures["closed_form"]["applies"]
    expected = figures["latency_s"]["first"]
    assert figures["closed_form"]["latency_s"] == pytest.approx(expected, rel=1e-12, abs=0)


def test_no_convolution_begins_before_the_one_ahead_is_whole() -> None:
    timing = timed("spintronic_mtj", 8)
    trace = timing.trace
    encodes, engine = trace.rows("encode"), trace.rows("compute")
    last = timing.work.products[-1].step
    for step in range(last):
        ended = trace.end_fs[engine[trace.step[engine] == step]].max()
        converted = trace.end_fs[trace.step == step].max()
        assert trace.start_fs[encodes[trace.step[encodes] == step + 1]].min() >= ended >= converted


def test_the_digital_engine_is_paid_for_each_operation() -> None:
    """One for each number that is scaled and added to its sum, and those of the workload.

    Gains and shifts of batch norms are read from its memory, a byte each.
    """
    timing = timed("photonic_mrr", 8)
    figures, chip = timing_metrics(timing), timing.chip
    rows = {conv.name: conv.outputs * conv.patches for conv in NETWORK.convolutions()}
    counted = {conv.name: conv.repetitions for conv in NETWORK.convolutions()}
    # On banks of 64 lines no sum is of several tiles here.
    sums = sum(rows[name] * counted[name] for name in rows)
    by_action = figures["energy_j"]["by_action"]
    engine = chip.front_end
    operations = sums + chip.network.workload.operations
    expected = operations * engine.operation_energy
    expected += NETWORK.parameter_counts()["batch_norm"] * engine.weight_energy
    expected += chip.passage.moved * engine.buffer_energy
    found = sum(by_action.get(name, 0.0) for name in ("map_input", "compute", "map_output"))
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


def test_shared_tiles_are_written_less_often_than_copies() -> None:
    """With banks for all tiles nothing is written; with fewer, a stage stays over repetitions."""
    tiles, copies = (
        len(timed("photonic_mrr", 2, shared=shared).chip.mapping.contents)
        for shared in (True, False)
    )
    once = NETWORK.model_copy(update={"repetitions": 1})
    chip = Chip.nominal(load_spec("photonic_mrr"), once)
    names = [conv.name for conv in once.convolutions()]
    each = {name: len(chip.mapping.folds_of(number)) for number, name in enumerate(names)}
    ends = sum(each[name] for name in ("stem", "head.reduce", "head.classify"))
    assert copies - ends == 3 * (tiles - ends)
    assert writes("photonic_mrr", tiles) == 0
    assert writes("photonic_mrr", copies, shared=False) == 0
    largest = sum(
        max(each[f"stage{stage}.{kind}"] for stage in (1, 2, 3, 4))
        for kind in ("depthwise", "pointwise")
    )
    # Each tile of a stage at most twice: for this image, and once more where stages change over.
    assert 0 < writes("photonic_mrr", largest) < 2 * tiles
    assert writes("photonic_mrr", largest, shared=False) >= copies - largest
    few, many = (timed("photonic_mrr", largest, shared=shared) for shared in (True, False))
    assert few.trace.makespan_fs < many.trace.makespan_fs


def test_images_of_a_block_share_the_writes() -> None:
    block = (("control.block", "3"), ("memory.capacity", "3"))
    # Where images come one by one, each has writes of its own.
    alone = timed("spintronic_mtj", 4, images=3)
    together = timed("spintronic_mtj", 4, block, images=3)
    assert len(together.trace.rows("write")) < len(alone.trace.rows("write")) / 2
    energy = [timing_metrics(timing)["energy_j"]["per_inference"] for timing in (alone, together)]
    assert energy[1] < energy[0]
